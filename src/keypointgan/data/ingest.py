"""Turning videos and folders of images into a store: a clip a source, or a clip an animal.

Sources are read by several threads, each a frame at a time and once, however many animals are cut
out of it; the store takes their clips in the order of the sources.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

from keypointgan.data.cut import Cut, Stopped, cut_clips
from keypointgan.data.parts import Part
from keypointgan.data.plans import MASK_PATTERN, Crop, Follow, Planner, full_name, source_name
from keypointgan.data.resize import Picture
from keypointgan.data.sources import find_sources, say_others
from keypointgan.data.store import Encoding, Progress, StoreWriter
from keypointgan.data.windows import Window
from keypointgan.errors import DataError, StoreError

BARE_FRAMES = 0.2
"""Share of a clip's frames with an empty mask above which people are told."""

_REASONS = 3  # files whose reasons are told where nothing could be used


@dataclass(frozen=True)
class IngestSummary:
    """What came of an ingest.

    Attributes:
        clips: Number of clips in the store, those of earlier runs included.
        frames: Number of frames in the store.
        skipped: Each source that could not be used, and why.
        notes: What looks wrong in what was used.
    """

    clips: int
    frames: int
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


def ingest(
    sources: str | Path | Sequence[str | Path],
    path: str | Path,
    *,
    size: int,
    encoding: Encoding = "jpeg",
    quality: int = 90,
    crop: Crop | Follow = "centre",
    masks: str | None = MASK_PATTERN,
    jobs: int = 0,
    progress: Progress | None = None,
) -> IngestSummary:
    """Write every source into the store at `path` and return what came of it.

    Frame k of a clip is frame `Clip.first` + k of its source. A source that cannot be read to its
    end is skipped and the rest goes on. Run again, complete clips are not read a second time. The
    memory needed does not grow with the length of the videos.

    Args:
        sources: Videos, folders and patterns, see `data.sources`.
        path: Folder of the store.
        size: Side of the square frames in pixels.
        encoding: How frames are kept, see `StoreWriter`.
        quality: Of the encoder, 1 to 100.
        crop: Which part of each source is kept.
        masks: Name of a source's mask video beside it, `{name}` standing for the source's name
            without suffix. Where any source has one all must. `plate`: masks are made, see
            `data.plates`. None: no masks.
        jobs: Sources read at once; 0 for one a core.
        progress: Called with the frames that are done, and all.

    Raises:
        StoreError: Nothing could be used, or the store cannot be written.
    """
    found = find_sources(sources)
    skipped = found.skipped
    writer = StoreWriter(path, size=size, encoding=encoding, quality=quality)
    cores = _cores()
    jobs = max(1, min(jobs or cores, len(found.sources)))
    planner = Planner(found.sources, writer.clips, crop=crop, masks=masks)
    notes: list[str] = []
    with _left_clean(writer), ThreadPoolExecutor(jobs) as pool:
        plans = [(source, pool.submit(planner.plan, source)) for source in found.sources]
        work: list[tuple[Cut, str]] = []
        for source, plan in plans:
            with _skipping(source, skipped):
                work += plan.result()
        if work:
            with writer:
                tally = Tally(sum(_length(cut) for cut, _ in work), progress)
                cuts = [
                    (
                        *each,
                        pool.submit(
                            cut_clips,
                            each[0],
                            size=size,
                            new_part=writer.part,
                            tick=tally.tick,
                            threads=max(1, cores // jobs),
                        ),
                    )
                    for each in work
                ]
                notes = _collect(writer, cuts, skipped, tally)
    clips = writer.clips
    if not clips:
        given = [sources] if isinstance(sources, str | Path) else sources
        raise StoreError(
            f"{path}: expected at least one video or folder of images with two frames, "
            f"{_say_unused(skipped) if given else 'got no sources'}"
        )
    if found.others:
        notes.append(f"{say_others(found.others)}.")
    return IngestSummary(
        len(clips), clips[-1].start + clips[-1].frames, tuple(skipped), tuple(notes)
    )


def _collect(
    writer: StoreWriter,
    cuts: "list[tuple[Cut, str, Future[list[tuple[Window, Part]]]]]",
    skipped: list[tuple[str, str]],
    tally: "Tally",
) -> list[str]:
    """Take the clips into the store, source by source; give up all work if the disk is full.

    Returns:
        What looks wrong in the clips.
    """
    notes = []
    try:
        for cut, base, future in cuts:
            with _skipping(cut.source, skipped):
                for window, part in future.result():
                    name = full_name(base, window)
                    if part.bare > BARE_FRAMES * part.count:
                        notes.append(_say_bare(name, part, plate=cut.plate))
                    writer.add_part(
                        name,
                        part,
                        source=source_name(cut.source),
                        fps=cut.info.fps,
                        crop=window.box,
                        group=base,
                        first=window.first,
                    )
    except BaseException:
        tally.stop()
        for _, _, future in cuts:
            future.cancel()
        wait([future for _, _, future in cuts])  # before what they write is taken away
        raise
    return notes


def _say_unused(skipped: Sequence[tuple[str, str]]) -> str:
    """Why nothing was used, the first few files and all others by number."""
    shown = skipped[:_REASONS]
    reasons = [f"{source}: {reason.removeprefix(f'{source}: ')}" for source, reason in shown]
    if len(skipped) > len(shown):
        reasons.append(f"and {len(skipped) - len(shown)} more.")
    several = len(skipped) > 1
    said = f"none of {len(skipped)} could be used" if several else "got one that cannot be used"
    return f"{said}. {' '.join(map(_as_sentence, reasons))}"


def _as_sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "?")) else f"{text}."


def _say_bare(name: str, part: Part, *, plate: bool) -> str:
    why = ": it stands still there, and so is part of the background" if plate else ""
    return (
        f"clip '{name}': the mask shows no object in {part.bare / part.count:.0%} of the "
        f"frames{why}. Leave the clip out, or train without masks."
    )


@contextmanager
def _skipping(source: Path, skipped: list[tuple[str, str]]) -> Iterator[None]:
    """Note why a source cannot be used and go on, unless the store's disk is full."""
    try:
        yield
    except DataError as error:
        if isinstance(error, StoreError) and isinstance(error.__cause__, OSError):
            raise  # the next source would fail likewise
        skipped.append((str(source), str(error)))
    except OSError as error:
        skipped.append((str(source), f"cannot be read ({error.strerror or error})"))


@contextmanager
def _left_clean(writer: StoreWriter) -> Iterator[None]:
    """Leave no new folder behind where no clip was written."""
    made = [folder for folder in (writer.path, *writer.path.parents) if not folder.exists()]
    try:
        yield
    finally:
        if made and not writer.clips and writer.path.is_dir():
            for file in writer.path.iterdir():
                file.unlink()
            for folder in made:
                folder.rmdir()


def _length(cut: Cut) -> int:
    """How many frames of a source are read, as far as it tells."""
    stops = [window.stop for window in cut.windows]
    last = max((stop for stop in stops if stop is not None), default=0)
    return cut.info.frames if None in stops else last


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Tally:
    """Counts frames as they pass by, for the progress bar; used by several threads."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress
        self._lock, self._stopped = Lock(), Event()

    def tick(self) -> None:
        """Count a frame.

        Raises:
            Stopped: The work is given up.
        """
        if self._stopped.is_set():
            raise Stopped
        with self._lock:
            self._done += 1
            if self._progress:
                self._progress(self._done, max(self._done, self._total))

    def stop(self) -> None:
        """Make every later `tick` raise."""
        self._stopped.set()

    def through(self, frames: Iterable[Picture]) -> Iterator[Picture]:
        """Count frames as they are yielded."""
        for frame in frames:
            yield frame
            self.tick()
