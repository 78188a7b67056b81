"""The command that prepares frames: ingest."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from keypointgan.commands.options import (
    PARTLY,
    Boxes,
    FollowSize,
    Margin,
    following,
    tell_skipped,
)
from keypointgan.errors import ConfigError
from keypointgan.wording import counted


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
    for note in summary.notes:
        typer.echo(f"look at {note}", err=True)
    tell_skipped(summary.skipped)
    typer.echo(f"{counted(summary.clips, 'clip')}, {counted(summary.frames, 'frame')}", err=True)
    typer.echo(output)
    if summary.skipped:
        raise typer.Exit(PARTLY)


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
