"""Turning videos and folders of images into a store, one clip a source.

A source is a video, a folder of images, or a pattern such as `videos/*.mp4`; a folder stands for
the videos in it (or, where it has none, for its images) and for everything in its folders.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Literal

from keypointgan.data.resize import Box, Picture, centre_square, crop_and_resize
from keypointgan.data.store import Encoding, Progress, StoreWriter
from keypointgan.data.video import (
    RGBFrame,
    VideoInfo,
    is_image,
    is_video,
    natural_order,
    probe,
    read_frames,
)
from keypointgan.errors import DataError, StoreError, VideoError

Crop = Literal["centre", "none"] | Box | Mapping[str, Box]
"""Which part of a source is kept: the central square, the whole frame (squeezed to a square), one
box for all sources, or a box for each clip's name. Boxes are in pixels of the source."""

MASK_PATTERN = "{name}.mask.mp4"
"""Where the mask video of NAME.mp4 lies."""


@dataclass(frozen=True)
class IngestSummary:
    """What came of an ingest.

    Attributes:
        clips: Number of clips in the store, those of earlier runs included.
        frames: Number of frames in the store.
        skipped: Each source that could not be used, and why.
    """

    clips: int
    frames: int
    skipped: tuple[tuple[str, str], ...]


def ingest(
    sources: str | Path | Sequence[str | Path],
    path: str | Path,
    *,
    size: int,
    encoding: Encoding = "jpeg",
    quality: int = 90,
    crop: Crop = "centre",
    masks: str | None = MASK_PATTERN,
    progress: Progress | None = None,
) -> IngestSummary:
    """Write every source into the store at `path` and return what came of it.

    A source that cannot be read is skipped and the rest goes on. Run again, complete clips are
    not read a second time.

    Args:
        sources: Videos, folders and patterns.
        path: Folder of the store.
        size: Side of the square frames in pixels.
        encoding: How frames are kept, see `StoreWriter`.
        quality: Of the encoder, 1 to 100.
        crop: Which part of each source is kept.
        masks: Name of a source's mask video beside it, `{name}` standing for the source's name
            without suffix. Where any source has one all must. None: no masks.
        progress: Called with the frames that are done, and all.

    Raises:
        StoreError: Nothing could be used, or the store cannot be written.
    """
    given = [sources] if isinstance(sources, str | Path) else list(sources)
    found, skipped = _expand(given)
    names = name_clips(found)
    mask_of = {source: _mask_of(source, masks) for source in found}
    with_masks = any(mask_of.values())
    with StoreWriter(path, size=size, encoding=encoding, quality=quality) as writer:
        done_before = {clip.source: clip.name for clip in writer.clips}
        wanted = [source for source in found if _source_name(source) not in done_before]
        infos: dict[Path, VideoInfo] = {}
        for source in wanted:
            try:
                infos[source] = _usable(source, mask_of[source], with_masks=with_masks)
            except VideoError as error:
                skipped.append((str(source), str(error)))
        tally = Tally(sum(info.frames for info in infos.values()), progress)
        for source, info in infos.items():
            try:
                _add(
                    writer,
                    _free_name(writer, source, names[source]),
                    source,
                    info,
                    mask_of[source] if with_masks else None,
                    size=size,
                    crop=crop,
                    tally=tally,
                )
            except DataError as error:
                if isinstance(error, StoreError) and isinstance(error.__cause__, OSError):
                    raise  # the store's disk is full: the next source would fail likewise
                skipped.append((str(source), str(error)))
        clips = writer.clips
    if not clips:
        reasons = "; ".join(f"{source}: {reason}" for source, reason in skipped[:3])
        raise StoreError(
            f"{path}: expected at least one video or folder of images with two frames among "
            f"{', '.join(map(str, given)) or 'no sources'}, none could be used ({reasons})."
        )
    return IngestSummary(len(clips), clips[-1].start + clips[-1].frames, tuple(skipped))


def name_clips(sources: Sequence[Path]) -> dict[Path, str]:
    """Return the name of each source, with as many of its folders as no other source shares."""
    parts = {source: (*source.resolve().parent.parts, _stem(source)) for source in sources}
    names: dict[Path, str] = {}
    for depth in range(1, max(map(len, parts.values()), default=0) + 1):
        tails = {source: parts[source][-depth:] for source in sources if source not in names}
        shared = Counter(tails.values())
        names |= {source: "/".join(tail) for source, tail in tails.items() if shared[tail] == 1}
    return {source: names.get(source, source.name) for source in sources}  # a.avi beside a.mp4


def _expand(given: Iterable[str | Path]) -> tuple[list[Path], list[tuple[str, str]]]:
    """The sources meant, without repetitions, and what cannot be one with the reason."""
    found: dict[Path, None] = {}
    skipped = []
    for source in given:
        path = Path(source)
        if path.is_dir():
            inside = list(_sources_in(path))
            if not inside:
                skipped.append((str(path), "a folder without videos or images"))
        elif has_magic(str(source)) and not path.exists():
            matches = map(Path, glob(str(source), recursive=True))  # noqa: PTH207 (may be absolute)
            inside = [
                clip
                for match in sorted(matches, key=natural_order)
                for clip in (_sources_in(match) if match.is_dir() else [match])
                if not _is_mask(clip)
            ]
            if not inside:
                skipped.append((str(source), "a pattern that no file matches"))
        else:
            inside = [path]
        found |= dict.fromkeys(inside)
    return list(found), skipped


def _sources_in(folder: Path) -> Iterator[Path]:
    entries = sorted(
        (entry for entry in folder.iterdir() if not entry.name.startswith(".")), key=natural_order
    )
    videos = [entry for entry in entries if is_video(entry) and not _is_mask(entry)]
    yield from videos
    if not videos and any(is_image(entry) for entry in entries):
        yield folder
    for entry in entries:
        if entry.is_dir():
            yield from _sources_in(entry)


def _usable(source: Path, mask: Path | None, *, with_masks: bool) -> VideoInfo:
    """What `source` says about itself, once it is sure that it may become a clip."""
    if source.is_file() and is_image(source):
        raise VideoError(
            "expected a video or a folder of images, got a single image: a clip needs at least "
            "two frames. Give the folder"
        )
    info = probe(source)
    if with_masks and mask is None:
        raise VideoError("other sources have a mask video beside them, this one has none")
    if with_masks and mask is not None:
        other = probe(mask)
        if (other.width, other.height) != (info.width, info.height):
            raise VideoError(
                f"{mask}: expected a mask of {info.width}×{info.height} pixels as its video, got "
                f"{other.width}×{other.height}"
            )
    return info


def _add(
    writer: StoreWriter,
    name: str,
    source: Path,
    info: VideoInfo,
    mask: Path | None,
    *,
    size: int,
    crop: Crop,
    tally: "Tally",
) -> None:
    box = box_for(name, info, crop)
    window = box or (0, 0, info.width, info.height)
    writer.add_clip(
        name,
        tally.through(_cropped(read_frames(source), window, size=size)),
        source=_source_name(source),
        fps=info.fps,
        crop=box,
        masks=None if mask is None else _cropped(_grey(read_frames(mask)), window, size=size),
    )


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
                f"Clip '{name}': expected a box for every clip, got {len(crop)} boxes without it."
            )
        crop = crop[name]
    if isinstance(crop, str) or len(crop) != 4 or crop[2] <= crop[0] or crop[3] <= crop[1]:
        raise StoreError(
            f"Clip '{name}': expected the crop 'centre', 'none' or a box (x0, y0, x1, y1) with "
            f"x0 < x1 and y0 < y1, got {crop!r}."
        )
    return crop


def _cropped(frames: Iterable[Picture], box: Box, *, size: int) -> Iterator[Picture]:
    return (crop_and_resize(frame, box, size=size) for frame in frames)


def _grey(frames: Iterable[RGBFrame]) -> Iterator[Picture]:
    return (frame[..., 1] for frame in frames)  # grey in colour: any channel will do


def _mask_of(source: Path, pattern: str | None) -> Path | None:
    if pattern is None:
        return None
    mask = source.parent / pattern.replace("{name}", _stem(source))
    return mask if mask.exists() else None


def _is_mask(path: Path) -> bool:
    return path.stem.endswith(".mask")


def _free_name(writer: StoreWriter, source: Path, name: str) -> str:
    """`name`, or one with more folders if an earlier run gave it to another source."""
    for folder in source.resolve().parents:
        if not writer.has_clip(name):
            break
        name = f"{folder.name}/{name}"
    return name


def _stem(source: Path) -> str:
    return source.resolve().name if source.is_dir() else source.stem


def _source_name(source: Path) -> str:
    return str(source.resolve())


class Tally:
    """Counts frames as they pass by, for the progress bar."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def through(self, frames: Iterable[Picture]) -> Iterator[Picture]:
        for frame in frames:
            yield frame
            self._done += 1
            if self._progress:
                self._progress(self._done, max(self._done, self._total))
