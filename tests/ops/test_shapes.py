"""Shapes without place, size and turn."""

import math

import torch

from keypointgan.ops.shapes import match_mean_shape

KITE = torch.tensor([[-0.4, 0.0], [0.4, 0.0], [0.0, -0.3], [0.0, 0.6]])
"""Left, right, top and bottom; its mirror image is itself."""
ORDER = [1, 0, 2, 3]


def placed(shape: torch.Tensor, generator: torch.Generator, count: int = 50) -> torch.Tensor:
    """The shape at random places, sizes and turns."""
    angle = (torch.rand(count, generator=generator) - 0.5) * math.pi
    turn = torch.stack(
        [torch.stack([angle.cos(), -angle.sin()], -1), torch.stack([angle.sin(), angle.cos()], -1)],
        dim=1,
    )
    size = 0.5 + torch.rand(count, 1, 1, generator=generator)
    shift = torch.rand(count, 1, 2, generator=generator) - 0.5
    return size * torch.einsum("nij,kj->nki", turn, shape) + shift


def test_a_bias_in_the_objects_own_frame_is_taken_away(generator: torch.Generator) -> None:
    """A top found too low by a tenth of the kite's height: afterwards each has the kite's shape."""
    found = KITE.clone()
    found[2, 1] += 0.09
    poses = placed(found, generator)
    matched = match_mean_shape(poses, placed(KITE, generator), order=ORDER)
    for points, height in ((poses, 0.81 / 0.8), (matched, 0.9 / 0.8)):
        across = (points[:, 1] - points[:, 0]).norm(dim=-1)
        upright = (points[:, 3] - points[:, 2]).norm(dim=-1)
        torch.testing.assert_close(upright / across, torch.full((50,), height), atol=5e-3, rtol=0)


def test_where_poses_are_does_not_change(generator: torch.Generator) -> None:
    """Only the shape is the prior's: the middle of each pose stays."""
    poses = placed(KITE * torch.tensor([1.2, 1.0]), generator)
    matched = match_mean_shape(poses, placed(KITE, generator), order=ORDER)
    torch.testing.assert_close(matched.mean(dim=1), poses.mean(dim=1), atol=1e-5, rtol=0)


def test_poses_of_the_priors_mean_shape_stay_as_they_are(generator: torch.Generator) -> None:
    poses = placed(KITE, generator)
    matched = match_mean_shape(poses, placed(KITE, generator, count=30), order=ORDER)
    torch.testing.assert_close(matched, poses, atol=1e-5, rtol=0)
