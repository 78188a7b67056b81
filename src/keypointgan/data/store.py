"""Ingested clips on disk, with constant-time access to any frame.

A store is a folder:

```
index.json    version, size, encoding, quality, masks, clips (name, source, start, frames, ...)
frames.bin    encoded frames one after the other, or raw uint8 (frame, size, size, 3)
offsets.bin   where each encoded frame ends, int64; absent in a raw store
masks.bin     one bit a pixel (frame, size, ceil(size / 8)); only where clips have masks
boxes.bin     what part of its source a frame shows, float64 (frame, 4); zeros where unknown
```

The data files only grow, and the index names what in them is complete. It is written beside and
renamed, after the data reached the disk; whatever lies beyond it is cut off by the next writer.
So a clip is complete or absent, however a write ended.
"""

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int, UInt8
from numpy import ndarray
from PIL import Image

from keypointgan.data.index import (
    BOXES,
    FRAMES,
    MASKS,
    OFFSETS,
    Clip,
    Encoding,
    Index,
    map_file,
    read_index,
)
from keypointgan.data.resize import resize_frames
from keypointgan.data.store_writer import StoreWriter
from keypointgan.errors import StoreError
from keypointgan.types import FrameArray

MaskArray = UInt8[ndarray, "frame height width"]
"""Masks of frames: 255 on the object, 0 on the background."""
Progress = Callable[[int, int], None]
"""Called with how many are done, and of how many."""

_CHUNK = 512  # frames that are decoded at a time when a whole store is loaded

__all__ = [
    "Clip",
    "Encoding",
    "MaskArray",
    "Progress",
    "Store",
    "StoreWriter",
    "load_frames",
    "load_masks",
]


class Store:
    """Frames (and masks) of ingested clips, by row; made with `Store.open`."""

    def __init__(self, path: Path, index: Index) -> None:
        self.path = path
        self.size = index.size
        self.encoding: Encoding = index.encoding
        self.clips = index.clips
        self.num_frames = index.num_frames
        self.has_masks = index.masks
        if not self.num_frames:
            raise StoreError(f"{path}: expected a store with clips, found an empty one.")
        if self.encoding == "raw":
            self._offsets = np.arange(self.num_frames + 1) * self.size * self.size * 3
        else:
            ends = map_file(path / OFFSETS, self.num_frames * 8).view("<i8")
            self._offsets = np.concatenate([[0], ends])
        self._data = map_file(path / FRAMES, int(self._offsets[-1]))
        width = -(-self.size // 8)
        if self.has_masks:
            masks = map_file(path / MASKS, self.num_frames * self.size * width)
            self._masks = masks.reshape(self.num_frames, self.size, width)

    @classmethod
    def open(cls, path: str | Path) -> "Store":
        """Return the store in the folder `path`; nothing is read but its index.

        Raises:
            StoreError: There is no store, or it is damaged or empty.
        """
        return cls(Path(path), read_index(Path(path)))

    def __reduce__(self) -> tuple[Callable[[str], "Store"], tuple[str]]:
        return Store.open, (str(self.path),)  # workers map the files themselves

    def clip(self, name: str) -> Clip:
        """Return the clip of that name.

        Raises:
            StoreError: The store has no such clip.
        """
        if name not in self._places:
            near = get_close_matches(name, self._places, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise StoreError(f"{self.path} has no clip '{name}'.{hint}")
        return self.clips[self._places[name]]

    def row(self, clip_name: str, frame: int) -> int:
        """Return the row of a frame of a clip.

        Raises:
            StoreError: The store has no such clip, or the clip no such frame.
        """
        clip = self.clip(clip_name)
        if not 0 <= frame < clip.frames:
            raise StoreError(
                f"{self.path}: expected a frame of clip '{clip_name}' between 0 and "
                f"{clip.frames - 1}, got {frame}."
            )
        return clip.start + frame

    def frames(self, rows: Sequence[int] | Int[ndarray, " row"]) -> FrameArray:
        """Return RGB frames (row, size, size, 3), decoded by a few threads."""
        places = self._checked(rows)
        result = np.empty((len(places), self.size, self.size, 3), np.uint8)
        if self.encoding == "raw":
            frames = self._data.reshape(-1, self.size, self.size, 3)
            np.take(frames, places, axis=0, out=result)
            return result

        def decode(targets: range) -> None:
            for target in targets:
                start, stop = self._offsets[places[target]], self._offsets[places[target] + 1]
                with Image.open(io.BytesIO(self._data[start:stop].tobytes())) as image:
                    result[target] = np.asarray(image.convert("RGB"))

        threads = min(os.cpu_count() or 1, 8, -(-len(places) // 8))
        if threads < 2:
            decode(range(len(places)))
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(decode, [range(i, len(places), threads) for i in range(threads)]))
        return result

    def masks(self, rows: Sequence[int] | Int[ndarray, " row"]) -> MaskArray:
        """Return masks (row, size, size), 255 on the object and 0 elsewhere.

        Raises:
            StoreError: The clips were ingested without masks.
        """
        if not self.has_masks:
            raise StoreError(
                f"{self.path}: expected a store with masks, got one without. Ingest again with "
                "mask videos (NAME.mask.mp4 beside NAME.mp4), or do not ask for masks."
            )
        bits = np.unpackbits(self._masks[self._checked(rows)], axis=-1, count=self.size)
        return bits * np.uint8(255)

    def boxes(self, rows: Sequence[int] | Int[ndarray, " row"]) -> Float64[ndarray, "row 4"]:
        """Return which part of its source each frame shows, (x0, y0, x1, y1) in its pixels.

        NaN where that is unknown, as in stores of an earlier version.
        """
        places = self._checked(rows)
        boxes = np.zeros((self.num_frames, 4))
        file = self.path / BOXES
        if file.is_file():
            known = np.fromfile(file, "<f8", count=self.num_frames * 4).reshape(-1, 4)
            boxes[: len(known)] = known
        boxes[boxes[:, 2] <= boxes[:, 0]] = np.nan
        return boxes[places]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {clip.name: place for place, clip in enumerate(self.clips)}

    def _checked(self, rows: Sequence[int] | Int[ndarray, " row"]) -> Int[ndarray, " row"]:
        places = np.asarray(rows, dtype=np.int64).reshape(-1)
        if places.size and (places.min() < 0 or places.max() >= self.num_frames):
            raise IndexError(
                f"rows are 0 to {self.num_frames - 1}, got {places.min()} to {places.max()}"
            )
        return places


def load_frames(
    store: Store, *, size: int | None = None, progress: Progress | None = None
) -> UInt8[ndarray, "frame 3 size size"]:
    """All frames of a store, channels first, resized with antialiasing if `size` is another."""
    size = size or store.size
    result = np.empty((store.num_frames, 3, size, size), np.uint8)
    for start in range(0, store.num_frames, _CHUNK):
        stop = min(start + _CHUNK, store.num_frames)
        frames = resize_frames(store.frames(np.arange(start, stop)), size=size)
        result[start:stop] = frames.transpose(0, 3, 1, 2)
        if progress:
            progress(stop, store.num_frames)
    return result


def load_masks(
    store: Store, *, size: int | None = None, progress: Progress | None = None
) -> UInt8[ndarray, "frame 1 size size"]:
    """All masks of a store: 255 on the object, 0 elsewhere, grey on resized borders.

    Raises:
        StoreError: The clips were ingested without masks.
    """
    size = size or store.size
    result = np.empty((store.num_frames, 1, size, size), np.uint8)
    for start in range(0, store.num_frames, _CHUNK):
        stop = min(start + _CHUNK, store.num_frames)
        result[start:stop, 0] = resize_frames(store.masks(np.arange(start, stop)), size=size)
        if progress:
            progress(stop, store.num_frames)
    return result
