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


def looking(depth: float, generator: torch.Generator, *, count: int = 400) -> torch.Tensor:
    """Kites whose top is moved to a side, by a standard deviation of `depth`."""
    shapes = KITE.repeat(count, 1, 1)
    shapes[:, 2, 0] += depth * torch.randn(count, generator=generator)
    return shapes


def test_poses_of_the_prior_stay_as_they_are(generator: torch.Generator) -> None:
    """And so do poses that were matched: matching them again changes nothing more."""
    poses = looking(0.2, generator)
    torch.testing.assert_close(match_mean_shape(poses, poses, order=ORDER), poses)
    prior = looking(0.2, generator)
    once = match_mean_shape(looking(0.1, generator) * 1.1, prior, order=ORDER)
    twice = match_mean_shape(once, prior, order=ORDER)
    torch.testing.assert_close(twice, once, atol=0.01, rtol=0)


def test_what_a_detector_makes_too_little_of_is_made_more_of(generator: torch.Generator) -> None:
    """Tops found half as far aside as those of the prior are moved to where those are."""
    prior = looking(0.2, generator)
    found = prior.clone()
    found[:, 2, 0] /= 2
    matched = match_mean_shape(found, prior, order=ORDER)

    def aside(poses: torch.Tensor) -> torch.Tensor:
        across = poses[:, 1] - poses[:, 0]
        top = poses[:, 2] - (poses[:, 0] + poses[:, 1]) / 2
        return (top * across).sum(dim=-1) / across.square().sum(dim=-1)

    before, after = ((aside(poses) - aside(prior)).abs().mean() for poses in (found, matched))
    assert after < 0.25 * before


def test_noise_of_another_kind_is_not_made_more_of(generator: torch.Generator) -> None:
    """Bottoms that are found at different heights have nothing to do with tops that look aside."""
    prior = looking(0.2, generator)
    found = looking(0.01, generator)
    found[:, 3, 1] += 0.1 * torch.randn(len(found), generator=generator)
    matched = match_mean_shape(found, prior, order=ORDER)
    assert (matched - found)[:, 2, 0].std() < 0.01


def test_poses_of_the_priors_mean_shape_stay_as_they_are(generator: torch.Generator) -> None:
    poses = placed(KITE, generator)
    matched = match_mean_shape(poses, placed(KITE, generator, count=30), order=ORDER)
    torch.testing.assert_close(matched, poses, atol=1e-5, rtol=0)
