"""Several objects in the frames of a source: found, told from each other, and followed.

What is sure enough and is not part of what is surer is an object. In a video each is followed from
frame to frame; where one was lost, or fewer were found than there may be, the frame is searched
again. Who is found anew has a track of its own; when there are as many tracks as there may be
objects, it takes that of whom was lost nearest by. So in a closed arena all keep their names but
for mistakes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from keypointgan.data.resize import Box
from keypointgan.inference.crops import Size
from keypointgan.inference.glances import (
    KEPT,
    LOST,
    TILES,
    Eye,
    Held,
    Pose,
    Track,
    first_boxes,
    tiles,
)
from keypointgan.inference.places import Places

_SHARE = 0.7
"""Of the confidence of the surest, from which something else is an object, too."""
_BESIDE = 0.75
"""How far squares beside an object are from its own, over their side."""
_NEAR = 0.15
"""Distance within which a point lies on an object, from one of its points, over its length."""
_PART = 0.6
"""Share of the points of one object that lie on the other where both are the same."""


@dataclass
class _Followed:
    """One object: what it was last, what was read in each frame, and how sure when it was found."""

    last: Pose
    track: dict[int, tuple[Size, Pose]] = field(default_factory=dict)
    sure: float = 0.0
    lost: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether it is much less clear than when it was found."""
        return self.last.confidence < KEPT * self.sure

    def forget_doubtful(self) -> None:
        """Forget the last frames, as far back as it was doubtful."""
        for number in sorted(self.track, reverse=True):
            if self.track[number][1].confidence >= KEPT * self.sure:
                return
            del self.track[number]


class Several:
    """Finds and follows objects.

    Args:
        eye: What reads.
        most: Objects at most, at any time and in all.
    """

    def __init__(self, eye: Eye, *, most: int) -> None:
        self._eye, self._most = eye, most
        self._objects: list[_Followed] = []
        self._looked: list[int] = []

    def follow(self, held: Sequence[Held]) -> None:
        """Go on through some frames of a video, after those before."""
        for place, frame in enumerate(held):
            clear = [each for each in self._present() if not each.doubtful]
            self._go_on(self._present(), frame)
            first = not self._looked
            self._looked.append(frame.number)
            gone = any(each.lost or each.doubtful for each in clear)
            if first or gone or place == len(held) - 1:
                self._look_for_more(frame, before=held[:place])

    def look_at(self, photograph: Held) -> None:
        """Find the objects of a frame that no other frame tells of, from left to right."""
        found = self._search(photograph, besides=())
        found.sort(key=lambda pose: float(pose.points[:, 0].mean()))
        for place, pose in enumerate(found):
            if place == len(self._objects):
                self._objects.append(_Followed(pose))
            self._keep(self._objects[place], photograph, pose)
        self._looked.append(photograph.number)

    def places(self, rate: float) -> Places:
        """Where they all were.

        Args:
            rate: Frames that were looked at in a second of a video; 0 for photographs.
        """
        order = {number: place for place, number in enumerate(self._looked)}
        frames: list[ndarray] = []
        owners: list[ndarray] = []
        squares: list[ndarray] = []
        spans: list[tuple[int, int]] = []
        for owner, each in enumerate(self._objects):
            first = len(frames)
            for run in _runs(sorted(each.track), order):
                track = Track()
                for number in run:
                    track.add(number, *each.track[number])
                numbers = np.arange(run[0], run[-1] + 1)
                frames.append(numbers)
                owners.append(np.full(len(numbers), owner))
                squares.append(self._eye.squares(track, numbers, rate if len(run) > 1 else 0.0))
            spans.append((int(frames[first][0]), int(frames[-1][-1])))
        if not frames:
            none = np.zeros(0, np.int64)
            return Places(("1",), none, none, np.zeros((0, 4)), ((0, 0),))
        sequence = np.argsort(np.concatenate(frames), kind="stable")
        return Places(
            names=tuple(str(number + 1) for number in range(len(self._objects))),
            frames=np.concatenate(frames)[sequence],
            owners=np.concatenate(owners)[sequence],
            squares=np.concatenate(squares)[sequence],
            spans=tuple(spans),
        )

    def _present(self) -> list[_Followed]:
        return [each for each in self._objects if not each.lost]

    def _keep(self, each: _Followed, frame: Held, pose: Pose) -> None:
        each.track[frame.number] = frame.size, pose
        each.last = pose

    def _go_on(self, present: Sequence[_Followed], frame: Held) -> None:
        """Look for those that were there a moment ago; who is not there any more is lost.

        Where two turn out to be one, it is the one that was nearer.
        """
        before = [each.last for each in present]
        found = self._eye.read([self._eye.around(pose, frame) for pose in before])
        moved = [_apart(old, new) for old, new in zip(before, found, strict=True)]
        kept: list[Pose] = []
        for place in np.argsort(moved, kind="stable").tolist():
            each, pose = present[place], found[place]
            if pose.confidence < LOST * each.sure or any(_is_same(pose, other) for other in kept):
                each.lost = True
                continue
            kept.append(pose)
            self._keep(each, frame, pose)

    def _look_for_more(self, frame: Held, *, before: Sequence[Held]) -> None:
        """Search a frame for those that are missing, and follow them back through those before.

        Where one that is followed is not clear any more the frame is searched as well: it may have
        jumped aside, and what was followed since be nothing.
        """
        firm = [each.last for each in self._present() if not each.doubtful]
        if len(firm) == self._most:
            return
        for pose in self._search(frame, besides=firm):
            same = [each for each in self._present() if each.doubtful and _is_same(pose, each.last)]
            each = same[0] if same else self._place_for(pose)
            if each is None:
                continue
            each.sure, each.lost = pose.confidence, False
            self._keep(each, frame, pose)
            if not same:
                self._go_back(each, before)

    def _go_back(self, each: _Followed, before: Sequence[Held]) -> None:
        """Follow one to earlier frames, until it is not there or was known already."""
        pose = each.last
        for frame in reversed(before):
            if frame.number in each.track:
                return
            (pose,) = self._eye.read([self._eye.around(pose, frame)])
            others = [o.track[frame.number][1] for o in self._objects if frame.number in o.track]
            if pose.confidence < LOST * each.sure or any(_is_same(pose, o) for o in others):
                return
            each.track[frame.number] = frame.size, pose

    def _place_for(self, pose: Pose) -> _Followed | None:
        """Whose place something takes that was found anew; None if there is no room for it.

        That of one that is not clear any more, nearest by; else a new one, or, where there may be
        no more, that of one that was lost.
        """
        doubtful = [
            each
            for each in self._present()
            if each.doubtful and each.last.confidence < KEPT * pose.confidence
        ]
        if doubtful:
            each = _nearest(doubtful, pose)
            each.forget_doubtful()
            return each
        if len(self._objects) < self._most:
            self._objects.append(_Followed(pose))
            return self._objects[-1]
        lost = [each for each in self._objects if each.lost]
        return _nearest(lost, pose) if lost else None

    def _search(self, frame: Held, *, besides: Sequence[Pose]) -> list[Pose]:
        """The objects in a frame, apart from those that are known, the surest first."""
        boxes = first_boxes(frame.size)
        boxes += [box for share in TILES for box in tiles(frame.size, share) if box not in boxes]
        seen = self._converge(frame, [*boxes, *self._eye.small_tiles(frame.size)])
        least = _SHARE * max(pose.confidence for pose in [*seen, *besides])
        found = self._others(seen, besides, least=least)
        beside = [box for pose in [*besides, *found] for box in self._beside(pose, frame)]
        if beside and len(found) + len(besides) < self._most:
            seen = self._converge(frame, beside)
            found += self._others(seen, [*besides, *found], least=least)
        return found

    def _converge(self, frame: Held, boxes: Sequence[Box]) -> list[Pose]:
        """What is read around what is seen around what is seen in these squares."""
        seen = self._eye.read_again([(frame, box, 0) for box in boxes])
        return self._eye.read([self._eye.around(pose, frame) for pose in seen])

    def _others(self, seen: Sequence[Pose], known: Sequence[Pose], *, least: float) -> list[Pose]:
        """Those among what was seen that are none of what is known, the surest first."""
        found: list[Pose] = []
        for pose in sorted(seen, key=lambda pose: pose.confidence, reverse=True):
            if len(found) + len(known) == self._most or pose.confidence < least:
                break
            if not any(_is_same(pose, other) for other in [*known, *found]):
                found.append(pose)
        return found

    def _beside(self, pose: Pose, frame: Held) -> list[Box]:
        """The eight squares around that of a pose: who stands close by is in one of them."""
        x0, y0, x1, y1 = self._eye.around(pose, frame)[1]
        side = _BESIDE * (x1 - x0)
        steps = [(x, y) for x in (-side, 0, side) for y in (-side, 0, side) if x or y]
        return [(x0 + x, y0 + y, x1 + x, y1 + y) for x, y in steps]


def _runs(numbers: Sequence[int], order: dict[int, int]) -> Iterable[list[int]]:
    """The frames that were looked at one after the other, without one between."""
    run: list[int] = []
    for number in numbers:
        if run and order[number] != order[run[-1]] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _length(points: Float[ndarray, "joint 2"]) -> float:
    return max(float(np.ptp(points, axis=0).max()), 1e-6)


def _apart(one: Pose, other: Pose) -> float:
    """Mean distance of the points of two poses, over the length of the first."""
    away = np.linalg.norm(one.points - other.points, axis=-1).mean()
    return float(away) / _length(one.points)


def _nearest(objects: Sequence[_Followed], pose: Pose) -> _Followed:
    """The one that was last seen nearest to a pose."""
    return min(objects, key=lambda each: _apart(each.last, pose))


def _is_same(one: Pose, other: Pose) -> bool:
    """Whether most points of one lie on the other."""
    away = np.linalg.norm(one.points[:, None] - other.points, axis=-1)
    on_other = (away.min(axis=1) < _NEAR * _length(other.points)).mean()
    on_one = (away.min(axis=0) < _NEAR * _length(one.points)).mean()
    return bool(max(on_other, on_one) > _PART)
