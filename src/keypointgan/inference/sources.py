"""Whatever users point at, as frames one after the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray

from keypointgan.data.images import RGBFrame, is_pattern
from keypointgan.data.video import probe, read_frames
from keypointgan.errors import VideoError


@dataclass(frozen=True)
class Source:
    """Frames to be read in order.

    Attributes:
        read: Opens the frames, shrunk about this many times where that is cheap (`read_video`);
            those of a pattern may differ in size.
        count: How many there are; a video may claim a few more than it holds.
        exact: Whether `count` can be relied on.
        fps: Frames a second; None for images and arrays.
        name: What to call it.
        size: (height, width) in pixels; None where frames may differ.
    """

    read: Callable[[int], Iterator[RGBFrame]]
    count: int
    exact: bool
    fps: float | None
    name: str
    size: tuple[int, int] | None


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
        height, width = source.shape[1:3]
        return Source(lambda _: iter(source), len(source), True, None, "array", (height, width))
    path = Path(source)
    info = probe(path)
    pattern = is_pattern(path)
    return Source(
        lambda reduce: read_frames(path, reduce=reduce, one_size=not pattern),
        info.frames,
        info.fps == 0,
        info.fps or None,
        str(path),
        None if pattern else (info.height, info.width),
    )
