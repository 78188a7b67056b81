"""The trained model as users meet it: videos and images in, poses in their pixels out.

Tensors and normalised coordinates end here. Each frame is cropped to a square, resized to the side
that the model was trained on, and the keypoints are taken back through both.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import torch
from numpy import ndarray

from keypointgan.checkpoint import LoadedModel, load_model
from keypointgan.data.store import Progress
from keypointgan.data.windows import MARGIN
from keypointgan.errors import ConfigError
from keypointgan.hardware import NO_BFLOAT16, choose_device, has_bfloat16
from keypointgan.inference.places import Places
from keypointgan.inference.poses import Poses
from keypointgan.inference.reading import Reader
from keypointgan.inference.sides import name_parts, naming_of
from keypointgan.inference.sources import Source, open_source
from keypointgan.models.keypointgan import DetectingModel
from keypointgan.skeletons import Skeleton

_log = logging.getLogger(__name__)

Boxes = ndarray
"""(frame, 4): x0, y0, x1, y1 of the object in pixels of the source; NaN where there is none.

Its shape is checked with a message for users, as are frames given as an array."""


class Detector:
    """Finds the keypoints of the object in every frame of a video.

    Args:
        model: The networks, in evaluation mode, on `device`.
        skeleton: The joints that the model finds.
        size: Side of the square frames that it takes, in pixels.
        device: Where it computes.
        align_corners: Whether its keypoints are in the release's coordinates, with -1 and +1 on
            the centres of the outer pixels.
        margin: Side of a square over the length of the object in it, where the model reads best;
            then it looks where the object is before it reads (`look`). None where that is unknown.
    """

    def __init__(
        self,
        model: DetectingModel,
        *,
        skeleton: Skeleton,
        size: int,
        device: torch.device | str = "cpu",
        align_corners: bool = False,
        margin: float | None = None,
    ) -> None:
        self.model = model
        self.skeleton = skeleton
        self.size = size
        self.device = torch.device(device)
        self.align_corners = align_corners
        self.margin = margin

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
        return cls.of(load_model(name_or_path, device=chosen), device=chosen)

    @classmethod
    def of(cls, loaded: LoadedModel, *, device: torch.device) -> "Detector":
        """Return the detector of a model that is on a device."""
        return cls(
            loaded.model,
            skeleton=loaded.skeleton,
            size=loaded.size,
            device=device,
            align_corners=loaded.model.align_corners,
            margin=loaded.margin,
        )

    def predict(
        self,
        source: str | Path | ndarray,
        *,
        batch_size: int = 64,
        boxes: Boxes | None = None,
        reframe: bool | None = None,
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
                centre, also beyond the frame. Without boxes the object is looked for (`reframe`),
                or else the central square of the frame is taken. A frame whose box is NaN has a
                pose of NaN with confidence 0.
            reframe: Look where the object is (`look`), then read it in a square that it fills as
                the model is used to. By default without boxes, by models with a `margin`.
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
            reframe=reframe,
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
        reframe: bool = False,
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
            reframe: Correct the places by a first look (`look`).
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
            reframe=reframe,
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
        objects: int = 1,
        batch_size: int = 64,
        reframe: bool | None = None,
        flip_average: bool = False,
        name_sides: bool | None = None,
        bfloat16: bool = False,
        progress: Progress | None = None,
    ) -> Iterator[tuple[Poses, ...]]:
        """The poses of each animal in some frames after the others, for endless videos.

        Takes and raises what `predict_tracks` does, without places what `predict` does; of more
        objects than one (`look`) there is a track each. At least one part comes, if only an empty
        one. Where sides are named, parts come `sides.STRETCH` frames at once; where the source is
        looked at first, the first one comes after that.
        """
        reader = self._reader(batch_size, flip_average=flip_average, bfloat16=bfloat16)
        opened = _open(source, places)
        _check_objects(objects, places, reframe=reframe)
        looks = (self.margin is not None and places is None) if reframe is None else reframe
        if looks or objects > 1:
            parts = reader.look_and_read(
                opened, places, margin=self.margin or MARGIN, objects=objects, progress=progress
            )
        else:
            parts = reader.read(opened, places, progress=progress)
        naming = naming_of(self.model, name_sides=name_sides, by_default=opened.fps is not None)
        return parts if naming is None else name_parts(parts, naming)

    def look(
        self,
        source: str | Path | ndarray,
        places: Places | None = None,
        *,
        objects: int = 1,
        batch_size: int = 64,
        bfloat16: bool = False,
        progress: Progress | None = None,
    ) -> Places:
        """Return the squares in which a source is best read, as far as a first look can tell.

        Of a video some frames a second are looked at (`looking.LOOKS`), and squares move and grow
        slowly; those of images and arrays know nothing of each other.

        Args:
            source: As in `predict`.
            places: Where the animals are, more or less. Without places objects are looked for in
                all of the frame.
            objects: How many, at most, without places; of one the one that the model is surest of.
                Of more each has a name: 1, 2, ... In a video it is kept while the object is
                followed; what is found anew has a new one or, where there may be no more, that of
                what was lost nearest by.
            batch_size: As in `predict`.
            bfloat16: As in `predict`.
            progress: Called with the frames that were looked at, and with all to look at.

        Raises:
            VideoError: The source cannot be read.
            DataError: The places do not belong to its frames.
            ConfigError: There are places and objects to look for, or fewer than one.
        """
        _check_objects(objects, places, reframe=None)
        reader = self._reader(batch_size, flip_average=False, bfloat16=bfloat16)
        opened = _open(source, places)
        return reader.look(
            opened, places, margin=self.margin or MARGIN, objects=objects, progress=progress
        )

    def _reader(self, batch_size: int, *, flip_average: bool, bfloat16: bool) -> Reader:
        if batch_size < 1:
            raise ConfigError(f"Expected a batch size of at least 1, got {batch_size}.")
        if bfloat16 and not has_bfloat16(self.device):
            _log.warning(NO_BFLOAT16)
            bfloat16 = False
        return Reader(
            self.model,
            skeleton=self.skeleton,
            size=self.size,
            device=self.device,
            align_corners=self.align_corners,
            batch_size=batch_size,
            flip_average=flip_average,
            bfloat16=bfloat16,
        )


def _check_objects(objects: int, places: Places | None, *, reframe: bool | None) -> None:
    if objects < 1:
        raise ConfigError(f"Expected at least 1 object, got {objects}.")
    if objects > 1 and places is not None:
        raise ConfigError(
            f"Expected either boxes or {objects} objects to look for, got both: leave one out."
        )
    if objects > 1 and reframe is False:
        raise ConfigError(
            f"Expected {objects} objects to be looked for, but frames are to be read as they come. "
            "Leave out --no-reframe (reframe=False), or look for 1."
        )


def _open(source: str | Path | ndarray, places: Places | None) -> Source:
    """The source, whose frames the places fit as far as can be told without reading them."""
    opened = open_source(source)
    if opened.exact and places is not None:
        places.check(opened.count, opened.size, source=opened.name)
    return opened
