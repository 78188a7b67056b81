"""The trained model as users meet it: videos and images in, poses in their pixels out.

Tensors and normalised coordinates end here. Each frame is cropped to a square, resized to the side
that the model was trained on, and the keypoints are taken back through both.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from keypointgan.checkpoint import load_model
from keypointgan.data.cut import OVERSAMPLING
from keypointgan.data.resize import Box, Square, centre_square, crop_and_resize, scale_box
from keypointgan.data.store import Progress
from keypointgan.data.video import RGBFrame
from keypointgan.errors import ConfigError
from keypointgan.hardware import NO_BFLOAT16, choose_device, has_bfloat16
from keypointgan.inference.places import Places
from keypointgan.inference.poses import Poses
from keypointgan.inference.sides import name_parts, naming_of
from keypointgan.inference.sources import Source, open_source
from keypointgan.inference.two_views import Views
from keypointgan.models.keypointgan import DetectingModel
from keypointgan.ops.heatmaps import PEAKS
from keypointgan.ops.keypoints import from_aligned_corners
from keypointgan.skeletons import Skeleton
from keypointgan.types import Frames

_log = logging.getLogger(__name__)

Boxes = ndarray
"""(frame, 4): x0, y0, x1, y1 of the object in pixels of the source; NaN where there is none.

Its shape is checked with a message for users, as are frames given as an array."""


class _Crop(NamedTuple):
    """A square at the model's size, the part of the frame it shows, and whose it is."""

    square: Square
    box: Box
    frame: int
    animal: int


class _Found(NamedTuple):
    """What is read in squares, in pixels of the source; evidence and other places, if any."""

    xy: Float[ndarray, "crop joint 2"]
    confidence: Float[ndarray, "crop joint"]
    evidence: Float[ndarray, "crop joint"] | None
    peaks: Float[ndarray, "crop joint peak 3"] | None


class Detector:
    """Finds the keypoints of the object in every frame of a video.

    Args:
        model: The networks, in evaluation mode, on `device`.
        skeleton: The joints that the model finds.
        size: Side of the square frames that it takes, in pixels.
        device: Where it computes.
        align_corners: Whether its keypoints are in the release's coordinates, with -1 and +1 on
            the centres of the outer pixels.
    """

    def __init__(
        self,
        model: DetectingModel,
        *,
        skeleton: Skeleton,
        size: int,
        device: torch.device | str = "cpu",
        align_corners: bool = False,
    ) -> None:
        self.model = model
        self.skeleton = skeleton
        self.size = size
        self.device = torch.device(device)
        self.align_corners = align_corners

    @classmethod
    def load(cls, name_or_path: str | Path, *, device: str = "auto") -> "Detector":
        """Return the detector of that name, or the one in a run, a checkpoint or a `.safetensors`.

        Args:
            name_or_path: A name of `list_pretrained()`, or where the model is.
            device: cpu, cuda, cuda:1, mps, or auto for the best there is.

        Raises:
            CheckpointError: There is no model, or it is damaged.
            ConfigError: There is no such device.
        """
        chosen = choose_device(device)
        loaded = load_model(name_or_path, device=chosen)
        return cls(
            loaded.model,
            skeleton=loaded.skeleton,
            size=loaded.size,
            device=chosen,
            align_corners=loaded.model.align_corners,
        )

    def predict(
        self,
        source: str | Path | ndarray,
        *,
        batch_size: int = 64,
        boxes: Boxes | None = None,
        flip_average: bool = False,
        name_sides: bool | None = None,
        bfloat16: bool = False,
        progress: Progress | None = None,
    ) -> Poses:
        """Return the poses in all frames of a source; only one batch of frames is in memory.

        Args:
            source: A video, an image, a folder of images, a pattern such as `frames/*.png`, or
                RGB frames as uint8 (frame, height, width, 3).
            batch_size: Frames the model sees at once.
            boxes: Where the object is in each frame. Each box is extended to a square around its
                centre, also beyond the frame. Without boxes the central square of the frame is
                taken. A frame whose box is NaN has a pose of NaN with confidence 0.
            flip_average: Average with the keypoints of the mirrored frame, mirrored back: slower,
                a little steadier. Where the model takes the mirror image for a person seen from
                the other side, the labelling that is nearer to the straight one is averaged.
            name_sides: Name left and right along each track and, unless views are averaged, follow
                each joint among the places where it may be (`inference.sides`), as students learnt
                with `student.sides_by_prior` can. By default in videos, by models that can; not in
                images and arrays, which need not follow each other in time.
            bfloat16: Compute in bfloat16 where the device has units for it.
            progress: Called after each batch.

        Raises:
            VideoError: The source cannot be read.
            DataError: The boxes do not belong to its frames.
            ConfigError: Sides are to be named by a model that cannot.
        """
        parts = self.predict_batches(
            source,
            None if boxes is None else Places.of_boxes(boxes),
            batch_size=batch_size,
            flip_average=flip_average,
            name_sides=name_sides,
            bfloat16=bfloat16,
            progress=progress,
        )
        return Poses.concatenate([animal for (animal,) in parts])

    def predict_tracks(
        self,
        source: str | Path | ndarray,
        places: Places,
        *,
        batch_size: int = 64,
        flip_average: bool = False,
        name_sides: bool | None = None,
        bfloat16: bool = False,
        progress: Progress | None = None,
    ) -> list[Poses]:
        """Return the poses of each animal; NaN in frames without it.

        Args:
            source: As in `predict`.
            places: Where the animals are, such as `Places.of_tracks(...)`.
            batch_size: As in `predict`.
            flip_average: As in `predict`.
            name_sides: As in `predict`.
            bfloat16: As in `predict`.
            progress: As in `predict`.

        Raises:
            VideoError: The source cannot be read.
            DataError: The boxes do not belong to its frames.
            ConfigError: Sides are to be named by a model that cannot.
        """
        parts = self.predict_batches(
            source,
            places,
            batch_size=batch_size,
            flip_average=flip_average,
            name_sides=name_sides,
            bfloat16=bfloat16,
            progress=progress,
        )
        return [Poses.concatenate(animal) for animal in zip(*parts, strict=True)]

    def predict_batches(
        self,
        source: str | Path | ndarray,
        places: Places | None = None,
        *,
        batch_size: int = 64,
        flip_average: bool = False,
        name_sides: bool | None = None,
        bfloat16: bool = False,
        progress: Progress | None = None,
    ) -> Iterator[tuple[Poses, ...]]:
        """The poses of each animal in some frames after the others, for endless videos.

        Takes and raises what `predict_tracks` does; without places the central square of each
        frame is taken. At least one part comes, if only an empty one. Where sides are named, parts
        come `sides.STRETCH` frames at once.
        """
        if batch_size < 1:
            raise ConfigError(f"Expected a batch size of at least 1, got {batch_size}.")
        if bfloat16 and not has_bfloat16(self.device):
            _log.warning(NO_BFLOAT16)
            bfloat16 = False
        opened = open_source(source)
        if opened.exact and places is not None:
            places.check(opened.count, opened.size, source=opened.name)
        parts = self._batches(
            opened,
            places,
            batch_size=batch_size,
            flip_average=flip_average,
            bfloat16=bfloat16,
            progress=progress,
        )
        naming = naming_of(self.model, name_sides=name_sides, by_default=opened.fps is not None)
        return parts if naming is None else name_parts(parts, naming)

    def _batches(
        self,
        opened: Source,
        places: Places | None,
        *,
        batch_size: int,
        flip_average: bool,
        bfloat16: bool,
        progress: Progress | None,
    ) -> Iterator[tuple[Poses, ...]]:
        names = ("",) if places is None else places.names
        known = naming_of(self.model) is not None  # and so are evidence and peaks
        crops: list[_Crop] = []
        start = number = 0

        def finish() -> tuple[Poses, ...]:
            shape = (len(names), number - start, self.skeleton.num_joints)
            xy = np.full((*shape, 2), np.nan)
            confidence, evidence = np.zeros(shape), np.zeros(shape)
            peaks = np.full((*shape, PEAKS, 3), np.nan) if known and not flip_average else None
            for first in range(0, len(crops), batch_size):
                batch = crops[first : first + batch_size]
                found = self._detect(batch, flip_average=flip_average, bfloat16=bfloat16)
                rows = [crop.animal for crop in batch], [crop.frame - start for crop in batch]
                xy[rows], confidence[rows] = found.xy, found.confidence
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
                )
                for animal, track in enumerate(names)
            )

        for frame in self._read(opened, places):
            crops += self._cut(frame, number, opened, places)
            number += 1
            if len(crops) >= batch_size or number - start >= batch_size:
                yield finish()
                start, crops = number, []
        if number > start or not number:
            yield finish()
        if places is not None:
            places.check(number, opened.size, source=opened.name)

    def _read(self, source: Source, places: Places | None) -> Iterator[RGBFrame]:
        if source.size is None:
            return source.read(1)
        side = float(min(source.size)) if places is None else places.least_side
        return source.read(max(1, int(side / (OVERSAMPLING * self.size))))

    def _cut(
        self, frame: RGBFrame, number: int, source: Source, places: Places | None
    ) -> Iterator[_Crop]:
        height, width = source.size or frame.shape[:2]
        found = [(0, centre_square(width, height))] if places is None else places.at(number)
        for animal, box in found:
            scaled = scale_box(box, frame.shape[1] / width, frame.shape[0] / height)
            yield _Crop(crop_and_resize(frame, scaled, size=self.size), box, number, animal)

    def _detect(self, batch: Sequence[_Crop], *, flip_average: bool, bfloat16: bool) -> _Found:
        frames = self._to_tensor(crop.square for crop in batch)
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16),
        ):
            read = Views(self.model, order=self.skeleton.mirror, both=flip_average).detect(frames)
        keypoints = read.keypoints.float()
        if self.align_corners:
            keypoints = from_aligned_corners(keypoints, size=(self.size, self.size))
        squares = np.array([crop.box for crop in batch], np.float64)[:, None]
        peaks = None
        if read.peaks is not None:
            peaks = read.peaks.double().cpu().numpy()
            peaks[..., :2] = _in_pixels(peaks[..., :2], squares[:, None])
        return _Found(
            _in_pixels(keypoints.double().cpu().numpy(), squares),
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
