"""Each number against a plain second implementation and a case worked by hand."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from keypointgan.errors import LabelError
from keypointgan.evaluation import metrics

MIRROR = (0, 2, 1, 4, 3)


def make_case(*, frames: int = 40, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Predictions near labels of five joints, a fifth of the labels unknown."""
    random = np.random.default_rng(seed)
    labels = random.uniform(-1, 1, (frames, 5, 2))
    predicted = labels + random.normal(0, 0.2, labels.shape)
    flipped = random.random(frames) < 0.3
    predicted[flipped] = predicted[flipped][:, list(MIRROR)]
    labels[random.random((frames, 5)) < 0.2] = np.nan
    return predicted, labels


def plain_frame_error(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance over labelled joints of one frame, with `math` and loops only."""
    distances = [
        math.hypot(px - lx, py - ly)
        for (px, py), (lx, ly) in zip(predicted, labels, strict=True)
        if not math.isnan(lx)
    ]
    return sum(distances) / len(distances) if distances else math.nan


def plain_mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known)


def test_a_point_three_right_and_four_down_is_five_away() -> None:
    errors = metrics.point_errors(np.array([[[3.0, 4.0], [1.0, 1.0]]]), np.zeros((1, 2, 2)))
    assert_allclose(errors, [[5.0, math.sqrt(2)]])


def test_an_error_of_a_tenth_of_the_side_is_ten_percent_in_any_unit() -> None:
    labels = np.zeros((2, 3, 2))
    assert_allclose(metrics.mean_error(labels + np.array([0.2, 0.0]), labels), 10.0)
    assert_allclose(metrics.mean_error(labels + np.array([12.8, 0.0]), labels, side=128.0), 10.0)


def test_the_mean_error_agrees_with_loops() -> None:
    predicted, labels = make_case()
    expected = [plain_frame_error(p, q) * 50 for p, q in zip(predicted, labels, strict=True)]
    assert_allclose(metrics.frame_errors(predicted, labels), expected)
    assert_allclose(metrics.mean_error(predicted, labels), plain_mean(expected))


def test_the_error_of_a_joint_is_its_mean_over_labelled_frames() -> None:
    labels = np.array([[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [np.nan, np.nan]]])
    predicted = np.array([[[0.2, 0.0], [0.0, 0.4]], [[0.4, 0.0], [1.0, 1.0]]])
    assert_allclose(metrics.joint_errors(predicted, labels), [15.0, 20.0])


def test_actions_weigh_alike_however_many_frames_they_have() -> None:
    values = np.array([1.0, 1.0, 1.0, 5.0, np.nan])
    actions = ("walk", "walk", "walk", "sit", "sit")
    assert metrics.per_action(values, actions) == {"sit": 5.0, "walk": 1.0}
    assert metrics.macro_average(values, actions) == 3.0
    assert metrics.macro_average(values) == 2.0


def test_the_smaller_error_of_two_labellings_is_taken_frame_by_frame() -> None:
    predicted, labels = make_case()
    swapped = predicted.copy()
    swapped[:, 1], swapped[:, 2] = predicted[:, 2], predicted[:, 1]
    swapped[:, 3], swapped[:, 4] = predicted[:, 4], predicted[:, 3]
    expected = [
        50 * min(plain_frame_error(p, q), plain_frame_error(s, q))
        for p, s, q in zip(predicted, swapped, labels, strict=True)
    ]
    assert_allclose(metrics.flip_min_errors(predicted, labels, mirror=MIRROR), expected)
    assert_allclose(metrics.flip_min_error(predicted, labels, mirror=MIRROR), plain_mean(expected))


def test_relabelled_predictions_have_the_same_flip_min_and_the_opposite_accuracy() -> None:
    predicted, labels = make_case()
    relabelled = predicted[:, list(MIRROR)]
    assert_allclose(
        metrics.flip_min_error(relabelled, labels, mirror=MIRROR),
        metrics.flip_min_error(predicted, labels, mirror=MIRROR),
    )
    assert_allclose(
        metrics.flip_accuracy(relabelled, labels, mirror=MIRROR)
        + metrics.flip_accuracy(predicted, labels, mirror=MIRROR),
        100.0,
    )


def test_flip_accuracy_counts_the_frames_whose_sides_are_right() -> None:
    labels = np.tile(np.array([[0.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]), (4, 1, 1))
    predicted = labels.copy()
    predicted[3] = predicted[3, [0, 2, 1]]
    assert metrics.flip_accuracy(predicted, labels, mirror=(0, 2, 1)) == 75.0


def test_a_tie_is_a_wrong_flip_and_a_frame_without_labelled_pair_none() -> None:
    labels = np.array([[[0.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]] * 3)
    labels[2, 1:] = np.nan
    predicted = labels.copy()
    predicted[1:] = 0.0  # collapsed: left and right coincide
    assert_allclose(
        metrics.flip_decisions(predicted, labels, mirror=(0, 2, 1)), [100.0, 0.0, np.nan]
    )


def test_pairs_are_counted_on_their_own() -> None:
    """Hands exchanged in one of four frames, feet in two; in the last a foot has no label."""
    mirror = (0, 2, 1, 4, 3)
    labels = np.array([[[0.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-0.5, 1.0], [0.5, 1.0]]] * 4)
    predicted = labels.copy()
    predicted[0] = predicted[0, [0, 2, 1, 3, 4]]
    predicted[1:3] = predicted[1:3][:, [0, 1, 2, 4, 3]]
    labels[3, 4] = np.nan
    assert_allclose(
        metrics.pair_accuracy(predicted, labels, mirror=mirror),
        [np.nan, 75.0, 75.0, 100 / 3, 100 / 3],
    )


def test_pck_agrees_with_counting() -> None:
    predicted, labels = make_case()
    lengths = np.random.default_rng(0).uniform(0.5, 1.5, len(labels))
    shares = []
    for p, q, length in zip(predicted, labels, lengths, strict=True):
        hits = [math.dist(a, b) <= 0.2 * length for a, b in zip(p, q, strict=True) if b[0] == b[0]]
        shares.append(100 * sum(hits) / len(hits) if hits else math.nan)
    assert_allclose(
        metrics.pck(predicted, labels, threshold=0.2, reference=lengths), plain_mean(shares)
    )


def test_pck_of_the_image_side_includes_its_threshold() -> None:
    labels = np.zeros((1, 4, 2))
    predicted = np.array([[[0.0, 0.0], [0.25, 0.0], [0.0, 0.2500001], [1.0, 0.0]]])
    assert metrics.pck(predicted, labels, threshold=0.125) == 50.0


def test_nme_divides_each_frame_by_its_own_pair() -> None:
    labels = np.array([[[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 2.0]]])
    predicted = labels + np.array([0.0, 0.1])
    assert_allclose(metrics.normalised_frame_errors(predicted, labels, pair=(0, 1)), [10.0, 5.0])
    assert_allclose(metrics.normalised_mean_error(predicted, labels, pair=(0, 1)), 7.5)


def test_a_frame_whose_reference_length_is_zero_or_unknown_is_left_out() -> None:
    labels = np.zeros((3, 2, 2))
    labels[0, 1] = [2.0, 0.0]
    labels[2, 1] = np.nan
    predicted = np.nan_to_num(labels) + np.array([0.0, 0.1])
    assert_allclose(
        metrics.normalised_frame_errors(predicted, labels, pair=(0, 1)), [5.0, np.nan, np.nan]
    )
    lengths = metrics.pair_distances(labels, pair=(0, 1))
    values = metrics.pck_values(predicted, labels, threshold=0.06, reference=lengths)
    assert_allclose(values, [100.0, np.nan, np.nan])


def test_a_frame_without_labels_changes_nothing() -> None:
    predicted, labels = make_case()
    more = np.concatenate([predicted, np.ones((1, 5, 2))])
    unknown = np.concatenate([labels, np.full((1, 5, 2), np.nan)])
    assert metrics.mean_error(more, unknown) == metrics.mean_error(predicted, labels)
    assert metrics.pck(more, unknown, threshold=0.1) == metrics.pck(
        predicted, labels, threshold=0.1
    )
    assert metrics.flip_accuracy(more, unknown, mirror=MIRROR) == metrics.flip_accuracy(
        predicted, labels, mirror=MIRROR
    )


def test_no_labels_at_all_give_nan_not_a_warning() -> None:
    nothing = np.full((2, 3, 2), np.nan)
    assert math.isnan(metrics.mean_error(np.zeros((2, 3, 2)), nothing))
    assert np.isnan(metrics.joint_errors(np.zeros((2, 3, 2)), nothing)).all()


def test_a_missing_prediction_of_a_labelled_point_is_refused() -> None:
    predicted = np.zeros((4, 3, 2))
    predicted[2, 1, 0] = np.nan
    with pytest.raises(LabelError, match="none for 1 of them, the first in frame 2"):
        metrics.point_errors(predicted, np.zeros((4, 3, 2)))


def test_arrays_of_other_shapes_are_refused() -> None:
    with pytest.raises(LabelError, match=r"\(4, 3, 2\) and \(4, 2, 2\)"):
        metrics.mean_error(np.zeros((4, 3, 2)), np.zeros((4, 2, 2)))
    with pytest.raises(LabelError, match="the action of each frame, got 1 for 4"):
        metrics.mean_error(np.zeros((4, 3, 2)), np.zeros((4, 3, 2)), actions=("walk",))


def test_the_interval_agrees_with_resampling_groups_in_a_loop() -> None:
    random = np.random.default_rng(7)
    groups = [f"clip{index // 5}" for index in range(60)]
    actions = ["walk" if index % 15 < 10 else "sit" for index in range(60)]
    values = random.normal(5, 1, 60) + np.repeat(random.normal(0, 1, 12), 5)
    low, high = metrics.bootstrap_interval(values, groups, actions=actions, samples=4000, seed=1)
    averages = []
    for _ in range(4000):
        drawn = random.choice(12, 12)
        rows = [row for clip in drawn for row in range(clip * 5, clip * 5 + 5)]
        means = [
            np.mean([values[row] for row in rows if actions[row] == action])
            for action in {actions[row] for row in rows}
        ]
        averages.append(np.mean(means))
    assert_allclose([low, high], np.percentile(averages, [2.5, 97.5]), atol=0.06)


def test_the_interval_of_the_mean_of_independent_groups_is_that_of_the_normal() -> None:
    """400 groups of sd 1: the mean's interval is +-1.96 / 20."""
    values = np.random.default_rng(0).normal(0, 1, 400)
    values = (values - values.mean()) / values.std()
    interval = metrics.bootstrap_interval(values, [str(index) for index in range(400)])
    assert_allclose(interval, [-0.098, 0.098], atol=0.006)


def test_more_frames_of_the_same_clips_do_not_narrow_the_interval() -> None:
    values = np.random.default_rng(0).normal(0, 1, 20)
    clips = [str(index) for index in range(20)]
    assert_allclose(
        metrics.bootstrap_interval(np.repeat(values, 10), [c for c in clips for _ in range(10)]),
        metrics.bootstrap_interval(values, sorted(clips, key=clips.index)),
    )


def test_one_group_has_no_interval() -> None:
    interval = metrics.bootstrap_interval(np.array([1.0, 2.0, np.nan]), ["a", "a", "b"])
    assert np.isnan(interval).all()
