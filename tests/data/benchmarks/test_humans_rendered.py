import shutil
from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.registry import ingest_benchmark
from keypointgan.data.labels import Labels
from keypointgan.data.store import Store
from keypointgan.data.video import read_video
from keypointgan.skeletons import Skeleton


def opened(path: Path, skeleton: str) -> tuple[Store, Labels]:
    store = Store.open(path)
    return store, Labels.load(path / "labels.npz").for_joints(Skeleton.load(skeleton).joints)


def test_rendered_humans_keep_frames_labels_and_persons_together(
    shared_data: Path, tmp_path: Path
) -> None:
    """Clips 0000 and 0002 of the test split, copied out."""
    source, root = shared_data / "humans_rendered", tmp_path / "root"
    (root / "test").mkdir(parents=True)
    with np.load(source / "test_labels.npz") as file:
        kept = np.isin(file["clip"], ["0000", "0002"])
        values = {key: file[key][kept] for key in file.files if key != "joints"}
        np.savez(root / "test_labels.npz", joints=file["joints"], **values)
    for name in ("0000", "0002"):
        shutil.copy(source / "test" / f"{name}.mp4", root / "test")
    summary = ingest_benchmark(
        "humans_rendered", root, tmp_path / "store", split="test", encoding="raw"
    )
    store, labels = opened(tmp_path / "store", "h36m17")
    assert (summary.clips, summary.frames) == (2, int(kept.sum()))
    assert {clip.group for clip in store.clips} == {
        f"person{person}" for person in set(values["person"])
    }
    np.testing.assert_allclose((labels.xy + 1) * 64, values["xy"], atol=1e-3)
    np.testing.assert_array_equal(labels.rows(store), np.arange(store.num_frames))
    frames = np.stack(list(read_video(source / "test" / "0002.mp4")))
    start = store.row("0002", 0)
    np.testing.assert_array_equal(store.frames(range(start, start + len(frames))), frames)
