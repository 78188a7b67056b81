"""η in the paper: a skeleton image becomes heatmaps, whose soft-argmax is the keypoints."""

import torch
from torch import nn

from keypointgan.models.blocks import (
    CompactStages,
    DownwardStages,
    conv_block,
    double,
    initialise,
)
from keypointgan.types import Heatmaps, SkeletonImages


class Regressor(nn.Module):
    """The downward stages under instance norm, and a 1×1 convolution to a map a keypoint [release].

    Args:
        keypoints: Number of keypoints, K in the paper.
        channels: Channels of the skeleton image.
        width: Channels of the first stage; 32 in the release.
    """

    def __init__(self, *, keypoints: int, channels: int = 1, width: int = 32) -> None:
        super().__init__()
        self.down = DownwardStages(inputs=channels, width=width, norm="instance")
        self.out = nn.Conv2d(8 * width, keypoints, 1)
        initialise(self)

    def forward(self, skeleton: SkeletonImages) -> Heatmaps:
        """Scores of each keypoint at an eighth of the size."""
        return self.out(self.down(skeleton)[-1])


class CompactRegressor(nn.Module):
    """A stride-2 stem, a look at the whole skeleton at a sixteenth of the size, maps at an eighth.

    Args:
        keypoints: Number of keypoints, K in the paper.
        channels: Channels of the skeleton image.
        width: Channels of the first stage, at half the size.
    """

    def __init__(self, *, keypoints: int, channels: int = 1, width: int = 32) -> None:
        super().__init__()
        self.down = CompactStages(inputs=channels, width=width, norm="instance")
        self.deep = conv_block(8 * width, 8 * width, norm="instance")
        self.up = conv_block(12 * width, 4 * width, norm="instance")
        self.out = nn.Conv2d(4 * width, keypoints, 1)
        initialise(self)

    def forward(self, skeleton: SkeletonImages) -> Heatmaps:
        """Scores of each keypoint at an eighth of the size."""
        *_, eighth, sixteenth = self.down(skeleton)
        features = double(self.deep(sixteenth))
        return self.out(self.up(torch.cat([features, eighth], dim=1)))
