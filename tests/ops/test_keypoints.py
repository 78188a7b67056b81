import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck
from torch.testing import assert_close

from keypointgan.ops.keypoints import (
    average_mirrored,
    confidence,
    evidence_of_both,
    from_aligned_corners,
    mirror,
    soft_argmax,
    to_normalised,
    to_pixels,
)

seeds = st.integers(0, 2**31)


def _heatmaps(seed: int, *, spread: float = 3.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, 5, 7, generator=generator, dtype=torch.float64) * spread


def _at(row: int, column: int, *, score: float = 1e4) -> Tensor:
    heatmap = torch.zeros(1, 1, 4, 6)
    heatmap[0, 0, row, column] = score
    return heatmap


def test_the_location_is_the_mean_under_the_distribution_of_each_axis() -> None:
    """Column scores 0 and log 3 are probabilities 1/4 and 3/4: x = -1/4 + 3/4; rows are equal."""
    heatmaps = torch.tensor([[[[0.0, math.log(3)], [0.0, math.log(3)]]]])
    assert_close(soft_argmax(heatmaps), torch.tensor([[[0.5, 0.0]]]))


def test_the_axes_are_two_softmaxes_over_lines_and_not_one_over_the_plane() -> None:
    """One cell at 2 log 3: its row and column have means log 3, so both coordinates are 1/2.

    A softmax over the plane gives that cell 9/12 and the location (2/3, 2/3).
    """
    heatmaps = torch.tensor([[[[0.0, 0.0], [0.0, 2 * math.log(3)]]]])
    assert_close(soft_argmax(heatmaps), torch.tensor([[[0.5, 0.5]]]))


@pytest.mark.parametrize(
    ("row", "column", "place"), [(0, 0, (-1, -1)), (0, 5, (1, -1)), (3, 0, (-1, 1)), (3, 5, (1, 1))]
)
def test_a_corner_cell_is_at_the_corner_of_the_image(
    row: int, column: int, place: tuple[int, int]
) -> None:
    assert_close(soft_argmax(_at(row, column)), torch.tensor([[place]], dtype=torch.float32))


def test_a_flat_heatmap_is_at_the_centre() -> None:
    flat = torch.full((1, 2, 16, 16), 7.0)
    assert_close(soft_argmax(flat), torch.zeros(1, 2, 2), atol=1e-6, rtol=0)


def test_confidence_is_the_brightness_where_a_keypoint_was_read() -> None:
    """Pixel centres of four columns are at -3/4, -1/4, 1/4, 3/4; half way is the mean of both."""
    image = torch.tensor([-1.0, 1.0, 0.0, -1.0]).expand(1, 1, 4, 4)
    keypoints = torch.tensor([[[-0.75, 0.0], [-0.25, 0.0], [0.25, 0.5], [0.0, 0.0]]])
    assert_close(confidence(image, keypoints), torch.tensor([[0.0, 1.0, 0.5, 0.75]]))


def test_the_brightest_channel_gives_the_confidence() -> None:
    image = torch.tensor([-1.0, 0.5]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    assert_close(confidence(image, torch.zeros(1, 3, 2)), torch.full((1, 3), 0.75))


def test_confidence_stays_in_its_range_whatever_the_encoder_draws() -> None:
    image = torch.tensor([-5.0, 5.0]).repeat(2).expand(1, 1, 4, 4)
    keypoints = torch.tensor([[[-0.75, 0.0], [3.0, 3.0]]])
    assert_close(confidence(image, keypoints), torch.tensor([[0.0, 1.0]]))


@given(seeds, st.floats(0.01, 1e3))
def test_locations_never_leave_the_image(seed: int, spread: float) -> None:
    heatmaps = _heatmaps(seed, spread=spread)
    assert soft_argmax(heatmaps).abs().max() <= 1


@given(seeds)
def test_a_mirrored_heatmap_has_a_mirrored_location(seed: int) -> None:
    heatmaps = _heatmaps(seed)
    mirrored = mirror(soft_argmax(heatmaps), order=range(3))
    assert_close(soft_argmax(heatmaps.flip(-1)), mirrored)


@given(seeds)
def test_a_transposed_heatmap_exchanges_x_and_y(seed: int) -> None:
    heatmaps = _heatmaps(seed)
    assert_close(soft_argmax(heatmaps.mT), soft_argmax(heatmaps).flip(-1))


@given(seeds, st.floats(-1e3, 1e3))
def test_adding_a_constant_to_all_scores_changes_nothing(seed: int, constant: float) -> None:
    heatmaps = _heatmaps(seed)
    assert_close(soft_argmax(heatmaps + constant), soft_argmax(heatmaps))


def test_the_gradient_of_the_location_is_right() -> None:
    assert gradcheck(soft_argmax, _heatmaps(0).requires_grad_())


def test_half_precision_heatmaps_are_averaged_in_float32() -> None:
    heatmaps = _heatmaps(0).bfloat16()
    assert_close(soft_argmax(heatmaps), soft_argmax(heatmaps.float()))


def test_locations_keep_their_precision_under_autocast() -> None:
    """In bfloat16 a coordinate near 1 is off by up to 1/256."""
    heatmaps = _heatmaps(0).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        locations = soft_argmax(heatmaps)
    assert_close(locations, soft_argmax(heatmaps))


def test_pixels_run_from_edge_to_edge() -> None:
    """The edges of an image 4 high and 10 wide are 0 and 4, 0 and 10."""
    keypoints = torch.tensor([[[-1.0, -1.0], [1.0, 1.0], [0.0, 0.5]]])
    pixels = torch.tensor([[[0.0, 0.0], [10.0, 4.0], [5.0, 3.0]]])
    assert_close(to_pixels(keypoints, size=(4, 10)), pixels)


@given(seeds, st.integers(1, 500), st.integers(1, 500))
def test_normalised_locations_survive_the_way_to_pixels_and_back(
    seed: int, height: int, width: int
) -> None:
    keypoints = soft_argmax(_heatmaps(seed))
    size = (height, width)
    assert_close(to_normalised(to_pixels(keypoints, size=size), size=size), keypoints)


def test_a_mirror_negates_x_and_exchanges_sides() -> None:
    left_right_nose = torch.tensor([[[-0.5, 0.1], [0.4, 0.2], [0.1, 0.3]]])
    mirrored = torch.tensor([[[-0.4, 0.2], [0.5, 0.1], [-0.1, 0.3]]])
    assert_close(mirror(left_right_nose, order=(1, 0, 2)), mirrored)


@given(seeds)
def test_two_mirrors_change_nothing(seed: int) -> None:
    keypoints = soft_argmax(_heatmaps(seed))
    twice = mirror(mirror(keypoints, order=(2, 1, 0)), order=(2, 1, 0))
    assert_close(twice, keypoints)


def test_the_mean_with_the_mirrored_frame_takes_the_naming_that_is_nearer() -> None:
    """The second detector names by the side of the image, so nothing is exchanged for it."""
    found = torch.tensor([[[-0.5, 0.1], [0.4, 0.2], [0.1, 0.3]]])
    in_mirror = torch.tensor([[[-0.4, 0.2], [0.3, 0.1], [-0.1, 0.3]]])
    expected = torch.tensor([[[-0.4, 0.1], [0.4, 0.2], [0.1, 0.3]]])
    for order, named in (((0, 1, 2), True), ((1, 0, 2), False)):
        mean, exchanged = average_mirrored(found, in_mirror[:, list(order)], order=(1, 0, 2))
        assert_close(mean, expected)
        assert exchanged.tolist() == [named]


def test_a_mirror_image_taken_for_the_other_side_speaks_against_the_sides_of_the_frame() -> None:
    """In the first frame its joints were exchanged, so its left speaks for the frame's right."""
    evidence = torch.tensor([[1.0, 2.0, 0.0], [1.0, 2.0, 0.0]])
    in_mirror = torch.tensor([[30.0, 10.0, 0.0], [30.0, 10.0, 0.0]])
    both = evidence_of_both(
        evidence, in_mirror, exchanged=torch.tensor([True, False]), order=(1, 0, 2)
    )
    assert_close(both, torch.tensor([[11.0, 32.0, 0.0], [-9.0, -28.0, 0.0]]))


def test_an_aligned_corner_is_the_centre_of_the_outer_pixel() -> None:
    """Of 4 pixels in a row the first has its centre at (2·0 + 1)/4 - 1 = -3/4; of 2, at -1/2."""
    corner = torch.tensor([[[-1.0, 1.0]]])
    assert_close(from_aligned_corners(corner, size=(2, 4)), torch.tensor([[[-0.75, 0.5]]]))
