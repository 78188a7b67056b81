"""Keypoints of a picture or a video, as the page shows them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy import ndarray

from keypointgan.data.resize import Box, centre_square
from keypointgan.data.store import Progress
from keypointgan.data.video import RGBFrame
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import save_poses
from keypointgan.inference.overlay import draw_pose, write_overlay
from keypointgan.inference.places import Places
from keypointgan.inference.poses import Poses

SMALLEST = 512
"""Pictures whose shorter side is smaller than this are enlarged before they are drawn on."""
_SHADE = 0.45  # brightness of what the model does not see

Row = list[str | float]


def detect_picture(
    detector: Detector, picture: RGBFrame, *, fade: bool, search: bool = True
) -> tuple[ndarray, Poses]:
    """The picture with its pose, and the pose; what the model does not see is darker.

    Args:
        detector: The model.
        picture: RGB, of any size; the model looks where the object is, or at the central square.
        fade: Whether keypoints that are unsure are drawn faintly.
        search: Whether the object may be anywhere; it takes longer than near the middle.
    """
    height, width = picture.shape[:2]
    square = centre_square(width, height)
    if detector.margin is not None:
        middle = None if search else Places.of_boxes(np.array([square], np.float64))
        places = detector.look(picture[None], middle)
        (poses,) = detector.predict_tracks(picture[None], places)
        ((_, square, _),) = places.at(0)
    else:
        poses = detector.predict(picture[None])
    drawn = draw_pose(
        _shade(picture, square),
        poses.xy[0],
        poses.skeleton,
        confidence=poses.confidence[0] if fade else None,
        scale=max(1, round(SMALLEST / min(picture.shape[:2]))),
    )
    return drawn, poses


def detect_video(
    detector: Detector, video: Path, output: Path, *, fade: bool, progress: Progress | None = None
) -> Poses:
    """The poses in a video; the video with the poses drawn on it is written to `output`."""
    poses = replace(detector.predict(video, progress=progress), source=video.name)
    drawn = poses if fade else replace(poses, confidence=np.ones_like(poses.confidence))
    write_overlay(drawn, video, output)
    return poses


def table_of(poses: Poses, frame: int) -> list[Row]:
    """A row for each joint: name, x, y, confidence."""
    return [
        [joint, round(float(x), 1), round(float(y), 1), round(float(sureness), 2)]
        for joint, (x, y), sureness in zip(
            poses.joints, poses.xy[frame], poses.confidence[frame], strict=True
        )
    ]


def save_poses_file(poses: Poses, folder: Path, *, source: str, suffix: str) -> Path:
    """Write the poses to a file in `folder`, named after their source, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{Path(source).stem or 'picture'}_keypoints{suffix}"
    save_poses(poses, path)
    return path


def _shade(picture: RGBFrame, square: Box) -> RGBFrame:
    left, top, right, bottom = (max(0, round(edge)) for edge in square)
    shaded = (picture * _SHADE).astype(np.uint8)
    shaded[top:bottom, left:right] = picture[top:bottom, left:right]
    return shaded
