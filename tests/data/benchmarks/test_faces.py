"""300-W, 300-VW, VoxCeleb2 and CelebA with MAFL on small copies."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.benchmarks.registry import ingest_benchmark
from keypointgan.data.store import Store
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton


def write_pts(path: Path) -> None:
    """Landmarks around (31, 31), MATLAB's, 40 wide; landmark 36 is pixel (21, 31)."""
    points = np.full((68, 2), 31.0)
    points[0], points[16] = [11, 31], [51, 31]
    points[36], points[45] = [21, 31], [41, 31]
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(f"{x:.3f} {y:.3f}" for x, y in points)
    path.write_text(f"version: 1\nn_points:  68\n{{\n{lines}\n}}\n")


@pytest.fixture
def photographs(tmp_path: Path, photograph) -> Path:
    root = tmp_path / "300w"
    for folder, count, suffix in (
        ("afw", 2, "jpg"),
        ("helen/trainset", 2, "jpg"),
        ("helen/testset", 2, "jpg"),
        ("lfpw/trainset", 2, "png"),
        ("lfpw/testset", 2, "png"),
        ("ibug", 3, "jpg"),
    ):
        for index in range(count):
            stem = f"image_{index} _01"  # IBUG really has a name with a blank
            photograph(root / folder / f"{stem}.{suffix}", width=70, height=60, column=20, row=30)
            write_pts(root / folder / f"{stem}.pts")
    return root


def test_the_sets_of_300w_are_made_of_their_folders(photographs: Path, ingest) -> None:
    counts = {
        split: ingest("faces_300w", photographs, split)[0].num_frames
        for split in ("train", "test", "common", "challenging")
    }
    assert counts == {"train": 6, "test": 7, "common": 4, "challenging": 3}


def test_a_landmark_of_300w_lies_on_its_pixel(photographs: Path, ingest) -> None:
    """MATLAB's pixel 21 is the 20th counted from 0, its middle at 20.5; the crop is 60 wide."""
    store, labels = ingest("faces_300w", photographs, "challenging", size=60)
    assert labels.joints == Skeleton.load("face68").joints
    np.testing.assert_allclose(labels.xy[0, 36], [-10 / 30, 0], atol=1e-6)
    bright = np.argwhere(store.frames([0])[0, ..., 0] > 127).mean(0)[::-1] + 0.5
    np.testing.assert_allclose(bright / 60 * 2 - 1, labels.xy[0, 36], atol=0.02)
    assert {clip.fps for clip in store.clips} == {0.0}


def test_broken_landmarks_and_absent_photographs_are_named(
    photographs: Path, tmp_path: Path
) -> None:
    (photographs / "ibug" / "image_1 _01.pts").write_text("n_points: 68\n{\n1 2\n}\n")
    with pytest.raises(DataError, match=r"image_1 _01\.pts: expected 68 points x y, got 2"):
        ingest_benchmark("faces_300w", photographs, tmp_path / "store", split="challenging")
    (photographs / "lfpw" / "testset" / "image_0 _01.png").unlink()
    with pytest.raises(DataError, match=r"image_0 _01\.pts: expected its photograph"):
        ingest_benchmark("faces_300w", photographs, tmp_path / "store", split="common")


def test_300vw_is_split_by_video_and_followed_by_a_steady_crop(
    tmp_path: Path, film, ingest
) -> None:
    """Video 114 is one of the test videos; a surplus frame without landmarks is left out."""
    for name in ("001", "114"):
        film(tmp_path / "vw" / name / "vid.avi", count=5)
        for number in range(1, 5):
            write_pts(tmp_path / "vw" / name / "annot" / f"{number:06d}.pts")
    store, labels = ingest("faces_300vw", tmp_path / "vw", "train")
    assert [(clip.name, clip.frames) for clip in store.clips] == [("001", 4)]
    np.testing.assert_allclose(labels.source_side, 60)
    assert [clip.name for clip in ingest("faces_300vw", tmp_path / "vw", "test")[0].clips] == [
        "114"
    ]


def test_voxceleb_gives_one_utterance_a_video_every_fifth_frame_and_no_labels(
    tmp_path: Path, film
) -> None:
    root = tmp_path / "vox"
    for name in ("00001", "00002"):
        film(root / "dev" / "mp4" / "id00012" / "video" / f"{name}.mp4", count=11)
    ingest_benchmark(
        "faces_voxceleb2", root, tmp_path / "store", split="train", size=64, encoding="raw"
    )
    store = Store.open(tmp_path / "store")
    assert [(clip.name, clip.group, clip.fps) for clip in store.clips] == [
        ("id00012/video", "id00012", 5.0)
    ]
    np.testing.assert_allclose(store.frames([0, 1, 2])[:, 0, 0, 0], [10, 60, 110], atol=5)
    assert not (tmp_path / "store" / "labels.npz").exists()


@pytest.fixture
def celeba(tmp_path: Path, photograph) -> Path:
    """Photographs 1 to 6 are CelebA's training part; MAFL tests on 2 and 3, trains on 4 and 5."""
    root = tmp_path / "celeba"
    for folder in ("Anno", "Eval", "MAFL"):
        (root / folder).mkdir(parents=True)
    names = [f"{number:06d}.jpg" for number in range(1, 9)]
    for name in names:
        photograph(
            root / "Img" / "img_align_celeba" / name, width=178, height=218, column=69, row=111
        )
    landmarks = [f"{name} 69 111 108 111 88 135 73 152 105 152" for name in names]
    header = f"{len(names)}\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y ...\n"
    (root / "Anno" / "list_landmarks_align_celeba.txt").write_text(header + "\n".join(landmarks))
    partition = [f"{name} {0 if index < 6 else 2}" for index, name in enumerate(names)]
    (root / "Eval" / "list_eval_partition.txt").write_text("\n".join(partition))
    (root / "MAFL" / "training.txt").write_text("\n".join(names[3:5]))
    (root / "MAFL" / "testing.txt").write_text("\n".join(names[1:3]))
    return root


def test_celeba_never_trains_on_the_test_photographs_of_mafl(celeba: Path, ingest) -> None:
    counts = {
        split: ingest("faces_celeba", celeba, split)[0].num_frames
        for split in ("train", "mafl_train", "test")
    }
    assert counts == {"train": 4, "mafl_train": 2, "test": 2}


def test_celeba_is_squeezed_to_a_square_and_its_middle_kept(celeba: Path, ingest) -> None:
    """The left eye, pixel (69, 111): (69.5 / 178 - 0.5) / 0.4 across, (111.5 / 218 - 0.5) / 0.4."""
    store, labels = ingest("faces_celeba", celeba, "test", size=128)
    eye = [(69.5 / 178 - 0.5) / 0.4, (111.5 / 218 - 0.5) / 0.4]
    np.testing.assert_allclose(labels.xy[0, 0], eye, atol=1e-5)
    bright = np.argwhere(store.frames([0])[0, ..., 0] > 127).mean(0)[::-1] + 0.5
    np.testing.assert_allclose(bright / 128 * 2 - 1, eye, atol=0.02)
    assert labels.protocol == "mafl"
