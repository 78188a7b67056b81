"""Penn Action on a small copy: train is 1 or -1, pixels count from 1, sides are the viewer's."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.benchmarks.registry import ingest_benchmark
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

scipy_io = pytest.importorskip("scipy.io")


def write_video(root: Path, photograph, number: int, *, action: str, train: int) -> None:
    """Three frames of 80×60: the file's left wrist is the white block at column 20, row 30."""
    for frame in range(1, 4):
        path = root / "frames" / f"{number:04d}" / f"{frame:06d}.jpg"
        photograph(path, width=80, height=60, column=20, row=30)
    x, y = np.full((3, 13), 41.0), np.full((3, 13), 31.0)
    x[:, 5], y[:, 5] = 21, 31  # MATLAB's pixel 21 is the 20th counted from 0
    visibility = np.ones((3, 13))
    visibility[:, 6] = 0
    boxes = np.array([[21.0, 21, 61, 41], [0, 0, 0, 0]])  # the second frame's is missing
    (root / "labels").mkdir(parents=True, exist_ok=True)
    scipy_io.savemat(
        root / "labels" / f"{number:04d}.mat",
        {"x": x, "y": y, "visibility": visibility, "bbox": boxes, "train": train,
         "action": action, "nframes": 3, "dimensions": np.array([60, 80, 3])},
    )  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, photograph) -> Path:
    root = tmp_path / "Penn_Action"
    for number, (action, train) in enumerate(
        [("bowl", 1), ("squat", 1), ("bowl", 1), ("squat", 1), ("squat", 1), ("bowl", -1)], 1
    ):
        write_video(root, photograph, number, action=action, train=train)
    return root


def test_training_videos_are_halved_within_each_action_and_minus_one_is_test(
    root: Path, ingest
) -> None:
    """Bowl: 1 | 3; squat: 2 | 4, 5; test: 6."""
    names = {
        split: sorted(clip.name for clip in ingest("penn_action", root, split)[0].clips)
        for split in ("train", "prior", "test")
    }
    assert names == {
        "train": ["0001", "0002"],
        "prior": ["0003", "0004", "0005"],
        "test": ["0006"],
    }


def test_a_point_lies_on_its_pixel_and_the_viewers_left_is_the_persons_right(
    root: Path, ingest
) -> None:
    """The block is found where the label says, in a crop of 1.25 × 40 around (40.5, 30.5)."""
    store, labels = ingest("penn_action", root, "test", size=100)
    skeleton = Skeleton.load("penn13")
    wrist = labels.xy[0, skeleton.index_of("r_wrist")]
    bright = np.argwhere(store.frames([0])[0, ..., 0] > 127).mean(0)[::-1] + 0.5
    np.testing.assert_allclose(bright / 100 * 2 - 1, wrist, atol=0.02)
    np.testing.assert_allclose(wrist, [(20.5 - 40.5) / 25, 0], atol=1e-5)
    assert np.isnan(labels.xy[:, skeleton.index_of("l_wrist")]).all(), "not visible: not scored"


def test_the_persons_box_is_kept_for_pck_and_bridged_for_the_crop(root: Path, ingest) -> None:
    """A box of 40 in a crop of 50 is 0.8 of it, 1.6 in coordinates; two frames have none."""
    _, labels = ingest("penn_action", root, "test")
    assert labels.object_size is not None
    np.testing.assert_allclose(labels.object_size, [1.6, np.nan, np.nan], rtol=1e-5)
    np.testing.assert_allclose(labels.xy[1], labels.xy[0])
    assert labels.action == ("bowl",) * 3


def test_a_label_of_another_shape_is_named(root: Path, tmp_path: Path) -> None:
    scipy_io.savemat(root / "labels" / "0003.mat", {"x": np.zeros((3, 13))})
    with pytest.raises(DataError, match=r"0003\.mat: expected the variables x, y.*missing are y"):
        ingest_benchmark("penn_action", root, tmp_path / "store", split="train")
    (root / "labels" / "0003.mat").write_text("nothing")
    with pytest.raises(DataError, match=r"0003\.mat: expected a MATLAB file"):
        ingest_benchmark("penn_action", root, tmp_path / "store", split="train")
