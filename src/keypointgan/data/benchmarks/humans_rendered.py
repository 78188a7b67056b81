"""Rendered people, driven by real motion capture, over real photographs."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import BenchmarkClip, Part, check_layout
from keypointgan.data.labels import Labels
from keypointgan.data.video import probe, read_video


def _read(root: Path, split: str) -> Part:
    """Find the clips of a split, with all its labels."""
    label_file = f"{split}_labels.npz"
    check_layout(root, [split, label_file], dataset="humans_rendered")
    labels = Labels.load(root / label_file)
    with np.load(root / label_file, allow_pickle=False) as file:
        person_of = dict(zip(file["clip"].tolist(), file["person"].tolist(), strict=True))
    clips = []
    for name, person in person_of.items():
        path = root / split / f"{name}.mp4"
        clips.append(
            BenchmarkClip(
                name=name,
                source=f"{split}/{path.name}",
                group=f"person{person}",
                count=labels.clip.count(name),
                fps=probe(path).fps,
                frames=partial(read_video, path),
            )
        )
    return Part(clips, replace(labels, protocol="generic"))


HUMANS_RENDERED = Benchmark(
    name="humans_rendered",
    title="Rendered people, driven by real motion capture, over real photographs.",
    citation="""Bodies, clothes and hair from the MakeHuman community assets; motion from the CMU
        Graphics Lab Motion Capture Database (mocap.cs.cmu.edu, NSF EIA-0196217); backgrounds from
        Poly Haven.""",
    licence="""Bodies and backgrounds CC0; the motion data is free for research and commercial use
        but may not be resold itself.""",
    obtain="Made for this project.",
    layout="""
train/0000.mp4 ...   test/0000.mp4 ...    128×128 at 15 fps
train_labels.npz     test_labels.npz      xy (frame, 17, 2), clip, frame, action, person, joints
""",
    splits={"train": "720 clips", "test": "64 clips of other motion subjects, clothes, places"},
    protocol="""Error in % of the image side, the mean over actions of the mean over frames. Clips
        are grouped by person (`person7`): a person's clips share body, clothes and skin.""",
    skeleton="h36m17",
    scored_as="generic",
    read=_read,
)
