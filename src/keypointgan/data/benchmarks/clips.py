"""What the readers of all data sets share: what a reader returns, and how it becomes a store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray

from keypointgan.data.ingest import IngestSummary, Tally
from keypointgan.data.labels import LABEL_FILE, Labels
from keypointgan.data.resize import Box, Picture, crop_and_resize
from keypointgan.data.store import Encoding, Progress, StoreWriter
from keypointgan.data.video import read_image
from keypointgan.errors import DataError, LabelError
from keypointgan.wording import counted

Boxes = Float64[ndarray, "_frame 4"]
"""(x0, y0, x1, y1) of the crop of each frame, in pixels, outer edges."""

PHOTOGRAPHS_A_CLIP = 100


@dataclass(frozen=True)
class BenchmarkClip:
    """A clip of a data set before it is written.

    Attributes:
        name: Unique in the store.
        source: The file or folder it comes from, relative to the data set.
        group: The person, film or video that a split must keep together.
        count: How many frames it has.
        fps: Frames per second, 0 for photographs.
        frames: Opens the frames, of any size.
        masks: Opens the masks, the object above 127.
        boxes: Which part of each frame is kept; None for the whole frame, squeezed to a square.
    """

    name: str
    source: str
    group: str
    count: int
    fps: float
    frames: Callable[[], Iterable[Picture]]
    masks: Callable[[], Iterable[Picture]] | None = None
    boxes: Boxes | None = None


@dataclass(frozen=True)
class Part:
    """What a reader finds in one split of a data set.

    Attributes:
        clips: The clips, not read yet.
        labels: The labels of their frames; None where there are none.
    """

    clips: Sequence[BenchmarkClip]
    labels: Labels | None


def write_benchmark(
    output: Path,
    part: Part,
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
        wanted = [clip for clip in part.clips if not writer.has_clip(clip.name)]
        tally = Tally(sum(clip.count for clip in wanted), progress)
        for clip in wanted:
            writer.add_clip(
                clip.name,
                tally.through(_cropped(clip.frames(), clip.boxes, size)),
                source=clip.source,
                fps=clip.fps,
                crop=_one_box(clip.boxes),
                masks=None if clip.masks is None else _cropped(clip.masks(), clip.boxes, size),
                group=clip.group,
            )
        written = {clip.name: clip.frames for clip in writer.clips}
    for clip in part.clips:
        if written[clip.name] != clip.count:
            raise LabelError(
                f"{output}: expected {counted(clip.count, 'frame')} in clip '{clip.name}' as its "
                f"labels say, got {written[clip.name]}. The data set is incomplete or of another "
                "version."
            )
    if part.labels is not None:
        part.labels.save(output / LABEL_FILE, size=size)
    return IngestSummary(len(written), sum(written.values()), ())


def label_clips(
    clips: Sequence[BenchmarkClip],
    points: Sequence[Float32[ndarray, "_frame _joint 2"]],
    *,
    joints: Sequence[str],
    protocol: str,
    actions: Sequence[str] | Sequence[Sequence[str]] | None = None,
    source_sides: Sequence[Float32[ndarray, " _frame"]] | None = None,
    object_sizes: Sequence[Float32[ndarray, " _frame"]] | None = None,
) -> Labels:
    """Return the labels of every frame of the clips.

    Args:
        clips: The clips.
        points: The normalised points of each clip.
        joints: Their names.
        protocol: How they are scored.
        actions: The action of each clip, or of each frame of each clip.
        source_sides: Side of the frames of each clip in pixels of the source.
        object_sizes: Size of the object in the frames of each clip, normalised.
    """
    counts = [len(xy) for xy in points]
    every = None
    if actions is not None:
        every = tuple(
            name
            for action, count in zip(actions, counts, strict=True)
            for name in ([action] * count if isinstance(action, str) else action)
        )
    return Labels(
        xy=np.concatenate(points).astype(np.float32),
        clip=tuple(
            clip.name for clip, count in zip(clips, counts, strict=True) for _ in range(count)
        ),
        frame=np.concatenate([np.arange(count) for count in counts]).astype(np.int64),
        action=every,
        joints=tuple(joints),
        protocol=protocol,
        source_side=None if source_sides is None else np.concatenate(source_sides),
        object_size=None if object_sizes is None else np.concatenate(object_sizes),
    )


def photograph_clips(
    files: Sequence[Path],
    *,
    name: str,
    root: Path,
    boxes: Boxes | None,
    per_clip: int = PHOTOGRAPHS_A_CLIP,
) -> list[BenchmarkClip]:
    """Return photographs as clips of up to `per_clip` each, named by their place in the list.

    They show different objects, so a photograph is no reference of another one of its clip: train
    on them with `data.warp`.
    """
    clips = []
    # A store has no clips of one frame, so the last one takes two more where one would be left.
    starts = list(range(0, max(len(files) - 1, 1), per_clip))
    for start, stop in zip(starts, [*starts[1:], len(files)], strict=True):
        chosen = files[start:stop]
        clips.append(
            BenchmarkClip(
                name=f"{name}/{start:06d}",
                source=str(chosen[0].parent.relative_to(root)),
                group=f"{name}/{start:06d}",
                count=len(chosen),
                fps=0.0,
                frames=partial(map, read_image, list(chosen)),
                boxes=None if boxes is None else boxes[start:stop],
            )
        )
    return clips


def check_layout(root: Path, expected: Iterable[str], *, dataset: str) -> None:
    """Refuse a folder that lacks any of the `expected` files or folders of a data set.

    Raises:
        DataError: Something is missing; the message names its path.
    """
    for name in expected:
        if not (root / name).exists():
            raise DataError(
                f"{root / name}: expected this part of {dataset}, but it is missing. "
                f"'keypointgan benchmarks {dataset}' shows the layout and where to get the data."
            )


def _cropped(frames: Iterable[Picture], boxes: Boxes | None, size: int) -> Iterator[Picture]:
    for index, frame in enumerate(frames):
        height, width = frame.shape[:2]
        box: Box = (0, 0, width, height)
        if boxes is not None:
            if index >= len(boxes):
                return  # a video may have a last frame that nobody labelled
            x0, y0, x1, y1 = boxes[index].tolist()
            box = (x0, y0, x1, y1)
        yield crop_and_resize(np.ascontiguousarray(frame), box, size=size)


def _one_box(boxes: Boxes | None) -> Box | None:
    """The crop of a clip, where it is the same in all of its frames."""
    if boxes is None or not (boxes == boxes[0]).all():
        return None
    x0, y0, x1, y1 = boxes[0].tolist()
    return (x0, y0, x1, y1)
