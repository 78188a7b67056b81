"""Square crops around annotated boxes or points, and points in the coordinates of such crops."""

import numpy as np
from jaxtyping import Float, Float32, Float64
from numpy import ndarray

from keypointgan.data.benchmarks.clips import Boxes
from keypointgan.errors import DataError

Points = Float[ndarray, "_frame _joint 2"]
"""(x, y) in pixels of the source, (0, 0) at the outer corner; NaN where unknown."""


def boxes_around(points: Points) -> Boxes:
    """Return the bounding box of the known points of each frame; NaN where there is none."""
    known = np.isfinite(points).all(-1, keepdims=True)
    low = np.where(known, points, np.inf).min(1)
    high = np.where(known, points, -np.inf).max(1)
    boxes = np.concatenate([low, high], axis=1).astype(np.float64)
    boxes[~known.any(1)[:, 0]] = np.nan
    return boxes


def square_crops(boxes: Boxes, *, margin: float, steady: bool = False, where: str) -> Boxes:
    """Return squares around boxes: `margin` times their longer side, around their middle.

    Frames without a box (NaN, or without area) get one between those of their neighbours.

    Args:
        boxes: The object in each frame.
        margin: Side of the square over the longer side of the box.
        steady: Give all frames of the clip the same side, that of the median box.
        where: Names the clip in errors.

    Raises:
        DataError: No frame has a box.
    """
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    side = (boxes[:, 2:] - boxes[:, :2]).max(1)
    known = np.flatnonzero(np.isfinite(boxes).all(1) & (side > 0))
    if not known.size:
        raise DataError(f"{where}: expected the object's box in some frame, found none.")
    frames = np.arange(len(boxes))
    x, y, side = (
        np.interp(frames, known, values[known]) for values in (middle[:, 0], middle[:, 1], side)
    )
    half = margin / 2 * (np.full(len(boxes), np.median(side[known])) if steady else side)
    return np.stack([x - half, y - half, x + half, y + half], axis=1)


def in_crops(points: Points, boxes: Boxes) -> Float32[ndarray, "frame joint 2"]:
    """Return points in the normalised coordinates of the crop of their frame."""
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    return ((points - low) / (high - low) * 2 - 1).astype(np.float32)


def sides(boxes: Boxes) -> Float32[ndarray, " frame"]:
    """Return the side of each square crop, in pixels of the source."""
    return (boxes[:, 2] - boxes[:, 0]).astype(np.float32)


def relative_sizes(objects: Boxes, crops: Boxes) -> Float32[ndarray, " frame"]:
    """Return the longer side of each object's box in the coordinates of its crop, whose side is 2.

    NaN where the object has no box.
    """
    longer = (objects[:, 2:] - objects[:, :2]).max(1)
    return np.where(longer > 0, 2 * longer / sides(crops), np.nan).astype(np.float32)


def from_one_based(points: Float64[ndarray, "..."]) -> Float64[ndarray, "..."]:
    """Return MATLAB's pixels, the first of which is 1 at its centre, with 0 at the outer corner."""
    return points - 0.5


def from_zero_based(points: Float64[ndarray, "..."]) -> Float64[ndarray, "..."]:
    """Return pixels, the first of which is 0 at its centre, with 0 at the outer corner."""
    return points + 0.5
