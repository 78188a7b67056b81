"""Synthetic figures move plausibly, and their keypoints are where they are drawn."""

from pathlib import Path

import numpy as np
import pytest
import torch

from keypointgan.data.labels import LABEL_FILE, Labels
from keypointgan.data.priors import Prior
from keypointgan.data.store import Store
from keypointgan.data.synthetic import (
    synthetic_clips,
    synthetic_prior,
    write_synthetic,
    write_synthetic_prior,
)
from keypointgan.data.synthetic_figure import JOINTS, random_motion
from keypointgan.data.synthetic_render import (
    _capsule,
    draw_figure,
    random_background,
    random_look,
)
from keypointgan.errors import StoreError
from keypointgan.skeletons import Skeleton

AT = {joint: index for index, joint in enumerate(JOINTS)}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20200614)


def test_bones_keep_their_length_while_a_figure_moves(rng: np.random.Generator) -> None:
    joints = random_motion(rng, figures=5, frames=20, stride=1.0).joints
    for (start,), (stop,) in Skeleton.load("h36m17").links:
        if "nose" not in (JOINTS[start], JOINTS[stop]):  # the neck bends between neck and nose
            lengths = np.linalg.norm(joints[:, :, start] - joints[:, :, stop], axis=-1)
            np.testing.assert_allclose(lengths, lengths[:, :1].repeat(20, axis=1), rtol=1e-9)


def test_limbs_move_far_within_a_clip_and_little_between_frames(rng: np.random.Generator) -> None:
    """In shares of the image's side: wrists travel an eighth and more, no joint leaps."""
    poses = random_motion(rng, figures=50, frames=30, stride=1.0).poses / 2
    travel = np.ptp(poses, axis=1).max(axis=-1)
    assert np.median(travel[:, [AT["l_wrist"], AT["r_wrist"]]]) > 0.125
    assert np.median(travel[:, [AT["l_ankle"], AT["r_ankle"]]]) > 0.05
    assert np.linalg.norm(np.diff(poses, axis=1), axis=-1).max() < 0.12


def test_figures_stand_in_the_image_and_face_the_viewer(rng: np.random.Generator) -> None:
    poses = random_motion(rng, figures=500, frames=4, stride=40.0).poses
    assert (np.abs(poses).max(axis=(2, 3)) > 1).mean() < 0.002  # a tall one's raised hand
    assert (poses[:, :, AT["l_shoulder"], 0] > poses[:, :, AT["r_shoulder"], 0]).all()
    assert (poses[:, :, AT["head_top"], 1] < poses[:, :, AT["pelvis"], 1]).all()
    middle = (poses.max(axis=2) + poses.min(axis=2)) / 2
    assert np.abs(middle.mean(axis=(0, 1))).max() < 0.1


def test_a_bar_is_full_on_its_axis_and_half_at_its_edge() -> None:
    """Radius 2 around row 8: row 10 is half covered, in the light of the lower edge (0.68)."""
    canvas = np.zeros((16, 16, 3), np.float32)
    white = np.ones(3, np.float32)
    ends = np.array([4.0, 8.5]), np.array([12.0, 8.5])
    _capsule(canvas, ends, (2.0, 2.0), (white, white))
    np.testing.assert_allclose(canvas[8, 4:12], 1, atol=1e-6)
    np.testing.assert_allclose(canvas[10, 4:12], 0.34, atol=1e-6)
    np.testing.assert_array_equal(canvas[[0, 5, 12, 15]], 0)


def test_a_bar_outside_of_the_picture_is_not_drawn() -> None:
    canvas = np.zeros((8, 8, 3), np.float32)
    white = np.ones(3, np.float32)
    _capsule(canvas, (np.array([-9.0, 4.0]), np.array([-5.0, 4.0])), (2.0, 2.0), (white, white))
    np.testing.assert_array_equal(canvas, 0)


def test_keypoints_lie_on_the_drawn_figure(rng: np.random.Generator) -> None:
    """Under nearly every joint the frame differs from its background, in a corner it does not."""
    on_figure = []
    for _ in range(8):
        motion = random_motion(rng, figures=1, frames=5, stride=5.0)
        background = random_background(rng, size=64)
        look = random_look(rng, background.mean(axis=(0, 1)))
        frames = draw_figure(motion, 0, look, background, rng=rng) / 255
        change = np.abs(frames - background).max(axis=-1)
        assert np.quantile(change[:, :6, :6], 0.95) < 0.05
        columns, rows = np.floor((motion.poses[0] + 1) * 32).astype(int).transpose(2, 0, 1)
        on_figure.append(change[np.arange(5)[:, None], rows, columns] > 0.08)
    assert np.mean(on_figure) > 0.95


def test_a_clip_depends_on_the_seed_and_its_number_only() -> None:
    three, two, other = (
        list(synthetic_clips(clips, 3, size=32, seed=seed))
        for clips, seed in ((3, 5), (2, 5), (2, 6))
    )
    for (name, frames, keypoints), again in zip(two, three, strict=False):
        assert name == again.name
        np.testing.assert_array_equal(frames, again.frames)
        np.testing.assert_array_equal(keypoints, again.keypoints)
    assert np.abs(two[0].keypoints - other[0].keypoints).max() > 0.01
    assert np.abs(two[0].keypoints - two[1].keypoints).max() > 0.01


def test_the_size_changes_the_pixels_and_not_the_pose() -> None:
    small, large = (next(synthetic_clips(1, 2, size=size, seed=0)) for size in (32, 64))
    np.testing.assert_array_equal(small.keypoints, large.keypoints)
    assert (small.frames.shape, large.frames.shape) == ((2, 32, 32, 3), (2, 64, 64, 3))


def test_a_written_store_holds_the_clips_and_their_labels(tmp_path: Path) -> None:
    store = Store.open(write_synthetic(tmp_path / "a", clips=2, frames_per_clip=3, size=32, seed=1))
    labels = Labels.load(tmp_path / "a" / LABEL_FILE)
    clips = list(synthetic_clips(2, 3, size=32, seed=1))
    rows = labels.rows(store)
    np.testing.assert_array_equal(store.frames(rows), np.concatenate([c.frames for c in clips]))
    np.testing.assert_allclose(labels.xy, np.concatenate([c.keypoints for c in clips]), atol=1e-5)
    assert labels.joints == JOINTS


def test_writing_again_adds_the_clips_that_are_missing(tmp_path: Path) -> None:
    for clips in (1, 3):
        write_synthetic(tmp_path / "a", clips=clips, frames_per_clip=2, size=32, seed=1)
    whole = write_synthetic(tmp_path / "b", clips=3, frames_per_clip=2, size=32, seed=1)
    grown, at_once = Store.open(tmp_path / "a"), Store.open(whole)
    rows = np.arange(6)
    np.testing.assert_array_equal(grown.frames(rows), at_once.frames(rows))
    with pytest.raises(StoreError):
        write_synthetic(tmp_path / "a", clips=3, frames_per_clip=2, size=64, seed=1)


def test_the_prior_looks_like_the_clips_and_holds_none_of_their_poses() -> None:
    """Same mean and spread of each joint within 0.08; the nearest pose is another one."""
    clips = np.concatenate([c.keypoints for c in synthetic_clips(150, 1, size=8, seed=0)])
    prior = synthetic_prior(2000, seed=0)
    np.testing.assert_allclose(prior.mean(axis=0), clips.mean(axis=0), atol=0.08)
    np.testing.assert_allclose(prior.std(axis=0), clips.std(axis=0), atol=0.08)
    distances = _distances(torch.from_numpy(clips), torch.from_numpy(prior))
    assert distances.min() > 0.01


def test_a_written_prior_is_placed_as_it_is(tmp_path: Path, generator: torch.Generator) -> None:
    prior = Prior.load(
        write_synthetic_prior(tmp_path / "prior.npz", num_poses=7, seed=3),
        Skeleton.load("h36m17"),
        place="as_is",
        extent=0.7,
        centre=(0.0, 0.0),
        scale_jitter=0.0,
        shift_jitter=0.0,
        rotation_jitter=0.0,
        mirror=False,
        azimuth=(0.0, 0.0),
        elevation=(0.0, 0.0),
        field_of_view=38.0,
    )
    assert prior.num_poses == 7
    expected = torch.from_numpy(synthetic_prior(7, seed=3))
    sampled = prior.sample(32, generator=generator)
    assert _distances(sampled, expected).amin(dim=1).max() < 1e-4


def _distances(some: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    exact = "donot_use_mm_for_euclid_dist"
    return torch.cdist(some.flatten(1), others.flatten(1), compute_mode=exact)
