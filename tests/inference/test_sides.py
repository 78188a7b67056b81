"""Left and right of a whole video: who is mistaken in a few frames is put right by the others."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from torch import Tensor

from keypointgan.errors import ConfigError, DataError
from keypointgan.inference import sides
from keypointgan.inference.crops import turn_points
from keypointgan.inference.poses import Poses
from keypointgan.inference.sides import name_parts, name_sides, names_along, naming_of
from keypointgan.models.naming import TRUST_PRIOR, Naming
from keypointgan.models.plausibility import Plausibility
from keypointgan.models.student import Student
from keypointgan.skeletons import Skeleton

BODY = Skeleton(
    name="body",
    joints=("left_hand", "right_hand", "left_foot", "right_foot", "head"),
    links=(((0,), (4,)), ((1,), (4,)), ((2,), (4,)), ((3,), (4,))),
    pairs=((0, 1), (2, 3)),
)
STANDING = np.array([[90.0, 60.0], [30.0, 60.0], [70.0, 120.0], [50.0, 120.0], [60.0, 80.0]])
"""In pixels, seen from the front: what is left is on the right of the picture."""
CONFIDENCE = np.array([0.9, 0.2, 0.8, 0.3, 0.5])


class _Facing(Plausibility):
    """A prior of people seen from the front, so many nats surer for hands that are wider apart."""

    def __init__(self, nats: float) -> None:
        super().__init__(keypoints=5, width=1)
        self.nats = nats

    def forward(self, poses: Tensor) -> Tensor:
        return self.nats * (poses[:, 0, 0] - poses[:, 1, 0])


@pytest.fixture
def naming() -> Naming:
    return Naming(_Facing(0.0), BODY.mirror)


def _track(mistaken: Sequence[bool], *, evidence: float = 0.0) -> Poses:
    """Somebody who stands still and whose hands have each other's name in some frames.

    The evidence of each frame is for the hands as they truly are.
    """
    exchanged = [1, 0, 2, 3, 4]
    orders = np.array([exchanged if wrong else range(5) for wrong in mistaken], int).reshape(-1, 5)
    nats = np.zeros((len(mistaken), 5))
    nats[:, :2] = evidence * np.where(mistaken, -1, 1)[:, None]
    return Poses(STANDING[orders], CONFIDENCE[orders], BODY, fps=25.0, evidence=nats)


def _random(frames: int) -> Poses:
    """Joints that wander and swap, with weak evidence and some frames without a pose."""
    random = np.random.default_rng(0)
    xy = STANDING + np.cumsum(random.normal(0, 1.0, (frames, 5, 2)), axis=0) % 20
    flips = random.random(frames) < 0.3
    xy[flips] = xy[flips][:, list(BODY.mirror)]
    xy[random.random(frames) < 0.02] = np.nan
    evidence = random.normal(0, 20, (frames, 5)) + np.where(flips, -10, 10)[:, None]
    return Poses(xy, random.random((frames, 5)), BODY, fps=25.0, evidence=evidence)


def test_hands_that_are_exchanged_in_a_few_frames_are_put_right(naming: Naming) -> None:
    """Their confidence goes with them; feet and head stay as they were read."""
    mistaken = [False, True, False, False, True, True, False, False]
    named = name_sides(_track(mistaken, evidence=10.0), naming)
    assert_array_equal(named.xy, np.broadcast_to(STANDING, (8, 5, 2)))
    assert_array_equal(named.confidence, np.broadcast_to(CONFIDENCE, (8, 5)))
    assert named.evidence is None
    assert named.fps == 25.0


def test_the_prior_puts_right_what_all_frames_mistake() -> None:
    named = name_sides(_track([True] * 4), Naming(_Facing(20.0), BODY.mirror))
    assert_array_equal(named.xy, np.broadcast_to(STANDING, (4, 5, 2)))


def test_a_student_that_has_learnt_is_believed_rather_than_the_prior(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While it learns, the prior would exchange hands of which frames are rather sure."""
    poses, naming = _track([False] * 4, evidence=100.0), Naming(_Facing(-20.0), BODY.mirror)
    assert_array_equal(name_sides(poses, naming).xy, poses.xy)
    monkeypatch.setattr(sides, "_TRUST_PRIOR", TRUST_PRIOR)
    assert_array_equal(name_sides(poses, naming).xy, poses.xy[:, [1, 0, 2, 3, 4]])


def test_who_lies_is_named_as_if_upright() -> None:
    """The prior knows nobody who lies: it sees the pose as it was turned to be read."""
    poses = _track([True] * 4)
    turned = turn_points(poses.xy, np.full(4, -1))
    naming = Naming(_Facing(20.0), BODY.mirror)
    named = name_sides(replace(poses, xy=turned, turns=np.full(4, 1)), naming)
    assert_allclose(named.xy, turn_points(np.stack([STANDING] * 4), np.full(4, -1)))
    assert named.turns is None
    lying = name_sides(replace(poses, xy=turned), naming)
    assert_array_equal(lying.xy, turned)


def test_a_frame_without_a_pose_cuts_a_track_in_two(naming: Naming) -> None:
    """Only the last frame tells the sides, and not those before the gap."""
    poses = _track([False, False, True, True, True])
    poses.xy[1], poses.confidence[1] = np.nan, 0.0
    assert poses.evidence is not None
    poses.evidence[4, :2] = -400.0
    poses.evidence[0, :2] = 1.0
    named = name_sides(poses, naming)
    assert_array_equal(named.xy[[0, 2, 3, 4]], np.broadcast_to(STANDING, (4, 5, 2)))
    assert np.isnan(named.xy[1]).all()
    assert_array_equal(named.confidence[1], np.zeros(5))
    poses.evidence[0, :2] = -1.0
    assert_array_equal(name_sides(poses, naming).xy[0], STANDING[[1, 0, 2, 3, 4]])


def test_a_body_of_any_size_is_named_alike(naming: Naming) -> None:
    """Its motion counts in sizes of the body, whatever the pixels."""
    poses = _random(200)
    assert poses.evidence is not None
    names = names_along(poses.xy, poses.evidence, naming)
    assert (names != np.arange(5)).any()
    for scale in (1e-3, 8.0):
        assert_array_equal(names_along(scale * poses.xy, poses.evidence, naming), names)


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_a_short_video_in_parts_is_named_as_a_whole(naming: Naming, batch: int) -> None:
    poses = _random(150)
    whole = name_sides(poses, naming)
    parts = list(name_parts(([poses.frames(i, i + batch)] for i in range(0, 150, batch)), naming))
    assert len(parts) == 1
    assert_array_equal(parts[0][0].xy, whole.xy)
    assert_array_equal(parts[0][0].confidence, whole.confidence)


def test_parts_of_a_long_video_are_as_long_whatever_the_batch(
    naming: Naming, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In stretches of 40 frames with 15 around them, and two animals at once."""
    monkeypatch.setattr(sides, "STRETCH", 40)
    monkeypatch.setattr(sides, "MARGIN", 15)
    poses = _random(230)
    backwards = Poses(poses.xy[::-1], poses.confidence, BODY, evidence=poses.evidence)
    found = []
    for batch in (1, 13, 230):
        pieces = (
            [each.frames(i, i + batch) for each in (poses, backwards)] for i in range(0, 230, batch)
        )
        parts = list(name_parts(pieces, naming))
        assert [len(first) for first, _ in parts] == [40, 40, 40, 40, 40, 30]
        found.append([Poses.concatenate(animal) for animal in zip(*parts, strict=True)])
    for animal in range(2):
        for other in found[1:]:
            assert_array_equal(other[animal].xy, found[0][animal].xy)
    whole = name_sides(poses, naming).xy
    differ = (found[0][0].xy != whole) & ~np.isnan(whole)
    assert differ.any(axis=(1, 2)).mean() < 0.05, "a margin tells nearly as much as all frames"


def test_a_video_without_frames_or_without_poses_stays_empty(naming: Naming) -> None:
    empty = _track([])
    assert [len(first) for (first,) in name_parts([[empty]], naming)] == [0]
    lost = _track([False] * 3)
    lost.xy[:] = np.nan
    assert np.isnan(name_sides(lost, naming).xy).all()


def test_poses_without_evidence_cannot_be_named(naming: Naming) -> None:
    named = name_sides(_track([False]), naming)
    with pytest.raises(DataError, match=r"Expected poses with the evidence.*name_sides=False"):
        name_sides(named, naming)


def test_only_a_student_that_has_learnt_it_names_sides(naming: Naming) -> None:
    without, learnt = (Student(keypoints=5, width=4, naming=each) for each in (None, naming))
    assert naming_of(learnt) is naming_of(learnt, name_sides=True, by_default=False) is naming
    assert naming_of(learnt, by_default=False) is naming_of(learnt, name_sides=False) is None
    assert naming_of(without) is None
    with pytest.raises(ConfigError, match=r"got one that has not learnt it.*--name-sides"):
        naming_of(without, name_sides=True)
