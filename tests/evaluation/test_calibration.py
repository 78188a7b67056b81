"""Whether a confidence means what it says."""

import numpy as np
import pytest

from keypointgan.errors import LabelError
from keypointgan.evaluation.calibration import fit_factor, reliability


def laplace_distances(scale: float, count: int, seed: int = 0) -> np.ndarray:
    """Distances of points spread as exp(-d / scale) in the plane: a gamma distribution."""
    return np.random.default_rng(seed).gamma(2.0, scale, count)


def test_errors_stated_three_times_too_small_give_the_factor_three() -> None:
    errors = laplace_distances(3.0, 20_000)
    factor = fit_factor(np.full(20_000, 1.0), errors, near=5.0)
    assert factor == pytest.approx(3.0, rel=0.05)


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
        fit_factor(np.ones(3), np.full(3, np.nan), near=5.0)
