"""Whatever users point at, as frames one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

import numpy as np
from numpy import ndarray

from keypointgan.data.video import (
    RGBFrame,
    is_image,
    natural_order,
    probe,
    read_frames,
    read_image,
)
from keypointgan.errors import VideoError


@dataclass(frozen=True)
class Source:
    """Frames to be read once, in order.

    Attributes:
        frames: The frames; those of a pattern may differ in size.
        count: How many there are; a video may claim a few more than it holds.
        exact: Whether `count` can be relied on.
        fps: Frames a second; None for images and arrays.
        name: What to call it.
    """

    frames: Iterator[RGBFrame]
    count: int
    exact: bool
    fps: float | None
    name: str


def open_source(source: str | Path | ndarray) -> Source:
    """Return the frames of a video, an image, a folder of images, a pattern or an array.

    Args:
        source: A path; a pattern such as `frames/*.png`, whose images are taken in natural
            order; or RGB frames as uint8 (frame, height, width, 3).

    Raises:
        VideoError: There is nothing that can be read, or the array is of another kind.
    """
    if isinstance(source, ndarray):
        if source.dtype != np.uint8 or source.ndim != 4 or source.shape[-1] != 3:
            raise VideoError(
                "Expected frames as uint8 (frame, height, width, 3), got "
                f"{source.dtype} {source.shape}. One image is image[None]; values in [0, 1] are "
                "(image * 255).round().astype('uint8')."
            )
        return Source(iter(source), len(source), True, None, "array")
    path = Path(source)
    if not path.exists() and has_magic(str(source)):
        return _open_pattern(str(source))
    info = probe(path)
    return Source(read_frames(path), info.frames, info.fps == 0, info.fps or None, str(path))


def _open_pattern(pattern: str) -> Source:
    # Path.glob takes no absolute patterns
    found = [Path(name) for name in glob(pattern, recursive=True)]  # noqa: PTH207 - see above
    images = sorted((path for path in found if is_image(path)), key=natural_order)
    if not images:
        raise VideoError(
            f"{pattern}: expected a pattern that matches images, got {len(found)} other files. "
            "Give videos one by one."
        )
    return Source(map(read_image, images), len(images), True, None, pattern)
