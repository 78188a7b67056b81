"""Simplified Human3.6M, the setting in which the paper reports its main numbers.

Source: Zhang et al., Unsupervised Discovery of Object Landmarks as Structural Representations, CVPR
2018; frames of Ionescu et al., Human3.6M, TPAMI 2014. Protocol: release of Jakab et al., CVPR 2020,
`data/simplehuman36m_dataset.py`.

Licence: Human3.6M is for academic use and asks for registration; nothing of it is distributed here.

Layout:

```
human_images/SUBJECT/WithBackground/SEQUENCE/FRAME.jpg     128×128; or its content as the root
human_images/SUBJECT/BackgroudMask/SEQUENCE/FRAME.png      the folder really is spelled so
human_images/SUBJECT/Landmarks/SEQUENCE/FRAME.mat          keypoints_2d (32, 2) in [0, 1], row first
```

Six actions. Train: subjects 1, 5, 6, 7, 8, 9; the first half of their sequences gives the frames,
the second half the unpaired poses. Test: subject 11, whole sequences. Clips are grouped by subject.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from keypointgan.data.benchmarks.clips import (
    BenchmarkClip,
    Split,
    check_layout,
    check_split,
    write_benchmark,
)
from keypointgan.data.ingest import IngestSummary
from keypointgan.data.labels import Labels
from keypointgan.data.resize import Picture
from keypointgan.data.store import Encoding, Progress
from keypointgan.data.video import read_image
from keypointgan.errors import DataError, MissingExtraError
from keypointgan.skeletons import Skeleton
from keypointgan.types import PoseArray

ACTIONS = ("directions", "discussion", "greeting", "posing", "waiting", "walking")
SUBJECTS: dict[Split, tuple[str, ...]] = {
    "train": ("S1", "S5", "S6", "S7", "S8", "S9"),
    "test": ("S11",),
}
_FRAMES, _MASKS, _POINTS = "WithBackground", "BackgroudMask", "Landmarks"
_FPS = 50.0


def ingest_simplified_human36m(
    root: Path,
    output: Path,
    *,
    split: Split,
    size: int = 128,
    encoding: Encoding = "jpeg",
    quality: int = 90,
    progress: Progress | None = None,
) -> IngestSummary:
    """Write the store of a split, with masks and labels, and return what it holds.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    check_split(split)
    clips, points, actions = [], [], []
    for subject, sequence, action, numbers in _sequences(root, split):
        kept = numbers[: len(numbers) // 2] if split == "train" else numbers
        images = [subject / _FRAMES / sequence / f"{number}.jpg" for number in kept]
        masks = [subject / _MASKS / sequence / f"{number}.png" for number in kept]
        points.append(_read_points(subject / _POINTS / sequence, kept))
        actions.append(action)
        clips.append(
            BenchmarkClip(
                name=f"{subject.name}/{sequence}",
                source=f"{subject.name}/{_FRAMES}/{sequence}",
                group=subject.name,
                count=len(kept),
                fps=_FPS,
                frames=partial(map, read_image, images),
                masks=partial(_read_masks, masks),
            )
        )
    counts = [clip.count for clip in clips]
    labels = Labels(
        xy=np.concatenate(points),
        clip=tuple(np.repeat([clip.name for clip in clips], counts).tolist()),
        frame=np.concatenate([np.arange(count) for count in counts]).astype(np.int64),
        action=tuple(np.repeat(actions, counts).tolist()),
        joints=Skeleton.load("h36m32").joints,
    )
    return write_benchmark(
        output, clips, labels, size=size, encoding=encoding, quality=quality, progress=progress
    )


def _read_masks(paths: list[Path]) -> Iterator[Picture]:
    return (read_image(path)[..., 1] for path in paths)  # grey: any channel will do


def prior_simplified_human36m(root: Path) -> PoseArray:
    """Return the unpaired poses: the second half of the training sequences, normalised (x, y).

    They are in the coordinates of the frames already, so a prior takes them as they are.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    return np.concatenate(
        [
            _read_points(subject / _POINTS / sequence, numbers[len(numbers) // 2 :])
            for subject, sequence, _, numbers in _sequences(root, "train")
        ]
    )


def _sequences(root: Path, split: Split) -> list[tuple[Path, str, str, list[int]]]:
    """Folder of the subject, sequence, action and frame numbers of every sequence used."""
    root = root / "human_images" if (root / "human_images").is_dir() else root
    check_layout(root, SUBJECTS[split], dataset="Simplified Human3.6M")
    found = []
    for subject in SUBJECTS[split]:
        check_layout(root / subject, [_FRAMES, _MASKS, _POINTS], dataset="Simplified Human3.6M")
        names = sorted(folder.name for folder in (root / subject / _MASKS).iterdir())
        for action in ACTIONS:
            for name in names:
                if name.lower().startswith(action):
                    files = (root / subject / _MASKS / name).glob("*.png")
                    numbers = sorted(int(file.stem) for file in files)
                    found.append((root / subject, name, action, numbers))
    if not found:
        raise DataError(f"{root}: expected sequences of {', '.join(ACTIONS)}, found none.")
    return found


def _read_points(folder: Path, numbers: list[int]) -> Float32[ndarray, "frame 32 2"]:
    """The points of some frames, normalised (x, y)."""
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise MissingExtraError("scipy", extra="formats", purpose="read .mat files") from error
    poses = np.empty((len(numbers), 32, 2), np.float32)
    for pose, number in zip(poses, numbers, strict=True):
        file = folder / f"{number}.mat"
        try:
            points = loadmat(str(file))["keypoints_2d"]
        except (OSError, KeyError, ValueError) as error:
            raise DataError(f"{file}: expected a .mat with 'keypoints_2d' ({error}).") from error
        if points.shape != (32, 2):
            raise DataError(f"{file}: expected 'keypoints_2d' of (32, 2), got {points.shape}.")
        pose[:] = points[:, ::-1] * 2 - 1  # stored row first
    return poses
