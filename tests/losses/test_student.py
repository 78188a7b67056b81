"""What the student learns from points."""

import math

import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.testing import assert_close

from keypointgan.losses.student import StudentLoss, student_loss
from keypointgan.ops.heatmaps import draw_heatmaps, locate

SIZE = (12, 16)
POINTS = torch.tensor([[[0.1, -0.2], [-0.3, 0.4]], [[0.0, 0.25], [0.35, -0.15]]])
ONES = torch.ones(2, 2)
UNSURE = torch.zeros(2, 2)


def _perfect(points: Tensor) -> Tensor:
    return draw_heatmaps(points, size=SIZE).clamp_min(1e-30).log()


def _loss(
    heatmaps: Tensor, log_error: Tensor = UNSURE, *, target: Tensor = POINTS, weight: Tensor = ONES
) -> StudentLoss:
    return student_loss(heatmaps, log_error, target=target, weight=weight)


def test_perfect_heatmaps_cost_nothing_and_others_more(generator: torch.Generator) -> None:
    """Points cost 1e-4, the root of what keeps their gradient finite, and a hundredth of a cell."""
    best = _loss(_perfect(POINTS))
    assert_close(best.heatmaps, torch.tensor(0.0), atol=1e-5, rtol=0)
    assert_close(best.points, torch.tensor(0.0), atol=1e-3, rtol=0)
    noise = torch.randn(2, 2, *SIZE, generator=generator)
    worse = _loss(_perfect(POINTS) + noise)
    assert worse.heatmaps > 0.1
    assert worse.points > best.points


def test_flat_heatmaps_lack_the_entropy_of_the_map_below_the_uniform_one() -> None:
    """log(cells) - H(target) nats; the mean place of a flat map is the centre."""
    drawn = draw_heatmaps(POINTS, size=SIZE).double()
    entropy = -(drawn * drawn.clamp_min(1e-12).log()).sum(dim=(-2, -1)).mean()
    loss = _loss(torch.zeros(2, 2, *SIZE))
    assert_close(loss.heatmaps, (math.log(12 * 16) - entropy).float(), atol=1e-4, rtol=0)
    assert_close(loss.points, POINTS.norm(dim=-1).mean(), atol=1e-4, rtol=0)


def test_the_misfit_is_least_where_the_stated_error_is_half_of_the_distance() -> None:
    """off·exp(-s) + 2s has its minimum at exp(s) = off / 2, the scale whose mean is off."""
    heatmaps = _perfect(POINTS + 0.1)
    off = (locate(heatmaps) - POINTS).norm(dim=-1)
    best = (off / 2).log().requires_grad_()
    loss = _loss(heatmaps, best)
    loss.error.backward()
    assert best.grad is not None
    assert_close(best.grad, torch.zeros(2, 2), atol=1e-6, rtol=0)
    for other in (-0.3, 0.3):
        assert _loss(heatmaps, best.detach() + other).error > loss.error + 0.05


def test_points_that_are_nan_or_of_no_weight_do_not_count() -> None:
    """The second keypoint of both frames is as bad as can be, and changes nothing."""
    heatmaps = _perfect(POINTS + 0.05)
    spoilt = heatmaps.clone()
    spoilt[:, 1] = _perfect(-POINTS)[:, 1]
    first = torch.tensor([1.0, 0.0]).expand(2, 2)
    alone = _loss(heatmaps, weight=first)
    target = POINTS.clone()
    target[:, 1] = math.nan
    assert_close(vars(_loss(spoilt, target=target)), vars(alone))
    assert_close(vars(_loss(spoilt, weight=first)), vars(alone))


def test_a_point_outside_teaches_how_wrong_what_is_read_is_and_not_where() -> None:
    """The second keypoint lies 0.4 beyond the border; whatever is stated as its error, the
    heatmaps cost what the first one's cost."""
    heatmaps = _perfect(POINTS + 0.05)
    first = torch.tensor([1.0, 0.0]).expand(2, 2)
    alone = _loss(heatmaps, weight=first)
    target = POINTS.clone()
    target[:, 1] = 1.4
    off = (locate(heatmaps) - target).norm(dim=-1)
    stated = (off / 2).log().requires_grad_()
    loss = _loss(heatmaps, stated, target=target)
    assert_close((loss.heatmaps, loss.points), (alone.heatmaps, alone.points))
    loss.error.backward()
    assert stated.grad is not None
    assert_close(stated.grad, torch.zeros(2, 2), atol=1e-6, rtol=0)
    assert _loss(heatmaps, stated.detach() - 1, target=target).error > loss.error + 0.3


def test_points_that_do_not_count_leave_gradients_finite() -> None:
    heatmaps = _perfect(POINTS + 0.05).requires_grad_()
    target = torch.full_like(POINTS, math.nan)
    loss = _loss(heatmaps, target=target)
    (loss.heatmaps + loss.points + loss.error).backward()
    assert heatmaps.grad is not None
    assert_close(heatmaps.grad, torch.zeros_like(heatmaps))


def test_weights_are_shares_of_their_sum() -> None:
    """Three times the weight of a frame is that frame three times."""
    heatmaps = _perfect(POINTS + torch.tensor([0.1, 0.3]).view(2, 1, 1))
    weighted = _loss(heatmaps, weight=torch.tensor([[3.0, 3.0], [1.0, 1.0]]))
    rows = [0, 0, 0, 1]
    repeated = student_loss(
        heatmaps[rows], UNSURE[:1].expand(4, 2), target=POINTS[rows], weight=torch.ones(4, 2)
    )
    assert_close(vars(weighted), vars(repeated))


def test_the_stated_error_teaches_the_heatmaps_nothing() -> None:
    heatmaps = _perfect(POINTS + 0.1).requires_grad_()
    log_error = torch.zeros(2, 2, requires_grad=True)
    _loss(heatmaps, log_error).error.backward()
    assert heatmaps.grad is None
    assert log_error.grad is not None


def test_the_gradients_are_right(generator: torch.Generator) -> None:
    heatmaps = torch.randn(1, 2, 5, 6, generator=generator, dtype=torch.float64)
    log_error = torch.randn(1, 2, generator=generator, dtype=torch.float64)
    target, weight = POINTS[:1].double(), torch.tensor([[1.0, 0.5]], dtype=torch.float64)

    def terms(heatmaps: Tensor, log_error: Tensor) -> tuple[Tensor, Tensor]:
        loss = student_loss(heatmaps, log_error, target=target, weight=weight)
        return loss.heatmaps, loss.points

    assert gradcheck(
        lambda maps: terms(maps, log_error),
        (heatmaps.requires_grad_(),),
        check_undefined_grad=False,
    )
    fixed = heatmaps.detach()
    assert gradcheck(
        lambda error: student_loss(fixed, error, target=target, weight=weight).error,
        (log_error.requires_grad_(),),
    )
