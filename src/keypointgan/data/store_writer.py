"""Writing clips into a store so that each is complete or absent, however the writing ends."""

import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from keypointgan.data.index import (
    BOXES,
    ENCODINGS,
    FRAMES,
    INDEX,
    MASKS,
    OFFSETS,
    PARTS,
    Clip,
    Encoding,
    Index,
    flush,
    map_file,
    read_index,
    write_index,
)
from keypointgan.data.parts import Part, encode_frame
from keypointgan.data.resize import Box
from keypointgan.errors import StoreError
from keypointgan.wording import counted

BOX_BYTES = 4 * 8
_COMMIT_SECONDS = 1.0  # how much work a killed writer may lose; an index a clip would be slow


class StoreWriter:
    """Writes clips into a store, new or begun earlier; a context manager.

    Args:
        path: Folder of the store; made if absent.
        size: Side of the square frames in pixels.
        encoding: `jpeg` or `webp` (small, decoded on access) or `raw` (large, fastest).
        quality: Of the encoder, 1 to 100; `raw` ignores it.

    Raises:
        StoreError: The folder holds something else, or a store of another size or encoding.
    """

    def __init__(
        self, path: str | Path, *, size: int, encoding: Encoding = "jpeg", quality: int = 90
    ) -> None:
        if encoding not in ENCODINGS:
            raise StoreError(
                f"Expected an encoding of {', '.join(ENCODINGS)} for the store, got '{encoding}'."
            )
        self.path = Path(path)
        self._index = Index(size=size, encoding=encoding, quality=quality, masks=False, clips=())
        if (self.path / INDEX).is_file():
            found = read_index(self.path)
            wanted, got = (
                (index.size, index.encoding, index.quality if index.encoding != "raw" else 0)
                for index in (self._index, found)
            )
            if wanted != got:
                raise StoreError(
                    f"{self.path}: expected a store of size, encoding, quality {wanted}, found one "
                    f"of {got}. Choose another folder, or the same values to add to it."
                )
            self._index = found
        elif self.path.is_file() or (
            self.path.is_dir()
            and any(
                entry.name not in {FRAMES, OFFSETS, MASKS, BOXES, PARTS, f"{INDEX}.part"}
                for entry in self.path.iterdir()
            )
        ):
            raise StoreError(
                f"{self.path}: expected a new folder or a store, found something else there. "
                "Choose another folder."
            )
        self._names = {clip.name for clip in self._index.clips}
        self._unwritten = False
        self._written_at = time.monotonic()
        self._parts = 0

    def __enter__(self) -> "StoreWriter":
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self.path / PARTS, ignore_errors=True)  # of a writer that was killed
            self._cut_off()
        except OSError as error:
            raise StoreError(
                f"{self.path}: cannot write a store here ({error.strerror or error})."
            ) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        shutil.rmtree(self.path / PARTS, ignore_errors=True)
        try:
            self._commit()
        except OSError as error:
            if kind is None:  # else what went wrong first is the better message
                raise self._failure(error) from error

    def has_clip(self, name: str) -> bool:
        """Whether the clip of that name is complete."""
        return name in self._names

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The clips that are complete."""
        return self._index.clips

    def add_clip(
        self,
        name: str,
        frames: Iterable[UInt8[ndarray, "height width 3"]],
        *,
        source: str,
        fps: float,
        crop: Box | None = None,
        masks: Iterable[UInt8[ndarray, "height width"]] | None = None,
        group: str | None = None,
    ) -> None:
        """Write one clip; nothing is read or written if it is complete already.

        Args:
            name: Unique in the store.
            frames: RGB frames of the store's size; read one at a time.
            source: The file or folder that they come from.
            fps: Frames per second of the source.
            crop: Which part of the source they show, in its pixels.
            masks: One mask a frame, the object above 127. All clips of a store have them, or none.
            group: What a split must keep together; the clip's name by default.

        Raises:
            StoreError: Fewer than two frames, wrong sizes, masks that do not match, or a full disk.
        """
        if self.has_clip(name):
            return
        self._check_masks(name, given=masks is not None)
        count = self._guarded(lambda: self._append(name, frames, masks))
        start = self._index.num_frames
        box = None if crop is None else _plain(crop)
        clip = Clip(name, source, start, count, float(fps), box, group or name)
        self._register(clip, masks=masks is not None)

    def part(self) -> Part:
        """Return a clip to be written beside the store, maybe by another thread."""
        self._parts += 1
        return Part(
            self.path / PARTS / str(self._parts),
            size=self._index.size,
            encoding=self._index.encoding,
            quality=self._index.quality,
        )

    def add_part(
        self,
        name: str,
        part: Part,
        *,
        source: str,
        fps: float,
        crop: Box | None = None,
        group: str | None = None,
        first: int = 0,
    ) -> None:
        """Move a clip that was written beside the store into it.

        Args:
            name: Unique in the store.
            part: The clip.
            source: As in `add_clip`.
            fps: As in `add_clip`.
            crop: As in `add_clip`; None where it moves.
            group: As in `add_clip`.
            first: Number of its first frame in the source.

        Raises:
            StoreError: Fewer than two frames, masks unlike the other clips, or a full disk.
        """
        if self.has_clip(name):
            part.remove()
            return
        self._check_masks(name, given=part.has_masks)
        _check_count(name, part.count)
        self._guarded(lambda: self._move(part))
        start = self._index.num_frames
        box = None if crop is None else _plain(crop)
        clip = Clip(name, source, start, part.count, float(fps), box, group or name, first)
        part.remove()
        self._register(clip, masks=part.has_masks)

    def _check_masks(self, name: str, *, given: bool) -> None:
        if self._index.clips and self._index.masks != given:
            raise StoreError(
                f"Clip '{name}': expected {'a mask' if self._index.masks else 'no mask'}, as for "
                "the other clips of this store. Give masks to all clips or to none."
            )

    def _guarded(self, append: Callable[[], int]) -> int:
        """Append a clip's data, or leave none of it behind."""
        try:
            return append()
        except BaseException as error:
            self._cut_off()
            if isinstance(error, OSError):
                raise self._failure(error) from error
            raise

    def _register(self, clip: Clip, *, masks: bool) -> None:
        self._index = replace(self._index, masks=masks, clips=(*self._index.clips, clip))
        self._names.add(clip.name)
        self._unwritten = True
        if time.monotonic() - self._written_at > _COMMIT_SECONDS:
            try:
                self._commit()
            except OSError as error:
                raise self._failure(error) from error

    def _move(self, part: Part) -> int:
        """Append the files of a part behind the complete frames."""
        start = self._index.num_frames
        with (self.path / FRAMES).open("ab") as data:
            before = data.tell()
            _append_file(part.folder / FRAMES, data)
        if self._index.encoding != "raw":
            ends = np.fromfile(part.folder / OFFSETS, "<i8") + before
            with (self.path / OFFSETS).open("ab") as offsets:
                offsets.write(ends.tobytes())
        if part.has_masks:
            with (self.path / MASKS).open("ab") as data:
                _append_file(part.folder / MASKS, data)
        with (self.path / BOXES).open("ab") as data:
            data.truncate(start * BOX_BYTES)  # zeros for clips that came without boxes
            _append_file(part.folder / BOXES, data)
        return part.count

    def _append(
        self,
        name: str,
        frames: Iterable[UInt8[ndarray, "height width 3"]],
        masks: Iterable[UInt8[ndarray, "height width"]] | None,
    ) -> int:
        """Write the frames behind the complete ones and return how many there were."""
        size = self._index.size
        ends = []
        with (self.path / FRAMES).open("ab") as data:
            for frame in frames:
                if frame.shape != (size, size, 3) or frame.dtype != np.uint8:
                    raise StoreError(
                        f"Clip '{name}': expected uint8 frames of shape {(size, size, 3)}, got "
                        f"{frame.dtype} of {frame.shape}."
                    )
                data.write(encode_frame(frame, self._index.encoding, self._index.quality))
                ends.append(data.tell())
        _check_count(name, len(ends))
        if self._index.encoding != "raw":
            with (self.path / OFFSETS).open("ab") as offsets:
                offsets.write(np.asarray(ends, "<i8").tobytes())
        if masks is not None:
            with (self.path / MASKS).open("ab") as data:
                count = 0
                for mask in masks:
                    if mask.shape != (size, size):
                        raise StoreError(
                            f"Clip '{name}': expected masks of shape {(size, size)}, got "
                            f"{mask.shape}."
                        )
                    data.write(np.packbits(mask > 127, axis=-1).tobytes())
                    count += 1
            if count != len(ends):
                raise StoreError(
                    f"Clip '{name}': expected as many masks as frames, got "
                    f"{counted(count, 'mask')} for {counted(len(ends), 'frame')}."
                )
        return len(ends)

    def _failure(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self.path}: expected to write clip {len(self._index.clips) + 1}, but that failed "
            f"({error}). The clips before it are complete; make room and run the same command "
            "again to go on."
        )

    def _commit(self) -> None:
        """Make the complete clips known to readers: their data reach the disk, then the index."""
        self._cut_off()
        if self._unwritten:
            for file in (FRAMES, OFFSETS, MASKS, BOXES):
                if (self.path / file).is_file():
                    with (self.path / file).open("ab") as data:
                        flush(data)
            write_index(self.path, self._index)
            self._unwritten = False
        self._written_at = time.monotonic()

    def _cut_off(self) -> None:
        """Cut off what an unfinished clip left behind the complete ones."""
        count, size = self._index.num_frames, self._index.size
        if self._index.encoding == "raw":
            length = count * size * size * 3
        elif count:
            length = int(map_file(self.path / OFFSETS, count * 8).view("<i8")[-1])
        else:
            length = 0
        for file, complete in (
            (FRAMES, length),
            (OFFSETS, count * 8),
            (MASKS, count * size * -(-size // 8)),
            (BOXES, count * BOX_BYTES),
        ):
            path = self.path / file
            if path.is_file() and path.stat().st_size > complete:
                os.truncate(path, complete)
        (self.path / f"{INDEX}.part").unlink(missing_ok=True)


def _check_count(name: str, count: int) -> None:
    if count < 2:
        raise StoreError(
            f"Clip '{name}': expected at least two frames, since training pairs each frame with "
            f"another of its clip, got {count}."
        )


def _append_file(path: Path, data: BinaryIO) -> None:
    with path.open("rb") as file:
        shutil.copyfileobj(file, data, 1 << 16)


def _plain(box: Box) -> Box:
    x0, y0, x1, y1 = (float(value) for value in box)  # NumPy's numbers are no JSON
    return (x0, y0, x1, y1)
