"""CAT on a small copy: landmarks beside the photographs, lists where there are some."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.benchmarks.registry import ingest_benchmark
from keypointgan.errors import DataError

POINTS = [[20, 30], [60, 30], [40, 50], [10, 20], [10, 10], [20, 15], [60, 15], [70, 10], [70, 20]]


@pytest.fixture
def root(tmp_path: Path, photograph) -> Path:
    root = tmp_path / "cats"
    for folder in ("CAT_00", "CAT_06"):
        for index in range(4):
            name = f"{folder[-2:]}00000{index}_000.jpg"
            photograph(root / folder / name, width=80, height=70, column=20, row=30)
            text = "9 " + " ".join(str(value) for point in POINTS for value in point) + " \n"
            (root / folder / f"{name}.cat").write_text(text)
    photograph(root / "CAT_00" / "00000003_019.jpg", width=80, height=70, column=9, row=9)
    return root


def test_the_last_folder_is_test_and_the_rest_is_halved(root: Path, ingest) -> None:
    """A photograph without landmarks, of which the data set has one, is left out."""
    counts = {
        split: ingest("cats", root, split)[0].num_frames for split in ("train", "prior", "test")
    }
    assert counts == {"train": 2, "prior": 2, "test": 4}


def test_lists_of_a_paper_take_precedence(root: Path, ingest) -> None:
    train = [f"CAT_06/0600000{index}_000.jpg" for index in range(4)]
    (root / "cat_train_images.txt").write_text("\n".join(train))
    (root / "cat_test_images.txt").write_text("00000000_000.jpg\n00000001_000.jpg\n")
    assert ingest("cats", root, "test")[0].num_frames == 2
    assert ingest("cats", root, "train")[0].num_frames == 2


def test_an_eye_lies_on_its_pixel(root: Path, ingest) -> None:
    """Columns 10 to 70 and rows 10 to 50 are boxed: a square of 90 around (40.5, 30.5)."""
    store, labels = ingest("cats", root, "test", size=90)
    np.testing.assert_allclose(labels.xy[0, 0], [-20 / 45, 0], atol=1e-6)
    bright = np.argwhere(store.frames([0])[0, ..., 0] > 127).mean(0)[::-1] + 0.5
    np.testing.assert_allclose(bright / 90 * 2 - 1, labels.xy[0, 0], atol=0.02)


def test_landmarks_of_another_number_are_refused(root: Path, tmp_path: Path) -> None:
    (root / "CAT_06" / "06000001_000.jpg.cat").write_text("8 1 2 3 4")
    with pytest.raises(DataError, match=r"06000001_000\.jpg\.cat: expected 9 points, got '8'"):
        ingest_benchmark("cats", root, tmp_path / "store", split="test")
