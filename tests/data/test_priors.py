"""Priors place poses in the frame as told; 3D poses are seen from the right side."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from keypointgan.data.prior_views import project, rotate
from keypointgan.data.priors import Prior
from keypointgan.errors import PriorError
from keypointgan.skeletons import Skeleton

STICK = Skeleton("stick", ("left", "right", "tip"), (((0,), (2,)), ((1,), (2,))), ((0, 1),))
STILL: dict[str, Any] = {
    "place": "fit",
    "extent": 0.5,
    "centre": (0.0, 0.0),
    "scale_jitter": 0.0,
    "shift_jitter": 0.0,
    "rotation_jitter": 0.0,
    "mirror": False,
    "azimuth": (0.0, 0.0),
    "elevation": (0.0, 0.0),
    "field_of_view": 38.0,
}
TALL = [[10.0, 20.0], [30.0, 20.0], [20.0, 60.0]]
"""20 wide and 40 high, its box's middle at (20, 40)."""
SMALL = [[1.0, 2.0], [3.0, 2.0], [2.0, 6.0]]
"""A tenth of `TALL`."""


def _prior(tmp_path: Path, *, poses: Any, skeleton: Skeleton = STICK, **settings: Any) -> Prior:
    array = np.asarray(poses, dtype=np.float32)
    name = "xy" if array.shape[-1] == 2 else "xyz"
    extra = {"size": settings.pop("size")} if "size" in settings else {}
    np.savez(tmp_path / "prior.npz", **{name: array}, **extra)
    return Prior.load(tmp_path / "prior.npz", skeleton, **{**STILL, **settings})


def test_fitting_centres_each_pose_and_scales_its_longer_side(
    tmp_path: Path, generator: torch.Generator
) -> None:
    """Extent ½ is a box one unit high; both poses have the same shape."""
    prior = _prior(tmp_path, poses=[TALL, SMALL], centre=(0.1, -0.2))
    expected = torch.tensor([[-0.25, -0.5], [0.25, -0.5], [0.0, 0.5]]) + torch.tensor([0.1, -0.2])
    assert_close(prior.sample(8, generator=generator), expected.expand(8, 3, 2))


def test_one_scale_for_all_bodies_keeps_small_poses_small(
    tmp_path: Path, generator: torch.Generator
) -> None:
    """The median of 40, 40 and 4 pixels gets the extent."""
    prior = _prior(tmp_path, poses=[TALL, TALL, SMALL], place="body")
    poses = prior.sample(64, generator=generator)
    heights = (poses.amax(dim=1) - poses.amin(dim=1))[:, 1]
    assert_close(heights.unique(), torch.tensor([0.1, 1.0]))
    assert_close((poses.amax(dim=1) + poses.amin(dim=1)) / 2, torch.zeros(64, 2))


def test_poses_as_they_are_need_the_size_of_their_frames_or_be_normalised(
    tmp_path: Path, generator: torch.Generator
) -> None:
    pixels = _prior(tmp_path, poses=[TALL, TALL, SMALL], place="as_is", size=80)
    normalised = _prior(
        tmp_path, poses=np.array([TALL, TALL, SMALL]) / 40 - 1, place="as_is", centre=(0.5, 0.5)
    )
    for prior in (pixels, normalised):
        poses = prior.sample(16, generator=generator)
        assert_close(poses[poses[:, 0, 0] > -0.9].unique(dim=0)[0], torch.tensor(TALL) / 40 - 1)
    with pytest.raises(PriorError, match=r"look like pixels.*'size'"):
        _prior(tmp_path, poses=[TALL, SMALL], place="as_is")


def test_a_mirrored_pose_exchanges_left_and_right(
    tmp_path: Path, generator: torch.Generator
) -> None:
    lopsided = np.array([[-0.5, -0.2], [0.1, 0.0], [0.3, 0.4]])
    prior = _prior(tmp_path, poses=[lopsided, lopsided / 2], place="as_is", mirror=True)
    poses = prior.sample(400, generator=generator)
    mirrored = torch.tensor([[-0.1, 0.0], [0.5, -0.2], [-0.3, 0.4]])
    share = (poses - mirrored).abs().amax(dim=(1, 2)).lt(1e-6).float().mean()
    assert_close(share.item(), 0.25, atol=0.08, rtol=0)  # half of the poses, half of the time


def test_jitters_have_the_spread_they_are_named_for(
    tmp_path: Path, generator: torch.Generator
) -> None:
    """Standard deviations over 20,000 draws: shift in frames, scale in its logarithm, degrees."""
    prior = _prior(
        tmp_path, poses=[TALL, TALL, SMALL], shift_jitter=0.05, scale_jitter=0.1, place="fit"
    )
    poses = prior.sample(20_000, generator=generator)
    low, high = poses.amin(dim=1), poses.amax(dim=1)
    assert_close(((low + high) / 2).std(dim=0), torch.full((2,), 0.1), atol=2e-3, rtol=0)
    assert_close((high - low)[:, 1].log().std().item(), 0.1, atol=2e-3, rtol=0)
    turned = _prior(tmp_path, poses=[TALL, SMALL], rotation_jitter=10.0, place="body").sample(
        20_000, generator=generator
    )
    side = turned[:, 1] - turned[:, 0]
    assert_close(torch.atan2(side[:, 1], side[:, 0]).rad2deg().std().item(), 10.0, atol=0.2, rtol=0)


def test_a_rotation_jitter_of_180_degrees_is_uniform(
    tmp_path: Path, generator: torch.Generator
) -> None:
    poses = _prior(tmp_path, poses=[TALL, SMALL], rotation_jitter=180.0, place="body").sample(
        40_000, generator=generator
    )
    side = poses[:, 1] - poses[:, 0]
    angles = torch.atan2(side[:, 1], side[:, 0])
    assert_close(torch.histc(angles, 8) / 40_000, torch.full((8,), 1 / 8), atol=0.01, rtol=0)


def test_a_fitted_pose_keeps_its_extent_however_it_is_turned(
    tmp_path: Path, generator: torch.Generator
) -> None:
    poses = _prior(tmp_path, poses=[TALL, SMALL], rotation_jitter=180.0).sample(
        64, generator=generator
    )
    assert_close((poses.amax(dim=1) - poses.amin(dim=1)).amax(dim=1), torch.ones(64))


def test_poses_are_shifted_inside_only_when_asked(
    tmp_path: Path, generator: torch.Generator
) -> None:
    prior = _prior(tmp_path, poses=[TALL, SMALL], centre=(0.9, 0.0))
    assert_close(prior.sample(4, generator=generator).amax().item(), 1.15)
    inside = prior.sample(4, generator=generator, keep_inside=True)
    assert_close(inside[:, 1], torch.tensor([[1.0, -0.5]]).expand(4, 2))
    large = _prior(tmp_path, poses=[TALL, SMALL], centre=(0.9, 0.3), extent=1.5)
    middle = large.sample(4, generator=generator, keep_inside=True)
    assert_close(middle[:, 2], torch.tensor([[0.25, 1.5]]).expand(4, 2))


@pytest.mark.parametrize(
    ("point", "azimuth", "elevation", "seen"),
    [
        ((1.0, 0.0, 0.0), 0.0, 0.0, (0.2, 0.0, 0.0)),  # +x is the right of a camera on +z
        ((0.0, 1.0, 0.0), 0.0, 0.0, (0.0, -0.2, 0.0)),  # up is the top of the image
        ((0.0, 0.0, 5.0), 0.0, 0.0, (0.0, 0.0, 1.0)),  # five metres nearer
        ((1.0, 0.0, 5.0), 0.0, 0.0, (0.4, 0.0, 1.0)),  # half as far, twice as large
        ((0.0, 0.0, 1.0), 90.0, 0.0, (-0.2, 0.0, 0.0)),  # from +x, +z is on the left
        ((0.0, 0.0, 1.0), -90.0, 0.0, (0.2, 0.0, 0.0)),
        ((0.0, 0.0, 1.0), 0.0, 90.0, (0.0, 0.2, 0.0)),  # from above, what was near is below
        ((1.0, 0.0, 0.0), 180.0, 0.0, (-0.2, 0.0, 0.0)),
    ],
)
def test_a_camera_sees_points_where_a_hand_calculation_does(
    point: tuple[float, float, float],
    azimuth: float,
    elevation: float,
    seen: tuple[float, float, float],
) -> None:
    """Camera at 10 m with focal length 2: one metre at the origin is 0.2 in the image."""
    points = project(
        torch.tensor([[point]]),
        azimuth=torch.tensor([azimuth]),
        elevation=torch.tensor([elevation]),
        distance=10.0,
        focal=2.0,
    )
    assert_close(points, torch.tensor([[seen]]), atol=1e-6, rtol=0)


def test_a_turn_is_clockwise_in_the_image() -> None:
    """y points down: a quarter turn takes the right to the bottom."""
    turned = rotate(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), torch.tensor([90.0]))
    assert_close(turned, torch.tensor([[[0.0, 1.0], [-1.0, 0.0]]]), atol=1e-6, rtol=0)


def test_a_person_who_faces_the_camera_has_the_left_hand_on_the_right(
    tmp_path: Path, generator: torch.Generator
) -> None:
    """Facing +z, the left is at +x; half a turn around, one sees the back."""
    person = np.array([[0.7, 0.5, 0.1], [-0.7, 0.5, 0.1], [0.0, 1.7, 0.0]])
    for azimuth, sign in ((0.0, 1), (180.0, -1)):
        pose = _prior(tmp_path, poses=[person, person * 1.1], azimuth=(azimuth, azimuth)).sample(
            2, generator=generator
        )
        assert torch.all(sign * (pose[:, 0, 0] - pose[:, 1, 0]) > 0.5)
        assert torch.all(pose[:, 2, 1] < pose[:, 0, 1])


def test_bodies_in_space_fill_their_extent_at_the_median_size(
    tmp_path: Path, generator: torch.Generator
) -> None:
    """Flat bodies that face the camera: the median is 2 m high, the small one half of that."""
    flat = np.array([[0.5, -1.0, 0.0], [-0.5, -1.0, 0.0], [0.0, 1.0, 0.0]])
    prior = _prior(tmp_path, poses=[flat, flat + 3, flat / 2], place="body", extent=0.6)
    poses = prior.sample(64, generator=generator)
    heights = (poses.amax(dim=1) - poses.amin(dim=1))[:, 1]
    assert_close(heights.min().item(), 0.6, atol=1e-5, rtol=0)
    assert_close(heights.max().item(), 1.2, atol=1e-5, rtol=0)


def test_the_same_seed_gives_the_same_poses_and_another_does_not(tmp_path: Path) -> None:
    prior = _prior(tmp_path, poses=[TALL, SMALL], shift_jitter=0.1)
    first, second, other = (
        prior.sample(8, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert_close(first, second)
    assert not torch.equal(first, other)


def test_a_split_shares_out_every_pose_and_keeps_the_scale(tmp_path: Path) -> None:
    poses = np.arange(60, dtype=np.float32).reshape(10, 3, 2)
    prior = _prior(tmp_path, poses=poses, place="body")
    train, held_out = prior.split(0.3, seed=4)
    assert (train.num_poses, held_out.num_poses) == (7, 3)
    assert_close(
        torch.cat([train.poses, held_out.poses]).sort(dim=0).values, torch.from_numpy(poses)
    )
    assert train.body_size == held_out.body_size == prior.body_size
    again = prior.split(0.3, seed=4)[1]
    assert_close(again.poses, held_out.poses)
    assert [part.num_poses for part in prior.split(0.0, seed=4)] == [9, 1]


def test_the_mean_pose_is_the_mean_of_the_placed_poses(tmp_path: Path) -> None:
    bent = [[-1.0, -1.0], [1.0, -1.0], [0.5, 1.0]]
    prior = _prior(tmp_path, poses=[bent, [*bent[:2], [-0.5, 1.0]]])
    expected = torch.tensor([[-0.5, -0.5], [0.5, -0.5], [0.0, 0.5]])
    assert_close(prior.mean_pose(), expected, atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("poses", "message"),
    [
        ([TALL], "at least 2 poses"),
        ([TALL, TALL], "poses that differ"),
        ([TALL, [[1, 2], [np.nan, 3], [4, 5]]], r"1 of 2 .*\(pose 1\)"),
        ([TALL, [[1, 1], [1, 1], [1, 1]]], "at one point .*pose 1"),
    ],
)
def test_poses_that_teach_nothing_are_refused(tmp_path: Path, poses: Any, message: str) -> None:
    with pytest.raises(PriorError, match=message):
        _prior(tmp_path, poses=poses)


def test_bodies_that_reach_behind_the_camera_are_refused(tmp_path: Path) -> None:
    flat = np.array([[0.5, -1.0, 0.0], [-0.5, -1.0, 0.0], [0.0, 1.0, 0.0]])
    with pytest.raises(PriorError, match="in front of the camera"):
        _prior(tmp_path, poses=[flat, flat / 2, flat * 9], place="body")
    with pytest.raises(PriorError, match="'as_is', got 3D"):
        _prior(tmp_path, poses=[flat, flat / 2], place="as_is")


def test_projected_mocap_has_the_handedness_of_the_labelled_frames(
    shared_data: Path, generator: torch.Generator
) -> None:
    """Cameras are above the horizon, so a forward knee is lower in the image from the front.

    From behind it is higher. Whether one sees the front is told by the sides of the shoulders, so
    with left and right mistaken the sign would change; the labels are of training persons.
    """
    skeleton = Skeleton.load("h36m17")
    folder = shared_data / "humans_rendered"
    labels = np.load(folder / "train_labels.npz")
    some = labels["xy"][labels["person"] >= 80] / 64 - 1
    settings = {**STILL, "place": "body", "extent": 0.7, "mirror": True}
    prior = Prior.load(
        folder / "prior_same_rig_3d.npz",
        skeleton,
        **{**settings, "azimuth": (-180.0, 180.0), "elevation": (-1.0, 20.0)},
    )
    seen = prior.sample(8192, generator=generator)

    def knee_drop_when_facing(poses: torch.Tensor) -> float:
        points = {joint: poses[:, index] for index, joint in enumerate(skeleton.joints)}
        facing = points["l_shoulder"][:, 0] > points["r_shoulder"][:, 0]
        drop = points["l_knee"] - (points["l_hip"] + points["l_ankle"]) / 2
        return (drop[facing, 1].mean() - drop[~facing, 1].mean()).item()

    assert knee_drop_when_facing(torch.from_numpy(some).float()) > 0.02
    assert knee_drop_when_facing(seen) > 0.02


def test_a_prior_of_another_rig_needs_a_joint_map(shared_data: Path) -> None:
    skeleton = Skeleton.load("h36m17")
    path = shared_data / "humans_rendered" / "prior_mocap_3d.npz"
    settings = {**STILL, "place": "body"}
    with pytest.raises(PriorError, match="neck is not among"):
        Prior.load(path, skeleton, **settings)
    mapped = Prior.load(path, skeleton, **settings, joint_map={"neck": "thorax"})
    assert mapped.num_poses == 17_281


def test_a_limited_prior_is_that_of_a_file_with_fewer_poses(tmp_path: Path) -> None:
    """Two of the three poses are left: the median body is that of these alone."""
    prior = _prior(tmp_path, poses=[TALL, TALL, SMALL], place="body")
    limited = prior.limited(2, seed=0)
    assert limited.num_poses == 2
    heights = limited.poses[..., 1].amax(dim=1) - limited.poses[..., 1].amin(dim=1)
    assert limited.body_size == pytest.approx(float(heights.mean()))
    assert_close(prior.limited(2, seed=0).poses, limited.poses)


@pytest.mark.parametrize("count", [1, 4])
def test_a_limit_beyond_the_poses_is_refused(tmp_path: Path, count: int) -> None:
    prior = _prior(tmp_path, poses=[TALL, TALL, SMALL])
    with pytest.raises(PriorError, match=f"expected 2 to 3 poses.*got {count}"):
        prior.limited(count, seed=0)
