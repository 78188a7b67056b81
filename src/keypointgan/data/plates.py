"""Foregrounds of a still camera: what differs from the plate, the median picture of the video.

It works where every place of the background is seen in more than half of the video. An object that
stands still for half of the time becomes part of its plate and vanishes from the mask; shadows,
changes of the light and a camera that moves do not vanish.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from PIL import Image, ImageFilter

from keypointgan.data.images import RGBFrame
from keypointgan.data.resize import Box, crop_and_resize
from keypointgan.data.video import sample_frames
from keypointgan.errors import VideoError

SAMPLES = 49
"""Frames that the median is taken of; fewer where they would need too much memory."""
LEAST_DIFFERENCE = 16
"""Of a colour, out of 255, that is never noise."""
_MEMORY = 200 << 20
_LEAST_SAMPLES = 9


class Plate:
    """What a still camera sees behind the object.

    Args:
        picture: The background.
        threshold: The largest difference of a colour that is noise.
    """

    def __init__(self, picture: RGBFrame, *, threshold: float) -> None:
        self.picture = picture
        self.threshold = threshold

    @classmethod
    def of(cls, source: Path, *, width: int, height: int, reduce: int = 1) -> "Plate":
        """Return the plate of a video or a folder of images.

        The threshold is four times the usual noise: a robust standard deviation of the differences
        between frames and plate.

        Args:
            source: The video.
            width: Of its frames, in pixels.
            height: Of its frames, in pixels.
            reduce: As in `read_video`.

        Raises:
            VideoError: It has too few frames.
        """
        room = _MEMORY * reduce**2 // (width * height * 3)
        frames = sample_frames(source, max(_LEAST_SAMPLES, min(SAMPLES, room)), reduce=reduce)
        if len(frames) < 3:
            raise VideoError(
                f"{source}: expected at least three frames to tell the background from the object, "
                f"got {len(frames)}."
            )
        shots = np.stack(frames)
        picture = np.empty_like(frames[0])
        for rows in np.array_split(np.arange(len(picture)), max(1, len(picture) // 32)):
            picture[rows] = np.median(shots[:, rows], axis=0).astype(np.uint8)
        some = shots[:: max(1, len(shots) // 9), ::4, ::4].astype(np.int16)
        noise = np.abs(some - picture[::4, ::4].astype(np.int16)).max(axis=-1)
        threshold = max(LEAST_DIFFERENCE, 4 * 1.4826 * float(np.median(noise)))
        return cls(picture, threshold=threshold)

    def mask(self, square: UInt8[ndarray, "size size 3"], box: Box) -> UInt8[ndarray, "size size"]:
        """Return 255 where a square of a frame differs from the plate, 0 elsewhere.

        Args:
            square: The part of the frame inside `box`, at any size.
            box: In pixels of the plate.
        """
        behind = crop_and_resize(self.picture, box, size=len(square))
        difference = np.abs(square.astype(np.int16) - behind.astype(np.int16)).max(axis=-1)
        without_specks = _counted(difference > self.threshold, 1) > 0.5
        grown = _counted(without_specks, 2) > 0.02
        return (_counted(grown, 1) > 0.95).astype(np.uint8) * np.uint8(255)


def _counted(mask: Bool[ndarray, "size size"], reach: int) -> Float[ndarray, "size size"]:
    """The share of a pixel's neighbours within `reach` that are set; much faster than ranks."""
    image = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
    return np.asarray(image.filter(ImageFilter.BoxBlur(reach))) / 255
