"""Every column of an evaluation, each where its answer is known."""

import json
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from keypointgan.errors import ConfigError, LabelError
from keypointgan.evaluation.predictions import baseline_mean_pose, evaluate_predictions
from keypointgan.evaluation.protocols import PROTOCOLS, Protocol, find_protocol
from keypointgan.skeletons import Skeleton

STICK = Skeleton(
    name="stick",
    joints=("tip", "left_end", "right_end"),
    links=(((0,), (1,)), ((0,), (2,))),
    pairs=((1, 2),),
)
GROUPS = [f"clip{index // 4}" for index in range(40)]
ACTIONS = ["walk" if index < 30 else "sit" for index in range(40)]


def make_labels(seed: int = 1) -> np.ndarray:
    """Sticks whose left end is left of the tip and whose right end is right of it."""
    random = np.random.default_rng(seed)
    return np.array([[0.0, 0.0], [-0.5, 0.3], [0.5, 0.3]]) + random.normal(0, 0.05, (40, 3, 2))


def test_perfect_predictions_score_perfectly_in_every_column() -> None:
    labels = make_labels()
    evaluation = evaluate_predictions(labels, labels, STICK, groups=GROUPS)
    assert evaluation.raw.mean == 0
    assert evaluation.flip_min is not None
    assert evaluation.flip_min.mean == 0
    assert evaluation.flip_accuracy is not None
    assert evaluation.flip_accuracy.mean == 100
    assert [score.mean for score in evaluation.pck] == [100, 100]
    assert (evaluation.frames, evaluation.groups, evaluation.actions) == (40, 10, 0)


def test_exchanged_sides_cost_the_raw_error_but_not_flip_min() -> None:
    labels = make_labels()
    predicted = labels.copy()
    predicted[:10] = predicted[:10, [0, 2, 1]]
    evaluation = evaluate_predictions(predicted, labels, STICK, groups=GROUPS)
    assert evaluation.flip_min is not None
    assert evaluation.flip_accuracy is not None
    assert evaluation.flip_min.mean == 0
    assert evaluation.flip_accuracy.mean == 75
    # A quarter of the frames, two of three joints, about a unit apart: 50 % of the side.
    assert_allclose(evaluation.raw.mean, 50 * 2 / 3 / 4, rtol=0.02)
    assert evaluation.raw.per_joint["tip"] == 0
    assert_allclose(evaluation.raw.per_joint["left_end"], evaluation.raw.per_joint["right_end"])


def test_a_constant_offset_vanishes_in_the_regressed_error() -> None:
    labels = make_labels()
    evaluation = evaluate_predictions(labels + np.array([0.1, 0.0]), labels, STICK, groups=GROUPS)
    assert evaluation.regressed is not None
    assert_allclose(evaluation.raw.mean, 5.0)
    assert evaluation.regressed.mean < 0.5


def test_the_regression_can_be_fitted_on_other_frames() -> None:
    train, test = make_labels(1), make_labels(2)
    fitted = evaluate_predictions(
        -test, test, STICK, groups=GROUPS, fit_on=(-train, train), mean_pose=train.mean(0)
    )
    assert fitted.regressed is not None
    assert fitted.regressed.mean < 0.5
    assert fitted.baseline is not None
    assert fitted.baseline.regressed is not None
    # The mean of the training labels: independent of the pose that was given as the prior's.
    assert_allclose(
        fitted.baseline.regressed.mean,
        50 * np.linalg.norm(test - train.mean(0), axis=-1).mean(),
    )


def test_actions_are_averaged_over_where_they_are_given() -> None:
    labels = make_labels()
    predicted = labels.copy()
    predicted[30:] += [0.2, 0.0]
    by_frame = evaluate_predictions(predicted, labels, STICK, groups=GROUPS)
    by_action = evaluate_predictions(predicted, labels, STICK, groups=GROUPS, actions=ACTIONS)
    assert_allclose(by_frame.raw.mean, 2.5)
    assert_allclose(by_action.raw.mean, 5.0)
    assert_allclose(list(by_action.raw.per_action.values()), [10.0, 0.0], atol=1e-9)
    assert by_action.actions == 2


def test_the_interval_holds_the_mean() -> None:
    labels = make_labels()
    predicted = labels + np.random.default_rng(0).normal(0, 0.1, labels.shape)
    for score in evaluate_predictions(predicted, labels, STICK, groups=GROUPS).scores:
        assert score.low <= score.mean <= score.high


def test_faces_are_measured_in_the_distance_of_the_outer_eye_corners() -> None:
    skeleton = Skeleton.load("face68")
    assert skeleton.joints.index("r_eye_0") == 36
    assert skeleton.joints.index("l_eye_3") == 45
    random = np.random.default_rng(0)
    labels = random.uniform(-0.5, 0.5, (6, 68, 2))
    labels[:, 36], labels[:, 45] = [-0.2, 0.0], [0.2, 0.0]
    evaluation = evaluate_predictions(
        labels + np.array([0.016, 0.0]),
        labels,
        skeleton,
        groups=list("abcdef"),
        protocol=PROTOCOLS["faces68"],
    )
    assert_allclose(evaluation.error.mean, 4.0)
    assert_allclose(evaluation.raw.mean, 0.8)
    assert evaluation.error.unit == "% of distance r_eye_0 to l_eye_3"
    assert evaluation.flip_min is None
    assert [score.mean for score in evaluation.pck] == [100, 100]


def test_joints_are_matched_by_name_and_the_others_reported() -> None:
    labels = make_labels()
    partial = np.concatenate([np.full((40, 1, 2), 9.0), labels[:, [2, 1]]], axis=1)
    evaluation = evaluate_predictions(
        labels,
        partial,
        STICK,
        groups=GROUPS,
        label_joints=("tail", "starboard", "left_end"),
        joint_map={"right_end": "starboard"},
    )
    assert evaluation.joints == ("left_end", "right_end")
    assert evaluation.left_out == ("tip",)
    assert evaluation.raw.mean == 0
    assert "not scored: tip" in evaluation.to_table()


def test_the_mean_pose_is_scored_beside() -> None:
    labels = make_labels()
    mean = labels.mean(0)
    evaluation = evaluate_predictions(labels, labels, STICK, groups=GROUPS, mean_pose=mean)
    expected = 50 * np.linalg.norm(labels - mean, axis=-1).mean()
    assert evaluation.baseline is not None
    assert_allclose(evaluation.baseline.raw.mean, expected)
    assert baseline_mean_pose(mean, 7).shape == (7, 3, 2)
    table = evaluation.to_table()
    assert "mean pose" in table
    assert f"{expected:.2f}" in table


def test_the_table_is_markdown_with_as_many_cells_in_every_line() -> None:
    labels = make_labels()
    evaluation = evaluate_predictions(
        labels, labels, STICK, groups=GROUPS, actions=ACTIONS, mean_pose=labels.mean(0)
    )
    tables = evaluation.to_table(details=True).split("\n\n")[1:]
    assert len(tables) == 3
    for table in tables:
        assert len({len(line) for line in table.split("\n")}) == 1
        assert len({line.count("|") for line in table.split("\n")}) == 1


def test_json_says_everything_and_has_null_for_nan() -> None:
    labels = make_labels()
    evaluation = evaluate_predictions(labels, labels, STICK, groups=["one"] * 40)
    assert math.isnan(evaluation.raw.low)
    values = json.loads(evaluation.to_json())
    assert values["raw"]["mean"] == 0
    assert values["raw"]["low"] is None
    assert values["regressed"] is None
    assert "at least two groups" in values["notes"][0]
    assert values["joints"] == list(STICK.joints)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": ["a"]}, "clip or person of each frame, got 1 for 40"),
        ({"actions": ["a"]}, "action of each frame, got 1 for 40"),
        ({"predicted": np.zeros((40, 2, 2))}, "the 3 joints of 'stick'"),
        ({"predicted": np.zeros((39, 3, 2))}, "the 40 labelled frames, got 39"),
        ({"labels": np.full((40, 3, 2), np.nan)}, "got only NaN"),
        ({"labels": np.zeros((40, 4, 2))}, "4 points without names"),
        ({"label_joints": ("a", "b")}, "Expected 3 names of labelled joints, got 2"),
        ({"label_joints": ("a", "b", "c")}, "No joint of 'stick'"),
        ({"joint_map": {"tip": "tipp"}}, "Did you mean 'tip'"),
        ({"protocol": PROTOCOLS["simplified_human36m"]}, "averages over actions"),
    ],
)
def test_what_does_not_belong_together_is_refused(change: dict, message: str) -> None:
    values = {"predicted": make_labels(), "labels": make_labels(), "groups": GROUPS, **change}
    predicted, labels = values.pop("predicted"), values.pop("labels")
    with pytest.raises(LabelError, match=message):
        evaluate_predictions(predicted, labels, STICK, **values)


def test_a_protocol_without_the_pair_it_needs_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected their names in 'pair'"):
        Protocol("mine", unit="pair")
    with pytest.raises(ConfigError, match="Did you mean 'faces68'"):
        find_protocol("face68")


def test_a_pair_that_is_never_apart_is_refused() -> None:
    protocol = Protocol("mine", unit="pair", pair=("left_end", "right_end"))
    labels = make_labels()
    labels[:, 2] = labels[:, 1]
    with pytest.raises(LabelError, match="divides by the distance of left_end and right_end"):
        evaluate_predictions(labels, labels, STICK, groups=GROUPS, protocol=protocol)
