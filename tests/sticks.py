"""Pictures of sticks, two dots each, and what finds them, for tests."""

import numpy as np
import torch
from numpy import ndarray

from keypointgan.models.keypointgan import Detection
from keypointgan.skeletons import Skeleton

STICK = Skeleton(name="stick", joints=("one", "other"), links=(((0,), (1,)),), pairs=())
SIDE = 32
LENGTH = 40.0
"""Distance of the red dot from the green one, in pixels of the frames."""


class StickFinder:
    """Finds a red and a green dot; sure of them if they are both there and fill its frame.

    Where they are much larger or smaller than it is used to it finds them too near to the middle of
    the frame, and is unsure. Without one of them it points at the middle.
    """

    def __init__(self) -> None:
        self.seen = 0

    def detect(self, frame: torch.Tensor) -> Detection:
        self.seen += len(frame)
        light = ((frame[:, :2] + 1) / 2 - 0.1).clamp(min=0)
        there = light.amax(dim=(2, 3)) > 0.2
        weights = light / light.sum(dim=(2, 3), keepdim=True).clamp_min(1e-6)
        places = (torch.arange(frame.shape[-1]) * 2 + 1) / frame.shape[-1] - 1
        points = torch.stack(
            [(weights.sum(dim=2) * places).sum(-1), (weights.sum(dim=3) * places).sum(-1)], dim=-1
        )
        length = (points[:, 0] - points[:, 1]).norm(dim=-1) / 2  # of the side
        used = (length.clamp_min(1e-3) * 1.5).log().abs()  # to two thirds of it
        bright = (1.4 * light.amax(dim=(1, 2, 3))).clamp(max=1)
        sure = torch.where(there.all(dim=1), bright * (-used / 4).exp(), 0.1)
        points = points * (1 - 0.15 * (used > 0.4))[:, None, None]
        return Detection(points, sure[:, None].expand(-1, 2), None)


class UprightFinder(StickFinder):
    """One that knows sticks only as they stand; of others it is as sure as it is told.

    Args:
        otherwise: What its confidence is multiplied with where red is not above green.
        clarity: And what it is multiplied with everywhere.
    """

    def __init__(self, *, otherwise: float, clarity: float = 1.0) -> None:
        super().__init__()
        self.otherwise, self.clarity = otherwise, clarity

    def detect(self, frame: torch.Tensor) -> Detection:
        found = super().detect(frame)
        stick = found.keypoints[:, 1] - found.keypoints[:, 0]
        stands = stick[:, 1] > 0.8 * stick.norm(dim=-1)
        factor = self.clarity * torch.where(stands, 1.0, self.otherwise)
        return Detection(found.keypoints, found.confidence * factor[:, None], None)


class NearFinder(StickFinder):
    """One that sees nothing in a stick shorter than a fifth of its frame."""

    def detect(self, frame: torch.Tensor) -> Detection:
        found = super().detect(frame)
        length = (found.keypoints[:, 0] - found.keypoints[:, 1]).norm(dim=-1) / 2
        seen = (length >= 0.2)[:, None]
        points = torch.where(seen[..., None], found.keypoints, 0.0)
        return Detection(points, torch.where(seen, found.confidence, 0.1), None)


class BrightFinder(StickFinder):
    """One that sees only the brightest stick of those in its frame."""

    def detect(self, frame: torch.Tensor) -> Detection:
        light = (frame + 1) / 2
        brightest = light.amax(dim=(2, 3), keepdim=True)
        return super().detect(torch.where(light > 0.9 * brightest, light, 0) * 2 - 1)


def picture(middle: tuple[float, float], *, height: int, width: int, length: float) -> ndarray:
    """A dark frame with a red dot above a green one."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    frame = np.zeros((height, width, 3))
    for channel, sign in ((0, -1), (1, 1)):
        y = middle[1] + sign * length / 2
        squared = (columns - middle[0]) ** 2 + (rows - y) ** 2
        frame[..., channel] = np.exp(-squared / (2 * (0.08 * length) ** 2))
    return (frame * 255).round().astype(np.uint8)


def truth(middle: tuple[float, float], length: float = LENGTH) -> ndarray:
    x, y = middle
    return np.array([[x, y - length / 2], [x, y + length / 2]])
