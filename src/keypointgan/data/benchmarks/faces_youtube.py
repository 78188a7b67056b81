"""Faces of people in interviews and films, three frames a video and shot.

Source: a public teaching set made from Wolf, Hassner, Maoz: Face Recognition in Unconstrained
Videos with Matched Background Similarity (YouTube Faces), CVPR 2011.

Licence: for research; the videos belong to their makers. Labels are automatic and good, with
visible errors on dark or covered faces.

Layout:

```
frames/NAME.jpg   128×128
index.csv         file, video, person, split, source_width, source_height, x0, y0 ... x67, y67
```

A clip is a video, its frames in the order of the index; clips are grouped by person. Some frames of
both splits are labelled; those of train serve validation and the supervised bound only.
"""

import csv
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.clips import (
    BenchmarkClip,
    Split,
    check_layout,
    check_split,
    write_benchmark,
)
from keypointgan.data.ingest import IngestSummary
from keypointgan.data.labels import Labels
from keypointgan.data.store import Encoding, Progress
from keypointgan.data.video import read_image
from keypointgan.skeletons import Skeleton


def ingest_faces_youtube(
    root: Path,
    output: Path,
    *,
    split: Split,
    size: int = 128,
    encoding: Encoding = "jpeg",
    quality: int = 90,
    progress: Progress | None = None,
) -> IngestSummary:
    """Write the store of a split, with the labels there are, and return what it holds."""
    check_split(split)
    check_layout(root, ["index.csv", "frames"], dataset="faces_youtube")
    with (root / "index.csv").open(newline="", encoding="utf-8") as file:
        entries = [entry for entry in csv.DictReader(file) if entry["split"] == split]
    videos = defaultdict(list)
    for entry in entries:
        videos[entry["video"]].append(entry)
    clips = [
        BenchmarkClip(
            name=video,
            source=f"frames/{frames[0]['file']}",
            group=frames[0]["person"],
            count=len(frames),
            fps=0.0,
            frames=partial(map, read_image, [root / "frames" / frame["file"] for frame in frames]),
        )
        for video, frames in videos.items()
    ]
    joints = Skeleton.load("face68").joints
    labelled = [
        (video, number, [float(entry[f"{axis}{point}"]) for point in range(68) for axis in "xy"])
        for video, frames in videos.items()
        for number, entry in enumerate(frames)
        if entry["x0"]
    ]
    pixels = np.asarray([points for _, _, points in labelled]).reshape(-1, len(joints), 2)
    labels = Labels(
        xy=(pixels / 128 * 2 - 1).astype(np.float32),
        clip=tuple(video for video, _, _ in labelled),
        frame=np.asarray([number for _, number, _ in labelled], np.int64),
        action=None,
        joints=joints,
    )
    return write_benchmark(
        output, clips, labels, size=size, encoding=encoding, quality=quality, progress=progress
    )
