from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keypointgan.data.benchmarks.registry import ingest_benchmark
from keypointgan.data.benchmarks.simplified_human36m import (
    SUBJECTS,
    prior_simplified_human36m,
)
from keypointgan.data.labels import Labels
from keypointgan.data.store import Store
from keypointgan.errors import DataError, MissingExtraError
from keypointgan.skeletons import Skeleton

scipy_io = pytest.importorskip("scipy.io")


def write_sequence(subject: Path, sequence: str, *, count: int) -> None:
    """Frame i (numbered 9, 10, ...) is grey i + 1; its points lie at row 0.25, column i / 10."""
    for folder in ("WithBackground", "BackgroudMask", "Landmarks"):
        (subject / folder / sequence).mkdir(parents=True)
    for index in range(count):
        number = index + 9
        image = Image.new("RGB", (16, 16), (index + 1,) * 3)
        image.save(subject / "WithBackground" / sequence / f"{number}.jpg")
        mask = np.zeros((16, 16), np.uint8)
        mask[:, :8] = 255
        Image.fromarray(mask).save(subject / "BackgroudMask" / sequence / f"{number}.png")
        points = np.tile([0.25, index / 10], (32, 1))
        scipy_io.savemat(
            subject / "Landmarks" / sequence / f"{number}.mat", {"keypoints_2d": points}
        )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for subject in SUBJECTS["train"] + SUBJECTS["test"]:
        folder = tmp_path / "data" / "human_images" / subject
        write_sequence(folder, "Walking_1", count=5)
        write_sequence(folder, "Sitting_1", count=4)
    write_sequence(tmp_path / "data" / "human_images" / "S1", "Directions", count=4)
    return tmp_path / "data"


def test_training_frames_are_the_first_half_of_six_subjects(root: Path, tmp_path: Path) -> None:
    """Two of five frames a walk; four actions are absent here, sitting is none of the six."""
    ingest_benchmark(
        "simplified_human36m", root, tmp_path / "store", split="train", size=16, encoding="raw"
    )
    store = Store.open(tmp_path / "store")
    assert [clip.name for clip in store.clips] == ["S1/Directions"] + [
        f"S{number}/Walking_1" for number in (1, 5, 6, 7, 8, 9)
    ]
    assert {clip.frames for clip in store.clips} == {2}
    assert [clip.group for clip in store.clips][:3] == ["S1", "S1", "S5"]
    np.testing.assert_array_equal(store.frames([0, 1])[:, 0, 0, 0], [1, 2])
    np.testing.assert_array_equal(store.masks([0])[0, 0], [255] * 8 + [0] * 8)


def test_test_frames_are_whole_sequences_in_numerical_order(root: Path, tmp_path: Path) -> None:
    """9 comes before 10; rows and columns change places; labels name joints and actions."""
    ingest_benchmark(
        "simplified_human36m", root, tmp_path / "store", split="test", size=16, encoding="raw"
    )
    store = Store.open(tmp_path / "store")
    labels = Labels.load(tmp_path / "store" / "labels.npz")
    assert [(clip.name, clip.frames) for clip in store.clips] == [("S11/Walking_1", 5)]
    np.testing.assert_array_equal(store.frames(range(5))[:, 0, 0, 0], [1, 2, 3, 4, 5])
    x, y = (labels.xy[:, 0, axis] for axis in (0, 1))
    np.testing.assert_allclose(x, [-1, -0.8, -0.6, -0.4, -0.2], atol=1e-6)
    np.testing.assert_allclose(y, -0.5)
    assert set(labels.action or ()) == {"walking"}
    assert labels.joints == Skeleton.load("h36m32").joints


def test_the_prior_is_the_other_half_of_the_training_sequences(root: Path) -> None:
    """Three of five poses a walk, from the third on, and two of S1's four directions."""
    poses = prior_simplified_human36m(root / "human_images")
    assert poses.shape == (2 + 6 * 3, 32, 2)
    np.testing.assert_allclose(poses[:5, 0, 0], [-0.6, -0.4, -0.6, -0.4, -0.2], atol=1e-6)


def test_a_broken_or_missing_label_is_named(root: Path, tmp_path: Path) -> None:
    file = root / "human_images" / "S11" / "Landmarks" / "Walking_1" / "9.mat"
    scipy_io.savemat(file, {"keypoints_2d": np.zeros((17, 2))})
    with pytest.raises(DataError, match=r"9\.mat: expected 'keypoints_2d' of \(32, 2\)"):
        ingest_benchmark("simplified_human36m", root, tmp_path / "store", split="test")
    file.unlink()
    with pytest.raises(DataError, match=r"9\.mat: expected this file of the data set"):
        ingest_benchmark("simplified_human36m", root, tmp_path / "store", split="test")


def test_without_scipy_the_extra_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "scipy.io", None)
    with pytest.raises(MissingExtraError, match=r"'scipy'.*keypointgan\[formats\]"):
        prior_simplified_human36m(root)
