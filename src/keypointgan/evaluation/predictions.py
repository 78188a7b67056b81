"""Predictions and labels become an evaluation.

Published numbers mix the error as it is, the better of two left/right labellings and the error
after a supervised regression. `evaluate_predictions` always reports all of them, with intervals,
beside the mean pose of the prior: the score of a detector that never looks at the image.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from keypointgan.errors import LabelError
from keypointgan.evaluation import metrics
from keypointgan.evaluation.matching import arrange_labels, match_joints
from keypointgan.evaluation.metrics import NORMALISED_SIDE, FrameValues, Points
from keypointgan.evaluation.protocols import PROTOCOLS, Protocol
from keypointgan.evaluation.regression import cross_regress_points, regress_points
from keypointgan.evaluation.results import Evaluation
from keypointgan.evaluation.scorer import Scale, Scorer
from keypointgan.skeletons import Skeleton
from keypointgan.wording import counted

SIDE_UNIT = "% of image side"


def baseline_mean_pose(prior_mean: Float[ndarray, "keypoint 2"], n: int) -> Points:
    """The prior's mean pose as the prediction for each of `n` frames."""
    return np.broadcast_to(prior_mean, (n, *prior_mean.shape))


def evaluate_predictions(
    predicted: Points,
    labels: Points,
    skeleton: Skeleton,
    *,
    groups: Sequence[str],
    protocol: Protocol = PROTOCOLS["generic"],
    actions: Sequence[str] | None = None,
    label_joints: Sequence[str] = (),
    joint_map: Mapping[str, str] | None = None,
    fit_on: tuple[Points, Points] | None = None,
    mean_pose: Float[ndarray, "keypoint 2"] | None = None,
    source_side: FrameValues | None = None,
    object_size: FrameValues | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Evaluation:
    """Return every score of the predictions under a protocol.

    Args:
        predicted: Normalised predictions (frame, joint of the skeleton, 2).
        labels: Normalised labels of the same frames (frame, labelled joint, 2), NaN if unknown.
        skeleton: The skeleton of the predictions.
        groups: The clip or person of each frame; intervals and cross-validation keep it whole.
        protocol: Which scores, in which unit.
        actions: The action of each frame, to average over actions.
        label_joints: Names of the labelled joints; none if they are those of the skeleton. Only
            joints that both have are compared, and the result names them.
        joint_map: For joints with another name in the labels: skeleton's name -> labels' name.
        fit_on: Predictions and labels of other frames, in the same layout, to fit the regression
            of `regressed` on; without them it is cross-validated over groups.
        mean_pose: The prior's mean pose, normalised, to be scored beside.
        source_side: Side of each frame in pixels of its source, for errors in pixels.
        object_size: Longer side of the object's box in each frame, normalised, for PCK within it.
        level: Of the intervals.
        seed: Of resampling and cross-validation.

    Raises:
        LabelError: Labels and predictions do not belong together.
    """
    _check(predicted, labels, skeleton, groups, actions, protocol)
    places = match_joints(skeleton, label_joints, count=labels.shape[1], joint_map=joint_map)
    if protocol.joints:
        counted = {skeleton.index_of(joint) for joint in protocol.joints}
        places = {joint: place for joint, place in places.items() if joint in counted}
    compared = list(places)
    labels_used = arrange_labels(labels, places, skeleton.num_joints)
    if not np.isfinite(labels_used).any():
        raise LabelError(
            f"Expected labels of at least one of {', '.join(skeleton.joints)}, got only NaN."
        )
    fit = (fit_on[0], fit_on[1][:, list(places.values())]) if fit_on is not None else None
    regressed, notes = _regress(predicted, labels_used, compared, groups, fit_on=fit, seed=seed)
    scorer = Scorer(
        labels=labels_used,
        joints={skeleton.joints[joint]: joint for joint in compared},
        groups=groups,
        actions=actions,
        level=level,
        seed=seed,
    )
    scales = _scales(labels_used, skeleton, protocol, source_side, object_size)
    side, pair, pixels = scales["side"], scales.get("pair"), scales.get("pixels")
    scale, within = scales[protocol.unit], scales[protocol.within]
    flips = protocol.flips and bool(skeleton.pairs)
    swapped = metrics.better_labelled(predicted, labels_used, mirror=skeleton.mirror)
    labelled = np.isfinite(labels_used).all(-1).any(-1)
    baseline = None
    if mean_pose is not None:
        if fit_on is not None:
            fit_on = (baseline_mean_pose(mean_pose, len(fit_on[0])), fit_on[1])
        baseline = evaluate_predictions(
            baseline_mean_pose(mean_pose, len(labels)),
            labels,
            skeleton,
            groups=groups,
            protocol=protocol,
            actions=actions,
            label_joints=label_joints,
            joint_map=joint_map,
            fit_on=fit_on,
            source_side=source_side,
            object_size=object_size,
            level=level,
            seed=seed,
        )
    return Evaluation(
        protocol=protocol.name,
        skeleton=skeleton.name,
        joints=tuple(scorer.joints),
        left_out=tuple(joint for joint in skeleton.joints if joint not in scorer.joints),
        frames=int(labelled.sum()),
        groups=len(set(np.asarray(groups)[labelled])),
        actions=len(set(actions or ())),
        level=level,
        raw=scorer.error("error", predicted, side),
        normalised=scorer.error("normalised error", predicted, pair) if pair else None,
        pixels=scorer.error("pixel error", predicted, pixels) if pixels else None,
        flip_min=scorer.error("flip-min error", swapped, scale) if flips else None,
        flip_accuracy=scorer.flip_accuracy(predicted, skeleton.mirror) if flips else None,
        regressed=(
            scorer.error("regressed error", regressed, scale) if regressed is not None else None
        ),
        pck=tuple(scorer.pck(predicted, within, threshold) for threshold in protocol.thresholds),
        error_unit=protocol.unit,
        baseline=baseline,
        notes=notes,
    )


def _check(
    predicted: Points,
    labels: Points,
    skeleton: Skeleton,
    groups: Sequence[str],
    actions: Sequence[str] | None,
    protocol: Protocol,
) -> None:
    if predicted.shape[1:] != (skeleton.num_joints, 2):
        raise LabelError(
            f"Expected predictions of the {counted(skeleton.num_joints, 'joint')} of "
            f"'{skeleton.name}', got an array of shape {predicted.shape}."
        )
    if len(predicted) != len(labels):
        raise LabelError(
            f"Expected predictions of the {len(labels)} labelled frames, got {len(predicted)}."
        )
    metrics.check_one_a_frame("clip or person", groups, frames=len(labels))
    metrics.check_one_a_frame("action", actions, frames=len(labels))
    if protocol.by_action and actions is None:
        raise LabelError(
            f"The protocol '{protocol.name}' averages over actions; expected labels with the "
            "action of each frame, got none. Add 'action' to the labels, or use 'generic'."
        )


def _scales(
    labels: Points,
    skeleton: Skeleton,
    protocol: Protocol,
    source_side: FrameValues | None,
    object_size: FrameValues | None,
) -> dict[str, Scale]:
    """What the protocol measures in, by the names of its units."""
    scales = {"side": Scale(np.full(len(labels), NORMALISED_SIDE), SIDE_UNIT)}
    if protocol.pair:
        scales["pair"] = _pair_scale(labels, skeleton, protocol)
    if protocol.unit == "pixels":
        sides = _lengths(source_side, "source_side", labels, protocol)
        scales["pixels"] = Scale(100 * NORMALISED_SIDE / sides, "pixels of the source")
    if protocol.within == "box":
        sizes = _lengths(object_size, "object_size", labels, protocol)
        scales["box"] = Scale(sizes, "% of the longer side of the box")
    return scales


def _lengths(
    values: FrameValues | None, name: str, labels: Points, protocol: Protocol
) -> FrameValues:
    if values is None or len(values) != len(labels):
        raise LabelError(
            f"The protocol '{protocol.name}' needs '{name}' for each of the "
            f"{counted(len(labels), 'label')}, got {'none' if values is None else len(values)}. A "
            "store of 'ingest --benchmark' has it; else use 'generic'."
        )
    return np.where(values > 0, values, np.nan).astype(np.float64)


def _pair_scale(labels: Points, skeleton: Skeleton, protocol: Protocol) -> Scale:
    first, second = protocol.pair or ("", "")
    pair = (skeleton.index_of(first), skeleton.index_of(second))
    lengths = metrics.pair_distances(labels, pair=pair)
    if not (lengths > 0).any():
        raise LabelError(
            f"The protocol '{protocol.name}' divides by the distance of {first} and {second}; "
            "expected frames in which both are labelled, got none."
        )
    return Scale(np.where(lengths > 0, lengths, np.nan), f"% of distance {first} to {second}")


def _regress(
    predicted: Points,
    labels: Points,
    compared: list[int],
    groups: Sequence[str],
    *,
    fit_on: tuple[Points, Points] | None,
    seed: int,
) -> tuple[Points | None, tuple[str, ...]]:
    """Return the points after regression, or None and the reason why it cannot be fitted."""
    arranged = predicted.astype(np.float64)
    try:
        if fit_on is not None:
            fitted = regress_points(predicted, fit_predicted=fit_on[0], fit_labels=fit_on[1])
        else:
            fitted = cross_regress_points(predicted, labels[:, compared], groups, seed=seed)
    except LabelError as error:
        return None, (f"No regressed error: {error}",)
    arranged[:, compared] = fitted
    return arranged, ()
