"""Whether a confidence means what it says."""

import numpy as np
import pytest

from keypointgan.errors import LabelError
from keypointgan.evaluation.calibration import (
    Correction,
    fit_correction,
    reliability,
    share_within,
)


def laplace_distances(scale: float, count: int, seed: int = 0) -> np.ndarray:
    """Distances of points spread as exp(-d / scale) in the plane: a gamma distribution."""
    return np.random.default_rng(seed).gamma(2.0, scale, count)


def test_errors_stated_three_times_too_small_give_the_factor_three() -> None:
    errors = laplace_distances(3.0, 20_000)
    found = fit_correction(np.full(20_000, 1.0), errors, near=5.0)
    assert found.factor == pytest.approx(3.0, rel=0.05)
    assert found.power == 1.0


@pytest.mark.parametrize(("factor", "power"), [(1.0, 1.0), (0.3, 0.6), (2.0, 1.4), (0.1, 0.3)])
def test_errors_stated_too_far_apart_give_their_power(factor: float, power: float) -> None:
    """True errors are `factor` times the stated ones to that power; some are not labelled."""
    random = np.random.default_rng(0)
    stated = np.exp(random.normal(-3.0, 0.8, 40_000))
    errors = random.gamma(2.0, 1.0, 40_000) * factor * stated**power
    near = float(np.median(errors))
    errors[::7] = np.nan
    found = fit_correction(stated, errors, near=near)
    assert found.power == pytest.approx(power, abs=0.05)
    assert found.apply(np.array([0.05])) == pytest.approx(factor * 0.05**power, rel=0.04)
    says = share_within(found.apply(stated), near=near)
    assert reliability(says, errors, near=near).gap < 0.01


def test_a_power_that_three_labels_suggest_is_bounded() -> None:
    errors = np.array([0.01, 0.01, 0.5])
    found = fit_correction(np.array([0.2, 0.2, 0.01]), errors, near=0.1)
    assert found.power == 0.25


def test_shares_are_those_of_the_model() -> None:
    """An error of the scale of what is near makes 1 - 2/e; a certain one makes 1."""
    assert share_within(np.array([0.1, 1e-4]), near=0.1) == pytest.approx([0.2642411, 1.0])
    assert Correction(2.0, 0.5).apply(np.array([4.0])) == pytest.approx([4.0])


def test_a_true_confidence_has_no_gap() -> None:
    confidence = np.random.default_rng(0).uniform(0, 1, 50_000)
    right = np.random.default_rng(1).uniform(0, 1, 50_000) < confidence
    found = reliability(confidence, np.where(right, 1.0, 9.0), near=5.0)
    assert found.gap < 0.01
    assert [bin_.points for bin_ in found.bins] == [5000] * 10


def test_a_confidence_that_is_always_certain_is_off_by_the_share_of_wrong_points() -> None:
    errors = np.array([1.0] * 75 + [9.0] * 25)
    assert reliability(np.ones(100), errors, near=5.0, bins=1).gap == pytest.approx(0.25)


def test_points_without_label_do_not_count() -> None:
    errors = np.array([1.0, np.nan, 9.0, np.nan])
    found = reliability(np.array([1.0, 0.0, 0.0, 1.0]), errors, near=5.0, bins=2)
    assert found.gap == 0.0
    assert sum(bin_.points for bin_ in found.bins) == 2


def test_no_labels_are_refused() -> None:
    with pytest.raises(LabelError, match="labelled points"):
        fit_correction(np.ones(3), np.full(3, np.nan), near=5.0)
