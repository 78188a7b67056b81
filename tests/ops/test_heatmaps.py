"""Heatmaps with one peak a keypoint."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from torch import Tensor
from torch.autograd import gradcheck
from torch.testing import assert_close

from keypointgan.ops.heatmaps import (
    PEAKS,
    draw_heatmaps,
    find_peaks,
    is_inside,
    locate,
    log_likelihood,
    mean_place,
    promoted,
    side_evidence,
    within,
)

ROWS, COLUMNS = 12, 16
CELL = torch.tensor([2 / COLUMNS, 2 / ROWS], dtype=torch.float64)

seeds = st.integers(0, 2**31)


def _points(seed: int, *, reach: float) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(2, 3, 2, generator=generator, dtype=torch.float64) * 2 - 1) * reach


def _drawn(points: Tensor, *, spread: float = 1.0) -> Tensor:
    """Scores whose softmax is the drawn map."""
    return draw_heatmaps(points, size=(ROWS, COLUMNS), spread=spread).clamp_min(1e-30).log()


def _peaks(*peaks: tuple[int, int, float]) -> Tensor:
    """A map of zeros with scores (row, column, score)."""
    scores = torch.zeros(1, 1, ROWS, COLUMNS)
    for row, column, score in peaks:
        scores[..., row, column] = score
    return scores


def _centre(row: int, column: int) -> Tensor:
    return torch.tensor([[[(2 * column + 1) / COLUMNS - 1, (2 * row + 1) / ROWS - 1]]])


def test_a_drawn_map_sums_to_one_and_falls_as_a_bell() -> None:
    """Half way between the centres of the two middle columns; each is half a cell away."""
    drawn = draw_heatmaps(torch.zeros(1, 1, 2), size=(ROWS, COLUMNS), spread=2.0)[0, 0]
    assert_close(drawn.sum(), torch.tensor(1.0))
    ratio = drawn[5, 8] / drawn[5, 7]
    assert_close(ratio, torch.tensor(1.0))
    nearest, next_one = 0.5**2 / 2 / 2.0**2, 1.5**2 / 2 / 2.0**2
    assert_close(drawn[5, 9] / drawn[5, 8], torch.tensor(math.exp(nearest - next_one)))


@given(seeds)
def test_a_drawn_point_is_located_there_again(seed: int) -> None:
    """Within 0.045 of a cell; the mean place to a hundredth.

    Worst half way between two cells: of a bell of one cell, cells 2.5 away on the one side count
    and on the other side do not, and the mean of the five is at 0.4553 instead of 0.5.
    """
    points = _points(seed, reach=0.5)  # three cells and more from every border
    scores = _drawn(points)
    assert float(((locate(scores) - points) / CELL).abs().max()) < 0.045
    assert float(((mean_place(scores) - points) / CELL).abs().max()) < 0.01


def test_a_point_at_the_border_is_drawn_and_located_a_cell_inside() -> None:
    """Half of the bell is cut off: the mean of the rest lies E|z| = 0.8 cells inside or so."""
    corner = torch.ones(1, 1, 2, dtype=torch.float64)
    off = (corner - locate(_drawn(corner))) / CELL
    assert_close(off, torch.full_like(off, math.sqrt(2 / math.pi)), atol=0.1, rtol=0)


def test_the_higher_of_two_peaks_is_located_and_not_their_middle() -> None:
    scores = _peaks((5, 2, 30.0), (5, 13, 29.0))
    assert_close(locate(scores), _centre(5, 2))
    middle = mean_place(scores)[0, 0, 0]
    assert _centre(5, 2)[0, 0, 0] + 0.2 < middle < 0, "unlike the mean over the whole map"


def test_two_cells_of_one_peak_share_its_place() -> None:
    """Scores of log 3 and log 1 above nothing: a quarter of the way from the first."""
    scores = _peaks((5, 7, 50 + math.log(3)), (5, 8, 50.0))
    expected = _centre(5, 7) + torch.tensor([0.25 * 2 / COLUMNS, 0.0])
    assert_close(locate(scores), expected)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, COLUMNS - 1), (ROWS - 1, 0)])
def test_a_peak_in_the_outermost_cell_is_at_its_centre(row: int, column: int) -> None:
    assert_close(locate(_peaks((row, column, 80.0))), _centre(row, column))


@given(seeds)
def test_a_mirrored_map_has_a_mirrored_place(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(2, 3, ROWS, COLUMNS, generator=generator)
    for place in (locate, mean_place):
        assert_close(place(scores.flip(-1)), place(scores) * torch.tensor([-1.0, 1.0]))


@given(seeds, st.floats(-1e3, 1e3))
def test_adding_a_constant_to_all_scores_moves_nothing(seed: int, constant: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(2, 3, ROWS, COLUMNS, generator=generator, dtype=torch.float64)
    for place in (locate, mean_place):
        assert_close(place(scores + constant), place(scores))


def test_a_flat_map_has_its_mean_at_the_centre() -> None:
    assert_close(mean_place(torch.full((1, 2, ROWS, COLUMNS), 7.0)), torch.zeros(1, 2, 2))


def test_the_peaks_of_a_map_are_where_points_were_drawn_the_likeliest_first() -> None:
    """Two bells, one of three times the weight; there is no third, and the first is `locate`'s."""
    points = torch.cat([_centre(2, 3), _centre(7, 8)], dim=1).double()

    low, high = draw_heatmaps(points, size=(ROWS, COLUMNS)).unbind(dim=1)
    scores = (0.25 * low + 0.75 * high).clamp_min(1e-12).log()[:, None]
    peaks = find_peaks(scores)
    assert peaks.shape == (1, 1, PEAKS, 3)
    assert_close(peaks[0, 0, :2, :2], points[0].flip(0), atol=1e-3, rtol=0)
    assert float(peaks[0, 0, 0, 2] - peaks[0, 0, 1, 2]) == pytest.approx(math.log(3), abs=0.01)
    assert_close(peaks[:, :, 0, :2], locate(scores), atol=0, rtol=0)


def test_a_map_of_one_peak_has_no_others() -> None:
    row = torch.arange(6.0)
    scores = -(row[:, None] - 2).square() - (row - 3).square()
    assert find_peaks(scores[None, None])[0, 0, 1:, 2].tolist() == [-torch.inf] * (PEAKS - 1)


def test_the_gradients_of_places_and_likelihoods_are_right() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(1, 2, 5, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    places = torch.tensor([[[0.11, -0.32], [0.43, 0.22]]], dtype=torch.float64)
    places.requires_grad_()
    assert gradcheck(locate, scores)
    assert gradcheck(mean_place, scores)
    assert gradcheck(log_likelihood, (scores, places))
    assert gradcheck(lambda points: draw_heatmaps(points, size=(5, 6)), places)


def test_the_likelihood_at_the_centre_of_a_cell_is_that_of_the_drawn_map() -> None:
    scores = _drawn(torch.tensor([[[0.1, -0.2]]], dtype=torch.float64))
    for row, column in ((4, 8), (6, 9), (5, 3)):
        found = log_likelihood(scores + 5, _centre(row, column).double())
        assert_close(found[0, 0], scores[0, 0, row, column])


def test_a_drawn_point_is_likelier_than_where_it_was_not_drawn() -> None:
    """By a bell of one cell: two cells away it is 2 nats less likely."""
    points = _centre(5, 7).double()
    away = points + 2 * CELL * torch.tensor([1.0, 0.0])
    scores = _drawn(points)
    difference = log_likelihood(scores, points) - log_likelihood(scores, away)
    assert_close(difference, torch.full_like(difference, 2.0))


def test_the_evidence_for_a_side_is_what_its_map_says_against_the_place_of_the_other() -> None:
    """By bells of one cell, left and right two cells from each other: 2 nats; the middle 0."""
    left, middle = _centre(5, 7).double(), _centre(2, 3).double()
    points = torch.cat([left, left + 2 * CELL * torch.tensor([1.0, 0.0]), middle], dim=1)
    scores = _drawn(points)
    order = (1, 0, 2)
    expected = torch.tensor([[2.0, 2.0, 0.0]], dtype=torch.float64)
    assert_close(side_evidence(scores, points, order=order), expected)
    exchanged = side_evidence(scores, points[:, list(order)], order=order)
    assert_close(exchanged, -expected)


def test_a_place_outside_is_as_likely_as_the_border() -> None:
    scores = _drawn(torch.zeros(1, 1, 2, dtype=torch.float64))
    outside, border = torch.tensor([[[[3.0, 0.05]]], [[[1.0, 0.05]]]], dtype=torch.float64)
    assert_close(log_likelihood(scores, outside), log_likelihood(scores, border))


@pytest.mark.parametrize("distance", [0.05, 0.2, 1.0])
def test_within_is_the_integral_of_the_laplace_distribution_of_the_plane(distance: float) -> None:
    """∫ 2πr exp(-r/b) dr up to the distance, over the same to infinity."""
    scale = 0.13
    density = lambda r: r * math.exp(-r / scale)  # noqa: E731 - the integrand, as it is written
    expected = quad(density, 0, distance)[0] / quad(density, 0, 50 * scale)[0]
    found = within(distance, torch.full((1, 1), scale, dtype=torch.float64))
    assert_close(found, torch.full((1, 1), expected, dtype=torch.float64))


def test_the_mean_distance_of_that_distribution_is_twice_its_scale() -> None:
    """∫ (1 - within(r)) dr is the mean of r."""
    scale = torch.full((1, 1), 0.13, dtype=torch.float64)
    assert quad(lambda r: 1 - float(within(r, scale)), 0, 10)[0] == pytest.approx(0.26)


def test_a_certain_point_is_within_any_distance_and_a_lost_one_within_none() -> None:
    """Errors that no number is small enough or large enough for are no NaN."""
    found = within(0.1, torch.tensor([[0.0, 1e-40, 1e4, math.inf]]))
    assert_close(found, torch.tensor([[1.0, 1.0, 0.0, 0.0]]), atol=1e-6, rtol=0)


def test_what_is_inside() -> None:
    points = torch.tensor([[[1.0, -1.0], [1.01, 0.0], [0.0, -1.2], [math.nan, 0.0]]])
    assert is_inside(points).tolist() == [[True, False, False, False]]
    assert is_inside(points, margin=0.1).tolist() == [[True, True, False, False]]


def test_half_precision_scores_are_located_in_float32() -> None:
    scores = torch.randn(1, 3, ROWS, COLUMNS, generator=torch.Generator().manual_seed(1))
    assert_close(locate(scores.bfloat16()), locate(scores.bfloat16().float()))
    assert promoted(scores.double()).dtype == torch.float64
