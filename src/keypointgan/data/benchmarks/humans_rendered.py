"""Rendered people, driven by real motion capture, over real photographs.

Source: bodies, clothes and hair from the MakeHuman community assets; motion from the CMU Graphics
Lab Motion Capture Database (mocap.cs.cmu.edu, NSF EIA-0196217); backgrounds from Poly Haven.

Licence: bodies and backgrounds CC0; the motion data is free for research and commercial use but
may not be resold itself.

Layout:

```
train/0000.mp4 ...   test/0000.mp4 ...    128×128 at 15 fps
train_labels.npz     test_labels.npz      xy (frame, 17, 2), clip, frame, action, person, joints
```

Clips are grouped by person (`person7`): a person's clips share body, clothes and skin.
"""

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
from keypointgan.data.video import probe, read_video


def ingest_humans_rendered(
    root: Path,
    output: Path,
    *,
    split: Split,
    size: int = 128,
    encoding: Encoding = "jpeg",
    quality: int = 90,
    progress: Progress | None = None,
) -> IngestSummary:
    """Write the store of a split, with all its labels inside, and return what it holds."""
    check_split(split)
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
    return write_benchmark(
        output, clips, labels, size=size, encoding=encoding, quality=quality, progress=progress
    )
