"""What the readers of all data sets share: clips to write, and checks of the files' layout."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from keypointgan.data.ingest import IngestSummary, Tally
from keypointgan.data.labels import LABEL_FILE, Labels
from keypointgan.data.resize import Box, Picture, crop_and_resize
from keypointgan.data.store import Encoding, Progress, StoreWriter
from keypointgan.errors import DataError, LabelError

Split = Literal["train", "test"]


@dataclass(frozen=True)
class BenchmarkClip:
    """A clip of a data set before it is written.

    Attributes:
        name: Unique in the store.
        source: The file or folder it comes from, relative to the data set.
        group: The person, film or video that a split must keep together.
        count: How many frames it has.
        fps: Frames per second, 0 where there is no such thing.
        frames: Opens the square frames, of any side.
        masks: Opens the masks, the object above 127.
    """

    name: str
    source: str
    group: str
    count: int
    fps: float
    frames: Callable[[], Iterable[Picture]]
    masks: Callable[[], Iterable[Picture]] | None = None


def write_benchmark(
    output: Path,
    clips: Sequence[BenchmarkClip],
    labels: Labels,
    *,
    size: int,
    encoding: Encoding,
    quality: int,
    progress: Progress | None,
) -> IngestSummary:
    """Write clips and labels into the store at `output`; complete clips are not read again.

    A data set is a yardstick: whatever cannot be read is an error, never skipped.
    """
    with StoreWriter(output, size=size, encoding=encoding, quality=quality) as writer:
        wanted = [clip for clip in clips if not writer.has_clip(clip.name)]
        tally = Tally(sum(clip.count for clip in wanted), progress)
        for clip in wanted:
            writer.add_clip(
                clip.name,
                tally.through(_resized(clip.frames(), size)),
                source=clip.source,
                fps=clip.fps,
                masks=None if clip.masks is None else _resized(clip.masks(), size),
                group=clip.group,
            )
        written = {clip.name: clip.frames for clip in writer.clips}
    for clip in clips:
        if written[clip.name] != clip.count:
            raise LabelError(
                f"{output}: expected {clip.count} frames in clip '{clip.name}' as its labels say, "
                f"got {written[clip.name]}. The data set is incomplete or of another version."
            )
    labels.save(output / LABEL_FILE, size=size)
    return IngestSummary(len(written), sum(written.values()), ())


def check_layout(root: Path, expected: Iterable[str], *, dataset: str) -> None:
    """Refuse a folder that lacks any of the `expected` files or folders of a data set.

    Raises:
        DataError: Something is missing; the message names it.
    """
    for name in expected:
        if not (root / name).exists():
            raise DataError(
                f"{root}: expected the folder of {dataset} with {', '.join(expected)}; "
                f"'{name}' is missing. The documentation of the reader shows the layout."
            )


def check_split(split: str) -> None:
    """Refuse a split that is neither train nor test.

    Raises:
        DataError: It is something else.
    """
    if split not in get_args(Split):
        raise DataError(f"Expected the split 'train' or 'test', got '{split}'.")


def _resized(frames: Iterable[Picture], size: int) -> Iterable[Picture]:
    for frame in frames:
        height, width = frame.shape[:2]
        box: Box = (0, 0, width, height)
        yield crop_and_resize(np.ascontiguousarray(frame), box, size=size)
