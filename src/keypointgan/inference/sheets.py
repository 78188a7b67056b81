"""Contact sheets: several frames of a video with their poses in one picture."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from keypointgan.data.video import RGBFrame, read_frames
from keypointgan.data.whole_files import whole_file
from keypointgan.errors import ExportError
from keypointgan.inference.overlay import Drawing, draw_animals, frames_of
from keypointgan.inference.poses import Poses
from keypointgan.wording import counted

ZOOM = 1.4
"""Side of the squares of a contact sheet over the largest span of the animals in a frame."""


def draw_sheet(
    frames: Sequence[RGBFrame],
    poses: Poses | Sequence[Poses],
    *,
    columns: int = 4,
    scale: int = 1,
) -> Drawing:
    """One picture of several frames with their poses, row by row, for reports.

    Args:
        frames: Frames of one size.
        poses: The poses of these frames, or those of each of several animals.
        columns: Frames in a row.
        scale: As in `draw_pose`.

    Raises:
        ExportError: There are no frames, or not as many as poses.
    """
    every = [poses] if isinstance(poses, Poses) else list(poses)
    if not frames or any(len(frames) != len(animal) for animal in every):
        raise ExportError(
            f"Expected a frame for each of {counted(len(every[0]), 'pose')}, got {len(frames)}."
        )
    drawn = [draw_animals(frame, every, number, scale=scale) for number, frame in enumerate(frames)]
    columns = min(columns, len(drawn))
    drawn += [np.full_like(drawn[0], 255)] * (-len(drawn) % columns)
    rows = [np.concatenate(drawn[i : i + columns], axis=1) for i in range(0, len(drawn), columns)]
    return np.concatenate(rows)


def write_sheet(
    poses: Poses | Sequence[Poses],
    video: str | Path,
    output: str | Path,
    *,
    count: int = 12,
    columns: int = 4,
    width: int = 1600,
) -> None:
    """Write a contact sheet: evenly spread frames of the video with their poses.

    Args:
        poses: The poses of all frames of the video, or those of each of several animals.
        video: The video, or the folder of images, that they were found in.
        output: The picture to write.
        count: How many frames to show.
        columns: Frames in a row.
        width: About how wide the picture is, in pixels.

    Raises:
        ExportError: The video has no frames, or fewer than there are poses, or the picture cannot
            be written.
        VideoError: The video cannot be read.
    """
    every = [poses] if isinstance(poses, Poses) else list(poses)
    numbers = np.unique(np.linspace(0, len(every[0]) - 1, min(count, len(every[0]))).astype(int))
    wanted = set(numbers.tolist())
    found = [frame for number, frame in enumerate(read_frames(video)) if number in wanted]
    if not found or len(found) != len(numbers):
        raise ExportError(
            f"{video}: expected a frame for each of {counted(len(every[0]), 'pose')}, got fewer. "
            "Are they of another video?"
        )
    picked = [frames_of(animal, numbers) for animal in every]
    frames, picked = _zoomed(found, picked)
    scale = max(1, round(width / columns) // frames[0].shape[1])
    sheet = Image.fromarray(draw_sheet(frames, picked, columns=columns, scale=scale))
    if sheet.width > width:
        height = round(sheet.height * width / sheet.width)
        sheet = sheet.resize((width, height), Image.Resampling.LANCZOS)
    with whole_file(Path(output)) as beside:
        sheet.save(beside)


def _zoomed(
    frames: Sequence[RGBFrame], poses: Sequence[Poses]
) -> tuple[list[Drawing], list[Poses]]:
    """The frames cut to a square around the animals, as large as the most spread ones need."""
    height, width = frames[0].shape[:2]
    points = np.concatenate([animal.xy for animal in poses], axis=1)
    seen = np.isfinite(points).all(axis=(-1))
    if not seen.any():
        return list(frames), list(poses)
    known = np.where(seen.any(axis=1))[0]
    low, high = (reduce(points[known], axis=1) for reduce in (np.nanmin, np.nanmax))
    side = int(np.ceil(ZOOM * (high - low).max()))
    side_x, side_y = min(side, width), min(side, height)
    middle = np.full((len(frames), 2), [width / 2, height / 2])
    middle[known] = (low + high) / 2
    corners = np.clip(middle - [side_x / 2, side_y / 2], 0, [width - side_x, height - side_y])
    corners = corners.astype(int)
    cut = [
        frame[y : y + side_y, x : x + side_x]
        for frame, (x, y) in zip(frames, corners.tolist(), strict=True)
    ]
    return cut, [replace(animal, xy=animal.xy - corners[:, None]) for animal in poses]
