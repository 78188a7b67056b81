"""The parts of frames that a model is shown."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64
from numpy import ndarray

from keypointgan.data.resize import Box, Square, crop_and_resize, scale_box
from keypointgan.data.video import RGBFrame

Size = tuple[int, int]
"""Height and width in pixels."""


class Crop(NamedTuple):
    """A square at the model's size, the part of the frame it shows, and whose it is.

    `turn` is how many quarter turns to the left the square was given.
    """

    square: Square
    box: Box
    frame: int
    animal: int
    turn: int


def cut(
    frame: RGBFrame,
    box: Box,
    *,
    side: int,
    source: Size,
    number: int = 0,
    animal: int = 0,
    turn: int = 0,
) -> Crop:
    """Return what a box shows.

    Args:
        frame: Maybe smaller than those of the source.
        box: In pixels of the source.
        side: Of the square, in pixels.
        source: Size of the source's frames.
        number: Of the frame.
        animal: Whose box it is.
        turn: Quarter turns to the left that set it upright.
    """
    height, width = source
    scaled = scale_box(box, frame.shape[1] / width, frame.shape[0] / height)
    square = np.rot90(crop_and_resize(frame, scaled, size=side), turn)
    return Crop(square, box, number, animal, turn)


def turn_points(
    points: Float[ndarray, "item *places 2"], turns: Int64[ndarray, " item"]
) -> Float[ndarray, "item *places 2"]:
    """Return points (x, y) after quarter turns to the left around (0, 0), as `numpy.rot90` does.

    Args:
        points: Of some pictures, whose y points downwards.
        turns: Of each picture; negative ones turn to the right.
    """
    quarters = (turns % 4).reshape(-1, *[1] * (points.ndim - 2))
    cosine = np.array([1.0, 0.0, -1.0, 0.0])[quarters]
    sine = np.array([0.0, 1.0, 0.0, -1.0])[quarters]
    x, y = points[..., 0], points[..., 1]
    return np.stack([cosine * x + sine * y, cosine * y - sine * x], axis=-1)
