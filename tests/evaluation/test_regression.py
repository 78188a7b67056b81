"""The linear map to the labels: recovered where there is one, honest where it is not."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from keypointgan.errors import LabelError
from keypointgan.evaluation.regression import cross_regress_points, regress_points, regressed_error


def make_mapped(
    *, frames: int = 60, predicted_joints: int = 4, seed: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, and labels of three joints that are an affine map of them."""
    random = np.random.default_rng(seed)
    predicted = random.uniform(-1, 1, (frames, predicted_joints, 2))
    weights = np.random.default_rng(11).normal(0, 0.5, (predicted_joints * 2, 6))
    labels = (predicted.reshape(frames, -1) @ weights + 0.3).reshape(frames, 3, 2)
    return predicted, labels


def test_a_linear_map_between_different_numbers_of_points_is_found() -> None:
    fit_predicted, fit_labels = make_mapped(seed=1)
    predicted, labels = make_mapped(seed=2)
    error = regressed_error(predicted, labels, fit_on=(fit_predicted, fit_labels), ridge=1e-9)
    assert_allclose(error, 0.0, atol=1e-5)


def test_it_agrees_with_augmented_least_squares() -> None:
    """Ridge is least squares with rows sqrt(n * weight) * I appended to centred data."""
    predicted, labels = make_mapped()
    labels = labels + np.random.default_rng(0).normal(0, 0.1, labels.shape)
    sources, targets = predicted.reshape(60, -1), labels.reshape(60, -1)
    rows = np.vstack([sources - sources.mean(0), np.sqrt(60 * 0.01) * np.eye(8)])
    wanted = np.vstack([targets - targets.mean(0), np.zeros((8, 6))])
    solution, *_ = np.linalg.lstsq(rows, wanted, rcond=None)
    expected = (sources - sources.mean(0)) @ solution + targets.mean(0)
    mapped = regress_points(predicted, fit_predicted=predicted, fit_labels=labels, ridge=0.01)
    assert_allclose(mapped.reshape(60, -1), expected)


def test_missing_labels_and_predictions_are_left_out_of_the_fit() -> None:
    predicted, labels = make_mapped()
    holes, gaps = labels.copy(), predicted.copy()
    holes[3:9, 1] = np.nan
    gaps[20] = np.nan
    mapped = regress_points(predicted, fit_predicted=gaps, fit_labels=holes, ridge=1e-9)
    assert_allclose(mapped, labels, atol=1e-5)


def test_random_predictions_score_like_the_mean_pose_when_cross_validated() -> None:
    """Fitted and measured on the same frames, 8 useless inputs would seem to help."""
    random = np.random.default_rng(0)
    predicted, labels = random.normal(size=(2, 90, 4, 2))
    groups = [str(index // 3) for index in range(90)]
    honest = regressed_error(predicted, labels, groups=groups)
    cheating = regressed_error(predicted, labels, fit_on=(predicted, labels))
    constant = 50 * np.linalg.norm(labels - labels.mean(0), axis=-1).mean()
    assert cheating < 0.98 * constant < honest


def test_no_frame_of_a_group_takes_part_in_its_own_map() -> None:
    predicted, labels = make_mapped()
    groups = [str(index // 6) for index in range(60)]
    before = cross_regress_points(predicted, labels, groups)
    changed = labels.copy()
    changed[:6] += 5.0
    assert_allclose(cross_regress_points(predicted, changed, groups)[:6], before[:6])


def test_the_same_seed_gives_the_same_folds() -> None:
    predicted, labels = make_mapped()
    groups = [str(index // 6) for index in range(60)]
    labels = labels + np.random.default_rng(0).normal(0, 0.1, labels.shape)
    first, again, other = (
        cross_regress_points(predicted, labels, groups, seed=seed) for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert not np.allclose(first, other)


def test_what_cannot_be_fitted_is_refused() -> None:
    predicted, labels = make_mapped()
    with pytest.raises(LabelError, match="at least two groups"):
        regressed_error(predicted, labels, groups=["a"] * 60)
    with pytest.raises(LabelError, match="clip or person of each frame, got 0 for 60"):
        regressed_error(predicted, labels)
    labels[:, 2] = np.nan
    with pytest.raises(LabelError, match="label of joint 2"):
        regressed_error(predicted, labels, fit_on=(predicted, labels))
