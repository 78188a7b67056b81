from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.benchmarks.clips import BenchmarkClip, Part, write_benchmark
from keypointgan.data.labels import Labels
from keypointgan.errors import LabelError


def test_labels_that_count_other_frames_than_the_clip_are_refused(tmp_path: Path) -> None:
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    clip = BenchmarkClip("a", "a.mp4", "a", 4, 25, lambda: frames)
    labels = Labels(np.zeros((1, 2, 2), np.float32), ("a",), np.zeros(1, np.int64), None, ())
    with pytest.raises(LabelError, match=r"expected 4 frames in clip 'a'.*got 3"):
        write_benchmark(
            tmp_path, Part([clip], labels), size=8, encoding="raw", quality=90, progress=None
        )
