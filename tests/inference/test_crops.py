"""Parts of frames, set upright."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from keypointgan.inference.crops import cut, turn_points

CORNERS = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
"""Of a picture, clockwise from the upper left one."""


@pytest.mark.parametrize("turn", [-1, 0, 1, 2, 3, 5])
def test_points_turn_with_their_picture(turn: int) -> None:
    """A bright pixel is where its point is, after any quarter turns."""
    picture = np.zeros((9, 9))
    picture[1, 6] = 1
    (row,), (column,) = np.nonzero(np.rot90(picture, turn))
    point = np.array([[[6 - 4.0, 1 - 4.0]]])  # from the middle
    assert_allclose(turn_points(point, np.array([turn])), [[[column - 4.0, row - 4.0]]])


def test_each_picture_has_turns_of_its_own() -> None:
    """After a turn to the left the right upper corner is the left upper one."""
    turned = turn_points(np.stack([CORNERS, CORNERS, CORNERS]), np.array([0, 1, 2]))
    assert_allclose(turned[0], CORNERS)
    assert_allclose(turned[1], CORNERS[[3, 0, 1, 2]])
    assert_allclose(turned[2], CORNERS[[2, 3, 0, 1]])
    assert_allclose(turn_points(turned, -np.array([0, 1, 2])), [CORNERS] * 3)


def test_a_crop_is_turned_to_the_left() -> None:
    frame = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    straight = cut(frame, (1.0, 0.0, 5.0, 4.0), side=4, source=(4, 6))
    turned = cut(frame, (1.0, 0.0, 5.0, 4.0), side=4, source=(4, 6), turn=1)
    assert (straight.turn, turned.turn, turned.box) == (0, 1, straight.box)
    assert_array_equal(turned.square[0], straight.square[:, -1])
