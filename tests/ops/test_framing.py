"""Squares around poses: where, how large, and what they show."""

import torch
from torch.testing import assert_close

from keypointgan.ops.framing import bounds, squares_around, view_of
from keypointgan.ops.warp import warp_frames

TRIANGLE = torch.tensor([[-0.3, -0.1], [0.3, -0.1], [0.0, 0.3]])
"""Its largest distance is 0.6; the middle of its bounding box is (0, 0.1)."""


def test_a_square_lies_around_the_bounding_box_and_is_as_long_as_the_object_and_its_margin() -> (
    None
):
    squares = squares_around(
        TRIANGLE[None] + torch.tensor([0.2, -0.4]), margin=1.5, lengths=[1], rates=[0.0]
    )
    assert_close(squares, torch.tensor([[0.2, -0.3, 0.45]]))


def test_one_bad_reading_of_a_clip_moves_no_square() -> None:
    """Ten frames a second; the object stands still, and is read elsewhere and larger once."""
    poses = TRIANGLE.repeat(9, 1, 1)
    poses[4] = 2 * poses[4] + 0.5
    squares = squares_around(poses, margin=1.0, lengths=[9], rates=[10.0])
    assert_close(squares, torch.tensor([[0.0, 0.1, 0.3]]).expand(9, 3))


def test_a_square_follows_who_walks_and_keeps_its_size_when_a_pose_changes() -> None:
    """The middle goes along but at the ends; arms that go up for a moment change no size."""
    steps = 0.02 * torch.arange(21.0)
    poses = TRIANGLE + torch.stack([steps, torch.zeros(21)], dim=-1)[:, None]
    poses[10:12, 2, 1] += 0.5
    squares = squares_around(poses, margin=1.0, lengths=[21], rates=[10.0])
    assert_close(squares[3:-3, 0], steps[3:-3])
    assert_close(squares[:, 2], torch.full((21,), 0.3))


def test_clips_and_photographs_know_nothing_of_each_other() -> None:
    poses = torch.cat([TRIANGLE.repeat(3, 1, 1), 0.5 * TRIANGLE.repeat(2, 1, 1), TRIANGLE[None]])
    squares = squares_around(poses, margin=1.0, lengths=[3, 2, 1], rates=[30.0, 30.0, 0.0])
    assert_close(squares[:, 2], torch.tensor([0.3, 0.3, 0.3, 0.15, 0.15, 0.3]))


def test_points_that_all_fall_together_have_a_square_all_the_same() -> None:
    squares = squares_around(
        torch.full((1, 3, 2), 0.5), margin=2.0, lengths=[1], rates=[0.0], least=0.2
    )
    assert_close(squares, torch.tensor([[0.5, 0.5, 0.2]]))


def test_a_view_shows_what_is_in_the_square_and_takes_its_points_back() -> None:
    """The right lower quarter of a frame, twice as large."""
    line = (torch.arange(64) * 2 + 1) / 64 - 1
    frame = torch.stack(torch.meshgrid(line, line, indexing="xy"))[None]
    view = view_of(torch.tensor([[0.5, 0.5, 0.5]]))
    seen = warp_frames(torch.cat([frame, frame[:, :1]], dim=1), view)
    assert_close(seen[0, 0, 0, 1:-1], 0.5 + 0.5 * line[1:-1], atol=1e-5, rtol=0)
    corners = torch.tensor([[[-1.0, -1.0], [1.0, 1.0], [0.0, 0.5]]])
    back = torch.tensor([[[0.0, 0.0], [1.0, 1.0], [0.5, 0.75]]])
    assert_close(view.source_of(corners), back)
    assert_close(view.move(back), corners)


def test_bounds_are_of_the_known_points_and_zero_where_there_are_too_few() -> None:
    points = TRIANGLE.repeat(3, 1, 1)
    points[1, 2] = torch.nan
    points[2, 1:] = torch.nan
    low, high, known = bounds(points)
    assert_close(low, torch.tensor([[-0.3, -0.1], [-0.3, -0.1], [0.0, 0.0]]))
    assert_close(high, torch.tensor([[0.3, 0.3], [0.3, -0.1], [0.0, 0.0]]))
    assert known.tolist() == [True, True, False]
