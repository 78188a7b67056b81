"""Each benchmark's own measure, where its answer is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from keypointgan.errors import LabelError
from keypointgan.evaluation.predictions import evaluate_predictions
from keypointgan.evaluation.protocols import PROTOCOLS
from keypointgan.skeletons import Skeleton

FRAMES = 8
GROUPS = [f"clip{index // 2}" for index in range(FRAMES)]
ACTIONS = ["walking"] * 6 + ["posing"] * 2


def random_labels(skeleton: Skeleton) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (FRAMES, skeleton.num_joints, 2))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_joints_of_a_protocol_are_those_of_a_skeleton(name: str) -> None:
    protocol = PROTOCOLS[name]
    skeletons = {"human36m": "h36m32", "cats": "cat9", "mafl": "face5", "faces68": "face68"}
    if name in skeletons:
        joints = Skeleton.load(skeletons[name]).joints
        assert {*protocol.joints, *(protocol.pair or ())} <= set(joints)
    assert protocol.source


def test_simplified_human36m_counts_all_32_points_and_every_action_alike() -> None:
    """One undrawn point of 32 is off by a quarter of the side in the six walking frames."""
    skeleton = Skeleton.load("h36m32")
    labels = random_labels(skeleton)
    predicted = labels.copy()
    predicted[:6, skeleton.index_of("l_hand"), 0] += 0.5
    evaluation = evaluate_predictions(
        predicted,
        labels,
        skeleton,
        groups=GROUPS,
        protocol=PROTOCOLS["simplified_human36m"],
        actions=ACTIONS,
    )
    assert_allclose(evaluation.error.mean, (25 / 32 + 0) / 2)
    assert_allclose(evaluation.error.per_action["walking"], 25 / 32)


def test_human36m_is_in_pixels_of_the_video_over_17_joints() -> None:
    """A crop of 400 pixels: 0.1 of the half side is 20 pixels; an undrawn hand counts nowhere."""
    skeleton = Skeleton.load("h36m32")
    labels = random_labels(skeleton)
    predicted = labels + np.array([0.1, 0])
    predicted[:, skeleton.index_of("l_hand")] += 9
    sides = np.full(FRAMES, 400.0)
    sides[6:] = 200.0
    evaluation = evaluate_predictions(
        predicted,
        labels,
        skeleton,
        groups=GROUPS,
        protocol=PROTOCOLS["human36m"],
        actions=ACTIONS,
        source_side=sides,
    )
    assert len(evaluation.joints) == 17
    assert evaluation.error.unit == "pixels of the source"
    assert_allclose(evaluation.error.per_action["walking"], 20)
    assert_allclose(evaluation.error.per_action["posing"], 10)
    assert_allclose(evaluation.error.mean, 15)
    assert evaluation.flip_min is not None
    assert evaluation.flip_min.unit == "pixels of the source"


def test_pixels_need_the_size_of_the_crops() -> None:
    skeleton = Skeleton.load("h36m32")
    labels = random_labels(skeleton)
    with pytest.raises(LabelError, match="'human36m' needs 'source_side' for each of the 8"):
        evaluate_predictions(
            labels,
            labels,
            skeleton,
            groups=GROUPS,
            protocol=PROTOCOLS["human36m"],
            actions=ACTIONS,
        )


def test_penn_action_counts_points_within_a_fifth_of_the_box() -> None:
    """Off by 0.15 of a box 1.6 wide: within 0.2 of it, not within 0.1. No box, no score."""
    skeleton = Skeleton.load("penn13")
    labels = random_labels(skeleton)
    sizes = np.full(FRAMES, 1.6)
    sizes[0] = np.nan
    evaluation = evaluate_predictions(
        labels + np.array([0, 0.15 * 1.6]),
        labels,
        skeleton,
        groups=GROUPS,
        protocol=PROTOCOLS["penn_action"],
        actions=ACTIONS,
        object_size=sizes,
    )
    assert {score.name: score.mean for score in evaluation.pck} == {"PCK@0.1": 0, "PCK@0.2": 100}
    assert evaluation.pck[0].frames == FRAMES - 1


@pytest.mark.parametrize(("name", "skeleton"), [("mafl", "face5"), ("cats", "cat9")])
def test_mafl_and_cats_divide_by_the_distance_of_the_two_eyes(name: str, skeleton: str) -> None:
    """Eyes 0.4 apart, everything off by 0.1: a quarter."""
    joints = Skeleton.load(skeleton)
    labels = random_labels(joints)
    labels[:, joints.index_of("right_eye")] = labels[:, joints.index_of("left_eye")] + [0.4, 0]
    evaluation = evaluate_predictions(
        labels + np.array([0, 0.1]), labels, joints, groups=GROUPS, protocol=PROTOCOLS[name]
    )
    assert_allclose(evaluation.error.mean, 25)
    assert evaluation.flip_min is None


def test_the_tips_of_a_cats_ears_are_not_scored() -> None:
    skeleton = Skeleton.load("cat9")
    labels = random_labels(skeleton)
    predicted = labels.copy()
    predicted[:, [skeleton.index_of(f"{side}_ear_2") for side in ("left", "right")]] += 5
    evaluation = evaluate_predictions(
        predicted, labels, skeleton, groups=GROUPS, protocol=PROTOCOLS["cats"]
    )
    assert evaluation.left_out == ("left_ear_2", "right_ear_2")
    assert evaluation.error.mean == 0
