"""How far predicted keypoints are from labelled ones: pure functions on NumPy arrays.

Points are (frame, keypoint, 2). A label that is NaN is unknown and counts nowhere; a prediction
that is missing where there is a label is an error, for a detector must not gain by keeping silent.
Whatever is a share or relative to a length is returned in %.

Most numbers are means over frames of a mean over the labelled joints of each frame (METHOD 5), so
there is one value a frame, and the functions come in two parts: `frame_errors`, `flip_min_errors`,
... make that value, NaN where a frame cannot be scored; `macro_average`, `per_action` and
`bootstrap_interval` summarise any of them.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from keypointgan.errors import LabelError

Points = Float[ndarray, "_frame _keypoint 2"]
"""(x, y) of each keypoint in each frame, in any unit; labels may be NaN.

Predictions and labels may come with different numbers, which the functions explain themselves:
the underscores keep the type from tying the axes of two arguments together.
"""

PointValues = Float[ndarray, "_frame _keypoint"]
"""A value for each keypoint of each frame, NaN where there is no label."""

FrameValues = Float[ndarray, " _frame"]
"""A value for each frame, NaN where it cannot be scored."""

NORMALISED_SIDE = 2.0
"""Side of the image in normalised coordinates, whose edges are -1 and +1."""


def point_errors(predicted: Points, labels: Points) -> PointValues:
    """The Euclidean distance of each predicted point from its label, NaN without a label.

    Raises:
        LabelError: The arrays differ in shape, or a labelled point has no prediction.
    """
    if predicted.shape != labels.shape:
        raise LabelError(
            f"Expected as many predicted points as labels, got {predicted.shape} and "
            f"{labels.shape}. Select the frames and joints that both have."
        )
    errors = np.linalg.norm(predicted.astype(np.float64) - labels, axis=-1)
    missing = np.isfinite(labels).all(-1) & ~np.isfinite(errors)
    if missing.any():
        raise LabelError(
            f"Expected a prediction for every labelled point, got none for {missing.sum()} of "
            f"them, the first in frame {np.argwhere(missing)[0][0]}. Leave those frames out of "
            "the labels, or fill them in."
        )
    return errors


def frame_errors(
    predicted: Points, labels: Points, *, side: float = NORMALISED_SIDE
) -> FrameValues:
    """The mean distance over the labelled joints of each frame, in % of the image side.

    Jakab et al. 2020 and the release's `test_pose.py` with `error_form=image_size`.
    """
    return 100 / side * _mean_over_joints(point_errors(predicted, labels))


def mean_error(
    predicted: Points,
    labels: Points,
    *,
    side: float = NORMALISED_SIDE,
    actions: Sequence[str] | None = None,
) -> float:
    """The error in % of the image side: mean over joints, frames and, if given, actions."""
    return macro_average(frame_errors(predicted, labels, side=side), actions)


def joint_errors(
    predicted: Points, labels: Points, *, side: float = NORMALISED_SIDE
) -> Float[ndarray, " keypoint"]:
    """The mean distance of each joint over the frames where it is labelled, in % of the side."""
    return 100 / side * _mean_over_joints(point_errors(predicted, labels).T)


def per_action(values: FrameValues, actions: Sequence[str]) -> dict[str, float]:
    """The mean value of each action, over its scored frames; NaN if none is."""
    check_one_a_frame("action", actions, frames=len(values))
    names = np.asarray(actions)
    return {name: _mean(values[names == name]) for name in sorted(set(actions))}


def macro_average(values: FrameValues, actions: Sequence[str] | None = None) -> float:
    """The mean over frames; with actions, the mean over actions of their means.

    The release's `mean_per_activity`: every action weighs alike, however many frames it has.
    """
    if actions is None:
        return _mean(values)
    return _mean(np.array(list(per_action(values, actions).values())))


def better_labelled(predicted: Points, labels: Points, *, mirror: Sequence[int]) -> Points:
    """The predictions with left and right exchanged in the frames where that is nearer.

    The "better of prediction and its left/right mirror" of METHOD 5: the release's
    `test_pose.py` exchanges the *names* of left and right joints of the whole frame; no image and
    no coordinate is mirrored. The release exchanges the labels; we exchange the predictions, which
    is the same for complete labels and scores the same joints twice for incomplete ones.

    Args:
        predicted: Predicted points.
        labels: Labelled points.
        mirror: For each joint the index of the one on the other side, itself for middle ones.
    """
    relabelled = predicted[:, list(mirror)]
    nearer = frame_errors(relabelled, labels) < frame_errors(predicted, labels)
    return np.where(nearer[:, None, None], relabelled, predicted)


def flip_min_errors(
    predicted: Points, labels: Points, *, mirror: Sequence[int], side: float = NORMALISED_SIDE
) -> FrameValues:
    """The errors of each frame, left and right exchanged where that is smaller."""
    return frame_errors(better_labelled(predicted, labels, mirror=mirror), labels, side=side)


def flip_min_error(
    predicted: Points,
    labels: Points,
    *,
    mirror: Sequence[int],
    side: float = NORMALISED_SIDE,
    actions: Sequence[str] | None = None,
) -> float:
    """The mean of `flip_min_errors`, over frames and then, if given, actions."""
    return macro_average(flip_min_errors(predicted, labels, mirror=mirror, side=side), actions)


def flip_decisions(predicted: Points, labels: Points, *, mirror: Sequence[int]) -> FrameValues:
    """100 where the prediction beats its left/right relabelled counterpart, 0 where it does not.

    A tie is wrong, as in the release's `test_pose.py` (`distance < swapped_distance`), so that
    left and right points that coincide earn nothing. NaN where no joint of a pair is labelled.
    """
    order = np.asarray(mirror)
    errors = point_errors(predicted, labels)
    swapped = point_errors(predicted[:, order], labels)
    decisions = 100.0 * (_mean_over_joints(errors) < _mean_over_joints(swapped))
    decisions[np.isnan(errors[:, order != np.arange(len(order))]).all(-1)] = np.nan
    return decisions


def pair_accuracy(
    predicted: Points, labels: Points, *, mirror: Sequence[int]
) -> Float[ndarray, " keypoint"]:
    """The share of frames, in %, in which the pair of each joint lies nearer as it is.

    Nearer than exchanged, that is; both joints of a pair have the same share. A detector can tell
    the sides of the arms and not those of the legs, which `flip_decisions` of whole frames do not
    show. A tie is wrong. NaN for joints without a side and where no frame has both labelled.
    """
    order = np.asarray(mirror)
    same, exchanged = point_errors(predicted, labels), point_errors(predicted[:, order], labels)
    same, exchanged = same + same[:, order], exchanged + exchanged[:, order]
    known = np.isfinite(same) & (order != np.arange(len(order)))
    right = ((same < exchanged) & known).sum(axis=0)
    counts = known.sum(axis=0)
    return 100.0 * np.where(counts > 0, right, np.nan) / np.maximum(counts, 1)


def flip_accuracy(
    predicted: Points,
    labels: Points,
    *,
    mirror: Sequence[int],
    actions: Sequence[str] | None = None,
) -> float:
    """The share of frames, in %, whose left and right are told apart (`flip_decisions`)."""
    return macro_average(flip_decisions(predicted, labels, mirror=mirror), actions)


def pck_values(
    predicted: Points, labels: Points, *, threshold: float, reference: float | FrameValues
) -> FrameValues:
    """The share of each frame's labelled points, in %, within `threshold` x `reference`.

    Yang & Ramanan, "Articulated human detection with flexible mixtures of parts", TPAMI 2013.

    Args:
        predicted: Predicted points.
        labels: Labelled points.
        threshold: The largest distance that counts as right, as a fraction of the reference.
        reference: The side of the image, or a length for each frame; a frame is not scored
            where that is zero or NaN.
    """
    lengths = _positive(np.broadcast_to(np.asarray(reference, float), len(labels)))[:, None]
    errors = point_errors(predicted, labels) / lengths
    within = np.where(np.isnan(errors), np.nan, 100.0 * (errors <= threshold))
    return _mean_over_joints(within)


def pck(
    predicted: Points,
    labels: Points,
    *,
    threshold: float,
    reference: float | FrameValues = NORMALISED_SIDE,
    actions: Sequence[str] | None = None,
) -> float:
    """The percentage of correct keypoints: the mean of `pck_values`."""
    values = pck_values(predicted, labels, threshold=threshold, reference=reference)
    return macro_average(values, actions)


def pair_distances(labels: Points, *, pair: tuple[int, int]) -> FrameValues:
    """The distance between two labelled points of each frame, such as the outer eye corners."""
    return np.linalg.norm(labels[:, pair[0]].astype(np.float64) - labels[:, pair[1]], axis=-1)


def normalised_frame_errors(
    predicted: Points, labels: Points, *, pair: tuple[int, int]
) -> FrameValues:
    """The mean distance over joints in % of the labelled distance of a pair of points.

    Sagonas et al., "300 faces in-the-wild challenge", 2016: the pair is the outer eye corners.
    NaN where that distance is zero or unknown, so that such a frame is left out, not infinite.
    """
    errors = _mean_over_joints(point_errors(predicted, labels))
    return 100 * errors / _positive(pair_distances(labels, pair=pair))


def normalised_mean_error(
    predicted: Points,
    labels: Points,
    *,
    pair: tuple[int, int],
    actions: Sequence[str] | None = None,
) -> float:
    """NME: the mean of `normalised_frame_errors`."""
    return macro_average(normalised_frame_errors(predicted, labels, pair=pair), actions)


def bootstrap_interval(
    values: FrameValues,
    groups: Sequence[str],
    *,
    actions: Sequence[str] | None = None,
    level: float = 0.95,
    samples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile bootstrap interval of `macro_average`, resampling groups of frames.

    Frames of one clip or person are alike, so whole groups are drawn with replacement (the
    cluster bootstrap: Field & Welsh, "Bootstrapping clustered data", JRSS B 2007); drawing frames
    would make the interval far too narrow. (NaN, NaN) with fewer than two scored groups.

    Args:
        values: A value for each frame; frames that are NaN are left out.
        groups: The clip or person of each frame.
        actions: The action of each frame, to average over actions as `macro_average` does.
        level: Share of the resamples inside the interval.
        samples: Number of resamples.
        seed: Of the resampling; the same seed gives the same interval.
    """
    check_one_a_frame("group", groups, frames=len(values))
    check_one_a_frame("action", actions, frames=len(values))
    scored = np.isfinite(values)
    names, group = np.unique(np.asarray(groups)[scored], return_inverse=True)
    if len(names) < 2:
        return float("nan"), float("nan")
    of_actions = np.asarray(actions)[scored] if actions is not None else np.zeros(scored.sum())
    kinds, kind = np.unique(of_actions, return_inverse=True)
    sums, counts = np.zeros((2, len(names), len(kinds)))
    np.add.at(sums, (group, kind), values[scored])
    np.add.at(counts, (group, kind), 1.0)
    draws = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=samples
    )
    averages = _mean_over_joints(_ratio(draws @ sums, draws @ counts))
    low, high = np.quantile(averages, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def check_one_a_frame(what: str, names: Sequence[str] | None, *, frames: int) -> None:
    """Make sure that there is a name for each frame, where there are names at all.

    Raises:
        LabelError: There are more or fewer.
    """
    if names is not None and len(names) != frames:
        raise LabelError(f"Expected the {what} of each frame, got {len(names)} for {frames}.")


def _mean_over_joints(values: PointValues) -> FrameValues:
    known = np.isfinite(values)
    return _ratio(np.where(known, values, 0.0).sum(-1), known.sum(-1))


def _ratio(numerator: ndarray, denominator: ndarray) -> ndarray:
    """The quotient, NaN where the denominator is zero: nothing there to average."""
    return np.divide(
        numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0
    )


def _mean(values: ndarray) -> float:
    return float(_mean_over_joints(values[None])[0])


def _positive(lengths: FrameValues) -> FrameValues:
    return np.where(lengths > 0, lengths, np.nan)
