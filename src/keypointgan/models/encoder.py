"""Φ in the paper: a frame becomes a skeleton image."""

import torch
from torch import nn

from keypointgan.models.blocks import (
    CompactStages,
    DownwardStages,
    conv_block,
    double,
    initialise,
)
from keypointgan.types import Frames, SkeletonImages


class Encoder(nn.Module):
    """The skip encoder–decoder of the release (`models/networks.py`, `SkipEncoder`-shaped).

    Four stages down to an eighth of the size, four up again, each meeting the features of the same
    size; nothing squashes the output.

    Args:
        channels: Channels of the skeleton image.
        width: Channels of the first stage; 32 in the release.
    """

    def __init__(self, *, channels: int = 1, width: int = 32) -> None:
        super().__init__()
        self.down = DownwardStages(inputs=3, width=width, norm="batch")
        self.neck = nn.Conv2d(8 * width, 8 * width, 1, bias=False)
        self.deep = nn.Sequential(
            conv_block(8 * width, 8 * width), conv_block(8 * width, 8 * width)
        )
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(wide + wide // 2, wide, 1, bias=False),
                conv_block(wide, wide // 2),
                conv_block(wide // 2, wide // 2),
            )
            for wide in (8 * width, 4 * width)
        )
        self.out = nn.Sequential(
            nn.Conv2d(3 * width, 2 * width, 1, bias=False),
            conv_block(2 * width, width),
            nn.Conv2d(width, channels, 3, padding=1),
        )
        initialise(self)

    def forward(self, frame: Frames) -> SkeletonImages:
        """The skeleton image of each frame; limbs near +1, background near -1."""
        full, half, quarter, eighth = self.down(frame)
        features = double(self.deep(self.neck(eighth)))
        for stage, skip in zip(self.up, (quarter, half), strict=True):
            features = double(stage(torch.cat([features, skip], dim=1)))
        return self.out(torch.cat([features, full], dim=1))


class CompactEncoder(nn.Module):
    """A skip encoder–decoder with one thin convolution at full resolution, the last.

    Its features are interpolated to that resolution: rearranging channels instead (pixel shuffle)
    leaves a dotted pattern in the skeleton image, which the discriminator knows at once.

    Args:
        channels: Channels of the skeleton image.
        width: Channels of the first stage, at half the size.
    """

    def __init__(self, *, channels: int = 1, width: int = 32) -> None:
        super().__init__()
        self.down = CompactStages(inputs=3, width=width, norm="batch")
        self.deep = conv_block(8 * width, 8 * width)
        self.up = nn.ModuleList(
            conv_block(3 * wide, wide) for wide in (4 * width, 2 * width, width)
        )
        self.out = nn.Conv2d(width, channels, 3, padding=1)
        initialise(self)

    def forward(self, frame: Frames) -> SkeletonImages:
        """The skeleton image of each frame; limbs near +1, background near -1."""
        *skips, features = self.down(frame)
        features = self.deep(features)
        for stage, skip in zip(self.up, reversed(skips), strict=True):
            features = stage(torch.cat([double(features), skip], dim=1))
        return self.out(double(features))
