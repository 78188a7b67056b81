"""Losses of keypoints against values worked by hand."""

import math

import torch
from torch.testing import assert_close

from keypointgan.losses.pose import (
    cycle_loss,
    equivariance_loss,
    forgiving_keypoint_loss,
    keypoint_loss,
    labelled_keypoint_loss,
)

ZEROS = torch.zeros(2, 3, 2)


def test_equal_keypoints_have_no_loss(generator: torch.Generator) -> None:
    points = torch.randn(2, 3, 2, generator=generator)
    assert_close(keypoint_loss(points, points), torch.tensor(0.0))


def test_the_keypoint_loss_is_the_mean_over_coordinates() -> None:
    """One of six points off by (3, 4): (9 + 16) / 12."""
    points = ZEROS.clone()
    points[1, 2] = torch.tensor([3.0, 4.0])
    assert_close(keypoint_loss(points, ZEROS), torch.tensor(25 / 12))


def test_the_labelled_loss_is_the_mean_distance() -> None:
    """One of six points off by (3, 4), which is 5; the others by the 1e-4 that keeps it smooth."""
    points = ZEROS.clone()
    points[1, 2] = torch.tensor([3.0, 4.0])
    assert_close(labelled_keypoint_loss(points, ZEROS), torch.tensor((5 + 5e-4) / 6))


def test_points_without_a_label_do_not_count() -> None:
    labels = torch.full((2, 3, 2), math.nan)
    labels[0, 0] = torch.tensor([3.0, 4.0])
    labels[0, 1, 0] = 7.0  # a point of which one coordinate is missing has no label
    points = ZEROS.clone().requires_grad_()
    loss = labelled_keypoint_loss(points, labels)
    loss.backward()
    assert_close(loss.detach(), torch.tensor(5.0))
    expected = torch.zeros(2, 3, 2)
    expected[0, 0] = torch.tensor([-0.6, -0.8])
    assert_close(points.grad, expected)


def test_points_that_do_not_move_along_cost_their_distance() -> None:
    """One of six points off by (3, 4); both what was read and what was moved are pulled."""
    read = ZEROS.clone().requires_grad_()
    moved = ZEROS.clone()
    moved[1, 2] = torch.tensor([3.0, 4.0])
    moved.requires_grad_()
    loss = equivariance_loss(read, moved)
    loss.backward()
    assert_close(loss.detach(), torch.tensor((5 + 5e-4) / 6))
    assert_close(read.grad, -moved.grad)  # type: ignore[operator]
    assert_close(moved.grad[1, 2], torch.tensor([0.1, 0.8 / 6]))  # type: ignore[index]


def test_a_batch_without_labels_teaches_nothing() -> None:
    points = ZEROS.clone().requires_grad_()
    loss = labelled_keypoint_loss(points, torch.full((2, 3, 2), math.nan))
    loss.backward()
    assert_close(loss.detach(), torch.tensor(0.0))
    assert_close(points.grad, ZEROS)


def test_the_gradient_at_a_perfect_point_is_finite() -> None:
    points = ZEROS.clone().requires_grad_()
    labelled_keypoint_loss(points, ZEROS).backward()
    assert_close(points.grad, ZEROS)


def test_a_pose_with_its_sides_exchanged_is_forgiven_but_for_the_share_that_insists() -> None:
    """Two points 2 apart: exchanged, each is 2 off; the first pose is right, the second exchanged.

    Nearer of both: 0 and 0. To the target itself: 0 and 2, on average 1.
    """
    target = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]]).expand(2, 2, 2)
    predicted = torch.stack([target[0], target[0].flip(0)])
    loss, exchanged = forgiving_keypoint_loss(predicted, target, mirror=(1, 0), insistence=0.25)
    assert_close(loss, torch.tensor(0.25), atol=2e-4, rtol=0)
    assert exchanged.tolist() == [False, True]


def test_a_pose_between_both_sides_is_pulled_to_the_nearer() -> None:
    """Points a little right of the middle, labelled left and right, move apart to either side."""
    target = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]])
    predicted = torch.tensor([[[-0.1, 0.0], [0.1, 0.0]]], requires_grad=True)
    loss, _ = forgiving_keypoint_loss(predicted, target, mirror=(1, 0), insistence=0.0)
    loss.backward()
    assert predicted.grad is not None
    assert_close(predicted.grad[..., 0], torch.tensor([[0.5, -0.5]]), atol=1e-4, rtol=0)


def test_the_cycle_loss_is_the_mean_square_over_pixels() -> None:
    """One of 2·1·4·4 pixels is white and not black: 2² / 32."""
    drawn = torch.full((2, 1, 4, 4), -1.0)
    encoded = drawn.clone()
    assert_close(cycle_loss(drawn, encoded), torch.tensor(0.0))
    encoded[0, 0, 1, 2] = 1.0
    assert_close(cycle_loss(drawn, encoded), torch.tensor(0.125))
