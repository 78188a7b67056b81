"""Smoothing takes noise away, keeps what was detected, and invents nothing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from keypointgan.errors import ConfigError
from keypointgan.inference.poses import Poses
from keypointgan.inference.smoothing import METHODS, Method, smooth
from keypointgan.skeletons import Skeleton

BAR = Skeleton("bar", ("left_end", "right_end"), (((0,), (1,)),))


def make_poses(xy: np.ndarray, *, fps: float | None = 30.0) -> Poses:
    return Poses(xy, np.ones(xy.shape[:2]), BAR, fps=fps)


def noisy_walk(noise: float) -> tuple[np.ndarray, np.ndarray]:
    """A bar of 100 pixels that goes back and forth once in two seconds, with and without noise."""
    time = np.arange(240) / 30
    clean = np.zeros((240, 2, 2))
    clean[..., 0] = (300 + 60 * np.sin(np.pi * time))[:, None] + np.array([-50, 50])
    clean[..., 1] = 200
    return clean, clean + noise * np.random.default_rng(0).standard_normal(clean.shape)


@pytest.mark.parametrize("method", METHODS)
def test_smoothing_takes_away_jitter_and_follows_the_motion(method: Method) -> None:
    clean, noisy = noisy_walk(noise=3.0)
    smoothed = smooth(make_poses(noisy), method=method)
    jitter = [np.diff(values, n=2, axis=0).std() for values in (noisy, smoothed.xy)]
    assert jitter[1] < 0.6 * jitter[0]
    assert np.abs(smoothed.xy - clean).mean() < np.abs(noisy - clean).mean()


@pytest.mark.parametrize("method", METHODS)
def test_what_was_detected_is_kept_and_smoothed_again_from_there(method: Method) -> None:
    _, noisy = noisy_walk(noise=3.0)
    poses = make_poses(noisy)
    once = smooth(poses, method=method)
    assert once.raw is not None
    assert_array_equal(once.raw, noisy)
    assert_array_equal(once.unsmoothed().xy, noisy)
    assert once.unsmoothed().raw is None
    assert_array_equal(smooth(once, method=method).xy, once.xy)


@pytest.mark.parametrize("method", METHODS)
def test_a_resting_keypoint_stays_and_gaps_stay_gaps(method: Method) -> None:
    xy = np.full((40, 2, 2), 7.0)
    xy[:, 1] = 107.0
    xy[10:13, 0] = np.nan
    xy[13:, 0] += 50.0  # found again elsewhere: no trace of the old place
    smoothed = smooth(make_poses(xy), method=method)
    assert_allclose(smoothed.xy, xy, atol=1e-9, rtol=0)


def test_a_parabola_passes_a_polynomial_of_degree_two_unchanged() -> None:
    time = np.arange(30.0)
    xy = np.stack([time**2, 3 * time], axis=-1)[:, None].repeat(2, axis=1)
    smoothed = smooth(make_poses(xy), method="savitzky-golay", window=7, order=2)
    assert_allclose(smoothed.xy, xy, atol=1e-9, rtol=0)


def test_runs_shorter_than_the_window_use_a_shorter_one_or_stay() -> None:
    xy = np.full((12, 2, 2), np.nan)
    xy[1:3, 0], xy[5:11, 1] = 4.0, np.arange(6.0)[:, None]
    smoothed = smooth(make_poses(xy), method="savitzky-golay", window=9, order=2)
    assert_allclose(smoothed.xy, xy, atol=1e-9, rtol=0)


def test_the_first_step_of_one_euro_is_as_worked_by_hand() -> None:
    """At 10 frames a second and a fixed cutoff of 1 Hz, r = 2π/10 and the share is r / (r + 1)."""
    xy = np.zeros((3, 2, 2))
    xy[1:, 0, 0] = 1.0
    smoothed = smooth(
        make_poses(xy, fps=10.0), method="one-euro", cutoff=1.0, responsiveness=0.0
    ).xy[:, 0, 0]
    share = (np.pi / 5) / (np.pi / 5 + 1)
    assert_allclose(smoothed, [0.0, share, share + share * (1 - share)], atol=1e-12, rtol=0)


def test_one_euro_lags_less_the_more_responsive_it_is() -> None:
    clean, _ = noisy_walk(noise=0.0)
    lags = [
        np.abs(smooth(make_poses(clean), method="one-euro", responsiveness=value).xy - clean).mean()
        for value in (0.0, 1.0, 4.0)
    ]
    assert lags[0] > lags[1] > lags[2]


def test_poses_of_no_frames_and_of_no_detections_stay_so() -> None:
    for xy in (np.zeros((0, 2, 2)), np.full((5, 2, 2), np.nan)):
        for method in METHODS:
            assert_array_equal(smooth(make_poses(xy), method=method).xy, xy)


def test_values_out_of_range_are_refused() -> None:
    poses = make_poses(np.zeros((5, 2, 2)))
    for values in ({"window": 4}, {"window": 1}, {"order": 9}):
        with pytest.raises(ConfigError, match="odd window"):
            smooth(poses, method="savitzky-golay", **values)
    with pytest.raises(ConfigError, match=r"got None, 2 and 4\. Images have no frame rate"):
        smooth(make_poses(poses.xy, fps=None), method="one-euro")
    with pytest.raises(ConfigError, match="savitzky-golay, got 'median'"):
        smooth(poses, method="median")  # type: ignore[arg-type]  # what a user may type
