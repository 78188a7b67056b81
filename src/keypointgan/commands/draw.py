"""The command that draws a file of poses: on its video, as a sheet, or as plots."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from keypointgan.commands.options import Joints, joint_map
from keypointgan.errors import ConfigError


class Kind(StrEnum):
    """What to draw."""

    overlay = "overlay"
    sheet = "sheet"
    path = "path"
    speed = "speed"


VIDEOS = {".mp4", ".mov", ".mkv"}
PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
PLOTS = (".png", ".jpg", ".jpeg", ".svg", ".pdf")


def draw(
    source: Annotated[Path, typer.Argument(help="Poses: .csv, .npz, .slp, .h5, .json or .nwb.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A video (.mp4) or a picture (.png, .svg, ...).")
    ],
    video: Annotated[
        Path | None, typer.Option(help="Their video; for overlay and sheet, and behind path.")
    ] = None,
    kind: Annotated[
        Kind | None,
        typer.Option(help="By default overlay for a video, sheet with --video, else path."),
    ] = None,
    skeleton: Annotated[
        str | None, typer.Option(help="Tells links and sides, where the file does not.")
    ] = None,
    joints: Joints = None,
    trail: Annotated[
        int, typer.Option(min=0, help="Frames back that a line on an overlay follows animals.")
    ] = 0,
    joint: Annotated[
        str | None, typer.Option(help="Joint of path and speed; the middle of the body without.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.001, help="Frames a second, where nothing else tells.")
    ] = None,
) -> None:
    """Draw poses: on their video, as a contact sheet, their paths or their speed."""
    chosen = kind or _kind_of(output, video)
    allowed = {Kind.overlay: VIDEOS, Kind.sheet: PICTURES}.get(chosen, set(PLOTS))
    if output.suffix.lower() not in allowed:
        raise ConfigError(
            f"Expected a file {', '.join(sorted(allowed))} for '{chosen.value}', got '{output}'."
        )
    if chosen in {Kind.overlay, Kind.sheet} and video is None:
        raise ConfigError(f"Expected --video for '{chosen.value}', got none.")
    if joints and skeleton is None:
        raise ConfigError("Expected --skeleton with --map, got none.")
    from keypointgan.commands.drawing import draw_poses
    from keypointgan.commands.outputs import check_output
    from keypointgan.data.whole_files import make_folder

    check_output(output, reads=[source] if video is None else [source, video])
    make_folder(output.parent)
    draw_poses(
        source,
        output,
        kind=chosen.value,
        video=video,
        skeleton=skeleton,
        joint_map=joint_map(joints),
        trail=trail,
        joint=joint,
        fps=fps,
    )
    typer.echo(output)


def _kind_of(output: Path, video: Path | None) -> Kind:
    if output.suffix.lower() in VIDEOS:
        return Kind.overlay
    return Kind.path if video is None else Kind.sheet
