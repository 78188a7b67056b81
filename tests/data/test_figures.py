"""Drawn people stand where their keypoints say, before surroundings without the object."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from keypointgan.data.backdrops import Backdrops, fill_middle
from keypointgan.data.bodies import JOINTS, check_joints
from keypointgan.data.figures import Figures
from keypointgan.data.priors import Prior
from keypointgan.errors import PriorError
from keypointgan.ops.capsules import Capsules, Surface, draw_capsules
from keypointgan.skeletons import Skeleton

JOINTS_OF_H36M17 = Skeleton.load("h36m17").joints


def _prior(path: Path, **settings: object) -> Prior:
    """The poses of a file at `path`, seen from all sides."""
    placement: dict[str, object] = {
        "place": "body",
        "extent": 0.7,
        "centre": (0.0, 0.0),
        "scale_jitter": 0.0,
        "shift_jitter": 0.0,
        "rotation_jitter": 0.0,
        "mirror": True,
        "azimuth": (-180.0, 180.0),
        "elevation": (0.0, 20.0),
        "field_of_view": 38.0,
    }
    return Prior.load(path, Skeleton.load("h36m17"), **{**placement, **settings})  # type: ignore[arg-type]


def _grey(size: int) -> Backdrops:
    return Backdrops(torch.full((1, 3, size, size), 128, dtype=torch.uint8))


def test_the_same_seed_draws_the_same_figures(tiny_prior_in_space: Path) -> None:
    figures = Figures(_prior(tiny_prior_in_space), _grey(32), size=32)
    first, again, other = (
        figures.sample(4, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert_close(first.frame, again.frame)
    assert_close(first.keypoints, again.keypoints)
    assert not torch.allclose(first.frame, other.frame)


def test_a_figure_covers_its_joints_and_leaves_the_corners(tiny_prior_in_space: Path) -> None:
    """The picture differs from its own backdrop at the joints and not at the corners."""
    covers = []

    def keep(
        capsules: Capsules, surface: Surface, *, size: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        picture, cover = draw_capsules(capsules, surface, size=size)
        covers.append(cover)
        return picture, cover

    figures = Figures(_prior(tiny_prior_in_space), _grey(64), size=64, draw=keep)
    batch = figures.sample(16, generator=torch.Generator().manual_seed(0))
    assert batch.frame.shape == (16, 3, 64, 64)
    assert float(batch.frame.min()) >= -1
    assert float(batch.frame.max()) <= 1
    inside = (batch.keypoints.abs() < 0.95).all(dim=-1)
    inside[:, JOINTS_OF_H36M17.index("head_top")] = False  # on the rim of a head of random size
    place = batch.keypoints.unsqueeze(1).clamp(-1, 1)
    seen = torch.nn.functional.grid_sample(covers[0], place, align_corners=False)[:, 0, 0]
    assert float((seen[inside] > 0.5).float().mean()) > 0.98
    assert float(covers[0][:, :, 0, 0].mean()) < 0.1


def test_a_camera_keeps_what_is_nearer(tiny_prior_in_space: Path) -> None:
    """Seen from its left, a figure has its left hip nearer."""
    prior = _prior(tiny_prior_in_space, mirror=False, azimuth=(90.0, 90.0))
    solid = prior.sample_solid(32, generator=torch.Generator().manual_seed(0))
    left, right = (prior.skeleton.index_of(f"{side}_hip") for side in "lr")
    assert bool((solid.points[:, left, 2] > solid.points[:, right, 2]).all())
    flat = prior.sample(32, generator=torch.Generator().manual_seed(0))
    assert_close(solid.points[..., :2], flat)


def test_a_metre_is_as_long_as_the_camera_says(tiny_prior_in_space: Path) -> None:
    """The median body of `extent` 0.7 is 1.4 long in normalised coordinates."""
    prior = _prior(tiny_prior_in_space)
    solid = prior.sample_solid(2, generator=torch.Generator().manual_seed(0))
    assert_close(solid.metre * prior.body_size, torch.full((2,), 1.4))


def test_the_middle_is_filled_from_both_sides() -> None:
    """Left third 10, right third 20, an object of 99 between: nothing of the object remains."""
    picture = torch.full((1, 1, 4, 20), 99.0)
    picture[..., :6], picture[..., 14:] = 10.0, 20.0
    filled = fill_middle(picture.expand(1, 3, 4, 20))
    assert_close(filled[0, 0, 0, :6], torch.full((6,), 10.0))
    assert_close(filled[0, 0, 0, 14:], torch.full((6,), 20.0))
    assert bool((filled[0, 0, 0].diff() >= 0).all())
    assert float(filled.max()) == 20.0


def test_skeletons_that_are_not_of_people_are_refused() -> None:
    with pytest.raises(PriorError, match=r"lacks .*pelvis"):
        check_joints(Skeleton.load("fly13").joints)
    check_joints(Skeleton.load("h36m17").joints)
    assert set(JOINTS) == set(Skeleton.load("h36m17").joints)


def test_flat_poses_are_refused(tiny_prior_in_space: Path, tmp_path: Path) -> None:
    skeleton = Skeleton.load("h36m17")
    poses = np.random.default_rng(0).uniform(0, 128, (8, 17, 2)).astype(np.float32)
    np.savez(tmp_path / "flat.npz", xy=poses, joints=np.array(skeleton.joints))
    prior = _prior(tiny_prior_in_space)
    flat = Prior.load(
        tmp_path / "flat.npz",
        skeleton,
        **{name: getattr(prior.placement, name) for name in prior.placement.__dict__},
    )
    with pytest.raises(PriorError, match="3D poses"):
        Figures(flat, _grey(32), size=32)
