"""What is cut out of each source of an ingest, decided before any is read to its end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from keypointgan.data.boxes import BoxFile, read_boxes
from keypointgan.data.cut import Cut
from keypointgan.data.images import is_image, is_pattern
from keypointgan.data.index import Clip
from keypointgan.data.resize import Box, centre_square
from keypointgan.data.sources import NAME, beside, name_clips
from keypointgan.data.video import VideoInfo, probe
from keypointgan.data.windows import MARGIN, MAX_GAP, Window, check_inside, follow, still_window
from keypointgan.errors import DataError, StoreError, VideoError
from keypointgan.wording import counted

Crop = Literal["centre", "none"] | Box | Mapping[str, Box]
"""Which part of a source is kept: the central square, the whole frame (squeezed to a square), one
box for all sources, or a box for each clip's name. Boxes are in pixels of the source."""

MASK_PATTERN = "{name}.mask.mp4"
"""Where the mask video of NAME.mp4 lies."""
PLATE = "plate"
"""Masks are what differs from the background, the median of a video of a still camera."""


@dataclass(frozen=True)
class Follow:
    """Clips that follow animals.

    Attributes:
        boxes: A file of boxes or poses (`data.boxes`), for one source or for all of them; with
            `{name}` one for each source, in its folder.
        margin: Side of a clip's square over the animal's length.
        follow_size: Whether the square grows and shrinks with the animal.
        max_gap: Frames without an animal that do not end its clip.
    """

    boxes: str
    margin: float = MARGIN
    follow_size: bool = False
    max_gap: int = MAX_GAP


class Planner:
    """Decides what is cut out of each source.

    Args:
        sources: Videos, folders of images and patterns of images.
        clips: Those that are complete already.
        crop: Which part of each source is kept.
        masks: As in `ingest`.

    Raises:
        DataError: The file of boxes for all sources cannot be read.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        clips: Sequence[Clip],
        *,
        crop: Crop | Follow,
        masks: str | None,
    ) -> None:
        self._crop, self._masks = crop, masks
        self._alone = len(sources) == 1
        self._names = name_clips(sources)
        self._done = {clip.name: clip.source for clip in clips}
        self._base_of = {clip.source: clip.group for clip in clips}
        self._mask_of = {source: _mask_of(source, masks) for source in sources}
        self._with_masks = masks not in {None, PLATE, MASK_PATTERN} or any(self._mask_of.values())
        self._boxes: BoxFile | None = None
        if isinstance(crop, Follow) and NAME not in crop.boxes:
            self._boxes = read_boxes(crop.boxes)

    def plan(self, source: Path) -> list[tuple[Cut, str]]:
        """Return what is to be cut, and the name of the source; nothing if all is there."""
        if source.is_file() and is_image(source):
            raise VideoError(
                "expected a video or a folder of images, got a single image: a clip needs at least "
                "two frames. Give the folder, or a pattern in quotation marks"
            )
        info = probe(source)
        mask = self._checked_mask(source, info) if self._with_masks else None
        windows = tuple(self._windows(source, info))
        base = self._free_name(source, windows)
        wanted = tuple(each for each in windows if full_name(base, each) not in self._done)
        if not wanted:
            return []
        return [(Cut(source, info, wanted, mask, plate=self._masks == PLATE), base)]

    def _windows(self, source: Path, info: VideoInfo) -> Iterator[Window]:
        if not isinstance(self._crop, Follow):
            name = self._names[source]
            yield still_window(box_for(name, info, self._crop) or (0, 0, info.width, info.height))
            return
        file = self._boxes or read_boxes(beside(source, self._crop.boxes))
        tracks = file.of(source, alone=self._alone or self._boxes is None)
        none = True
        for track in tracks:
            for window in follow(
                track,
                margin=self._crop.margin,
                follow_size=self._crop.follow_size,
                max_gap=self._crop.max_gap,
            ):
                none = False
                frames = window.first + np.arange(len(window.squares))
                size = info.height, info.width
                check_inside(window.squares, frames, size=size, source=str(source))
                yield window
        if none:
            raise DataError(f"{file.path}: expected an animal in two frames at least, got none.")

    def _checked_mask(self, source: Path, info: VideoInfo) -> Path:
        mask = self._mask_of[source]
        if mask is None:
            raise VideoError("other sources have a mask video beside them, this one has none")
        other = probe(mask)
        if (other.width, other.height) != (info.width, info.height):
            raise VideoError(
                f"{mask}: expected a mask of {info.width}×{info.height} pixels as its video, got "
                f"{other.width}×{other.height}"
            )
        return mask

    def _free_name(self, source: Path, windows: Sequence[Window]) -> str:
        """The source's name, or one with more folders if other sources' clips are called so."""
        itself = source_name(source)
        if itself in self._base_of:  # what an earlier run called it
            return self._base_of[itself]
        name = self._names[source]
        for folder in source.resolve().parents:
            if all(self._done.get(full_name(name, each), itself) == itself for each in windows):
                break
            name = f"{folder.name}/{name}"
        return name


def box_for(name: str, info: VideoInfo, crop: Crop) -> Box | None:
    """Return which part of a source `crop` means; None for the whole.

    Raises:
        StoreError: There are boxes, but none for this clip, or one without area.
    """
    if crop == "none":
        return None
    if crop == "centre":
        return centre_square(info.width, info.height)
    if isinstance(crop, Mapping):
        if name not in crop:
            raise StoreError(
                f"Clip '{name}': expected a box for every clip, got "
                f"{counted(len(crop), 'box', 'boxes')} without it."
            )
        crop = crop[name]
    if isinstance(crop, str) or len(crop) != 4 or crop[2] <= crop[0] or crop[3] <= crop[1]:
        raise StoreError(
            f"Clip '{name}': expected the crop 'centre', 'none' or a box (x0, y0, x1, y1) with "
            f"x0 < x1 and y0 < y1, got {crop!r}."
        )
    return crop


def full_name(base: str, window: Window) -> str:
    """Return the name of a clip: of its source, and of the animal."""
    return f"{base}/{window.name}" if window.name else base


def _mask_of(source: Path, pattern: str | None) -> Path | None:
    if pattern is None or pattern == PLATE:
        return None
    mask = beside(source, pattern)
    return mask if mask.exists() else None


def source_name(source: Path) -> str:
    """Return what a store calls a source."""
    return str(source if is_pattern(source) else source.resolve())
