"""What a model sees in parts of a frame that it is shown one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy import ndarray

from keypointgan.data.resize import Box, centre_square
from keypointgan.data.video import RGBFrame
from keypointgan.data.windows import Squares
from keypointgan.inference.crops import Crop, Size, cut
from keypointgan.ops.framing import squares_around

LOST = 0.5
"""Share of its confidence under which what was found is lost in another frame of a video."""
KEPT = 0.8
"""Share of the confidence of the surest from which what was followed so far is kept to."""
TILES = (1.0, 0.6)
"""Sides of the parts that are read, over the frame's shorter side; they overlap by half."""
LEAST_TILE = 0.3
"""Side of small parts: what is a tenth as long as the frame is seen in them."""
_WIDE = 1.1
"""Longer over shorter side from which a square around the whole frame is read, too."""
_LEAST = 1 / 32
"""Least length of an object, as a share of the frame's longer side."""

Read = Callable[[Sequence[Crop]], tuple[ndarray, ndarray]]
"""Gives the points in crops (crop, joint, 2), in pixels of the source, and their confidence."""


class Pose(NamedTuple):
    """What was read in one square, pixels of the source, its mean confidence, and how.

    `turn` is how many quarter turns to the left the square was given.
    """

    points: Float[ndarray, "joint 2"]
    confidence: float
    turn: int


class Held(NamedTuple):
    """A frame that is looked at: its number, its picture, maybe shrunk, and its size before."""

    number: int
    picture: RGBFrame
    size: Size


Asked = tuple[Held, Box, int]
"""A part of a frame, and the quarter turns to read it after."""


@dataclass
class Track:
    """Where one animal was found."""

    frames: list[int] = field(default_factory=list)
    points: list[ndarray] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)

    def add(self, number: int, size: Size, pose: Pose) -> None:
        """Keep what was found in a frame, as far as it is inside of it."""
        height, width = size
        self.frames.append(number)
        self.points.append(pose.points.clip(0, [width, height]))
        self.turns.append(pose.turn)

    def turns_in(self, frames: Int64[ndarray, " frame"]) -> Int64[ndarray, " frame"]:
        """The quarter turns in these frames: those of the nearest one that was looked at."""
        if not self.turns:
            return np.zeros(len(frames), np.int64)
        nearest = np.rint(np.interp(frames, self.frames, np.arange(len(self.frames))))
        return np.array(self.turns)[nearest.astype(np.int64)]


class Eye:
    """Shows a model parts of frames.

    Args:
        model: What reads crops.
        side: Of its square frames, pixels.
        margin: Side of a square over the length of what is in it.
    """

    def __init__(self, model: Read, *, side: int, margin: float) -> None:
        self._model, self.side, self._margin = model, side, margin

    def read(self, asked: Sequence[Asked]) -> list[Pose]:
        """What the model reads in each of these parts."""
        if not asked:
            return []
        crops = [
            cut(frame.picture, box, side=self.side, source=frame.size, turn=turn)
            for frame, box, turn in asked
        ]
        points, confidence = self._model(crops)
        return [
            Pose(each, float(sure), crop.turn)
            for crop, each, sure in zip(crops, points, confidence.mean(axis=1), strict=True)
        ]

    def read_again(self, asked: Sequence[Asked], *, most: int | None = None) -> list[Pose]:
        """What the model reads around what it saw in some squares, or in the surest of them."""
        seen = list(zip([frame for frame, _, _ in asked], self.read(asked), strict=True))
        seen.sort(key=lambda pair: pair[1].confidence, reverse=True)
        return self.read([self.around(pose, frame) for frame, pose in seen[:most]])

    def around(self, pose: Pose, frame: Held) -> Asked:
        """The square around a pose in a frame."""
        track = Track()
        track.add(0, frame.size, pose)
        x0, y0, x1, y1 = self.squares(track, np.zeros(1, np.int64), 0.0)[0].tolist()
        return frame, (x0, y0, x1, y1), pose.turn

    def small_tiles(self, size: Size) -> list[Box]:
        """The small parts of a frame of this size; none where they are too few pixels to see in."""
        return tiles(size, LEAST_TILE) if LEAST_TILE * min(size) > self.side / 2 else []

    def squares(self, track: Track, frames: Int64[ndarray, " frame"], rate: float) -> Squares:
        """The squares in these frames, on straight lines between those that were looked at."""
        if not track.frames:
            return np.zeros((0, 4))
        points = torch.from_numpy(np.stack(track.points)).double()
        count = len(points)
        squares = squares_around(
            points,
            margin=self._margin,
            lengths=[count] if rate else [1] * count,
            rates=[rate] if rate else [0.0] * count,
            least=_LEAST * float(points.max().clamp_min(1)),
        ).numpy()
        x, y, half = (np.interp(frames, track.frames, column) for column in squares.T)
        return np.stack([x - half, y - half, x + half, y + half], axis=1)


def surest(poses: Sequence[Pose]) -> Pose:
    """The one with the most confidence."""
    return max(poses, key=lambda pose: pose.confidence)


def first_boxes(size: Size) -> list[Box]:
    """The middle of a frame and, where that is not all of it, a square around the whole."""
    height, width = size
    boxes = [centre_square(width, height)]
    longer = max(size)
    if longer > _WIDE * min(size):
        left, top = (width - longer) / 2, (height - longer) / 2
        boxes.append((left, top, left + longer, top + longer))
    return boxes


def tiles(size: Size, share: float) -> list[Box]:
    """Squares that cover a frame and overlap by half, of a share of its shorter side."""
    height, width = size
    side = share * min(size)
    rows, columns = (
        np.linspace(0, length - side, 1 + int(np.ceil(2 * (length - side) / side)))
        for length in (height, width)
    )
    return [(x, y, x + side, y + side) for y in rows.tolist() for x in columns.tolist()]
