"""Human3.6M on a small copy: subjects, halves, provided boxes, spelling of activities."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.benchmarks.human36m import SUBJECTS
from keypointgan.data.benchmarks.registry import ingest_benchmark, write_benchmark_prior
from keypointgan.errors import DataError, MissingExtraError
from keypointgan.skeletons import Skeleton

h5py = pytest.importorskip("h5py")
cdfwrite = pytest.importorskip("cdflib.cdfwrite")
CAMERA = "54138969"


def write_sequence(root: Path, subject: str, name: str, film, *, count: int = 6) -> None:
    """A box of columns 10 to 50, rows 20 to 40; joint 0 in its middle, joint 1 at its right."""
    folder = root / subject
    film(folder / "Videos" / f"{name}.mp4", count=count)
    poses = folder / "MyPoseFeatures" / "D2_Positions" / f"{name}.cdf"
    boxes = folder / "MySegmentsMat" / "ground_truth_bb" / f"{name}.mat"
    poses.parent.mkdir(parents=True, exist_ok=True)
    boxes.parent.mkdir(parents=True, exist_ok=True)
    points = np.tile([30.0, 30.0], (count, 32, 1))
    points[:, 1] = [50.0, 30.0]
    points[:, 2, 0] = 30 + np.arange(count)
    variable = {
        "Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True,
        "Dim_Sizes": [count, 64], "Dim_Vary": [True, True],
    }  # fmt: skip
    with cdfwrite.CDF(poses, delete=True) as file:
        file.write_var(variable, var_data=points.reshape(1, count, 64).astype(np.float32))
    with h5py.File(boxes, "w") as file:
        references = file.create_dataset("Masks", (count, 1), dtype=h5py.ref_dtype)
        for frame in range(count):
            mask = np.zeros((64, 64), np.uint8)  # MATLAB's axes in reverse order: column, row
            mask[10:50, 20:40] = 1
            references[frame, 0] = file.create_dataset(f"mask{frame}", data=mask).ref


@pytest.fixture
def root(tmp_path: Path, film) -> Path:
    for subject in SUBJECTS["train"] + SUBJECTS["test"]:
        write_sequence(tmp_path / "h36m", subject, f"Sitting 1.{CAMERA}", film)
    write_sequence(tmp_path / "h36m", "S1", f"TakingPhoto.{CAMERA}", film)
    write_sequence(tmp_path / "h36m", "S11", f"Photo 1.{CAMERA}", film)
    write_sequence(tmp_path / "h36m", "S11", f"SittingDown.{CAMERA}", film)
    for name in (f"_ALL.{CAMERA}", f"Directions.{CAMERA}"):
        (tmp_path / "h36m" / "S11" / "Videos" / f"{name}.mp4").touch()
    return tmp_path / "h36m"


def test_training_is_the_first_half_of_five_subjects_and_the_prior_the_second(
    root: Path, ingest
) -> None:
    """Three of six frames each: greys 10, 20, 30 and 40, 50, 60."""
    store, labels = ingest("human36m", root, "train")
    other, _ = ingest("human36m", root, "prior")
    assert {clip.group for clip in store.clips} == {"S1", "S5", "S6", "S7", "S8"}
    assert {clip.frames for clip in store.clips} == {3}
    np.testing.assert_allclose(store.frames([0, 1, 2])[:, 0, 0, 0], [10, 20, 30], atol=4)
    np.testing.assert_allclose(other.frames([0, 1, 2])[:, 0, 0, 0], [40, 50, 60], atol=4)
    assert labels.joints == Skeleton.load("h36m32").joints


def test_frames_are_cropped_to_the_provided_box_and_errors_are_in_pixels_of_the_video(
    root: Path, ingest
) -> None:
    """A square of 1.1 × 40 around (30, 30): 20 pixels to the right are 20 / 22 of its half."""
    _, labels = ingest("human36m", root, "test")
    np.testing.assert_allclose(labels.xy[0, :2], [[0, 0], [20 / 22, 0]], atol=1e-5)
    assert labels.source_side is not None
    np.testing.assert_allclose(labels.source_side, 44, rtol=1e-5)
    assert labels.protocol == "human36m"


def test_activities_have_one_name_and_damaged_or_joined_videos_are_left_out(
    root: Path, ingest
) -> None:
    """S11's Directions by camera 54138969 and _ALL are there, empty, and never opened."""
    store, labels = ingest("human36m", root, "test")
    assert [clip.name for clip in store.clips] == [
        f"S9/Sitting 1.{CAMERA}",
        f"S11/Photo 1.{CAMERA}",
        f"S11/Sitting 1.{CAMERA}",
        f"S11/SittingDown.{CAMERA}",
    ]
    assert set(labels.action or ()) == {"sitting", "sitting_down", "taking_photo"}
    assert set(ingest("human36m", root, "train")[1].action or ()) == {"sitting", "taking_photo"}


def test_the_prior_is_in_the_coordinates_of_the_crops(root: Path, tmp_path: Path) -> None:
    """Six videos, three poses each; joint 2 stands 3 pixels right of the middle at first."""
    assert write_benchmark_prior("human36m", root, tmp_path / "prior.npz") == 18
    with np.load(tmp_path / "prior.npz") as file:
        np.testing.assert_allclose(file["xy"][0, 2], [64 + 3 / 22 * 64, 64], rtol=1e-5)


def test_a_missing_box_or_a_strange_activity_is_named_with_its_path(
    root: Path, tmp_path: Path
) -> None:
    (root / "S9/MySegmentsMat/ground_truth_bb" / f"Sitting 1.{CAMERA}.mat").unlink()
    with pytest.raises(DataError, match=r"S9/.*/Sitting 1\.54138969\.mat: .*missing"):
        ingest_benchmark("human36m", root, tmp_path / "store", split="test")
    (root / "S9" / "Videos" / f"Dancing.{CAMERA}.mp4").touch()
    with pytest.raises(DataError, match=r"Dancing\.54138969\.mp4: .*one of Directions, "):
        ingest_benchmark("human36m", root, tmp_path / "store", split="test")


def test_without_cdflib_the_extra_is_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cdflib", None)
    with pytest.raises(MissingExtraError, match=r"'cdflib'.*keypointgan\[formats\]"):
        ingest_benchmark("human36m", root, tmp_path / "store", split="test")
