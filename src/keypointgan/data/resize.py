"""Crops and antialiased resizing of frames, the same for ingest, training and prediction."""

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in pixels, outer edges: a whole frame is (0, 0, width, height)."""

Picture = UInt8[ndarray, "height width *channel"]
"""One RGB frame or one mask, 0 to 255."""

Pictures = UInt8[ndarray, "frame height width *channel"]
"""RGB frames or masks, 0 to 255."""

Region = UInt8[ndarray, "region_height region_width *channel"]
"""A part of a frame or mask."""

Square = UInt8[ndarray, "side side *channel"]
"""One frame or one mask with equal sides."""

Squares = UInt8[ndarray, "frame side side *channel"]
"""Frames or masks with equal sides."""


def centre_square(width: int, height: int) -> Box:
    """The largest square in the middle of a frame."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return (left, top, left + side, top + side)


def crop_and_resize(frame: Picture, box: Box, *, size: int) -> Square:
    """The part of `frame` inside `box`, as a square of side `size`.

    What lies outside the frame repeats its border. Shrinking averages over the pixels that a new
    pixel covers (box filter at whole factors, triangle filter otherwise), so nothing aliases.
    """
    frame, box = _near(frame, box, size=size)
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = box
    left, top = max(0, int(np.ceil(-x0))), max(0, int(np.ceil(-y0)))
    right, bottom = max(0, int(np.ceil(x1 - width))), max(0, int(np.ceil(y1 - height)))
    if left or top or right or bottom:
        margins = [(top, bottom), (left, right)] + [(0, 0)] * (frame.ndim - 2)
        frame = np.pad(frame, margins, mode="edge")
        x0, y0, x1, y1 = x0 + left, y0 + top, x1 + left, y1 + top
    if (x1 - x0, y1 - y0) == (size, size) and float(x0).is_integer() and float(y0).is_integer():
        return np.ascontiguousarray(frame[int(y0) : int(y1), int(x0) : int(x1)])
    factors = ((x1 - x0) / size, (y1 - y0) / size)
    whole = all(factor >= 1 and float(factor).is_integer() for factor in factors)
    filter_ = Image.Resampling.BOX if whole else Image.Resampling.BILINEAR
    image = Image.fromarray(np.ascontiguousarray(frame)).resize(
        (size, size), filter_, box=(x0, y0, x1, y1)
    )
    return np.asarray(image)


def scale_box(box: Box, x_scale: float, y_scale: float) -> Box:
    """The same part of a frame that was made larger or smaller."""
    x0, y0, x1, y1 = box
    return (x0 * x_scale, y0 * y_scale, x1 * x_scale, y1 * y_scale)


def _near(frame: Picture, box: Box, *, size: int) -> tuple[Region, Box]:
    """The part of a frame that a resized box depends on, and the box in it: much less to copy."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = box
    reach = int(max(1.0, (x1 - x0) / size, (y1 - y0) / size)) + 2  # of the filter
    left, right = _span(x0 - reach, x1 + reach, width)
    top, bottom = _span(y0 - reach, y1 + reach, height)
    return frame[top:bottom, left:right], (x0 - left, y0 - top, x1 - left, y1 - top)


def _span(start: float, stop: float, length: int) -> tuple[int, int]:
    """Whole pixels from `start` to `stop` that are inside; at least the nearest one."""
    first = min(max(int(np.floor(start)), 0), length - 1)
    return first, max(min(int(np.ceil(stop)), length), first + 1)


def resize_frames(frames: Pictures, *, size: int) -> Squares:
    """Square frames or masks at another side; the same array where it is that already."""
    if frames.shape[1:3] == (size, size):
        return frames
    height, width = frames.shape[1:3]
    return np.stack([crop_and_resize(frame, (0, 0, width, height), size=size) for frame in frames])
