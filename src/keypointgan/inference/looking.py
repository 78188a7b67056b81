"""A first look at a source: where in its frames an object is, and how large.

A model reads best what fills its square as the objects did that it learnt from (`ops.framing`). In
a source of which nobody has said where its object is, the model finds it itself. It reads parts of
a frame, reads again around what it saw in each, and what it is surest of counts; in a video it goes
on from there to the frames before and after.

Models know their object upright and of one size. Where a model is not sure of anything it also
turns the frame by quarters, for somebody who lies or a camera that was held on its side, and reads
smaller parts, for an animal in a large arena.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from keypointgan.data.store import Progress
from keypointgan.data.video import RGBFrame
from keypointgan.inference.glances import (
    KEPT,
    LOST,
    TILES,
    Eye,
    Held,
    Pose,
    Read,
    Track,
    first_boxes,
    surest,
    tiles,
)
from keypointgan.inference.places import Places
from keypointgan.inference.several import Several
from keypointgan.inference.sources import Source

LOOKS = 5.0
"""Frames that are looked at in a second of a video; the squares of those between lie between."""
_SURE = 0.9
"""Mean confidence from which the rest of a frame is not searched."""
_CLEARER = 0.2
"""What the mean confidence gains, at least, where a frame is turned for it or read in small parts:
people who are hard to read are often read a little more surely, and wrongly, upside down."""
_UNSURE = 0.5
"""Mean confidence of what is followed under which that is done; and what it finds is no better
below it."""
_AGAIN = 4
"""Turned and small parts that are read again."""


def looks_of(source: Source) -> int:
    """In how many frames of a source an object is looked for."""
    every = _pace_of(source)
    return -(-source.count // every) + ((source.count - 1) % every != 0)


def _pace_of(source: Source) -> int:
    """How many frames lie from one that is looked at to the next."""
    return max(1, round(source.fps / LOOKS)) if source.fps else 1


class FirstLook:
    """Finds the squares in which the frames of a source are to be read.

    Args:
        read: The model.
        side: Of its square frames, pixels.
        margin: Side of a square over the length of what is in it.
        held: Frames that are kept and looked at together; one of them is searched.
    """

    def __init__(self, read: Read, *, side: int, margin: float, held: int) -> None:
        self._eye, self._most = Eye(read, side=side, margin=margin), held

    def find(
        self,
        frames: Iterable[RGBFrame],
        source: Source,
        places: Places | None,
        *,
        objects: int = 1,
        progress: Progress | None = None,
    ) -> Places:
        """Return the square of each animal in each frame in which it is.

        Args:
            frames: All of the source's, maybe smaller than they are there.
            source: Whose frames.
            places: Where the animals are, more or less; None for some in the frame, anywhere.
            objects: How many there are at most, without places.
            progress: Called with the frames that were looked at, and with all to look at.
        """
        every = _pace_of(source)
        rate = source.fps / every if source.fps else 0.0
        tracks = [Track() for _ in (places.names if places is not None else ("",))]
        held: list[Held] = []
        count = looked = 0
        followed: Pose | None = None
        several = Several(self._eye, most=objects) if places is None and objects > 1 else None

        def look() -> None:
            nonlocal looked, followed
            if places is not None:
                self._look_into(held, places, tracks)
            elif several is not None and rate:
                several.follow(held)
            elif several is not None:
                for photograph in held:
                    several.look_at(photograph)
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
            last = Held(count, frame, source.size or frame.shape[:2])
            if count % every == 0:
                held.append(last)
            count += 1
            if len(held) == self._most:
                look()
        if count and (count - 1) % every:
            held.append(last)
        if held:
            look()
        if several is not None:
            return several.places(rate)
        if places is None:
            numbers, owners = np.arange(count), np.zeros(count, np.int64)
            found = self._eye.squares(tracks[0], numbers, rate)
            turns = tracks[0].turns_in(numbers)
            return Places(("",), numbers, owners, found, ((0, count - 1),), turns=turns)
        squares = places.squares.copy()
        for animal, track in enumerate(tracks):
            own = places.owners == animal
            if track.frames:
                squares[own] = self._eye.squares(track, places.frames[own], rate)
        return replace(places, squares=squares)

    def _look_into(self, held: Sequence[Held], places: Places, tracks: Sequence[Track]) -> None:
        """Read the places of all animals in some frames."""
        asked = [(frame, place) for frame in held for place in places.at(frame.number)]
        found = self._eye.read([(frame, place.square, place.turn) for frame, place in asked])
        for (frame, place), pose in zip(asked, found, strict=True):
            tracks[place.animal].add(frame.number, frame.size, pose)

    def _follow(self, held: Sequence[Held], track: Track, last: Pose | None) -> Pose:
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
        before: list[Pose] = []
        if last is not None:
            before = self._go_on(last, held[: middle + 1], sure=last.confidence)
        if not before or before[-1].confidence < KEPT:  # of the surest there can be
            thorough = last is None or last.confidence < _UNSURE
            best = self._search(held[middle], thorough=thorough)
            if not before or before[-1].confidence < KEPT * best.confidence:
                back = self._go_on(best, held[:middle][::-1], sure=best.confidence)
                before = [*back[::-1], best]
        after = self._go_on(before[-1], held[middle + 1 :], sure=before[-1].confidence)
        found = [*before, *after]
        for frame, pose in zip(held, found, strict=True):
            track.add(frame.number, frame.size, pose)
        return found[-1]

    def _go_on(self, pose: Pose, frames: Sequence[Held], *, sure: float) -> list[Pose]:
        """What becomes of a pose in the frames after it; searched again where it is lost."""
        found = []
        for frame in frames:
            (pose,) = self._eye.read([self._eye.around(pose, frame)])
            if pose.confidence < LOST * sure:
                pose = self._search(frame)
            found.append(pose)
        return found

    def _search(self, frame: Held, *, thorough: bool = True) -> Pose:
        """What the model is surest of, anywhere in a frame.

        Args:
            frame: Which.
            thorough: Whether it may be small, or not upright, if nothing else is clear.
        """
        boxes = first_boxes(frame.size)
        found = surest(self._eye.read_again([(frame, box, 0) for box in boxes]))
        if found.confidence >= _SURE:
            return found
        more = [box for share in TILES for box in tiles(frame.size, share) if box not in boxes]
        found = surest([found, *self._eye.read_again([(frame, box, 0) for box in more])])
        if thorough and found.confidence + _CLEARER < 1:
            asked = [(frame, box, turn) for turn in (1, 2, 3) for box in [*boxes, *more]]
            asked += [(frame, box, 0) for box in self._eye.small_tiles(frame.size)]
            other = surest(self._eye.read_again(asked, most=_AGAIN))
            if other.confidence > max(found.confidence + _CLEARER, _UNSURE):
                return other
        return found
