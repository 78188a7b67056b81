"""The commands that prepare poses: prior build, plot and check."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from keypointgan.commands.options import Joints, Overrides, Recipe, joint_map
from keypointgan.errors import ConfigError
from keypointgan.wording import counted

prior_app = typer.Typer(
    help="Build, draw and check the unpaired poses that training starts from.",
    no_args_is_help=True,
)


class Up(StrEnum):
    """The axis of 3D poses that points up."""

    y = "y"
    z = "z"


@prior_app.command()
def build(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Poses: .npz, .csv, DeepLabCut, SLEAP, COCO, NWB, BVH, AMC (its .asf beside it), "
            "several of a kind; or the folder of Simplified H3.6M."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .npz to write.")],
    skeleton: Annotated[
        str, typer.Option(help="A built-in skeleton or a YAML file; h36m32 for that folder.")
    ],
    joints: Joints = None,
    drop_incomplete: Annotated[
        bool, typer.Option("--drop-incomplete", help="Leave out poses with a missing point.")
    ] = False,
    least_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Points of trackers below this are missing.")
    ] = 0.0,
    up: Annotated[Up, typer.Option(help="The axis of 3D poses that points up.")] = Up.y,
    every: Annotated[
        int, typer.Option(min=1, help="Take every so many poses; 10 or so of motion capture.")
    ] = 1,
) -> None:
    """Write poses of readable files as a prior for a skeleton."""
    from keypointgan.commands.outputs import check_output
    from keypointgan.commands.prior import build_human36m_prior
    from keypointgan.data.prior_files import build_prior
    from keypointgan.skeletons import Skeleton

    check_output(output, suffixes=(".npz",), reads=sources)
    folders = [source for source in sources if source.is_dir()]
    if folders and len(sources) > 1:
        raise ConfigError(f"Expected files of poses, or one folder, got the folder '{folders[0]}'.")
    if folders:
        said = counted(build_human36m_prior(folders[0], output), "pose")
    else:
        built = build_prior(
            sources,
            output,
            Skeleton.load(skeleton),
            joint_map=joint_map(joints),
            drop_incomplete=drop_incomplete,
            least_confidence=least_confidence,
            up=up.value,
            every=every,
        )
        said = counted(built.poses, "pose")
        if built.incomplete:
            left_out = counted(built.incomplete, "incomplete one was", "incomplete ones were")
            said += f"; {left_out} left out"
    typer.echo(said, err=True)
    typer.echo(output)


@prior_app.command()
def plot(
    output: Annotated[Path, typer.Option("-o", "--output", help="The picture to write.")],
    recipe: Recipe = None,
    overrides: Overrides = None,
    count: Annotated[int, typer.Option(min=1, help="Poses to draw.")] = 25,
) -> None:
    """Draw poses of the prior, beside frames of the store that the settings name."""
    from keypointgan.commands.draw import PLOTS
    from keypointgan.commands.outputs import check_output
    from keypointgan.commands.prior import plot_beside_frames
    from keypointgan.recipe import load_config

    check_output(output, suffixes=PLOTS)
    typer.echo(plot_beside_frames(load_config(recipe, overrides or []), output, count=count))


@prior_app.command()
def check(
    recipe: Recipe = None,
    overrides: Overrides = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Draw what was compared; needs a store.")
    ] = None,
) -> None:
    """Say where the poses of the prior lie in the frame, and whether they fit the store's frames.

    With `data.store` set, size, place, orientation and coverage are compared with the objects in
    its frames, as its masks or motion before a still camera show them. No label is read.
    """
    from keypointgan.commands.draw import PLOTS
    from keypointgan.commands.outputs import check_output
    from keypointgan.commands.prior import compare_with_frames, describe_prior
    from keypointgan.recipe import load_config

    if output is not None:
        check_output(output, suffixes=PLOTS)
    config = load_config(recipe, overrides or [])
    lines = describe_prior(config)
    if config.data.store is not None or output is not None:
        lines += compare_with_frames(config, output)
    for line in lines:
        typer.echo(line)
    if output is not None:
        typer.echo(output)
