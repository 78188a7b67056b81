"""Files of poses drawn."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from keypointgan.data.video import probe, read_frames
from keypointgan.errors import ExportError
from keypointgan.inference.formats import load_poses
from keypointgan.inference.overlay import write_overlay
from keypointgan.inference.sheets import write_sheet
from keypointgan.inference.trajectories import plot_speed, plot_trajectories
from keypointgan.skeletons import Skeleton
from keypointgan.wording import counted


def draw_poses(
    source: Path,
    output: Path,
    *,
    kind: Literal["overlay", "sheet", "path", "speed"],
    video: Path | None = None,
    skeleton: str | None = None,
    joint_map: Mapping[str, str] | None = None,
    trail: int = 0,
    joint: str | None = None,
    fps: float | None = None,
) -> None:
    """Write a drawing of the poses in a file.

    Args:
        source: The file of poses.
        output: The video or picture to write.
        kind: An overlay on the video, a contact sheet, paths, or speed.
        video: The video that the poses were found in; needed for overlay and sheet.
        skeleton: Gives the joints and links; without it, what the file tells.
        joint_map: For joints that the file calls otherwise: skeleton's name -> file's name.
        trail: Frames back that a line on an overlay follows animals.
        joint: The joint whose path or speed is drawn; the middle of the body without.
        fps: Frames a second, where neither the file nor the video tells.

    Raises:
        DataError: The poses or the video cannot be read.
        ExportError: They do not belong together, or hold no point.
    """
    poses = load_poses(
        source,
        skeleton=Skeleton.load(skeleton) if skeleton else None,
        joint_map=joint_map,
        fps=fps,
    )
    if not any(np.isfinite(each.xy).any() for each in poses):
        frames = counted(max((len(each.xy) for each in poses), default=0), "frame")
        raise ExportError(f"{source}: expected points to draw, got {frames} without any.")
    if video is not None:
        info = probe(video)
        rate = info.fps or None
        poses = [
            replace(each, fps=each.fps or rate, size=(info.height, info.width)) for each in poses
        ]
    if kind == "speed":
        plot_speed(poses, output, joint=joint)
    elif kind == "path":
        background = None if video is None else next(iter(read_frames(video)))
        plot_trajectories(poses, output, joint=joint, background=background)
    elif kind == "sheet":
        assert video is not None  # the command has checked it
        write_sheet(poses, video, output)
    else:
        assert video is not None  # the command has checked it
        write_overlay(poses, video, output, trail=trail)
