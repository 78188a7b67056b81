"""Poses to a file while they are computed, so that a video may be of any length."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from keypointgan.data.pose_files.own import COLUMNS
from keypointgan.data.pose_files.table import quoted, write_rows
from keypointgan.data.whole_files import whole_file
from keypointgan.inference.places import Places
from keypointgan.inference.poses import Poses


def write_csv_parts(
    parts: Iterable[Sequence[Poses]], path: str | Path, *, places: Places | None = None
) -> None:
    """Write the poses of consecutive frames to a CSV file, as `Poses.save` does, part by part.

    Of several animals each has lines from the first to the last frame in which it is seen.

    Args:
        parts: The poses of each animal in some frames after the others; at least one part.
        path: The file, written beside and renamed when it is complete.
        places: Where the animals are.

    Raises:
        ExportError: The file cannot be written.
    """
    path = Path(path)
    with whole_file(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        start = 0
        for part in parts:
            if not start:
                joints = part[0].joints
                names = [f"{joint}_{column}" for joint in joints for column in COLUMNS]
                tracked = ["track"] if len(part) > 1 or part[0].track else []
                file.write(quoted(["frame", *tracked, *names]) + "\n")
            for first, stop, seen in _stretches(start, start + len(part[0]), len(part), places):
                values = [_values(part[animal])[first - start : stop - start] for animal in seen]
                labels = [part[animal].track for animal in seen] if tracked else []
                write_rows(file, np.stack(values, axis=1), labels, first=first)
            start += len(part[0])


def _values(poses: Poses) -> np.ndarray:
    both = np.concatenate([poses.xy, poses.confidence[..., None]], axis=-1)
    return both.reshape(len(poses), -1)


def _stretches(
    start: int, stop: int, count: int, places: Places | None
) -> Iterator[tuple[int, int, list[int]]]:
    """Frames of a part in which the same animals are reported, and which these are."""
    if count == 1 or places is None:
        yield start, stop, list(range(count))
        return
    edges = {start, stop}
    for first, last in places.spans:
        edges |= {edge for edge in (first, last + 1) if start < edge < stop}
    ordered = sorted(edges)
    for begin, end in pairwise(ordered):
        seen = [n for n, (first, last) in enumerate(places.spans) if first < end and begin <= last]
        if seen:
            yield begin, end, seen
