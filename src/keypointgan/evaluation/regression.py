"""The supervised post-processing that rival methods need: a linear map from points to labels.

Landmarks learnt without a prior have no names, so their papers fit a linear regression from them
to the annotator's joints and report the error after it (Thewlis et al. 2017; Zhang et al. 2018;
Lorenz et al. 2019). The same column for interpretable keypoints says how much of their error is a
constant disagreement about where a joint is, and compares methods on equal terms.
"""

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from keypointgan.errors import LabelError
from keypointgan.evaluation.metrics import (
    NORMALISED_SIDE,
    Points,
    check_one_a_frame,
    frame_errors,
    macro_average,
)

RIDGE = 1e-4
"""Weight of the squared coefficients against the mean squared error of one coordinate, with the
points in normalised coordinates: small beside their variance (about 0.1), it only keeps the fit
defined for few frames."""


def regress_points(
    predicted: Points, *, fit_predicted: Points, fit_labels: Points, ridge: float = RIDGE
) -> Points:
    """The labelled points that a linear map, fitted on other frames, makes of `predicted`.

    The map is from all predicted coordinates, plus a constant that is not penalised, to each
    labelled coordinate, by ridge regression on the frames in which that joint is labelled. The
    numbers of predicted and of labelled points may differ.

    Args:
        predicted: Points to map (frame, predicted keypoint, 2).
        fit_predicted: Predicted points of the frames to fit on.
        fit_labels: Labels of these frames (frame, labelled keypoint, 2), NaN where unknown.
        ridge: Weight of the squared coefficients, in squared units of the points.

    Raises:
        LabelError: The sets to fit on differ in length, or a joint is labelled in none of them.
    """
    if len(fit_predicted) != len(fit_labels):
        raise LabelError(
            f"Expected as many predicted as labelled frames to fit the regression, got "
            f"{len(fit_predicted)} and {len(fit_labels)}."
        )
    sources = fit_predicted.reshape(len(fit_predicted), -1).astype(np.float64)
    queries = predicted.reshape(len(predicted), -1)
    usable = np.isfinite(fit_labels).all(-1) & np.isfinite(sources).all(-1, keepdims=True)
    counts = usable.sum(0)
    if not counts.all():
        raise LabelError(
            f"Expected frames with a label of joint {np.argmin(counts)} to fit the regression, "
            "got none. Leave the joint out."
        )
    mapped = np.empty((len(predicted), fit_labels.shape[1], 2))
    patterns, pattern = np.unique(usable, axis=1, return_inverse=True)
    for index, rows in enumerate(patterns.T):  # joints labelled in the same frames, at once
        joints = np.flatnonzero(pattern.reshape(-1) == index)
        targets = fit_labels[np.ix_(rows, joints)].reshape(rows.sum(), -1)
        fitted = _ridge(sources[rows], targets, queries, weight=ridge)
        mapped[:, joints] = fitted.reshape(len(predicted), -1, 2)
    return mapped


def cross_regress_points(
    predicted: Points,
    labels: Points,
    groups: Sequence[str],
    *,
    folds: int = 5,
    ridge: float = RIDGE,
    seed: int = 0,
) -> Points:
    """The points after regression, each group's by a map fitted on the groups of other folds.

    For a single labelled set: no frame, and no frame of the same clip or person, takes part in the
    map that it is measured with.

    Args:
        predicted: Predicted points.
        labels: Labels of the same frames.
        groups: The clip or person of each frame.
        folds: Number of parts, at most the number of groups.
        ridge: As in `regress_points`.
        seed: Of the random assignment of groups to folds.

    Raises:
        LabelError: Fewer than two groups, or a joint is labelled in one fold only.
    """
    check_one_a_frame("clip or person", groups, frames=len(labels))
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        raise LabelError(
            f"Expected at least two groups of frames for cross-validation, got {len(names)}. Give "
            "other labelled frames to fit on, or the clip of each frame."
        )
    shuffled = np.random.default_rng(seed).permutation(len(names))
    fold = (shuffled % min(folds, len(names)))[group]
    mapped = np.full(labels.shape, np.nan)
    for held_out in np.unique(fold):
        inside = fold == held_out
        mapped[inside] = regress_points(
            predicted[inside],
            fit_predicted=predicted[~inside],
            fit_labels=labels[~inside],
            ridge=ridge,
        )
    return mapped


def regressed_error(
    predicted: Points,
    labels: Points,
    *,
    fit_on: tuple[Points, Points] | None = None,
    groups: Sequence[str] | None = None,
    side: float = NORMALISED_SIDE,
    actions: Sequence[str] | None = None,
    ridge: float = RIDGE,
) -> float:
    """The error in % of the image side after a linear regression to the labels.

    Args:
        predicted: Predicted points; their number may differ from that of the labels.
        labels: Labelled points.
        fit_on: Predicted and labelled points of other frames to fit the regression on; without
            them it is cross-validated over `groups`.
        groups: The clip or person of each frame, needed without `fit_on`.
        side: Side of the image in the unit of the points.
        actions: The action of each frame, to average over actions.
        ridge: As in `regress_points`.
    """
    if fit_on is not None:
        mapped = regress_points(
            predicted, fit_predicted=fit_on[0], fit_labels=fit_on[1], ridge=ridge
        )
    else:
        mapped = cross_regress_points(predicted, labels, groups or (), ridge=ridge)
    return macro_average(frame_errors(mapped, labels, side=side), actions)


def _ridge(sources: ndarray, targets: ndarray, queries: ndarray, *, weight: float) -> ndarray:
    source_mean, target_mean = sources.mean(0), targets.mean(0)
    centred = sources - source_mean
    covariance = centred.T @ centred / len(sources) + weight * np.eye(sources.shape[1])
    coefficients = np.linalg.solve(covariance, centred.T @ (targets - target_mean) / len(sources))
    return (queries - source_mean) @ coefficients + target_mean
