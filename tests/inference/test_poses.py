"""Poses come back from their files as they went in, and nonsense is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from keypointgan.errors import DataError, ExportError
from keypointgan.inference.formats import save_poses
from keypointgan.inference.poses import Poses
from keypointgan.skeletons import Skeleton

BODY = Skeleton.load("h36m17")


def make_poses(frames: int = 5) -> Poses:
    """Random poses whose third frame has no detection."""
    random = np.random.default_rng(0)
    xy = random.uniform(0, 640, (frames, 17, 2))
    confidence = random.random((frames, 17))
    xy[2], confidence[2] = np.nan, 0.0
    return Poses(xy, confidence, BODY, fps=29.97, source="dance.mp4")


def test_an_npz_file_keeps_everything(tmp_path: Path) -> None:
    poses = make_poses()
    poses.save_npz(tmp_path / "poses.npz")
    again = Poses.load_npz(tmp_path / "poses.npz")
    assert_array_equal(again.xy, poses.xy)
    assert_array_equal(again.confidence, poses.confidence)
    assert again.skeleton == poses.skeleton
    assert (again.fps, again.source) == (29.97, "dance.mp4")


def test_a_csv_file_has_a_line_a_frame_and_four_decimals(tmp_path: Path) -> None:
    poses = make_poses()
    poses.to_csv(tmp_path / "poses.csv")
    lines = (tmp_path / "poses.csv").read_text().splitlines()
    assert lines[0].startswith("frame,pelvis_x,pelvis_y,pelvis_confidence,r_hip_x")
    assert lines[3].startswith("2,,,0.0000,,,")
    assert lines[1].split(",")[1] == f"{poses.xy[0, 0, 0]:.4f}"
    again = Poses.load_csv(tmp_path / "poses.csv", skeleton=BODY, fps=29.97)
    assert_allclose(again.xy, poses.xy, atol=5.1e-5, rtol=0)
    assert_allclose(again.confidence, poses.confidence, atol=5.1e-5, rtol=0)


def test_a_csv_file_without_a_skeleton_gives_its_joints_and_no_links(tmp_path: Path) -> None:
    make_poses().to_csv(tmp_path / "poses.csv")
    poses = Poses.load_csv(tmp_path / "poses.csv")
    assert poses.joints == BODY.joints
    assert poses.skeleton.links == ()


def test_poses_of_no_frames_survive_their_files(tmp_path: Path) -> None:
    empty = Poses(np.zeros((0, 17, 2)), np.zeros((0, 17)), BODY)
    empty.to_csv(tmp_path / "poses.csv")
    empty.save_npz(tmp_path / "poses.npz")
    assert len(Poses.load_csv(tmp_path / "poses.csv")) == 0
    assert len(Poses.load_npz(tmp_path / "poses.npz")) == 0


def test_parts_are_put_together_in_order() -> None:
    first, second = make_poses(3), make_poses(4)
    both = Poses.concatenate([first, second])
    assert_array_equal(both.xy, np.concatenate([first.xy, second.xy]))
    assert (len(both), both.fps) == (7, 29.97)
    with pytest.raises(DataError, match="got none"):
        Poses.concatenate([])


@pytest.mark.parametrize(
    ("xy", "confidence", "message"),
    [
        (np.zeros((5, 16, 2)), np.zeros((5, 16)), r"\(frame, 17, 2\).*got \(5, 16, 2\)"),
        (np.zeros((5, 17, 2)), np.zeros((4, 17)), r"shape \(5, 17\), got \(4, 17\)"),
        (np.zeros((5, 17, 2)), np.full((5, 17), 1.5), "0 to 1, got 0 to 1.5"),
        (np.zeros((5, 17, 2)), np.full((5, 17), np.nan), "got nan"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    xy: np.ndarray, confidence: np.ndarray, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        Poses(xy, confidence, BODY)


def test_files_of_another_form_are_refused(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("time,speed\n1,2\n")
    (tmp_path / "short.csv").write_text("frame,tip_x,tip_y,tip_confidence\n0,1.0\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "text.npz").write_text("not a zip file")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    for name, message in (
        ("table.csv", "got time, speed"),
        ("short.csv", "line 2: expected 4 cells, as the header has, got 2"),
        ("empty.csv", "got nothing"),
        ("none.csv", "found none"),
    ):
        with pytest.raises(DataError, match=message):
            Poses.load_csv(tmp_path / name)
    for name, message in (("text.npz", "cannot be read"), ("other.npz", "cannot be read")):
        with pytest.raises(DataError, match=message):
            Poses.load_npz(tmp_path / name)
    with pytest.raises(DataError, match="found none"):
        Poses.load_npz(tmp_path / "none.npz")


def test_a_csv_file_of_other_joints_is_refused(tmp_path: Path) -> None:
    make_poses().to_csv(tmp_path / "poses.csv")
    with pytest.raises(DataError, match="expected the joints of the skeleton 'face68'"):
        Poses.load_csv(tmp_path / "poses.csv", skeleton=Skeleton.load("face68"))


def test_the_suffix_chooses_the_format(tmp_path: Path) -> None:
    poses = make_poses()
    save_poses(poses, tmp_path / "poses.csv")
    save_poses(poses, tmp_path / "poses.NPZ")
    assert len(Poses.load_csv(tmp_path / "poses.csv")) == len(
        Poses.load_npz(tmp_path / "poses.NPZ")
    )
    with pytest.raises(ExportError, match=r"ends in \.csv, .*, got '\.xls'"):
        save_poses(poses, tmp_path / "poses.xls")
    with pytest.raises(ExportError, match="cannot be written"):
        save_poses(poses, tmp_path / "nowhere" / "poses.csv")


def test_parts_are_put_together_with_the_evidence_for_their_sides_which_no_file_keeps(
    tmp_path: Path,
) -> None:
    whole = make_poses()
    evidence = np.arange(85.0).reshape(5, 17)
    peaks = np.arange(1020.0).reshape(5, 17, 4, 3)
    whole = replace(whole, evidence=evidence, peaks=peaks, raw=whole.xy + 1)
    again = Poses.concatenate([whole.frames(0, 2), whole.frames(2, 5)])
    for name in ("xy", "confidence", "raw", "evidence", "peaks"):
        assert_array_equal(getattr(again, name), getattr(whole, name))
    assert Poses.concatenate([whole, make_poses()]).evidence is None
    whole.save_npz(tmp_path / "poses.npz")
    assert Poses.load_npz(tmp_path / "poses.npz").evidence is None
    assert Poses.load_npz(tmp_path / "poses.npz").peaks is None
    with pytest.raises(DataError, match="Expected evidence for each keypoint"):
        replace(whole, evidence=evidence[:3])
    with pytest.raises(DataError, match="Expected places for each keypoint"):
        replace(whole, peaks=peaks[:3])
