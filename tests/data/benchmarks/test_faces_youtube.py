import csv
import shutil
from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.registry import ingest_benchmark
from keypointgan.data.labels import Labels
from keypointgan.data.store import Store
from keypointgan.data.video import read_image
from keypointgan.skeletons import Skeleton


def opened(path: Path, skeleton: str) -> tuple[Store, Labels]:
    store = Store.open(path)
    return store, Labels.load(path / "labels.npz").for_joints(Skeleton.load(skeleton).joints)


def test_faces_are_a_clip_a_video_with_the_labels_there_are(
    shared_data: Path, tmp_path: Path
) -> None:
    """The first few test videos, those of which two frames or more are among seven."""
    source, root = shared_data / "faces_youtube", tmp_path / "root"
    (root / "frames").mkdir(parents=True)
    with (source / "index.csv").open(newline="") as file:
        entries = [entry for entry in csv.DictReader(file) if entry["split"] == "test"][:7]
    kept = [e for e in entries if sum(o["video"] == e["video"] for o in entries) >= 2]
    with (root / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, entries[0].keys())
        writer.writeheader()
        writer.writerows(kept)
    for entry in kept:
        shutil.copy(source / "frames" / entry["file"], root / "frames")
    ingest_benchmark("faces_youtube", root, tmp_path / "store", split="test", encoding="raw")
    store, labels = opened(tmp_path / "store", "face68")
    assert {clip.group for clip in store.clips} == {entry["person"] for entry in kept}
    labelled = [entry for entry in kept if entry["x0"]]
    assert len(labels.frame) == len(labelled) > 0
    frames = store.frames(labels.rows(store))
    for frame, points, entry in zip(frames, labels.xy, labelled, strict=True):
        np.testing.assert_array_equal(frame, read_image(root / "frames" / entry["file"]))
        corner = [float(entry["x36"]), float(entry["y36"])]
        np.testing.assert_allclose((points[36] + 1) * 64, corner, atol=1e-3)
