"""A joint that seems to be at several places: which of them its track goes through."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.testing import assert_array_equal

from keypointgan.inference.tracks import follow

HERE, THERE = (0.0, 0.0), (1.0, 0.0)


def _peaks(nats_there: list[float]) -> Float[ndarray, "frame keypoint peak 3"]:
    """One joint, here or there: nats for there in each frame, against here; the higher first."""
    frames = []
    for nats in nats_there:
        here, there = (*HERE, 0.0), (*THERE, nats)
        frames.append([[here, there] if nats < 0 else [there, here]])
    return np.array(frames)


def _followed(nats_there: list[float], *, scale: float = 1.0) -> list[bool]:
    """Whether the joint is there, in each frame."""
    peaks = _peaks(nats_there)
    found = follow(peaks[:, :, 0, :2], peaks, scale=scale)
    return [bool(x == THERE[0]) for x in found[:, 0, 0]]


def test_a_joint_does_not_jump_for_a_little_more() -> None:
    """Away and back costs twenty nats, away alone ten."""
    assert _followed([-12.0, -12.0, 5.0, -12.0]) == [False] * 4
    assert _followed([-12.0, -12.0, 21.0, -12.0]) == [False, False, True, False]
    assert _followed([-30.0, -30.0, 9.0, 9.0]) == [False, False, True, True]


def test_a_slow_joint_goes_where_it_is_likeliest() -> None:
    """A hundredth of the way: moving there and back costs a fifth of a nat."""
    assert _followed([-9.0, 0.3, -9.0], scale=0.01) == [False, True, False]
    assert _followed([-9.0, 0.1, -9.0], scale=0.01) == [False] * 3


def test_a_frame_without_a_pose_cuts_a_track_in_two() -> None:
    peaks = _peaks([-9.0, 0.0, 5.0])
    peaks[1] = np.nan
    found = follow(peaks[:, :, 0, :2], peaks, scale=1.0)
    assert_array_equal(found[:, 0, 0], [0.0, np.nan, 1.0])


def test_places_that_are_no_peaks_are_never_taken() -> None:
    peaks = _peaks([-9.0, -9.0])
    peaks[:, :, 1, 2] = -np.inf
    assert_array_equal(follow(peaks[:, :, 0, :2], peaks, scale=1.0), np.zeros((2, 1, 2)))


def test_joints_keep_their_own_paths() -> None:
    """What is read at the first peak stays as it is, to the last digit."""
    random = np.random.default_rng(0)
    peaks = random.normal(size=(20, 3, 4, 3))
    peaks[..., 2] = -np.sort(-peaks[..., 2], axis=-1)
    xy = peaks[:, :, 0, :2] + 1e-9
    every = follow(xy, peaks, scale=1.0)
    for joint in range(3):
        alone = follow(xy[:, joint : joint + 1], peaks[:, joint : joint + 1], scale=1.0)
        assert_array_equal(every[:, joint : joint + 1], alone)
    first = (np.abs(every - peaks[:, :, 0, :2]) < 1e-8).all(axis=-1)
    assert 0 < first.mean() < 1
    assert_array_equal(every[first], xy[first])
