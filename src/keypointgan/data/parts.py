"""Clips on their way into a store: encoded frames in files of their own.

Several clips can be written at once, by several threads; a store takes only one at a time.
"""

import io
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from keypointgan.data.index import BOXES, FRAMES, MASKS, OFFSETS, Encoding
from keypointgan.data.resize import Box
from keypointgan.errors import StoreError

BARE = 0.01
"""Share of a frame below which a mask shows next to nothing."""


class Part:
    """The files of one clip, written a frame at a time; a context manager.

    Args:
        folder: Where to, a new folder; `remove` takes it away.
        size: Side of the square frames in pixels.
        encoding: As in `StoreWriter`.
        quality: As in `StoreWriter`.

    Attributes:
        count: Number of frames so far.
        has_masks: Whether they have masks.
        bare: Number of frames whose mask shows next to nothing.
    """

    def __init__(self, folder: Path, *, size: int, encoding: Encoding, quality: int) -> None:
        self.folder = folder
        self.count = 0
        self.has_masks = False
        self.bare = 0
        self._size, self._encoding, self._quality = size, encoding, quality
        self._files: dict[str, BinaryIO] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True)
        except OSError as error:
            raise self._failure(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._open.close()
        except OSError as error:  # what was buffered did not fit on the disk
            raise self._failure(error) from error

    def write(
        self,
        frame: UInt8[ndarray, "size size 3"],
        *,
        box: Box,
        mask: UInt8[ndarray, "size size"] | None = None,
    ) -> None:
        """Add a frame, what part of the source it shows and its mask, the object above 127.

        Raises:
            StoreError: The disk is full.
        """
        assert frame.shape == (self._size, self._size, 3), frame.shape
        assert not self.count or self.has_masks == (mask is not None)
        try:
            frames = self._file(FRAMES)
            frames.write(encode_frame(frame, self._encoding, self._quality))
            if self._encoding != "raw":
                self._file(OFFSETS).write(np.asarray(frames.tell(), "<i8").tobytes())
            self._file(BOXES).write(np.asarray(box, "<f8").tobytes())
            if mask is not None:
                self._file(MASKS).write(np.packbits(mask > 127, axis=-1).tobytes())
        except OSError as error:
            raise self._failure(error) from error
        self.has_masks = mask is not None
        self.bare += mask is not None and float((mask > 127).mean()) < BARE
        self.count += 1

    def remove(self) -> None:
        """Take the files away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, name: str) -> BinaryIO:
        if name not in self._files:
            self._files[name] = self._open.enter_context((self.folder / name).open("wb"))
        return self._files[name]

    def _failure(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self.folder.parent.parent}: cannot write a clip ({error}). The clips before it are "
            "complete; make room and run the same command again to go on."
        )


def encode_frame(
    frame: UInt8[ndarray, "height width 3"], encoding: Encoding, quality: int
) -> bytes:
    """Return a frame as it is kept in a store."""
    if encoding == "raw":
        return np.ascontiguousarray(frame).tobytes()
    buffer = io.BytesIO()
    image = Image.fromarray(frame)
    if encoding == "jpeg":  # full chroma: at these sizes a limb is a few pixels wide
        image.save(buffer, "JPEG", quality=quality, subsampling=0)
    else:
        image.save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()
