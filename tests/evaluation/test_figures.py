"""The figures of a training run: percent numbers of known displacements."""

import numpy as np
import pytest

from keypointgan.data.labels import Labels
from keypointgan.evaluation.figures import default_protocol, training_figures
from keypointgan.skeletons import Skeleton


def _labels(skeleton: Skeleton) -> Labels:
    xy = np.random.default_rng(0).uniform(-0.8, 0.8, (3, skeleton.num_joints, 2))
    return Labels(
        xy=xy.astype(np.float32),
        clip=("a", "a", "b"),
        frame=np.array([0, 1, 0], np.int64),
        action=None,
        joints=skeleton.joints,
    )


def test_exchanged_sides_are_forgiven_by_flip_min_only() -> None:
    """The first of three frames has left and right exchanged, the others are exact."""
    skeleton = Skeleton.load("h36m17")
    labels = _labels(skeleton)
    predicted = labels.xy.copy()
    predicted[0] = predicted[0, list(skeleton.mirror)]
    found = training_figures(skeleton)(predicted, labels)
    assert found["error_flip_min"] == pytest.approx(0.0, abs=1e-6)
    assert found["flip_accuracy"] == pytest.approx(200 / 3)
    assert found["error"] > 1
    assert "nme" not in found


def test_faces_are_measured_by_the_distance_of_their_eyes() -> None:
    """Outer eye corners 0.5 apart and every point 0.05 too low: 10 %, and 2.5 % of the side."""
    skeleton = Skeleton.load("face68")
    labels = _labels(skeleton)
    first, second = skeleton.index_of("r_eye_0"), skeleton.index_of("l_eye_3")
    labels.xy[:, first], labels.xy[:, second] = [-0.25, 0], [0.25, 0]
    found = training_figures(skeleton)(labels.xy + np.float32([0, 0.05]), labels)
    assert found["nme"] == pytest.approx(10.0, rel=1e-4)
    assert found["error"] == pytest.approx(2.5, rel=1e-4)


def test_the_protocol_follows_from_skeleton_and_actions() -> None:
    human = Skeleton.load("h36m32")
    assert default_protocol(Skeleton.load("face68")).name == "faces68"
    assert default_protocol(human, actions=True).name == "simplified_human36m"
    assert default_protocol(human).name == "generic"
