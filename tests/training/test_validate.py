"""Figures without labels, of networks whose output is known by construction."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.testing import assert_close

from keypointgan.data.pairs import Pair
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.training.validate import ValidationSet, predict_rows, validate

SURE = 1e4
"""A score so high that the softmax of its row is 1."""


class _Grey(nn.Module):
    """A skeleton image that is the mean of the frame's channels."""

    def forward(self, frame: Tensor) -> Tensor:
        return frame.mean(1, keepdim=True)


class _Still(nn.Module):
    """Two keypoints that never move: at x = -1 and 1, in row 3 of 8, which is y = -1/7."""

    def forward(self, skeleton: Tensor) -> Tensor:
        heatmaps = torch.zeros(len(skeleton), 2, 8, 8)
        heatmaps[:, 0, 3, 0] = heatmaps[:, 1, 3, 7] = SURE
        return heatmaps


class _Bright(nn.Module):
    """One keypoint, at the top, in the column that the brightness of the frame names."""

    def forward(self, skeleton: Tensor) -> Tensor:
        column = skeleton.mean(dim=(1, 2, 3)).round().long()
        return SURE * one_hot(column, 8).float().view(-1, 1, 1, 8).expand(-1, 1, 8, 8)


class _Copy(nn.Module):
    """A decoder that returns the reference."""

    def forward(self, rendered: Tensor, reference: Tensor) -> Tensor:
        return reference


def _model(regressor: nn.Module) -> KeypointGAN:
    return KeypointGAN(encoder=_Grey(), regressor=regressor, decoder=_Copy(), links=[((0,), (1,))])


def _validation(frame: Tensor, reference: Tensor) -> ValidationSet:
    """Poses (-1/2, 0), (1/2, 0) and the same 1/5 lower; known is the still pose, elsewhere."""
    pose = torch.tensor([[-0.5, 0.0], [0.5, 0.0]])
    lower = pose + torch.tensor([0.0, 0.2])
    known = torch.tensor([[-0.9, 0.3], [1.1, 0.3]])
    rows = torch.zeros(len(frame), dtype=torch.long)
    return ValidationSet(Pair(frame, reference, rows), torch.stack([pose, lower]), known[None])


def _figures(frame: Tensor, reference: Tensor, *, batch: int = 64) -> dict[str, float]:
    validation = _validation(frame, reference)
    return validate(_model(_Still()), validation, autocast=nullcontext, batch=batch)


def test_each_figure_is_in_the_unit_it_says() -> None:
    """Frames of 0 beside references of 1/2, in [-1, 1]; worked by hand."""
    figures = _figures(torch.zeros(3, 3, 16, 16), torch.full((3, 3, 16, 16), 0.5))
    assert figures["reconstruction"] == pytest.approx(25.0), "1/2 of a range of 2"
    assert figures["motion_frames"] == pytest.approx(0.25), "the same, in [0, 1]"
    assert figures["motion_keypoints"] == pytest.approx(0.0)
    assert figures["motion_prior"] == pytest.approx(10.0), "1/5 of a side of 2"
    assert figures["spread"] == pytest.approx(50.0), "half a side"
    assert figures["spread_prior"] == pytest.approx(25.0)
    assert figures["prior_distance"] == pytest.approx(0.0, abs=1e-4), "but for the shift"
    assert figures["prior_distance_held_out"] == pytest.approx(25.0), "1/2 for each joint"
    # From (±1, -1/7) to (±1/2, 0) and (±1/2, 1/5).
    expected = 25 * ((1 / 4 + (1 / 7) ** 2) ** 0.5 + (1 / 4 + (1 / 7 + 1 / 5) ** 2) ** 0.5)
    assert figures["regressor_error"] == pytest.approx(expected)


def test_a_change_that_is_everywhere_is_no_more_at_the_keypoints() -> None:
    figures = _figures(torch.zeros(1, 3, 32, 32), torch.full((1, 3, 32, 32), 0.5))
    assert figures["on_motion"] == pytest.approx(1.0)


def test_a_change_at_the_keypoints_tells_from_one_beside_them() -> None:
    """The keypoints are at the left and right borders, just above the middle row."""
    still = torch.zeros(1, 3, 32, 32)
    at_them, beside = still.clone(), still.clone()
    at_them[..., 8:20, :4] = at_them[..., 8:20, -4:] = 1.0
    beside[..., :4, :] = 1.0
    assert _figures(still, at_them)["on_motion"] > 4
    assert _figures(still, beside)["on_motion"] == pytest.approx(0.0)


def test_the_batch_size_changes_no_figure(generator: torch.Generator) -> None:
    frame, reference = (torch.rand(6, 3, 16, 16, generator=generator) for _ in range(2))
    assert _figures(frame, reference, batch=2) == pytest.approx(_figures(frame, reference))


def test_predictions_come_in_the_order_of_the_rows() -> None:
    """Row n is a frame of brightness n, whose keypoint is in column n of 8: x = 2n/7 - 1."""

    def fetch(rows: Tensor) -> Tensor:
        return rows.float().view(-1, 1, 1, 1).expand(-1, 3, 16, 16)

    rows = torch.tensor([5, 0, 7, 3, 3])
    predicted = predict_rows(_model(_Bright()), fetch, rows, autocast=nullcontext, batch=2)
    expected = 2 * rows.float() / 7 - 1
    assert_close(torch.from_numpy(predicted[:, 0, 0]), expected)
