"""The pose of one picture with the appearance of another, through the decoder."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from keypointgan.app.models import ReadyModel
from keypointgan.checkpoint import method_of
from keypointgan.data.resize import centre_square, crop_and_resize
from keypointgan.data.video import RGBFrame
from keypointgan.training.panels import colour_skeletons
from keypointgan.types import Frames

Picture = UInt8[ndarray, "shown shown 3"]
"""An RGB picture as it is shown."""

SHOWN = 384
"""Side of the pictures shown, in pixels."""


@dataclass(frozen=True)
class Swapped:
    """What each stage makes of two pictures, as RGB pictures of one size.

    Attributes:
        skeleton_image: What the encoder draws of the picture that gives the pose.
        rendered: Its keypoints drawn again: all of that picture that the decoder sees.
        result: The other picture's appearance in that pose.
    """

    skeleton_image: Picture
    rendered: Picture
    result: Picture


def swap(
    ready: ReadyModel, *, pose: RGBFrame, appearance: RGBFrame, plate: RGBFrame | None = None
) -> Swapped:
    """The picture `appearance` in the pose of the picture `pose`.

    Args:
        ready: The model.
        pose: RGB picture whose central square gives the pose.
        appearance: RGB picture whose central square gives everything else.
        plate: What is behind the object in `appearance`, for models that keep it.

    Raises:
        CheckpointError: The model is a student, which paints nothing.
    """
    loaded = ready.loaded
    model = method_of(loaded, where=ready.name)
    background = None
    if plate is not None and loaded.config.model.background == "plate":
        background = _to_tensor(plate, ready)
    with torch.inference_mode():
        rebuilt = model(_to_tensor(pose, ready), _to_tensor(appearance, ready), background)
        pictures = [
            colour_skeletons(rebuilt.skeleton_image, loaded.skeleton),
            colour_skeletons(rebuilt.rendered, loaded.skeleton),
            rebuilt.frame,
        ]
    return Swapped(*(_to_picture(picture) for picture in pictures))


def _to_tensor(picture: RGBFrame, ready: ReadyModel) -> Frames:
    box = centre_square(picture.shape[1], picture.shape[0])
    square = crop_and_resize(picture, box, size=ready.loaded.size)
    values = torch.from_numpy(np.array(square)).to(ready.detector.device)
    return values.permute(2, 0, 1)[None].float() / 127.5 - 1


def _to_picture(frames: Frames) -> Picture:
    values = ((frames[0].float().clamp(-1, 1) + 1) * 127.5).round().byte()
    picture = Image.fromarray(values.permute(1, 2, 0).cpu().numpy())
    return np.asarray(picture.resize((SHOWN, SHOWN), Image.Resampling.BICUBIC))
