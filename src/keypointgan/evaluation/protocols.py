"""How predictions are scored: which numbers, in which unit, averaged over what.

Published numbers mix the error as it is, the better of two left/right labellings and the error
after a supervised regression. `evaluate_predictions` always reports all of them, with intervals,
beside the mean pose of the prior: the score of a detector that never looks at the image.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from keypointgan.errors import ConfigError, LabelError
from keypointgan.evaluation import metrics
from keypointgan.evaluation.matching import arrange_labels, match_joints
from keypointgan.evaluation.metrics import NORMALISED_SIDE, FrameValues, Points
from keypointgan.evaluation.regression import cross_regress_points, regress_points
from keypointgan.evaluation.results import Evaluation, Score
from keypointgan.skeletons import Skeleton

SIDE_UNIT = "% of image side"


@dataclass(frozen=True)
class Protocol:
    """How a benchmark is scored.

    Attributes:
        name: Short name.
        unit: What flip-min, regressed error and PCK are relative to: the `side` of the image or
            the labelled distance of the `pair` in each frame.
        pair: Names of the two joints whose distance the normalised mean error divides by.
        flips: Whether flip-min and flip accuracy say something about this category.
        thresholds: Distances of PCK, as fractions of the unit.
        by_action: Whether the score is defined as a mean over actions, which then must be given;
            otherwise they are averaged over where they are given.
        source: Where the protocol is described.
    """

    name: str
    unit: Literal["side", "pair"] = "side"
    pair: tuple[str, str] | None = None
    flips: bool = True
    thresholds: tuple[float, ...] = (0.05, 0.1)
    by_action: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        if self.unit == "pair" and self.pair is None:
            raise ConfigError(
                f"The protocol '{self.name}' measures in the distance of a pair of joints; "
                "expected their names in 'pair', got none."
            )


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("generic", source="Jakab et al. 2020, section 4"),
        Protocol(
            "human36m",
            by_action=True,
            source="Zhang et al. 2018 (Simplified Human3.6M); Jakab et al. 2020, table 1",
        ),
        Protocol(
            "faces68",
            unit="pair",
            pair=("r_eye_0", "l_eye_3"),  # landmarks 36 and 45, the outer eye corners
            flips=False,
            source="Sagonas et al., 300 faces in-the-wild challenge, 2016",
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """Return a built-in protocol.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in PROTOCOLS:
        near = get_close_matches(name, PROTOCOLS, n=1, cutoff=0.4)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ConfigError(f"Expected a protocol ({', '.join(PROTOCOLS)}), got '{name}'.{hint}")
    return PROTOCOLS[name]


def baseline_mean_pose(prior_mean: Float[ndarray, "keypoint 2"], n: int) -> Points:
    """The prior's mean pose as the prediction for each of `n` frames."""
    return np.broadcast_to(prior_mean, (n, *prior_mean.shape))


@dataclass(frozen=True)
class _Scale:
    """What errors are divided by in each frame, in normalised coordinates, and its name."""

    lengths: FrameValues
    unit: str

    def of(self, points: Points) -> Points:
        return points / self.lengths[:, None, None]


@dataclass(frozen=True)
class _Scorer:
    """Makes scores of values: the mean, its interval, per action and per joint."""

    labels: Points
    joints: Mapping[str, int]
    groups: Sequence[str]
    actions: Sequence[str] | None
    level: float
    seed: int

    def score(
        self, name: str, unit: str, values: FrameValues, per_joint: Mapping[str, float]
    ) -> Score:
        low, high = metrics.bootstrap_interval(
            values, self.groups, actions=self.actions, level=self.level, seed=self.seed
        )
        actions = self.actions
        return Score(
            name=name,
            unit=unit,
            mean=metrics.macro_average(values, actions),
            low=low,
            high=high,
            frames=int(np.isfinite(values).sum()),
            per_action=metrics.per_action(values, actions) if actions is not None else {},
            per_joint=per_joint,
        )

    def error(self, name: str, points: Points, scale: _Scale) -> Score:
        scaled, wanted = scale.of(points), scale.of(self.labels)
        joints = metrics.joint_errors(scaled, wanted, side=1.0)
        per_joint = {joint: float(joints[place]) for joint, place in self.joints.items()}
        values = metrics.frame_errors(scaled, wanted, side=1.0)
        return self.score(name, scale.unit, values, per_joint)

    def flip_accuracy(self, points: Points, mirror: Sequence[int]) -> Score:
        decisions = metrics.flip_decisions(points, self.labels, mirror=mirror)
        return self.score("flip accuracy", "% of frames", decisions, {})

    def pck(self, points: Points, scale: _Scale, threshold: float) -> Score:
        values = metrics.pck_values(
            points, self.labels, threshold=threshold, reference=scale.lengths
        )
        unit = f"% of points within {100 * threshold:g} {scale.unit}"
        return self.score(f"PCK@{threshold:g}", unit, values, {})


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
        level: Of the intervals.
        seed: Of resampling and cross-validation.

    Raises:
        LabelError: Labels and predictions do not belong together.
    """
    _check(predicted, labels, skeleton, groups, actions, protocol)
    places = match_joints(skeleton, label_joints, count=labels.shape[1], joint_map=joint_map)
    compared = list(places)
    labels_used = arrange_labels(labels, places, skeleton.num_joints)
    if not np.isfinite(labels_used).any():
        raise LabelError(
            f"Expected labels of at least one of {', '.join(skeleton.joints)}, got only NaN."
        )
    fit = (fit_on[0], fit_on[1][:, list(places.values())]) if fit_on is not None else None
    regressed, notes = _regress(predicted, labels_used, compared, groups, fit_on=fit, seed=seed)
    scorer = _Scorer(
        labels=labels_used,
        joints={skeleton.joints[joint]: joint for joint in compared},
        groups=groups,
        actions=actions,
        level=level,
        seed=seed,
    )
    side = _Scale(np.full(len(labels), NORMALISED_SIDE), SIDE_UNIT)
    pair = _pair_scale(labels_used, skeleton, protocol) if protocol.pair else None
    scale = pair if pair and protocol.unit == "pair" else side
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
        flip_min=scorer.error("flip-min error", swapped, scale) if flips else None,
        flip_accuracy=scorer.flip_accuracy(predicted, skeleton.mirror) if flips else None,
        regressed=(
            scorer.error("regressed error", regressed, scale) if regressed is not None else None
        ),
        pck=tuple(scorer.pck(predicted, scale, threshold) for threshold in protocol.thresholds),
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
            f"Expected predictions of the {skeleton.num_joints} joints of '{skeleton.name}', got "
            f"an array of shape {predicted.shape}."
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


def _pair_scale(labels: Points, skeleton: Skeleton, protocol: Protocol) -> _Scale:
    first, second = protocol.pair or ("", "")
    pair = (skeleton.index_of(first), skeleton.index_of(second))
    lengths = metrics.pair_distances(labels, pair=pair)
    if not (lengths > 0).any():
        raise LabelError(
            f"The protocol '{protocol.name}' divides by the distance of {first} and {second}; "
            "expected frames in which both are labelled, got none."
        )
    return _Scale(np.where(lengths > 0, lengths, np.nan), f"% of distance {first} to {second}")


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
