"""Files of unpaired poses are read by name, and refused with advice."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.prior_files import build_prior, load_slp_poses, read_poses
from keypointgan.errors import PriorError, SkeletonError
from keypointgan.skeletons import Skeleton

STICK = Skeleton("stick", ("left", "right", "tip"), (((0,), (2,)), ((1,), (2,))), ((0, 1),))
POSES = np.arange(12, dtype=np.float32).reshape(2, 3, 2)


def _save(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]  # its stub: allow_pickle
    return path


def test_joints_of_a_file_are_put_in_the_order_of_the_skeleton(tmp_path: Path) -> None:
    """The file's order is tip, other, left, right; 'other' is no joint of the skeleton."""
    shuffled = np.stack([POSES[:, 2], POSES[:, 0] - 9, POSES[:, 0], POSES[:, 1]], axis=1)
    path = _save(tmp_path / "p.npz", xy=shuffled, joints=["tip", "other", "left", "right"])
    np.testing.assert_array_equal(read_poses(path, STICK).points, POSES)


def test_missing_joints_are_named_with_their_nearest(tmp_path: Path) -> None:
    path = _save(tmp_path / "p.npz", xy=POSES, joints=["lefty", "right", "tip"])
    with pytest.raises(PriorError, match=r"left is not among .*lefty.*'lefty' may be meant"):
        read_poses(path, STICK)


def test_a_joint_map_says_which_joint_of_the_file_is_meant(tmp_path: Path) -> None:
    path = _save(tmp_path / "p.npz", xy=POSES, joints=["right", "left", "peak"])
    swapped = {"left": "right", "right": "left", "tip": "peak"}
    np.testing.assert_array_equal(read_poses(path, STICK, joint_map=swapped).points, POSES)


def test_a_joint_map_for_no_joint_of_the_skeleton_is_refused(tmp_path: Path) -> None:
    path = _save(tmp_path / "p.npz", xy=POSES, joints=STICK.joints)
    with pytest.raises(SkeletonError, match="no joint 'tap'"):
        read_poses(path, STICK, joint_map={"tap": "tip"})


def test_a_wrong_number_of_joints_names_the_skeleton(tmp_path: Path) -> None:
    path = _save(tmp_path / "p.npz", xyz=np.zeros((5, 4, 3)))
    with pytest.raises(PriorError, match=r"shape \(pose, 3, 3\), got \(5, 4, 3\).*'stick' has 3"):
        read_poses(path, STICK)


def test_a_csv_has_two_columns_a_joint(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("frame,tip_x,tip_y,right_x,right_y,left_x,left_y\n7,4,5,2,3,0,1\n8,,,8,9,6,7\n")
    points = read_poses(path, STICK).points
    np.testing.assert_array_equal(points[0], POSES[0])
    np.testing.assert_array_equal(points[1], [[6, 7], [8, 9], [np.nan, np.nan]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("left,right\n1,2\n", "expected columns <joint>_x and <joint>_y"),
        ("left_x,right_y\n1,2\n", "expected columns <joint>_x and <joint>_y"),
        ("", "got nothing"),
        ("left_x,left_y,right_x,right_y,tip_x,tip_y\n1,2,3,4,5,a\n", "line 2: expected numbers"),
        ("left_x,left_y,right_x,right_y,tip_x,tip_y\n1,2,3,4,5\n", "line 2: expected 6 values"),
    ],
)
def test_a_broken_csv_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(PriorError, match=message):
        read_poses(path, STICK)


def test_a_file_that_is_absent_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriorError, match="there is none"):
        read_poses(tmp_path / "none.npz", STICK)
    with pytest.raises(PriorError, match=r"\.npz, \.csv, \.slp.*got 'poses\.mat'"):
        read_poses(tmp_path / "poses.mat", STICK)


def test_an_npz_needs_exactly_one_of_xy_and_xyz(tmp_path: Path) -> None:
    with pytest.raises(PriorError, match=r"expected either 'xy'.*got points"):
        read_poses(_save(tmp_path / "a.npz", points=POSES), STICK)
    with pytest.raises(PriorError, match=r"expected either 'xy'.*got xy, xyz"):
        read_poses(_save(tmp_path / "b.npz", xy=POSES, xyz=POSES), STICK)
    with pytest.raises(PriorError, match=r"'xyz' of shape \(pose, joint, 3\), got \(2, 3, 2\)"):
        read_poses(_save(tmp_path / "c.npz", xyz=POSES), STICK)


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    path.write_bytes(b"no zip file")
    with pytest.raises(PriorError, match="expected an npz file of numbers"):
        read_poses(path, STICK)


def test_building_a_prior_keeps_what_reading_gives(tmp_path: Path) -> None:
    source = _save(tmp_path / "p.npz", xy=POSES[:, ::-1], joints=STICK.joints[::-1], size=64)
    assert build_prior(source, tmp_path / "built.npz", STICK).poses == 2
    built = read_poses(tmp_path / "built.npz", STICK)
    np.testing.assert_array_equal(built.points, POSES)
    assert built.size == 64


def test_incomplete_poses_are_dropped_only_when_told(tmp_path: Path) -> None:
    poses = np.concatenate([POSES, POSES])
    poses[[0, 2], 1, 1] = np.nan
    source = _save(tmp_path / "p.npz", xy=poses)
    with pytest.raises(PriorError, match=r"2 of 4 .*poses 0, 2\).*--drop-incomplete"):
        build_prior(source, tmp_path / "built.npz", STICK)
    assert build_prior(source, tmp_path / "built.npz", STICK, drop_incomplete=True).poses == 2
    np.testing.assert_array_equal(read_poses(tmp_path / "built.npz", STICK).points, poses[[1, 3]])


def test_a_sleap_project_gives_its_complete_poses(shared_data: Path) -> None:
    """298 flies are labelled in it, 241 of them with all 13 nodes."""
    pytest.importorskip("sleap_io")
    path = shared_data / "flies" / "courtship_labels.slp"
    poses = load_slp_poses(path, Skeleton.load("fly13"))
    assert poses.shape == (241, 13, 2)
    assert len(read_poses(path, Skeleton.load("fly13")).points) == 298


def test_a_name_with_plus_is_the_mean_of_joints(tmp_path: Path) -> None:
    path = _save(tmp_path / "p.npz", xy=POSES, joints=["left", "right", "tip"])
    points = read_poses(path, STICK, joint_map={"tip": "left+right"}).points
    np.testing.assert_array_equal(points[:, 2], (POSES[:, 0] + POSES[:, 1]) / 2)
    with pytest.raises(PriorError, match="neck is not among"):
        read_poses(path, STICK, joint_map={"tip": "left+neck"})


def test_predictions_of_trackers_are_read_and_unsure_points_count_as_missing(
    tmp_path: Path,
) -> None:
    from keypointgan.inference.formats import save_poses
    from keypointgan.inference.poses import Poses

    xy = np.arange(24.0).reshape(4, 3, 2)
    xy[2] = np.nan  # nobody in this frame
    confidence = np.where(np.isnan(xy[..., 0]), 0.0, 0.9)
    confidence[1, 0] = 0.2
    for suffix in (".csv", ".npz", ".dlc.csv", ".h5", ".slp", ".json"):
        path = tmp_path / f"poses{suffix}"
        save_poses(Poses(xy, confidence, STICK, fps=30.0), path)
        all_of_them = read_poses(path, STICK).points
        np.testing.assert_allclose(all_of_them, xy[[0, 1, 3]], atol=1e-4)
        sure = read_poses(path, STICK, least_confidence=0.5).points
        assert np.isnan(sure[1, 0]).all()
        assert np.isfinite(sure[[0, 2]]).all()
        output = tmp_path / "prior.npz"
        count = build_prior(path, output, STICK, drop_incomplete=True, least_confidence=0.5).poses
        assert count == 2


def test_files_are_put_together_and_thinned(tmp_path: Path) -> None:
    first = _save(tmp_path / "a.npz", xy=POSES, joints=STICK.joints)
    second = _save(tmp_path / "b.npz", xy=POSES + 100, joints=STICK.joints)
    assert build_prior([first, second], tmp_path / "both.npz", STICK, every=2).poses == 2
    points = read_poses(tmp_path / "both.npz", STICK).points
    np.testing.assert_array_equal(points, np.stack([POSES[0], POSES[0] + 100]))
    solid = _save(tmp_path / "c.npz", xyz=np.zeros((2, 3, 3)), joints=STICK.joints)
    with pytest.raises(PriorError, match=r"all 2D, .* or all 3D"):
        build_prior([first, solid], tmp_path / "both.npz", STICK)


def test_z_up_becomes_y_up(tmp_path: Path) -> None:
    """Right-handed both: x stays, up is y, and what was y points away along -z."""
    xyz = np.array([[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]] * 2)
    path = _save(tmp_path / "p.npz", xyz=xyz, joints=STICK.joints)
    points = read_poses(path, STICK, up="z").points
    np.testing.assert_array_equal(points[0, 0], [1, 3, -2])
