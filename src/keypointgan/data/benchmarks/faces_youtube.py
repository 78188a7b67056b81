"""Faces of people in interviews and films, three frames a video and shot."""

import csv
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import BenchmarkClip, Part, check_layout
from keypointgan.data.labels import Labels
from keypointgan.data.video import read_image
from keypointgan.skeletons import Skeleton


def _read(root: Path, split: str) -> Part:
    """Find the videos of a split and the labels there are."""
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
    labelled = [
        (video, number, [float(entry[f"{axis}{point}"]) for point in range(68) for axis in "xy"])
        for video, frames in videos.items()
        for number, entry in enumerate(frames)
        if entry["x0"]
    ]
    pixels = np.asarray([points for _, _, points in labelled]).reshape(-1, 68, 2)
    labels = Labels(
        xy=(pixels / 128 * 2 - 1).astype(np.float32),
        clip=tuple(video for video, _, _ in labelled),
        frame=np.asarray([number for _, number, _ in labelled], np.int64),
        action=None,
        joints=Skeleton.load("face68").joints,
        protocol="faces68",
    )
    return Part(clips, labels)


FACES_YOUTUBE = Benchmark(
    name="faces_youtube",
    title="Faces of people in interviews and films, three frames a video and shot.",
    citation="""Source: a public teaching set made from Wolf, Hassner, Maoz: Face Recognition in
        Unconstrained Videos with Matched Background Similarity (YouTube Faces), CVPR 2011.""",
    licence="For research; the videos belong to their makers.",
    obtain="Made for this project; YouTube Faces: www.cs.tau.ac.il/~wolf/ytfaces.",
    layout="""
frames/NAME.jpg   128×128
index.csv         file, video, person, split, source_width, source_height, x0, y0 ... x67, y67
""",
    splits={"train": "a clip a video, frames in the order of the index", "test": "other persons"},
    protocol="""Error over the distance of the outer eye corners. Labels are automatic and good,
        with visible errors on dark or covered faces; those of train serve validation and the
        supervised bound only. Clips are grouped by person.""",
    skeleton="face68",
    scored_as="faces68",
    read=_read,
)
