"""A first look at a source: where in its frames an object is, and how large.

A model reads best what fills its square as the objects did that it learnt from (`ops.framing`). In
a source of which nobody has said where its object is, the model finds it itself. It reads parts of
a frame, reads again around what it saw in each, and what it is surest of counts; in a video it goes
on from there to the frames before and after.

Models know their object upright and of one size. Where a model is not sure of anything it also
turns the frame by quarters, for somebody who lies or a camera that was held on its side, and reads
smaller parts, for an animal in a large arena.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy import ndarray

from keypointgan.data.resize import Box, centre_square
from keypointgan.data.store import Progress
from keypointgan.data.video import RGBFrame
from keypointgan.data.windows import Squares
from keypointgan.inference.crops import Crop, Size, cut
from keypointgan.inference.places import Places
from keypointgan.inference.sources import Source
from keypointgan.ops.framing import squares_around

LOOKS = 5.0
"""Frames that are looked at in a second of a video; the squares of those between lie between."""
_SURE = 0.9
"""Mean confidence from which the rest of a frame is not searched."""
_LOST = 0.5
"""Share of its confidence under which what was found is lost in another frame of a video."""
_CLEARER = 0.2
"""What the mean confidence gains, at least, where a frame is turned for it or read in small parts:
people who are hard to read are often read a little more surely, and wrongly, upside down."""
_UNSURE = 0.5
"""Mean confidence of what is followed under which that is done; and what it finds is no better
below it."""
_AGAIN = 4
"""Turned and small parts that are read again."""
_KEPT = 0.8
"""Share of the confidence of the surest from which what was followed so far is kept to."""
_TILES = (1.0, 0.6)
"""Sides of the parts that are read, over the frame's shorter side; they overlap by half."""
LEAST_TILE = 0.3
"""Side of small parts: what is a tenth as long as the frame is seen in them."""
_WIDE = 1.1
"""Longer over shorter side from which a square around the whole frame is read, too."""
_LEAST = 1 / 32
"""Least length of an object, as a share of the frame's longer side."""

Read = Callable[[Sequence[Crop]], tuple[ndarray, ndarray]]
"""Gives the points in crops (crop, joint, 2), in pixels of the source, and their confidence."""


def looks_of(source: Source) -> int:
    """In how many frames of a source an object is looked for."""
    every = _pace_of(source)
    return -(-source.count // every) + ((source.count - 1) % every != 0)


def _pace_of(source: Source) -> int:
    """How many frames lie from one that is looked at to the next."""
    return max(1, round(source.fps / LOOKS)) if source.fps else 1


class _Pose(NamedTuple):
    """What was read in one square, pixels of the source, its mean confidence, and how.

    `turn` is how many quarter turns to the left the square was given.
    """

    points: Float[ndarray, "joint 2"]
    confidence: float
    turn: int


class _Held(NamedTuple):
    """A frame that is looked at: its number, its picture, maybe shrunk, and its size before."""

    number: int
    picture: RGBFrame
    size: Size


_Asked = tuple[_Held, Box, int]
"""A part of a frame, and the quarter turns to read it after."""


@dataclass
class _Track:
    """Where one animal was found."""

    frames: list[int] = field(default_factory=list)
    points: list[ndarray] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)

    def add(self, number: int, size: Size, pose: _Pose) -> None:
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


class FirstLook:
    """Finds the squares in which the frames of a source are to be read.

    Args:
        read: The model.
        side: Of its square frames, pixels.
        margin: Side of a square over the length of what is in it.
        held: Frames that are kept and looked at together; one of them is searched.
    """

    def __init__(self, read: Read, *, side: int, margin: float, held: int) -> None:
        self._model, self._side, self._margin, self._most = read, side, margin, held

    def find(
        self,
        frames: Iterable[RGBFrame],
        source: Source,
        places: Places | None,
        *,
        progress: Progress | None = None,
    ) -> Places:
        """Return the square of each animal in each frame in which it is.

        Args:
            frames: All of the source's, maybe smaller than they are there.
            source: Whose frames.
            places: Where the animals are, more or less; None for one somewhere in the frame.
            progress: Called with the frames that were looked at, and with all to look at.
        """
        every = _pace_of(source)
        rate = source.fps / every if source.fps else 0.0
        tracks = [_Track() for _ in (places.names if places is not None else ("",))]
        held: list[_Held] = []
        count = looked = 0
        followed: _Pose | None = None

        def look() -> None:
            nonlocal looked, followed
            if places is not None:
                self._look_into(held, places, tracks)
            elif rate:
                followed = self._follow(held, tracks[0], followed)
            else:
                for photograph in held:
                    found = self._search(photograph)
                    tracks[0].add(photograph.number, photograph.size, found)
            looked += len(held)
            held.clear()
            if progress is not None:
                progress(looked, max(looks_of(source), looked))

        for frame in frames:
            last = _Held(count, frame, source.size or frame.shape[:2])
            if count % every == 0:
                held.append(last)
            count += 1
            if len(held) == self._most:
                look()
        if count and (count - 1) % every:
            held.append(last)
        if held:
            look()
        if places is None:
            numbers, owners = np.arange(count), np.zeros(count, np.int64)
            found = self._squares(tracks[0], numbers, rate)
            turns = tracks[0].turns_in(numbers)
            return Places(("",), numbers, owners, found, ((0, count - 1),), turns=turns)
        squares = places.squares.copy()
        for animal, track in enumerate(tracks):
            own = places.owners == animal
            if track.frames:
                squares[own] = self._squares(track, places.frames[own], rate)
        return replace(places, squares=squares)

    def _look_into(self, held: Sequence[_Held], places: Places, tracks: Sequence[_Track]) -> None:
        """Read the places of all animals in some frames."""
        asked = [(frame, place) for frame in held for place in places.at(frame.number)]
        found = self._read([(frame, place.square, place.turn) for frame, place in asked])
        for (frame, place), pose in zip(asked, found, strict=True):
            tracks[place.animal].add(frame.number, frame.size, pose)

    def _follow(self, held: Sequence[_Held], track: _Track, last: _Pose | None) -> _Pose:
        """Find one object in some frames of a video; returns what it is in the last one.

        One frame is searched unless what was followed up to there goes on whatever is found: if it
        is nearly as sure, so that one of two people is not left for the other. Else what the search
        found is followed from there on, and back.

        Args:
            held: The frames.
            track: What is found is added to it.
            last: What was found in the frame before; None at the beginning.
        """
        middle = len(held) // 2
        before: list[_Pose] = []
        if last is not None:
            before = self._go_on(last, held[: middle + 1], sure=last.confidence)
        if not before or before[-1].confidence < _KEPT:  # of the surest there can be
            thorough = last is None or last.confidence < _UNSURE
            surest = self._search(held[middle], thorough=thorough)
            if not before or before[-1].confidence < _KEPT * surest.confidence:
                back = self._go_on(surest, held[:middle][::-1], sure=surest.confidence)
                before = [*back[::-1], surest]
        after = self._go_on(before[-1], held[middle + 1 :], sure=before[-1].confidence)
        found = [*before, *after]
        for frame, pose in zip(held, found, strict=True):
            track.add(frame.number, frame.size, pose)
        return found[-1]

    def _go_on(self, pose: _Pose, frames: Sequence[_Held], *, sure: float) -> list[_Pose]:
        """What becomes of a pose in the frames after it; searched again where it is lost."""
        found = []
        for frame in frames:
            (pose,) = self._read([self._around(pose, frame)])
            if pose.confidence < _LOST * sure:
                pose = self._search(frame)
            found.append(pose)
        return found

    def _search(self, frame: _Held, *, thorough: bool = True) -> _Pose:
        """What the model is surest of, anywhere in a frame.

        Args:
            frame: Which.
            thorough: Whether it may be small, or not upright, if nothing else is clear.
        """
        boxes = _first_boxes(frame.size)
        found = _surest(self._read_again([(frame, box, 0) for box in boxes]))
        if found.confidence >= _SURE:
            return found
        more = [box for share in _TILES for box in _tiles(frame.size, share) if box not in boxes]
        found = _surest([found, *self._read_again([(frame, box, 0) for box in more])])
        if thorough and found.confidence + _CLEARER < 1:
            asked = [(frame, box, turn) for turn in (1, 2, 3) for box in [*boxes, *more]]
            if LEAST_TILE * min(frame.size) > self._side / 2:  # else there is nothing to see in it
                asked += [(frame, box, 0) for box in _tiles(frame.size, LEAST_TILE)]
            other = _surest(self._read_again(asked, most=_AGAIN))
            if other.confidence > max(found.confidence + _CLEARER, _UNSURE):
                return other
        return found

    def _read_again(self, asked: Sequence[_Asked], *, most: int | None = None) -> list[_Pose]:
        """What the model reads around what it saw in some squares, or in the surest of them."""
        seen = list(zip([frame for frame, _, _ in asked], self._read(asked), strict=True))
        seen.sort(key=lambda pair: pair[1].confidence, reverse=True)
        return self._read([self._around(pose, frame) for frame, pose in seen[:most]])

    def _read(self, asked: Sequence[_Asked]) -> list[_Pose]:
        if not asked:
            return []
        crops = [
            cut(frame.picture, box, side=self._side, source=frame.size, turn=turn)
            for frame, box, turn in asked
        ]
        points, confidence = self._model(crops)
        return [
            _Pose(each, float(sure), crop.turn)
            for crop, each, sure in zip(crops, points, confidence.mean(axis=1), strict=True)
        ]

    def _around(self, pose: _Pose, frame: _Held) -> _Asked:
        track = _Track()
        track.add(0, frame.size, pose)
        x0, y0, x1, y1 = self._squares(track, np.zeros(1, np.int64), 0.0)[0].tolist()
        return frame, (x0, y0, x1, y1), pose.turn

    def _squares(self, track: _Track, frames: Int64[ndarray, " frame"], rate: float) -> Squares:
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


def _surest(poses: Sequence[_Pose]) -> _Pose:
    return max(poses, key=lambda pose: pose.confidence)


def _first_boxes(size: Size) -> list[Box]:
    """The middle of a frame and, where that is not all of it, a square around the whole."""
    height, width = size
    boxes = [centre_square(width, height)]
    longer = max(size)
    if longer > _WIDE * min(size):
        left, top = (width - longer) / 2, (height - longer) / 2
        boxes.append((left, top, left + longer, top + longer))
    return boxes


def _tiles(size: Size, share: float) -> list[Box]:
    """Squares that cover a frame and overlap by half, of a share of its shorter side."""
    height, width = size
    side = share * min(size)
    rows, columns = (
        np.linspace(0, length - side, 1 + int(np.ceil(2 * (length - side) / side)))
        for length in (height, width)
    )
    return [(x, y, x + side, y + side) for y in rows.tolist() for x in columns.tolist()]
