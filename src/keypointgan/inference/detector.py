"""The trained model as users meet it: videos and images in, poses in their pixels out.

Tensors and normalised coordinates end here. Each frame is cropped to a square, resized to the side
that the model was trained on, and the keypoints are taken back through both.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray

from keypointgan.checkpoint import load_model
from keypointgan.data.resize import Box, centre_square, crop_and_resize
from keypointgan.data.video import RGBFrame
from keypointgan.errors import ConfigError, DataError
from keypointgan.inference.poses import Poses
from keypointgan.inference.sources import Source, open_source
from keypointgan.models.keypointgan import Detection
from keypointgan.ops.keypoints import from_aligned_corners, mirror
from keypointgan.skeletons import Skeleton
from keypointgan.types import Confidence, Frames, Keypoints

Boxes = ndarray
"""(frame, 4): x0, y0, x1, y1 of the object in pixels of the source; NaN where there is none.

Its shape is checked with a message for users, as are frames given as an array."""

Progress = Callable[[int, int], None]
"""Called with the frames that are done, and all (of a video: as many as it claims)."""


@runtime_checkable
class DetectingModel(Protocol):
    """What a detector needs of a model, such as `models.keypointgan.KeypointGAN`."""

    def detect(self, frame: Frames, /) -> Detection:
        """The keypoints of frames."""
        ...


class _Crop(NamedTuple):
    """A frame at the model's size and the square it was cut from; both None without a box."""

    frame: UInt8[ndarray, "size size 3"] | None
    box: Box | None


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
        """Return the detector in a run folder, a checkpoint folder or a `.safetensors` file.

        Args:
            name_or_path: Where the model is.
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
            bfloat16: Compute in bfloat16 where the model allows it.
            progress: Called after each batch.

        Raises:
            VideoError: The source cannot be read.
            DataError: The boxes do not belong to its frames.
        """
        parts = self.predict_batches(
            source,
            batch_size=batch_size,
            boxes=boxes,
            flip_average=flip_average,
            bfloat16=bfloat16,
            progress=progress,
        )
        return Poses.concatenate(list(parts))

    def predict_batches(
        self,
        source: str | Path | ndarray,
        *,
        batch_size: int = 64,
        boxes: Boxes | None = None,
        flip_average: bool = False,
        bfloat16: bool = False,
        progress: Progress | None = None,
    ) -> Iterator[Poses]:
        """Yield the poses of one batch of frames after the other, for endless videos.

        Takes and raises what `predict` does; at least one part comes, if only an empty one.
        """
        if batch_size < 1:
            raise ConfigError(f"Expected a batch size of at least 1, got {batch_size}.")
        opened = open_source(source)
        _check_boxes(boxes, opened)
        crops = self._crops(opened, boxes)
        done = 0
        while batch := list(islice(crops, batch_size)):
            xy, confidence = self._detect(batch, flip_average=flip_average, bfloat16=bfloat16)
            done += len(batch)
            if progress is not None:
                progress(done, max(opened.count, done))
            yield Poses(xy, confidence, self.skeleton, opened.fps, opened.name)
        if not done:
            joints = self.skeleton.num_joints
            nothing = np.zeros((0, joints, 2)), np.zeros((0, joints))
            yield Poses(*nothing, self.skeleton, opened.fps, opened.name)
        if boxes is not None and done != len(boxes):
            raise DataError(f"{opened.name}: expected {done} boxes, got {len(boxes)}.")

    def _crops(self, source: Source, boxes: Boxes | None) -> Iterator[_Crop]:
        for number, frame in enumerate(source.frames):
            if boxes is None:
                box: Box | None = centre_square(frame.shape[1], frame.shape[0])
            elif number < len(boxes):
                box = _square_around(boxes[number], frame, number)
            else:
                raise DataError(
                    f"{source.name}: expected a box for each frame, got {len(boxes)} boxes and "
                    "more frames than that."
                )
            if box is None:
                yield _Crop(None, None)
            else:
                yield _Crop(crop_and_resize(frame, box, size=self.size), box)

    def _detect(
        self, batch: list[_Crop], *, flip_average: bool, bfloat16: bool
    ) -> tuple[ndarray, ndarray]:
        xy = np.full((len(batch), self.skeleton.num_joints, 2), np.nan)
        confidence = np.zeros(xy.shape[:2])
        seen = [row for row, crop in enumerate(batch) if crop.frame is not None]
        if not seen:
            return xy, confidence
        frames = self._to_tensor(crop.frame for crop in batch if crop.frame is not None)
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16),
        ):
            keypoints, sureness = self._straight(frames)
            if flip_average:
                keypoints, sureness = self._average(
                    keypoints, sureness, *self._straight(frames.flip(-1))
                )
        squares = np.array([crop.box for crop in batch if crop.box is not None])[:, None]
        shares = (keypoints.double().cpu().numpy() + 1) / 2
        xy[seen] = squares[..., :2] + shares * (squares[..., 2:] - squares[..., :2])
        confidence[seen] = sureness.double().clamp(0, 1).cpu().numpy()
        return xy, confidence

    def _to_tensor(self, frames: Iterable[RGBFrame]) -> Frames:
        stacked = torch.from_numpy(np.stack(list(frames))).to(self.device)
        return stacked.permute(0, 3, 1, 2).float() / 127.5 - 1

    def _straight(self, frames: Frames) -> tuple[Keypoints, Confidence]:
        detection = self.model.detect(frames)
        keypoints = detection.keypoints.float()
        if self.align_corners:
            keypoints = from_aligned_corners(keypoints, size=(self.size, self.size))
        return keypoints, detection.confidence.float()

    def _average(
        self, keypoints: Keypoints, sureness: Confidence, mirrored: Keypoints, also: Confidence
    ) -> tuple[Keypoints, Confidence]:
        order = list(self.skeleton.mirror)
        exchanged = mirror(mirrored, order=order)  # as a mirror does
        kept = mirror(mirrored, order=range(len(order)))  # as a view from behind would
        nearer = _distance(exchanged, keypoints) <= _distance(kept, keypoints)
        other = torch.where(nearer[:, None, None], exchanged, kept)
        also = torch.where(nearer[:, None], also[:, order], also)
        return (keypoints + other) / 2, (sureness + also) / 2


def _distance(first: Keypoints, second: Keypoints) -> Float[torch.Tensor, " batch"]:
    return (first - second).norm(dim=-1).mean(dim=-1)


def _check_boxes(boxes: Boxes | None, source: Source) -> None:
    if boxes is None:
        return
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise DataError(f"Expected boxes of shape (frame, 4), x0 y0 x1 y1, got {boxes.shape}.")
    if source.exact and len(boxes) != source.count:
        raise DataError(
            f"{source.name}: expected a box for each of {source.count} frames, got {len(boxes)}."
        )


def _square_around(box: ndarray, frame: RGBFrame, number: int) -> Box | None:
    """Return the square with the box's centre and longer side, or None for a NaN box."""
    if np.isnan(box).any():
        return None
    x0, y0, x1, y1 = (float(value) for value in box)
    height, width = frame.shape[:2]
    if not (x0 < x1 and y0 < y1 and x0 < width and y0 < height and x1 > 0 and y1 > 0):
        raise DataError(
            f"Expected boxes x0 y0 x1 y1 with x0 < x1 and y0 < y1 inside a frame of {width}×"
            f"{height} pixels, got {x0:g} {y0:g} {x1:g} {y1:g} for frame {number}. Boxes that are "
            "unknown are NaN."
        )
    half = max(x1 - x0, y1 - y0) / 2
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return (x - half, y - half, x + half, y + half)


def choose_device(device: str) -> torch.device:
    """The device of that name; for `auto` the best of this machine.

    Raises:
        ConfigError: This machine has no such device.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        first_line = str(error).split("\n", maxsplit=1)[0]
        raise ConfigError(
            f"Expected a device of this machine (cpu, cuda, mps or auto), got '{device}' "
            f"({first_line})."
        ) from error
    return chosen
