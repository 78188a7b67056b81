"""The commands that tell about the machine and what is built in, and convert."""

from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from keypointgan.commands.options import Joints, joint_map
from keypointgan.wording import counted

convert_app = typer.Typer(
    help="Read what other programs wrote, and write it for them.", no_args_is_help=True
)


class Smoothing(StrEnum):
    """How tracks are smoothed."""

    one_euro = "one-euro"
    savitzky_golay = "savitzky-golay"


@convert_app.command()
def release(
    folder: Annotated[Path, typer.Argument(help="With <iteration>_net_{G_A,G_B,regressor}.pth.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The checkpoint's folder.")],
    skeleton: Annotated[str, typer.Option(help="What the checkpoint detects.")] = "h36m32",
    size: Annotated[int, typer.Option(help="Side of the frames it was trained on.")] = 128,
) -> None:
    """Turn a checkpoint of the authors' release into one of ours."""
    from keypointgan.commands.release import convert_release

    typer.echo(convert_release(folder, output, skeleton=skeleton, size=size))


@convert_app.command()
def poses(
    source: Annotated[Path, typer.Argument(help="Poses: .csv, .npz, .slp, .h5, .json or .nwb.")],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="The file to write: one of these, or .dlc.csv for DeepLabCut."
        ),
    ],
    skeleton: Annotated[
        str | None, typer.Option(help="Its joints in its order: a built-in one or a YAML file.")
    ] = None,
    joints: Joints = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave joints that the file lacks empty.")
    ] = False,
    track: Annotated[
        list[str] | None, typer.Option(help="Take this animal only; repeat for more.")
    ] = None,
    video: Annotated[
        Path | None, typer.Option(help="Its video: tells the frame rate and the size.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.001, help="Frames a second, if nothing else tells.")
    ] = None,
    smooth: Annotated[
        Smoothing | None, typer.Option(help="Smooth the tracks; an .npz also keeps them raw.")
    ] = None,
) -> None:
    """Turn poses of DeepLabCut, SLEAP, COCO, NWB, csv or npz into another of these."""
    from keypointgan.commands.poses import convert_poses

    conversion = convert_poses(
        source,
        output,
        skeleton=skeleton,
        joint_map=joint_map(joints),
        partial=partial,
        tracks=track or (),
        video=video,
        fps=fps,
        smoothing=None if smooth is None else smooth.value,
    )
    for note in conversion.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(conversion.summary, err=True)
    typer.echo(output)


def skeletons(
    name: Annotated[str | None, typer.Argument(help="Describe this one only.")] = None,
) -> None:
    """List the built-in skeletons, or the joints and links of one."""
    from keypointgan.skeletons import Skeleton, list_skeletons

    if name is None:
        for known in list_skeletons():
            skeleton = Skeleton.load(known)
            typer.echo(f"{known:10} {skeleton.num_joints:3} joints  {skeleton.description}")
        return
    skeleton = Skeleton.load(name)
    typer.echo(f"{skeleton.name}: {skeleton.description}")
    for joint, side in zip(skeleton.joints, skeleton.joint_sides, strict=True):
        typer.echo(f"  {joint:20} {side}")
    typer.echo(f"{counted(len(skeleton.links), 'link')}:")
    for (start, stop), side in zip(skeleton.links, skeleton.link_sides, strict=True):
        ends = (" and ".join(skeleton.joints[joint] for joint in end) for end in (start, stop))
        typer.echo(f"  {' – '.join(ends)}  ({side})")
    if skeleton.source:
        typer.echo(skeleton.source)


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this one.")] = None,
) -> None:
    """List the built-in recipes, or print one."""
    from keypointgan.recipe import list_recipes, load_config

    folder = files("keypointgan") / "recipes"
    if name is not None:
        load_config(name)  # says what is wrong with the name
        typer.echo((folder / f"{name}.yaml").read_text(encoding="utf-8").rstrip())
        return
    for known in list_recipes():
        title = (folder / f"{known}.yaml").read_text(encoding="utf-8").partition("\n")[0]
        typer.echo(f"{known:22} {title.lstrip('# ')}")


def doctor(
    paths: Annotated[list[Path] | None, typer.Argument(help="Stores and runs to look at.")] = None,
) -> None:
    """Look at this machine, and at the stores and runs named: versions, codec, disk, health."""
    from keypointgan.commands.doctor import examine

    findings = examine(paths or [])
    for finding in findings:
        mark = {True: "ok", False: "problem", None: "-"}[finding.good]
        typer.echo(f"{mark:8} {finding.what}: {finding.found}")
    problems = sum(finding.good is False for finding in findings)
    if problems:
        typer.echo(f"{counted(problems, 'problem')} found", err=True)
        raise typer.Exit(1)
