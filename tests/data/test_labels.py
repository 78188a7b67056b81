from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.labels import Labels
from keypointgan.data.store import Store, StoreWriter
from keypointgan.errors import LabelError


def save(path: Path, **changes: object) -> Path:
    """Labels of two frames of a clip: the corner and the middle of frames of side 64."""
    values: dict[str, object] = {
        "xy": np.array([[[0.0, 0.0], [32.0, 32.0]], [[64.0, 16.0], [np.nan, np.nan]]], np.float32),
        "size": 64,
        "clip": np.array(["walk", "walk"]),
        "frame": np.array([0, 3], np.int16),
        "joints": np.array(["head", "tail"]),
    }
    values |= changes
    np.savez(path, **{key: value for key, value in values.items() if value is not None})
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with StoreWriter(tmp_path / "store", size=8, encoding="raw") as writer:
        writer.add_clip("run", np.zeros((5, 8, 8, 3), np.uint8), source="run.mp4", fps=25)
        writer.add_clip("walk", np.zeros((4, 8, 8, 3), np.uint8), source="walk.mp4", fps=25)
    return Store.open(tmp_path / "store")


def test_pixels_become_normalised_with_the_outer_edges_at_one(tmp_path: Path) -> None:
    labels = Labels.load(save(tmp_path / "labels.npz"))
    expected = np.array([[[-1, -1], [0, 0]], [[1, -0.5], [np.nan, np.nan]]], np.float32)
    np.testing.assert_allclose(labels.xy, expected)
    assert labels.joints == ("head", "tail")
    assert labels.action is None


def test_without_a_size_pixels_are_of_128(tmp_path: Path) -> None:
    labels = Labels.load(save(tmp_path / "labels.npz", size=None))
    np.testing.assert_allclose(labels.xy[0, 1], [-0.5, -0.5])


def test_saved_labels_load_as_they_were(tmp_path: Path) -> None:
    labels = Labels.load(save(tmp_path / "labels.npz", action=np.array(["go", "stop"])))
    labels.save(tmp_path / "again.npz", size=96)
    again = Labels.load(tmp_path / "again.npz")
    np.testing.assert_allclose(again.xy, labels.xy, atol=1e-6)
    np.testing.assert_array_equal(again.frame, labels.frame)
    assert (again.clip, again.action, again.joints) == (labels.clip, ("go", "stop"), labels.joints)
    assert [file.name for file in tmp_path.glob("*.part")] == []


def test_rows_are_those_of_the_clip_in_the_store(tmp_path: Path, store: Store) -> None:
    labels = Labels.load(save(tmp_path / "labels.npz"))
    np.testing.assert_array_equal(labels.rows(store), [5, 8])


def test_a_clip_that_the_store_lacks_is_named_with_its_nearest(
    tmp_path: Path, store: Store
) -> None:
    labels = Labels.load(save(tmp_path / "labels.npz", clip=np.array(["walk", "walks"])))
    with pytest.raises(LabelError, match=r"'walks'.*2 clips.*Did you mean 'walk'"):
        labels.rows(store)


def test_a_frame_beyond_the_end_of_its_clip_is_named(tmp_path: Path, store: Store) -> None:
    labels = Labels.load(save(tmp_path / "labels.npz", frame=np.array([0, 4])))
    with pytest.raises(LabelError, match=r"frame 4 of clip 'walk'.*frames 0 to 3"):
        labels.rows(store)


def test_joints_are_put_in_the_order_asked_for(tmp_path: Path) -> None:
    labels = Labels.load(save(tmp_path / "labels.npz")).for_joints(["tail", "head"])
    np.testing.assert_allclose(labels.xy[0], [[0, 0], [-1, -1]])
    assert labels.joints == ("tail", "head")


def test_wrong_joints_are_refused_by_name(tmp_path: Path) -> None:
    labels = Labels.load(save(tmp_path / "labels.npz"))
    with pytest.raises(LabelError, match=r"missing are nose.*hold head, tail"):
        labels.for_joints(["head", "nose"])
    unnamed = Labels.load(save(tmp_path / "unnamed.npz", joints=None))
    assert unnamed.for_joints(["a", "b"]).joints == ("a", "b")
    with pytest.raises(LabelError, match="labels of 3 joints, got 2 points without names"):
        unnamed.for_joints(["a", "b", "c"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"xy": None}, "missing xy; the file holds clip, frame, joints, size"),
        ({"xy": np.zeros((2, 4))}, r"shape \(label, joint, 2\), got \(2, 4\)"),
        ({"frame": np.zeros(3)}, r"'frame' of shape \(2,\).*got \(3,\)"),
        ({"joints": np.array(["head"])}, "2 names in 'joints'.*got 1"),
    ],
)
def test_files_that_are_no_labels_are_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        Labels.load(save(tmp_path / "labels.npz", **changes))


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="found none"):
        Labels.load(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(LabelError, match="cannot be read"):
        Labels.load(tmp_path / "text.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(LabelError, match="cannot be read"):
        Labels.load(tmp_path / "array.npy")
