"""Which part of which frames becomes a clip: a still square, or one that follows an animal."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from keypointgan.data.resize import Box
from keypointgan.errors import DataError

MARGIN = 1.3
"""Side of a square that follows an animal, over the animal's length: it fills about 77 %."""
MAX_GAP = 30
"""Frames without an animal over which its square is moved on a straight line."""

Squares = Float64[ndarray, "frame 4"]
"""(x0, y0, x1, y1) in pixels of the source, outer edges."""


@dataclass(frozen=True, eq=False)
class BoxTrack:
    """Where one animal is.

    Attributes:
        name: Of the animal.
        frames: Numbers of the frames in which it is seen, increasing.
        centres: Its middle in these frames, in pixels, outer edges.
        lengths: Its length in these frames: a box's longer side, or the largest distance between
            two of its points.
    """

    name: str
    frames: Int64[ndarray, " seen"]
    centres: Float64[ndarray, "seen 2"]
    lengths: Float64[ndarray, " seen"]

    def squares(self, *, margin: float = MARGIN, follow_size: bool = False) -> Squares:
        """Return a square around the animal for each frame in which it is seen.

        Args:
            margin: The side over the animal's length.
            follow_size: Take the length in each frame, for animals that come and go; otherwise the
                median of all frames, so that the scale does not change with the pose.
        """
        known = self.lengths[np.isfinite(self.lengths) & (self.lengths > 0)]
        if not known.size:
            raise DataError(f"Track '{self.name}': expected boxes with an area, got none.")
        usual = float(np.median(known))
        lengths = np.full(len(self.frames), usual)
        if follow_size:
            lengths = np.where(self.lengths > 0, self.lengths, usual)
        half = (lengths * margin / 2)[:, None]
        return np.concatenate([self.centres - half, self.centres + half], axis=1)


@dataclass(frozen=True, eq=False)
class Window:
    """What is cut out of consecutive frames of a source.

    Attributes:
        name: Added to the source's name; empty for a clip that is the whole source.
        first: Number of the first frame.
        squares: The part of each frame, or one for all frames to the end.
        still: Whether there is one for all.
    """

    name: str
    first: int
    squares: Squares
    still: bool = False

    @property
    def stop(self) -> int | None:
        """Number of the frame after the last one; None for the end of the source."""
        return None if self.still else self.first + len(self.squares)

    @property
    def box(self) -> Box | None:
        """The part, where it is the same in all frames."""
        return _box(self.squares[0]) if (self.squares == self.squares[0]).all() else None

    @property
    def least_side(self) -> float:
        """The shortest side of a square, in pixels."""
        return float((self.squares[:, 2:] - self.squares[:, :2]).min())

    def at(self, frame: int) -> Box:
        """Return the part of a frame."""
        return _box(self.squares[0 if self.still else frame - self.first])


def check_inside(
    squares: Squares, frames: Int64[ndarray, " frame"], *, size: tuple[int, int], source: str
) -> None:
    """Refuse squares of which no part lies in their frame.

    Args:
        squares: A row for each of `frames`.
        frames: Their numbers.
        size: (height, width) of the frames in pixels.
        source: For errors.

    Raises:
        DataError: There is such a square.
    """
    height, width = size
    outside = (squares[:, :2] >= [width, height]) | (squares[:, 2:] <= 0)
    wrong = np.flatnonzero(outside.any(axis=1))
    if wrong.size:
        raise DataError(
            f"{source}: expected boxes inside a frame of {width}×{height} pixels, got one "
            f"around {' '.join(f'{value:g}' for value in squares[wrong[0]])} (x0 y0 x1 y1) for "
            f"frame {frames[wrong[0]]}. Are they of another video, or in other units?"
        )


def still_window(box: Box) -> Window:
    """Return the window of a source of which all frames are cut alike."""
    return Window("", 0, np.asarray([box], np.float64), still=True)


def follow(
    track: BoxTrack, *, margin: float = MARGIN, follow_size: bool = False, max_gap: int = MAX_GAP
) -> Iterator[Window]:
    """Yield the windows of one animal: one, or several where it is away for long.

    Where the animal is missing for at most `max_gap` frames, its square moves on a straight line.
    A window after a longer gap has the number of its first frame in its name.
    """
    squares = track.squares(margin=margin, follow_size=follow_size)
    breaks = np.flatnonzero(np.diff(track.frames) > max_gap + 1) + 1
    for part, rows in enumerate(np.split(np.arange(len(track.frames)), breaks)):
        seen = track.frames[rows]
        if len(rows) < 2:
            continue
        every = np.arange(seen[0], seen[-1] + 1)
        moved = [np.interp(every, seen, squares[rows, place]) for place in range(4)]
        name = track.name if part == 0 else f"{track.name}@{seen[0]}"
        yield Window(name, int(seen[0]), np.stack(moved, axis=1))


def _box(square: ndarray) -> Box:
    x0, y0, x1, y1 = square.tolist()
    return (x0, y0, x1, y1)
