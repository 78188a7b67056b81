"""Keypoints of a picture or a video, as the page shows them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy import ndarray

from keypointgan.data.resize import Box, centre_square
from keypointgan.data.store import Progress
from keypointgan.data.video import RGBFrame
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import save_poses
from keypointgan.inference.overlay import draw_animals, write_overlay
from keypointgan.inference.places import Places
from keypointgan.inference.poses import Poses

SMALLEST = 512
"""Pictures whose shorter side is smaller than this are enlarged before they are drawn on."""
_SHADE = 0.45  # brightness of what the model does not see

Row = list[str | float]


def detect_picture(
    detector: Detector, picture: RGBFrame, *, fade: bool, search: bool = True, objects: int = 1
) -> tuple[ndarray, list[Poses]]:
    """The picture with its poses, and the poses; what the model does not see is darker.

    Args:
        detector: The model.
        picture: RGB, of any size; the model looks where the objects are, or at the central square.
        fade: Whether keypoints that are unsure are drawn faintly.
        search: Whether the object may be anywhere; it takes longer than near the middle.
        objects: How many to look for, at most; several need a search.
    """
    height, width = picture.shape[:2]
    squares = [centre_square(width, height)]
    if detector.margin is not None or objects > 1:
        middle = None if search else Places.of_boxes(np.array(squares, np.float64))
        places = detector.look(picture[None], middle, objects=objects)
        poses = detector.predict_tracks(picture[None], places)
        squares = [place.square for place in places.at(0)]
    else:
        poses = [detector.predict(picture[None])]
    scale = max(1, round(SMALLEST / min(picture.shape[:2])))
    drawn = draw_animals(_shade(picture, squares), _as_drawn(poses, fade=fade), 0, scale=scale)
    return drawn, poses


def detect_video(
    detector: Detector,
    video: Path,
    output: Path,
    *,
    fade: bool,
    objects: int = 1,
    progress: Progress | None = None,
) -> list[Poses]:
    """The poses in a video, a track each; the video with them drawn is written to `output`."""
    parts = detector.predict_batches(video, objects=objects, progress=progress)
    poses = [
        replace(Poses.concatenate(track), source=video.name) for track in zip(*parts, strict=True)
    ]
    write_overlay(_as_drawn(poses, fade=fade), video, output)
    return poses


def table_of(poses: Sequence[Poses], frame: int) -> list[Row]:
    """A row for each joint that is in the frame: number of its object, name, x, y, confidence."""
    return [
        [number, joint, round(float(x), 1), round(float(y), 1), round(float(sureness), 2)]
        for number, track in enumerate(poses, 1)
        for joint, (x, y), sureness in zip(
            track.joints, track.xy[frame], track.confidence[frame], strict=True
        )
        if np.isfinite(x)
    ]


def save_poses_file(poses: Sequence[Poses], folder: Path, *, source: str, suffix: str) -> Path:
    """Write the poses to a file in `folder`, named after their source, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{Path(source).stem or 'picture'}_keypoints{suffix}"
    save_poses(poses, path)
    return path


def _as_drawn(poses: Sequence[Poses], *, fade: bool) -> list[Poses]:
    if fade:
        return list(poses)
    return [replace(track, confidence=np.ones_like(track.confidence)) for track in poses]


def _shade(picture: RGBFrame, squares: Sequence[Box]) -> RGBFrame:
    shaded = (picture * _SHADE).astype(np.uint8)
    for square in squares:
        left, top, right, bottom = (max(0, round(edge)) for edge in square)
        shaded[top:bottom, left:right] = picture[top:bottom, left:right]
    return shaded
