"""Sides are learnt from poses of the prior."""

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from keypointgan.assemble import assemble_prior
from keypointgan.data.priors import Prior
from keypointgan.models.naming import all_namings
from keypointgan.recipe import load_config
from keypointgan.skeletons import Skeleton
from keypointgan.training.naming import learn_naming

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def prior(tiny_prior_in_space: Path) -> Prior:
    """Forty poses of people in space, before cameras all around."""
    config = load_config(None, [f"prior.poses={tiny_prior_in_space}", "prior.place=body"])
    prior, _ = assemble_prior(config, Skeleton.load("h36m17"))
    return prior


def test_poses_of_the_prior_with_exchanged_pairs_are_put_right(prior: Prior) -> None:
    """Of 200 poses before other cameras, each with random pairs exchanged."""
    naming = learn_naming(prior, seed=0, device=CPU, updates=80)
    generator = torch.Generator().manual_seed(7)
    poses = prior.sample(200, generator=generator)
    namings = all_namings(naming.order)
    wrong = namings[torch.randint(len(namings), (200,), generator=generator)]
    shown = poses.gather(1, wrong.unsqueeze(-1).expand_as(poses))
    names, _ = naming(shown, torch.zeros(200, 17), lengths=[1] * 200)
    named = wrong.gather(1, names)
    lateral = torch.tensor(naming.order) != torch.arange(17)
    right = (named == torch.arange(17))[:, lateral].float().mean()
    assert right > 0.8  # by chance 0.5


def test_the_same_seed_learns_the_same(prior: Prior) -> None:
    first, second = (learn_naming(prior, seed=3, device=CPU, updates=3) for _ in range(2))
    for one, other in zip(
        first.plausibility.parameters(), second.plausibility.parameters(), strict=True
    ):
        assert torch.equal(one, other)


def test_what_is_counted_in_the_prior_is_kept_with_the_naming(prior: Prior) -> None:
    """Of poses before cameras all around, half have the left hip on the right of the image."""
    naming = learn_naming(prior, seed=0, device=CPU, updates=2)
    assert_close(naming.shares, torch.full((6,), 0.5), atol=0.1, rtol=0)
    poses = prior.sample(500, generator=torch.Generator().manual_seed(1))
    sides = (poses.amax(dim=1) - poses.amin(dim=1)).amax(dim=1)
    assert_close(naming.size, sides.median(), atol=0.02, rtol=0)
