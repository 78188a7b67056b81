"""MPI-INF-3DHP on a small copy: two layouts, two orders of joints, frames that do not count."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.benchmarks.mpi_inf_3dhp import CAMERAS, JOINTS, TEST, TEST_JOINTS, TRAINING
from keypointgan.skeletons import Skeleton

h5py = pytest.importorskip("h5py")
scipy_io = pytest.importorskip("scipy.io")


def points(joints: tuple[str, ...], *, count: int) -> np.ndarray:
    """Points at columns 10 to 50 and row 30; the left wrist lies at (20, 50)."""
    xy = np.full((count, len(joints), 2), 30.0)
    xy[:, joints.index("head_top")] = [10, 30]
    xy[:, joints.index("pelvis")] = [50, 30]
    xy[:, joints.index("l_wrist")] = [20, 50]
    return xy


@pytest.fixture
def root(tmp_path: Path, film, photograph) -> Path:
    root = tmp_path / "3dhp"
    for subject in TRAINING:
        for sequence in ("Seq1", "Seq2"):
            folder = root / subject / sequence
            for camera in CAMERAS:
                film(folder / "imageSequence" / f"video_{camera}.avi", count=4)
            cells = np.empty((14, 1), object)
            for camera in range(14):
                cells[camera, 0] = points(JOINTS, count=4).reshape(4, 56)
            scipy_io.savemat(folder / "annot.mat", {"annot2": cells})
    for name in TEST:
        folder = root / "mpi_inf_3dhp_test_set" / name
        for number in range(1, 4):
            photograph(
                folder / "imageSequence" / f"img_{number:06d}.jpg",
                width=64, height=64, column=20, row=50,
            )  # fmt: skip
        with h5py.File(folder / "annot_data.mat", "w") as file:
            file["annot2"] = points(TEST_JOINTS, count=3).reshape(3, 1, 17, 2)
            file["valid_frame"] = np.array([[1.0], [0.0], [1.0]])
            file["activity_annotation"] = np.array([[1.0], [1.0], [6.0]])
    return root


def test_both_orders_of_joints_become_that_of_human36m(root: Path, ingest) -> None:
    """A square of 1.2 × 40 around (30, 40): the left wrist 10 left of it and 10 below."""
    for split in ("train", "test"):
        store, labels = ingest("mpi_inf_3dhp", root, split)
        wrist = Skeleton.load("h36m17").index_of("l_wrist")
        np.testing.assert_allclose(labels.xy[0, wrist], [-10 / 24, 10 / 24], atol=1e-5)
    bright = np.argwhere(store.frames([0])[0, ..., 0] > 127).mean(0)[::-1] + 0.5
    np.testing.assert_allclose(bright / 64 * 2 - 1, labels.xy[0, wrist], atol=0.05)


def test_training_has_the_cameras_at_chest_height_and_halves(root: Path, ingest) -> None:
    store, _ = ingest("mpi_inf_3dhp", root, "train")
    assert len(store.clips) == 8 * 2 * 5
    assert [clip.name for clip in store.clips][:3] == [
        f"S1/Seq1/video_{camera}" for camera in (0, 2, 4)
    ]
    np.testing.assert_allclose(store.frames([0, 1])[:, 0, 0, 0], [10, 20], atol=4)
    other, _ = ingest("mpi_inf_3dhp", root, "prior")
    np.testing.assert_allclose(other.frames([0, 1])[:, 0, 0, 0], [30, 40], atol=4)


def test_frames_that_are_not_valid_are_not_labelled(root: Path, ingest) -> None:
    store, labels = ingest("mpi_inf_3dhp", root, "test")
    assert [clip.frames for clip in store.clips] == [3] * 6
    np.testing.assert_array_equal(np.isnan(labels.xy[:3]).all((1, 2)), [False, True, False])
    assert labels.action is not None
    assert labels.action[:3] == ("standing_walking", "standing_walking", "sports")
