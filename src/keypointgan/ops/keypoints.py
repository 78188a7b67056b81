"""Keypoints from heatmaps, between coordinate systems, and mirrored."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.types import Confidence, Heatmaps, Keypoints


def soft_argmax(heatmaps: Heatmaps) -> Keypoints:
    """The expected location of each keypoint under its heatmap.

    The mean over rows, through a softmax, is the distribution of x; that over columns, of y: two
    softmaxes over a line, not one over the plane [release, `models/networks.py`]. The outer cells
    stand for the outer edges of the image, so that every place can be reached.

    Args:
        heatmaps: Unnormalised scores (batch, keypoint, height, width).

    Returns:
        Normalised (x, y) locations (batch, keypoint, 2), always inside [-1, 1].
    """
    height, width = heatmaps.shape[-2:]
    along_x, along_y = _axis_distributions(heatmaps)
    x = _expectation(along_x, torch.linspace(-1, 1, width).to(along_x))
    y = _expectation(along_y, torch.linspace(-1, 1, height).to(along_y))
    return torch.stack([x, y], dim=-1)


def confidence(heatmaps: Heatmaps) -> Confidence:
    """How concentrated each heatmap is: 1 for a single cell, 0 for no preference at all.

    One minus the standard deviation of the location over that of a uniform heatmap, never below 0.
    """
    spread = torch.zeros(heatmaps.shape[:2], device=heatmaps.device)
    for distribution in _axis_distributions(heatmaps):
        places = torch.linspace(-1, 1, distribution.shape[-1]).to(distribution)
        squares = places.square()
        variance = _expectation(distribution, squares) - _expectation(distribution, places).square()
        spread = spread + variance / squares.mean()
    return 1 - (spread / 2).clamp(0, 1).sqrt()


def to_pixels(keypoints: Keypoints, *, size: tuple[int, int]) -> Float[Tensor, "batch keypoint 2"]:
    """Locations in pixels of an image of `size` (height, width), whose edges are 0 and its side."""
    height, width = size
    return (keypoints + 1) / 2 * torch.tensor([width, height]).to(keypoints)


def to_normalised(pixels: Float[Tensor, "batch keypoint 2"], *, size: tuple[int, int]) -> Keypoints:
    """Normalised locations of pixels of an image of `size` (height, width)."""
    height, width = size
    return pixels / torch.tensor([width, height]).to(pixels) * 2 - 1


def mirror(keypoints: Keypoints, *, order: Sequence[int]) -> Keypoints:
    """The keypoints of the mirrored image: x negated, left and right joints exchanged.

    Args:
        keypoints: Normalised locations.
        order: For each joint the one that takes its place, `Skeleton.mirror`.
    """
    return keypoints[:, list(order)] * torch.tensor([-1.0, 1.0]).to(keypoints)


def from_aligned_corners(keypoints: Keypoints, *, size: tuple[int, int]) -> Keypoints:
    """Keypoints of the release's convention, -1 and +1 on outer pixel centres, in ours."""
    height, width = size
    return keypoints * torch.tensor([1 - 1 / width, 1 - 1 / height]).to(keypoints)


def _axis_distributions(heatmaps: Heatmaps) -> tuple[Tensor, Tensor]:
    """The distributions of x (batch, keypoint, width) and of y (batch, keypoint, height)."""
    heatmaps = heatmaps.float() if heatmaps.dtype in (torch.bfloat16, torch.float16) else heatmaps
    return heatmaps.mean(dim=-2).softmax(dim=-1), heatmaps.mean(dim=-1).softmax(dim=-1)


def _expectation(distribution: Tensor, values: Tensor) -> Tensor:
    """The mean of `values`; not as a matrix product, which autocast computes in 8 bits."""
    return (distribution * values).sum(dim=-1)
