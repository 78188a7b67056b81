"""Ψ in the paper: a rendered skeleton and a reference become the frame again."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from keypointgan.models.blocks import (
    CompactStages,
    DownwardStages,
    conv_block,
    double,
    initialise,
)
from keypointgan.types import Frames, SkeletonImages

Background = Literal["rebuilt", "reference", "plate"]


class Decoder(nn.Module):
    """Two downward encoders, concatenated at an eighth of the size, and a way up [release].

    Args:
        channels: Channels of the skeleton image.
        width: Channels of the first stage; 32 in the release.
    """

    def __init__(self, *, channels: int = 1, width: int = 32) -> None:
        super().__init__()
        self.pose = DownwardStages(inputs=channels, width=width, norm="batch")
        self.pose_neck = nn.Conv2d(8 * width, 8 * width, 1, bias=False)
        self.appearance = DownwardStages(inputs=3, width=width, norm="batch")
        self.appearance_neck = nn.Conv2d(8 * width, 8 * width, 1, bias=False)
        self.up = nn.ModuleList(
            nn.Sequential(conv_block(inputs, wide), conv_block(wide, wide))
            for inputs, wide in (
                (16 * width, 8 * width),
                (8 * width, 4 * width),
                (4 * width, 2 * width),
            )
        )
        self.out = nn.Sequential(conv_block(2 * width, width), nn.Conv2d(width, 3, 3, padding=1))
        initialise(self)

    def forward(self, rendered: SkeletonImages, reference: Frames) -> Frames:
        """The frame whose pose is `rendered` with the appearance of `reference`."""
        features = torch.cat(
            [
                self.pose_neck(self.pose(rendered)[-1]),
                self.appearance_neck(self.appearance(reference)[-1]),
            ],
            dim=1,
        )
        for stage in self.up:
            features = double(stage(features))
        return self.out(features)


class CompactDecoder(nn.Module):
    """The same idea with stride-2 stems and without a convolution at full resolution.

    The way up also sees the rendered skeleton at each size, so that limbs are painted where they
    are to the pixel, and the loss moves keypoints by as little. Of the reference only the deepest
    features are seen: its pose must not come through.

    Args:
        channels: Channels of the skeleton image.
        width: Channels of the first stage, at half the size.
        background: Where what does not move comes from. `rebuilt`: the decoder paints all of the
            frame. `reference`: it paints a part and a mask, and keeps the reference elsewhere, so
            that a static background costs nothing and the loss is about what moves. `plate`: it
            keeps the clip's plate elsewhere, so that it has to paint all of the object.
    """

    def __init__(
        self, *, channels: int = 1, width: int = 32, background: Background = "rebuilt"
    ) -> None:
        super().__init__()
        self.background = background
        self.pose = CompactStages(inputs=channels, width=width, depth=2, norm="batch")
        self.appearance = CompactStages(inputs=3, width=width, depth=2, norm="batch")
        self.deep = nn.Sequential(
            conv_block(8 * width, 4 * width), conv_block(4 * width, 4 * width)
        )
        self.up = nn.ModuleList(
            conv_block(wide + wide // 2, wide // 2) for wide in (4 * width, 2 * width)
        )
        painted = 3 if background == "rebuilt" else 4
        self.out = nn.Conv2d(width, 4 * painted, 3, padding=1)
        initialise(self)

    def forward(
        self, rendered: SkeletonImages, reference: Frames, background: Frames | None = None
    ) -> Frames:
        """The frame whose pose is `rendered` with the appearance of `reference`.

        Where the mask says so, it is `background`, or the reference where that is not given.
        """
        *places, pose = self.pose(rendered)
        features = self.deep(torch.cat([pose, self.appearance(reference)[-1]], dim=1))
        for stage, place in zip(self.up, reversed(places), strict=True):
            features = stage(torch.cat([double(features), place], dim=1))
        painted: Tensor = pixel_shuffle(self.out(features), 2)
        if self.background == "rebuilt":
            return painted
        mask = painted[:, 3:].sigmoid()
        return mask * painted[:, :3] + (1 - mask) * (
            reference if background is None else background
        )
