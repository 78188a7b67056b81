"""The parts of frames that a model is shown."""

from typing import NamedTuple

from keypointgan.data.resize import Box, Square, crop_and_resize, scale_box
from keypointgan.data.video import RGBFrame

Size = tuple[int, int]
"""Height and width in pixels."""


class Crop(NamedTuple):
    """A square at the model's size, the part of the frame it shows, and whose it is."""

    square: Square
    box: Box
    frame: int
    animal: int


def cut(
    frame: RGBFrame, box: Box, *, side: int, source: Size, number: int = 0, animal: int = 0
) -> Crop:
    """Return what a box shows.

    Args:
        frame: Maybe smaller than those of the source.
        box: In pixels of the source.
        side: Of the square, in pixels.
        source: Size of the source's frames.
        number: Of the frame.
        animal: Whose box it is.
    """
    height, width = source
    scaled = scale_box(box, frame.shape[1] / width, frame.shape[0] / height)
    return Crop(crop_and_resize(frame, scaled, size=side), box, number, animal)
