from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.benchmarks.flies import crop_centres, crop_side
from keypointgan.data.benchmarks.registry import ingest_benchmark
from keypointgan.data.labels import Labels
from keypointgan.data.store import Store


def test_a_flys_crop_is_a_margin_around_its_length() -> None:
    """Points 100 apart in the median frame: a side of 130."""
    track = np.zeros((3, 4, 2))
    track[:, 1, 0] = [80, 100, 300]
    track[2, 2] = np.nan
    assert crop_side([track]) == 130.0


def test_a_flys_centre_is_its_body_axis_and_bridges_gaps() -> None:
    """The mean of three points; of those seen; between neighbours where none was."""
    track = np.full((3, 5, 2), 999.0)
    track[0, :3] = [[0, 0], [3, 0], [6, 9]]
    track[1, :3] = np.nan
    track[2, :3] = [[np.nan, np.nan], [10, 0], [20, 2]]
    np.testing.assert_allclose(crop_centres(track), [[3, 3], [9, 2], [15, 1]])


@pytest.mark.slow
def test_flies_are_followed_with_their_thorax_near_the_middle(
    shared_data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("sleap_io")
    ingest_benchmark("flies", shared_data / "flies", tmp_path / "store", split="test", size=64)
    store, labels = Store.open(tmp_path / "store"), Labels.load(tmp_path / "store" / "labels.npz")
    assert [clip.frames for clip in store.clips] == [1500, 1500]
    middle = np.abs(labels.xy[:, labels.joints.index("thorax")])
    assert np.nanmax(middle) < 0.3
    assert (np.abs(labels.xy[~np.isnan(labels.xy)]) < 1).mean() > 0.995
    body = labels.xy[:, labels.joints.index("head")] - labels.xy[:, labels.joints.index("abdomen")]
    side = 2 * 70 / np.median(np.linalg.norm(body, axis=-1))  # flies are about 70 pixels long
    assert 120 < side < 160
