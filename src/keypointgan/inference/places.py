"""Which square of each frame an animal is looked for in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from keypointgan.data.resize import Box
from keypointgan.data.windows import MARGIN, BoxTrack, Squares, check_inside
from keypointgan.errors import DataError
from keypointgan.wording import counted


class Place(NamedTuple):
    """A square of a frame, the animal in it, and the quarter turns that set it upright."""

    animal: int
    square: Box
    turn: int


@dataclass(frozen=True, eq=False)
class Places:
    """Squares of animals in frames, sorted by frame.

    Attributes:
        names: Of the animals.
        frames: The frame of each square.
        owners: The animal of each square, an index into `names`.
        squares: In pixels of the source.
        spans: The first and the last frame in which each animal is seen.
        rows: How many frames the source must have; None where boxes do not tell.
        turns: Quarter turns to the left that set the animal in each square upright, 0 to 3; None
            where all are as they come.
    """

    names: tuple[str, ...]
    frames: Int64[ndarray, " square"]
    owners: Int64[ndarray, " square"]
    squares: Squares
    spans: tuple[tuple[int, int], ...]
    rows: int | None = None
    turns: Int64[ndarray, " square"] | None = None

    @classmethod
    def of_tracks(
        cls, tracks: Sequence[BoxTrack], *, margin: float = MARGIN, follow_size: bool = False
    ) -> Self:
        """Return the places of animals that are cut out as `ingest` does.

        Args:
            tracks: The animals, such as `read_boxes(FILE).of(VIDEO, alone=True)`.
            margin: As in `BoxTrack.squares`.
            follow_size: As in `BoxTrack.squares`.
        """
        if not tracks:
            raise DataError("Expected the track of at least one animal, got none.")
        frames = np.concatenate([track.frames for track in tracks])
        owners = np.repeat(np.arange(len(tracks)), [len(track.frames) for track in tracks])
        squares = [track.squares(margin=margin, follow_size=follow_size) for track in tracks]
        order = np.argsort(frames, kind="stable")
        return cls(
            names=tuple(track.name for track in tracks),
            frames=frames[order],
            owners=owners[order],
            squares=np.concatenate(squares)[order],
            spans=tuple((int(track.frames[0]), int(track.frames[-1])) for track in tracks),
        )

    @classmethod
    def of_boxes(cls, boxes: ndarray) -> Self:
        """Return the places of one animal, a row (x0, y0, x1, y1) for each frame, or NaN.

        Each box is extended to a square with its middle and its longer side.

        Raises:
            DataError: The boxes have another shape, or no area.
        """
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise DataError(f"Expected boxes of shape (frame, 4), x0 y0 x1 y1, got {boxes.shape}.")
        frames = np.flatnonzero(~np.isnan(boxes).any(axis=1))
        known = boxes[frames].astype(np.float64)
        corners, ends = known[:, :2], known[:, 2:]
        flat = np.flatnonzero(~(corners < ends).all(axis=1))
        if flat.size:
            raise DataError(
                "Expected boxes x0 y0 x1 y1 with x0 < x1 and y0 < y1, got "
                f"{' '.join(f'{value:g}' for value in known[flat[0]])} for frame "
                f"{frames[flat[0]]}. Boxes that are unknown are NaN."
            )
        half = (ends - corners).max(axis=1, keepdims=True) / 2
        middles = (corners + ends) / 2
        return cls(
            names=("",),
            frames=frames,
            owners=np.zeros(len(frames), np.int64),
            squares=np.concatenate([middles - half, middles + half], axis=1),
            spans=((0, len(boxes) - 1),),
            rows=len(boxes),
        )

    @property
    def least_side(self) -> float:
        """The shortest side of any square, in pixels; 1 where there is none."""
        sides = self.squares[:, 2] - self.squares[:, 0]
        return float(sides.min()) if sides.size else 1.0

    def at(self, frame: int) -> list[Place]:
        """Return where the animals in a frame are.

        Raises:
            DataError: There are boxes for each frame, but not for this one.
        """
        if self.rows is not None and frame >= self.rows:
            raise DataError(
                f"Expected a box for each frame, got {counted(self.rows, 'box', 'boxes')} and more "
                "frames than that."
            )
        start, stop = np.searchsorted(self.frames, [frame, frame + 1]).tolist()
        found: list[Place] = []
        for row in range(start, stop):
            x0, y0, x1, y1 = self.squares[row].tolist()
            turn = 0 if self.turns is None else int(self.turns[row])
            found.append(Place(int(self.owners[row]), (x0, y0, x1, y1), turn))
        return found

    def check(self, count: int, size: tuple[int, int] | None, *, source: str) -> None:
        """Refuse places that are of another source.

        Args:
            count: How many frames the source has.
            size: Their (height, width) in pixels; None if unknown.
            source: For errors.

        Raises:
            DataError: There are boxes for more frames, or fewer, or squares outside.
        """
        if self.rows is not None and self.rows != count:
            raise DataError(
                f"{source}: expected a box for each of {counted(count, 'frame')}, got {self.rows}."
            )
        last = int(self.frames[-1]) if len(self.frames) else 0
        if last >= count > 0:
            raise DataError(
                f"{source}: expected boxes of frames 0 to {count - 1}, got one of frame {last}. "
                "The boxes are of another video."
            )
        if size is None:
            return
        check_inside(self.squares, self.frames, size=size, source=source)
