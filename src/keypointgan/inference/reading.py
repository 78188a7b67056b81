"""Frames of a source to poses: cut to squares, read by a model, taken back to pixels."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from keypointgan.data.cut import OVERSAMPLING
from keypointgan.data.resize import centre_square
from keypointgan.data.store import Progress
from keypointgan.data.video import RGBFrame
from keypointgan.inference.crops import Crop, cut, turn_points
from keypointgan.inference.glances import LEAST_TILE
from keypointgan.inference.looking import FirstLook, looks_of
from keypointgan.inference.places import Place, Places
from keypointgan.inference.poses import Poses
from keypointgan.inference.sides import naming_of
from keypointgan.inference.sources import Source
from keypointgan.inference.two_views import Views
from keypointgan.models.keypointgan import DetectingModel
from keypointgan.ops.heatmaps import PEAKS
from keypointgan.ops.keypoints import from_aligned_corners
from keypointgan.skeletons import Skeleton
from keypointgan.types import Frames

_HELD = 16
"""Frames of a source that are in memory at most while they are looked at."""


class _Found(NamedTuple):
    """What is read in squares, in pixels of the source; evidence and other places, if any."""

    xy: Float[ndarray, "crop joint 2"]
    confidence: Float[ndarray, "crop joint"]
    evidence: Float[ndarray, "crop joint"] | None
    peaks: Float[ndarray, "crop joint peak 3"] | None


@dataclass(frozen=True)
class Reader:
    """A model, and how it is to read.

    Attributes:
        model: The networks, in evaluation mode, on `device`.
        skeleton: The joints that the model finds.
        size: Side of the square frames that it takes, in pixels.
        device: Where it computes.
        align_corners: Whether its keypoints are in the release's coordinates.
        batch_size: Frames that it sees at once.
        flip_average: Average with what is found in the mirrored frames.
        bfloat16: Compute in bfloat16.
    """

    model: DetectingModel
    skeleton: Skeleton
    size: int
    device: torch.device
    align_corners: bool
    batch_size: int
    flip_average: bool
    bfloat16: bool

    def look(
        self,
        opened: Source,
        places: Places | None,
        *,
        margin: float,
        objects: int,
        progress: Progress | None,
    ) -> Places:
        """Where the animals are, found by a first look (`inference.looking`).

        Args:
            opened: The source.
            places: Where they are, more or less; None for some anywhere.
            margin: Side of a square over the length of what is in it.
            objects: How many there are at most, without places.
            progress: Called with the frames that were looked at, and with all to look at.
        """

        def read(crops: Sequence[Crop]) -> tuple[ndarray, ndarray]:
            starts = range(0, len(crops), self.batch_size)
            found = [self._detect(crops[s : s + self.batch_size], both=False) for s in starts]
            return (
                np.concatenate([each.xy for each in found]),
                np.concatenate([each.confidence for each in found]),
            )

        look = FirstLook(read, side=self.size, margin=margin, held=_HELD)
        frames = self._frames(opened, places, share=LEAST_TILE)
        return look.find(frames, opened, places, objects=objects, progress=progress)

    def look_and_read(
        self,
        opened: Source,
        places: Places | None,
        *,
        margin: float,
        objects: int,
        progress: Progress | None,
    ) -> Iterator[tuple[Poses, ...]]:
        """Yield what `read` does in the squares that `look` finds.

        Args:
            opened: The source.
            places: As in `look`.
            margin: As in `look`.
            objects: As in `look`.
            progress: Called with the frames that were looked at and read, and with all of both.
        """
        looks = looks_of(opened)

        def looked(done: int, total: int) -> None:
            if progress is not None:
                progress(done, total + opened.count)

        def read(done: int, total: int) -> None:
            if progress is not None:
                progress(looks + done, looks + total)

        found = self.look(opened, places, margin=margin, objects=objects, progress=looked)
        yield from self.read(opened, found, progress=read)

    def read(
        self, opened: Source, places: Places | None, *, progress: Progress | None
    ) -> Iterator[tuple[Poses, ...]]:
        """Yield the poses of each animal in some frames after the others; at least once.

        Args:
            opened: The source.
            places: The squares of the animals; None for the central square of each frame.
            progress: Called with the frames that were read, and with all.
        """
        names = ("",) if places is None else places.names
        known = naming_of(self.model) is not None  # and so are evidence and peaks
        crops: list[Crop] = []
        start = number = 0

        def finish() -> tuple[Poses, ...]:
            shape = (len(names), number - start, self.skeleton.num_joints)
            xy = np.full((*shape, 2), np.nan)
            confidence, evidence = np.zeros(shape), np.zeros(shape)
            turns = np.zeros(shape[:2], np.int64)
            peaks = np.full((*shape, PEAKS, 3), np.nan) if known and not self.flip_average else None
            for first in range(0, len(crops), self.batch_size):
                batch = crops[first : first + self.batch_size]
                found = self._detect(batch, both=self.flip_average)
                rows = [crop.animal for crop in batch], [crop.frame - start for crop in batch]
                xy[rows], confidence[rows] = found.xy, found.confidence
                turns[rows] = [crop.turn for crop in batch]
                if found.evidence is not None:
                    evidence[rows] = found.evidence
                if found.peaks is None:
                    peaks = None
                elif peaks is not None:
                    peaks[rows] = found.peaks
            if progress is not None and number:
                progress(number, max(opened.count, number))
            return tuple(
                Poses(
                    xy[animal],
                    confidence[animal],
                    self.skeleton,
                    opened.fps,
                    opened.name,
                    track,
                    opened.size,
                    evidence=evidence[animal] if known else None,
                    peaks=None if peaks is None else peaks[animal],
                    turns=turns[animal] if known else None,
                )
                for animal, track in enumerate(names)
            )

        for frame in self._frames(opened, places):
            crops += self._cut(frame, number, opened, places)
            number += 1
            if max(len(crops), number - start) >= self.batch_size:
                yield finish()
                start, crops = number, []
        if number > start or not number:
            yield finish()
        if places is not None:
            places.check(number, opened.size, source=opened.name)

    def _frames(
        self, source: Source, places: Places | None, *, share: float = 1.0
    ) -> Iterator[RGBFrame]:
        """The frames, shrunk as far as what is cut from them allows.

        Args:
            source: Whose.
            places: What is cut.
            share: Without places, the side of what is cut over the shorter one of the frame.
        """
        if source.size is None:
            return source.read(1)
        side = share * min(source.size) if places is None else places.least_side
        return source.read(max(1, int(side / (OVERSAMPLING * self.size))))

    def _cut(
        self, frame: RGBFrame, number: int, source: Source, places: Places | None
    ) -> Iterator[Crop]:
        size = source.size or frame.shape[:2]
        height, width = size
        whole = Place(0, centre_square(width, height), 0)
        for animal, box, turn in [whole] if places is None else places.at(number):
            yield cut(
                frame, box, side=self.size, source=size, number=number, animal=animal, turn=turn
            )

    def _detect(self, batch: Sequence[Crop], *, both: bool) -> _Found:
        frames = self._to_tensor(crop.square for crop in batch)
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16),
        ):
            read = Views(self.model, order=self.skeleton.mirror, both=both).detect(frames)
        keypoints = read.keypoints.float()
        if self.align_corners:
            keypoints = from_aligned_corners(keypoints, size=(self.size, self.size))
        squares = np.array([crop.box for crop in batch], np.float64)[:, None]
        back = -np.array([crop.turn for crop in batch], np.int64)
        peaks = None
        if read.peaks is not None:
            peaks = read.peaks.double().cpu().numpy()
            peaks[..., :2] = _in_pixels(turn_points(peaks[..., :2], back), squares[:, None])
        return _Found(
            _in_pixels(turn_points(keypoints.double().cpu().numpy(), back), squares),
            read.confidence.double().clamp(0, 1).cpu().numpy(),
            None if read.evidence is None else read.evidence.double().cpu().numpy(),
            peaks,
        )

    def _to_tensor(self, frames: Iterable[RGBFrame]) -> Frames:
        stacked = torch.from_numpy(np.stack(list(frames))).to(self.device)
        return stacked.permute(0, 3, 1, 2).float() / 127.5 - 1


def _in_pixels(points: Float[ndarray, "..."], boxes: Float[ndarray, "..."]) -> ndarray:
    """Normalised points of squares, in pixels of the frames that these are cut from."""
    pixels: ndarray = boxes[..., :2] + (points + 1) / 2 * (boxes[..., 2:] - boxes[..., :2])
    return pixels
