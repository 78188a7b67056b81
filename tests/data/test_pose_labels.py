"""Poses of other tools as labels of the frames of a store."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from keypointgan.data.ingest import ingest
from keypointgan.data.plans import Follow
from keypointgan.data.pose_labels import read_labels
from keypointgan.data.store import Store
from keypointgan.data.video import write_video
from keypointgan.errors import LabelError

HEADER = "frame,track,nose_x,nose_y,nose_confidence,tail_x,tail_y,tail_confidence\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Squares of side 20 around (30, 20 + n) of frames 2 to 5."""
    write_video(tmp_path / "a.mp4", [np.full((64, 64, 3), 9 * n, np.uint8) for n in range(8)], 25)
    lines = [f"{n},fly,20,{10 + n},40,{30 + n}" for n in range(2, 6)]
    (tmp_path / "boxes.csv").write_text("frame,track,x0,y0,x1,y1\n" + "\n".join(lines))
    crop = Follow(str(tmp_path / "boxes.csv"), margin=1.0)
    ingest(tmp_path / "a.mp4", tmp_path / "store", size=16, crop=crop)
    return Store.open(tmp_path / "store")


def test_pixels_of_the_video_become_places_in_the_squares(store: Store, tmp_path: Path) -> None:
    """The middle of the square is 0; a quarter of its side to the right is 0.5. NaN stays."""
    (tmp_path / "a.csv").write_text(
        HEADER + "0,fly,1,1,1,1,1,1\n3,fly,30,23,1,35,13,1\n5,fly,20,35,1,,,0\n3,bee,1,1,1,1,1,1\n"
    )
    labels = read_labels(tmp_path / "a.csv", store)
    assert (labels.clip, labels.joints) == (("a/fly", "a/fly"), ("nose", "tail"))
    assert labels.frame.tolist() == [1, 3]
    expected = [[[0, 0], [0.5, -1]], [[-1, 1], [np.nan, np.nan]]]
    assert_allclose(labels.xy, expected, atol=1e-6)
    assert labels.rows(store).tolist() == [1, 3]


def test_poses_of_other_animals_are_no_labels(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "3,bee,1,1,1,1,1,1\n")
    with pytest.raises(LabelError, match=r"the animals 'bee'.*such as 'a/fly'"):
        read_labels(tmp_path / "a.csv", store)


def test_proofread_points_of_flies_lie_in_their_squares(shared_data: Path, tmp_path: Path) -> None:
    """As the reader of the benchmark says, which cuts around another middle, by its squares."""
    pytest.importorskip("sleap_io")
    flies = shared_data / "flies"
    crop = Follow(str(flies / "clip.slp"))
    ingest(flies / "clip.mp4", tmp_path / "store", size=32, crop=crop)
    labels = read_labels(flies / "clip.slp", Store.open(tmp_path / "store"))
    assert len(labels.xy) == 3000
    assert np.nanquantile(np.abs(labels.xy), 0.99) < 1
    assert np.abs(np.nanmean(labels.xy, axis=(0, 1))).max() < 0.01
