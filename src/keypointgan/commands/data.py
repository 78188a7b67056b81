"""The commands that prepare data: ingest and prior."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from keypointgan.commands.options import (
    PARTLY,
    Boxes,
    FollowSize,
    Joints,
    Margin,
    Overrides,
    Recipe,
    following,
    joint_map,
    tell_skipped,
)
from keypointgan.errors import ConfigError

prior_app = typer.Typer(
    help="Build, draw and check the unpaired poses that training starts from.",
    no_args_is_help=True,
)


class Encoding(StrEnum):
    """How frames are kept."""

    jpeg = "jpeg"
    webp = "webp"
    raw = "raw"


def ingest(
    output: Annotated[Path, typer.Option("-o", "--output", help="The store's folder.")],
    sources: Annotated[
        list[str] | None, typer.Argument(help="Videos, folders, patterns; none for a benchmark.")
    ] = None,
    size: Annotated[int, typer.Option(min=16, help="Side of the square frames, pixels.")] = 128,
    encoding: Annotated[Encoding, typer.Option(help="raw is fastest and largest.")] = Encoding.jpeg,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG and WebP.")] = 90,
    crop: Annotated[
        str, typer.Option(help="centre, none (squeeze the frame), or x0,y0,x1,y1 in pixels.")
    ] = "centre",
    boxes: Boxes = None,
    margin: Margin = None,
    follow_size: FollowSize = False,
    masks: Annotated[
        str,
        typer.Option(
            help="auto (NAME.mask.mp4 where there is one), none, plate (what differs from the "
            "background of a still camera), or a name such as '{name}_mask.avi'."
        ),
    ] = "auto",
    jobs: Annotated[int, typer.Option(min=0, help="Videos read at once; 0: one a core.")] = 0,
    benchmark: Annotated[
        str | None, typer.Option(help="Read a public data set, with its labels, by its name.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="Its folder; by default NAME in KEYPOINTGAN_DATA.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="Part of that data set ('keypointgan benchmarks NAME').")
    ] = "train",
) -> None:
    """Turn videos, or a public data set, into a store of frames to train on.

    Videos that cannot be used are named and skipped; the exit code is then 3.
    """
    from keypointgan.commands.console import counting
    from keypointgan.data.benchmarks.registry import ingest_benchmark
    from keypointgan.data.ingest import ingest as ingest_sources
    from keypointgan.data.plans import MASK_PATTERN

    if (benchmark is None) == (not sources):
        raise ConfigError(
            "Expected either videos (keypointgan ingest videos/ -o STORE) or a data set "
            "(--benchmark NAME --root FOLDER), got "
            f"{'both' if benchmark else 'neither'}."
        )
    if boxes is not None and crop != "centre":
        raise ConfigError("Expected either --boxes or --crop, got both.")
    with counting("frames") as progress:
        if benchmark is not None:
            summary = ingest_benchmark(
                benchmark,
                root,
                output,
                split=split,
                size=size,
                encoding=encoding.value,
                quality=quality,
                progress=progress,
            )
        else:
            summary = ingest_sources(
                sources or [],
                output,
                size=size,
                encoding=encoding.value,
                quality=quality,
                crop=following(boxes, margin, follow_size=follow_size) or _crop(crop),
                masks={"auto": MASK_PATTERN, "none": None}.get(masks, masks),
                jobs=jobs,
                progress=progress,
            )
    tell_skipped(summary.skipped)
    typer.echo(f"{summary.clips} clips, {summary.frames} frames", err=True)
    typer.echo(output)
    if summary.skipped:
        raise typer.Exit(PARTLY)


@prior_app.command()
def build(
    source: Annotated[
        Path, typer.Argument(help="Poses: .npz, .csv or .slp; or the folder of Simplified H3.6M.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .npz to write.")],
    skeleton: Annotated[
        str, typer.Option(help="A built-in skeleton or a YAML file; h36m32 for that folder.")
    ],
    joints: Joints = None,
    drop_incomplete: Annotated[
        bool, typer.Option("--drop-incomplete", help="Leave out poses with a missing point.")
    ] = False,
) -> None:
    """Write poses of any readable file as a prior for a skeleton."""
    from keypointgan.commands.prior import build_human36m_prior
    from keypointgan.data.prior_files import build_prior
    from keypointgan.skeletons import Skeleton

    output.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        count = build_human36m_prior(source, output)
    else:
        count = build_prior(
            source,
            output,
            Skeleton.load(skeleton),
            joint_map=joint_map(joints),
            drop_incomplete=drop_incomplete,
        )
    typer.echo(f"{count} poses", err=True)
    typer.echo(output)


@prior_app.command()
def plot(
    output: Annotated[Path, typer.Option("-o", "--output", help="The picture to write.")],
    recipe: Recipe = None,
    overrides: Overrides = None,
    count: Annotated[int, typer.Option(min=1, help="Poses to draw.")] = 25,
) -> None:
    """Draw poses of the prior, beside frames of the store that the settings name."""
    from keypointgan.commands.prior import plot_beside_frames
    from keypointgan.recipe import load_config

    typer.echo(plot_beside_frames(load_config(recipe, overrides or []), output, count=count))


@prior_app.command()
def check(recipe: Recipe = None, overrides: Overrides = None) -> None:
    """Say where the poses of the prior lie in the frame, and what looks wrong."""
    from keypointgan.commands.prior import describe_prior
    from keypointgan.recipe import load_config

    typer.echo(describe_prior(load_config(recipe, overrides or [])))


def _crop(text: str) -> Literal["centre", "none"] | tuple[float, float, float, float]:
    if text == "centre":
        return "centre"
    if text == "none":
        return "none"
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"Expected a crop 'centre', 'none' or x0,y0,x1,y1 in pixels, got '{text}'."
        ) from None
    return x0, y0, x1, y1
