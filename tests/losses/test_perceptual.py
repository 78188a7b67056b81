"""The balance of feature layers, worked by hand on two layers of known distance."""

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from keypointgan.losses.features import Pyramid
from keypointgan.losses.perceptual import PerceptualLoss


class _Scaled(nn.Module):
    """Two layers: the frame, and ten times the frame by a weight that must not learn."""

    def __init__(self) -> None:
        super().__init__()
        self.ten = nn.Parameter(torch.tensor(10.0), requires_grad=False)

    def forward(self, frame: Tensor) -> list[Tensor]:
        return [frame, self.ten * frame]


def _frames(value: float) -> Tensor:
    return torch.full((2, 3, 8, 8), value)


@pytest.mark.parametrize("distance", ["squared", "absolute"])
def test_equal_frames_have_no_distance(distance: str, generator: torch.Generator) -> None:
    loss = PerceptualLoss(Pyramid(), layers=4, distance=distance).eval()  # type: ignore[arg-type]
    frame = torch.rand(2, 3, 8, 8, generator=generator)
    assert_close(loss(frame, frame), torch.tensor(0.0))


def test_distances_are_squared_as_in_the_paper_or_absolute() -> None:
    """Frames 1/2 apart: 1/4 and 25 squared, 1/2 and 5 absolute."""
    for distance, expected in (("squared", (0.25, 25.0)), ("absolute", (0.5, 5.0))):
        loss = PerceptualLoss(_Scaled(), layers=2, distance=distance)  # type: ignore[arg-type]
        assert_close(loss.layer_distances(_frames(0.5), _frames(0.0)), torch.tensor(expected))


def test_the_first_loss_is_one_however_large_the_features() -> None:
    loss = PerceptualLoss(_Scaled(), layers=2)
    assert_close(loss(_frames(0.5), _frames(0.0)), torch.tensor(1.0))


def test_each_layer_is_divided_by_its_own_running_mean() -> None:
    """Momentum 0.9; distances (1/4, 25), then (1, 100): means 0.9·1/4 + 0.1·1 = 0.325, and 32.5."""
    loss = PerceptualLoss(_Scaled(), layers=2, momentum=0.9)
    loss(_frames(0.5), _frames(0.0))
    second = loss(_frames(1.0), _frames(0.0))
    assert_close(loss.scales, torch.tensor([0.325, 32.5]))
    assert_close(second, torch.tensor(1 / 0.325))


def test_evaluation_leaves_the_balance_alone() -> None:
    loss = PerceptualLoss(_Scaled(), layers=2)
    loss(_frames(0.5), _frames(0.0))
    loss.eval()
    assert_close(loss(_frames(1.0), _frames(0.0)), torch.tensor(4.0))
    assert_close(loss.scales, torch.tensor([0.25, 25.0]))


def test_a_perfect_first_batch_does_not_divide_by_zero() -> None:
    loss = PerceptualLoss(_Scaled(), layers=2)
    assert_close(loss(_frames(0.0), _frames(0.0)), torch.tensor(0.0))
    assert loss(_frames(0.5), _frames(0.0)).isfinite()


def test_gradient_reaches_the_rebuilt_frame_and_no_weight() -> None:
    rebuilt, frame = _frames(0.5).requires_grad_(), _frames(0.0)
    loss = PerceptualLoss(_Scaled(), layers=2)
    loss(rebuilt, frame).backward()
    assert rebuilt.grad is not None
    assert rebuilt.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in loss.parameters())


def test_the_balance_is_saved_with_the_weights() -> None:
    before, after = (PerceptualLoss(_Scaled(), layers=2) for _ in range(2))
    before(_frames(0.5), _frames(0.0))
    after.load_state_dict(before.state_dict())
    assert_close(after(_frames(1.0), _frames(0.0)), before(_frames(1.0), _frames(0.0)))
