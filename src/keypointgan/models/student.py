"""The student: one network from a frame to its keypoints and how far off they may be.

The method reads a frame twice, Φ to a skeleton image and η to points, because the picture between
the two is what a discriminator can judge. Once the pose is known, one network does the same faster
(METHOD 6, point 6). It is no part of the paper.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from keypointgan.models.blocks import conv_block, double
from keypointgan.models.keypointgan import Detection
from keypointgan.models.mobilenet import MobileNetV2
from keypointgan.models.naming import Naming
from keypointgan.ops.heatmaps import find_peaks, locate, side_evidence, within
from keypointgan.types import Confidence, Frames, Heatmaps

Backbone = Literal["residual", "mobilenet_v2"]

NEAR = 0.05
"""Share of the frame's side within which the confidence says that the true point lies."""


class Student(nn.Module):
    """A residual encoder-decoder to heatmaps at a quarter of the size, and an error a keypoint.

    Its backbone goes down to a thirty-second of the size, so that what is front and what is back
    is seen as a whole; then back up to a quarter with skips.

    Args:
        keypoints: Number of keypoints, K in the paper.
        width: Channels of the stem of residual stages, and a third of those of the heatmaps'.
        backbone: Residual stages, or a network that may start from photographs of all kinds.
        naming: What tells its left from its right along a video; None if it did not learn that.
    """

    calibration: Tensor
    """What the expected errors are multiplied with; 1 until it is measured."""

    power: Tensor
    """The power of the expected errors that is multiplied; 1 until it is measured."""

    align_corners = False
    """Keypoints are in our coordinates, whose -1 and +1 are the outer edges."""

    naming: Naming | None

    def __init__(
        self,
        *,
        keypoints: int,
        width: int = 32,
        backbone: Backbone = "residual",
        naming: Naming | None = None,
    ) -> None:
        super().__init__()
        self.backbone = MobileNetV2() if backbone == "mobilenet_v2" else None
        if self.backbone is None:
            wide = (2 * width, 3 * width, 4 * width, 6 * width)
            self.stem = conv_block(3, width, 5, stride=2)
            self.stages = _residual_stages(width, wide)
        else:
            wide = self.backbone.channels
        self.up = nn.ModuleList(
            conv_block(deep + skip, outputs)
            for deep, skip, outputs in (
                (wide[3], wide[2], 4 * width),
                (4 * width, wide[1], 3 * width),
                (3 * width, wide[0], 3 * width),
            )
        )
        self.out = nn.Conv2d(3 * width, keypoints, 1)
        self.error = nn.Linear(wide[3] + wide[2], keypoints)
        self.register_buffer("calibration", torch.ones(()))
        self.register_buffer("power", torch.ones(()))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.out.weight, 0.0, 0.01)
        nn.init.zeros_(self.error.weight)
        nn.init.constant_(self.error.bias, -3.0)
        self.register_module("naming", naming)

    def forward(self, frame: Frames) -> tuple[Heatmaps, Float[Tensor, "batch keypoint"]]:
        """Scores of each keypoint at a quarter of the size, and the logarithm of its error.

        The error is the scale b of a Laplace distribution around the point, whose mean distance
        is 2b, in normalised units.
        """
        *skips, features = self._down(frame)
        deepest = features.float().mean(dim=(2, 3))
        middle = skips[-1].float().mean(dim=(2, 3))
        for stage, skip in zip(self.up, reversed(skips), strict=True):
            features = stage(torch.cat([double(features), skip], dim=1))
        return self.out(features), self.error(torch.cat([deepest, middle], dim=1))

    def detect(self, frame: Frames) -> Detection:
        """The keypoints of frames, and the probability that each is off by less than `NEAR`.

        With a naming, also the evidence for their sides and the places among which tracks choose.
        """
        heatmaps, log_error = self(frame)
        points, confidence = locate(heatmaps), self.confidence(log_error)
        if self.naming is None:
            return Detection(points, confidence, None)
        evidence = side_evidence(heatmaps, points, order=self.naming.order)
        return Detection(points, confidence, None, evidence, find_peaks(heatmaps))

    def confidence(self, log_error: Float[Tensor, "batch keypoint"]) -> Confidence:
        """The probability that a point with this error lies within `NEAR` of the side."""
        return within(2 * NEAR, (log_error.float() * self.power).exp() * self.calibration)

    def _down(self, frame: Frames) -> list[Tensor]:
        if self.backbone is not None:
            return self.backbone(frame)
        features = self.stem(frame)
        stages = []
        for stage in self.stages:
            features = stage(features)
            stages.append(features)
        return stages


def completed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights with what those of a student lack that an earlier version wrote."""
    if "calibration" not in weights:
        return dict(weights)
    return {"power": torch.ones(())} | dict(weights)


def _residual_stages(width: int, wide: tuple[int, ...]) -> nn.ModuleList:
    """Four times a stride-2 convolution and residual blocks."""
    return nn.ModuleList(
        nn.Sequential(
            conv_block(inputs, outputs, stride=2), *(Residual(outputs) for _ in range(blocks))
        )
        for inputs, outputs, blocks in zip((width, *wide[:-1]), wide, (1, 2, 3, 2), strict=True)
    )


class Residual(nn.Module):
    """Two convolutions whose result is added to what came in (He et al., CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv_block(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """The features, refined."""
        return torch.relu(features + self.norm(self.second(self.first(features))))
