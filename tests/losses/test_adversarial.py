"""Least-squares scores by hand, the penalty of a linear judge, and the pool's bookkeeping."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.testing import assert_close

from keypointgan.losses.adversarial import (
    ImagePool,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
)


def _scores(*values: float) -> list[Tensor]:
    """A scale for each value, each of another size, all of its patches alike."""
    return [
        torch.full((2, 1, side, side), float(value)) for side, value in enumerate(values, start=2)
    ]


def _numbered(*numbers: int) -> Tensor:
    """Skeleton images of one pixel each, which tell where they come from."""
    return torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1, 1)


def _pool(capacity: int) -> ImagePool:
    return ImagePool(capacity=capacity, shape=(1, 1, 1))


def test_a_perfect_discriminator_has_no_loss() -> None:
    assert_close(discriminator_loss(_scores(1, 1), _scores(0, 0)), torch.tensor(0.0))


def test_a_discriminator_that_confuses_the_two_pays_half_for_each() -> None:
    """(0 - 1)² / 2 + (1 - 0)² / 2 = 1; undecided at 1/2: (1/4 + 1/4) / 2 = 1/4."""
    assert_close(discriminator_loss(_scores(0, 0), _scores(1, 1)), torch.tensor(1.0))
    assert_close(discriminator_loss(_scores(0.5), _scores(0.5)), torch.tensor(0.25))


def test_scales_count_alike_however_many_patches_they_have() -> None:
    """Scores 0 on 2×2 patches and 3 on 3×3: (1 + 4) / 2, not (4 + 36) / 13."""
    assert_close(generator_loss(_scores(0, 3)), torch.tensor(2.5))


def test_the_generator_is_content_when_its_skeletons_pass_for_real() -> None:
    assert_close(generator_loss(_scores(1, 1, 1)), torch.tensor(0.0))


def test_the_generator_climbs_towards_real() -> None:
    """d/ds (s - 1)² = -2 at s = 0, shared by 8 patches."""
    scores = torch.zeros(2, 1, 2, 2, requires_grad=True)
    generator_loss([scores]).backward()
    assert_close(scores.grad, torch.full((2, 1, 2, 2), -0.25))


def test_the_penalty_of_a_linear_judge_is_its_squared_weights(generator: torch.Generator) -> None:
    """Scores w·x and 2 w·x at two scales: the gradient is 3 w for every image, so 9 ‖w‖²."""
    weights = torch.randn(1, 1, 4, 4, generator=generator, requires_grad=True)
    real = torch.randn(5, 1, 4, 4, generator=generator)
    penalty = gradient_penalty(lambda x: [conv2d(x, weights), conv2d(x, 2 * weights)], real)
    assert_close(penalty, 9 * weights.detach().square().sum())
    penalty.backward()
    assert_close(weights.grad, 18 * weights.detach())


def test_the_penalty_of_a_constant_judge_is_zero() -> None:
    penalty = gradient_penalty(lambda x: [0 * x + 0.3], torch.ones(2, 1, 4, 4))
    assert_close(penalty.detach(), torch.tensor(0.0))


def test_a_pool_without_capacity_returns_what_comes(generator: torch.Generator) -> None:
    images = _numbered(1, 2, 3)
    assert_close(_pool(0).exchange(images, generator=generator), images)


def test_a_pool_returns_what_comes_until_it_is_full(generator: torch.Generator) -> None:
    pool = _pool(4)
    for first in (1, 3):
        images = _numbered(first, first + 1)
        assert_close(pool.exchange(images, generator=generator), images)
    assert_close(pool.images, _numbered(1, 2, 3, 4))


def test_a_batch_may_end_the_filling_of_a_pool_in_its_middle(generator: torch.Generator) -> None:
    pool = _pool(3)
    pool.exchange(_numbered(1, 2), generator=generator)
    returned = pool.exchange(_numbered(3, 4, 5), generator=generator)
    assert returned[0].item() == 3, "the one that fills the pool is returned"
    together = torch.cat([pool.images, returned[1:]]).flatten().sort().values
    assert_close(together, torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))


def test_a_full_pool_loses_and_doubles_nothing(generator: torch.Generator) -> None:
    """Each image is returned once, by the end or still in the pool."""
    pool, returned = _pool(6), []
    for batch in range(20):
        images = _numbered(*range(4 * batch, 4 * batch + 4))
        returned.append(pool.exchange(images, generator=generator))
        assert len(returned[-1]) == 4
    # The six that filled the pool were returned at once and are met a second time.
    met = torch.cat([*returned, pool.images]).flatten().long().bincount(minlength=80)
    assert met[:6].tolist() == [2] * 6
    assert met[6:].tolist() == [1] * 74


def test_half_of_what_a_full_pool_returns_is_old(generator: torch.Generator) -> None:
    pool = _pool(50)
    pool.exchange(_numbered(*[0] * 50), generator=generator)
    new = [
        pool.exchange(_numbered(*[step] * 16), generator=generator) == step
        for step in range(1, 101)
    ]
    share = torch.cat(new).float().mean()
    assert abs(float(share) - 0.5) < 0.04, "three standard deviations of 1,600 coins"


def test_a_batch_larger_than_the_pool_comes_back_whole(generator: torch.Generator) -> None:
    pool = _pool(2)
    pool.exchange(_numbered(1, 2), generator=generator)
    returned = pool.exchange(_numbered(*range(3, 10)), generator=generator)
    assert len(returned) == 7
    together = torch.cat([pool.images, returned]).flatten().sort().values
    assert_close(together, torch.arange(1.0, 10.0))


def test_the_pool_keeps_no_graph(generator: torch.Generator) -> None:
    images = _numbered(1, 2).requires_grad_()
    pool = _pool(2)
    assert not pool.exchange(images, generator=generator).requires_grad
    assert not pool.images.requires_grad


def test_a_pool_that_is_read_back_goes_on_alike() -> None:
    """With how far it is filled: one that believes itself empty would take what comes."""
    before, after = _pool(4), _pool(4)
    before.exchange(_numbered(1, 2, 3), generator=torch.Generator().manual_seed(0))
    after.load_state_dict(before.state_dict())
    returned = []
    for pool in (before, after):
        generator = torch.Generator().manual_seed(1)
        batches = [_numbered(10 + step, 20 + step) for step in range(5)]
        returned.append([pool.exchange(batch, generator=generator) for batch in batches])
    assert_close(returned[1], returned[0])
    assert_close(after.images, before.images)
