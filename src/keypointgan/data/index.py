"""What a store says about itself, and how that is read and written without ever being half done."""

import io
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from keypointgan.data.resize import Box
from keypointgan.errors import StoreError

Encoding = Literal["jpeg", "webp", "raw"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

VERSION = 1
INDEX, FRAMES, OFFSETS, MASKS = "index.json", "frames.bin", "offsets.bin", "masks.bin"
BOXES, PARTS = "boxes.bin", "parts"


@dataclass(frozen=True)
class Clip:
    """Consecutive frames of one video.

    Attributes:
        name: Unique in the store.
        source: The file or folder that it was read from.
        start: Row of its first frame.
        frames: Number of frames.
        fps: Frames per second of the source, 0 where there is no such thing.
        crop: Which part of the source is seen, in its pixels; None where it is unknown or moves
            (`Store.boxes`).
        group: The person, film or video that a split must keep on one side.
        first: Number of its first frame in the source.
    """

    name: str
    source: str
    start: int
    frames: int
    fps: float
    crop: Box | None
    group: str
    first: int = 0


@dataclass(frozen=True)
class Index:
    """What a store says about itself."""

    size: int
    encoding: Encoding
    quality: int
    masks: bool
    clips: tuple[Clip, ...]

    @property
    def num_frames(self) -> int:
        """Number of complete frames."""
        return self.clips[-1].start + self.clips[-1].frames if self.clips else 0


def read_index(path: Path) -> Index:
    """Return the index of the store at `path`.

    Raises:
        StoreError: There is no store, or its index cannot be understood.
    """
    file = path / INDEX
    if not file.is_file():
        raise StoreError(
            f"{path}: expected a store (a folder with {INDEX}), found "
            f"{'none in this folder' if path.is_dir() else 'no such folder'}. "
            "Make one with 'keypointgan ingest'."
        )
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if values["version"] != VERSION:
            raise StoreError(
                f"{file}: expected version {VERSION} of the store, got {values['version']}. "
                "Ingest the videos again, or use the version of keypointgan that wrote it."
            )
        clips = tuple(
            Clip(**{**clip, "crop": tuple(clip["crop"]) if clip["crop"] else None})
            for clip in values["clips"]
        )
        return Index(
            size=int(values["size"]),
            encoding=values["encoding"],
            quality=int(values["quality"]),
            masks=bool(values["masks"]),
            clips=clips,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{file}: expected the index of a store, but it cannot be understood ({error!r}). "
            "Remove the folder and ingest the videos again."
        ) from error


def write_index(path: Path, index: Index) -> None:
    """Write the index of the store at `path` beside the old one and rename it into place."""
    beside = path / f"{INDEX}.part"
    with beside.open("wb") as file:
        file.write(json.dumps({"version": VERSION, **asdict(index)}).encode())
        flush(file)
    beside.replace(path / INDEX)


def map_file(path: Path, length: int) -> UInt8[ndarray, " byte"]:
    """The first `length` bytes of a file, mapped into memory."""
    found = path.stat().st_size if path.is_file() else 0
    if found < length:
        raise StoreError(
            f"{path}: expected at least {length} bytes, found {found}. The store is damaged; "
            "remove its folder and ingest the videos again."
        )
    return np.memmap(path, np.uint8, mode="r", shape=(length,))


def flush(file: io.BufferedWriter) -> None:
    """Return when what was written to `file` has reached the disk."""
    file.flush()
    os.fsync(file.fileno())
