"""Speeds have known values, and the plots show them."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from keypointgan.errors import SkeletonError
from keypointgan.inference.poses import Poses
from keypointgan.inference.trajectories import plot_speed, plot_trajectories, speeds
from keypointgan.skeletons import Skeleton

BAR = Skeleton("bar", ("head", "tail"), (((0,), (1,)),))


def make_poses(track: str = "", *, fps: float | None = 10.0) -> Poses:
    """A bar that goes 3 pixels right and 4 down in each frame, and is lost in frame 3."""
    places = np.arange(6.0)[:, None] * [3.0, 4.0]
    xy = np.stack([places, places + np.array([20.0, 0.0])], axis=1)
    xy[3] = np.nan
    return Poses(xy, np.ones(xy.shape[:2]), BAR, fps=fps, track=track, size=(100, 120))


def test_speed_is_distance_over_time() -> None:
    """5 pixels a frame at 10 frames a second; unknown from and to a frame without the animal."""
    assert_allclose(speeds(make_poses()), [50, 50, np.nan, np.nan, 50])
    assert_allclose(speeds(make_poses(fps=None), "tail"), [5, 5, np.nan, np.nan, 5])
    with pytest.raises(SkeletonError, match="no joint 'nose'"):
        speeds(make_poses(), "nose")


def test_plots_are_written_also_over_a_frame_and_without_anything_seen(tmp_path: Path) -> None:
    poses = [make_poses("a"), make_poses("b")]
    frame = np.zeros((100, 120, 3), np.uint8)
    nobody = Poses(np.full((4, 2, 2), np.nan), np.zeros((4, 2)), BAR)
    plot_trajectories(poses, tmp_path / "paths.png")
    plot_trajectories(poses, tmp_path / "over.png", background=frame, joint="head")
    plot_trajectories([nobody], tmp_path / "nobody.png")
    plot_speed(poses, tmp_path / "speed.png")
    plot_speed([nobody], tmp_path / "no_speed.svg")
    paths, over = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("paths", "over"))
    assert paths.shape == over.shape
    assert over[..., :3].mean() < paths[..., :3].mean()
    assert (tmp_path / "no_speed.svg").read_text().startswith("<?xml")
    assert_array_equal(np.isnan(speeds(nobody)), True)
