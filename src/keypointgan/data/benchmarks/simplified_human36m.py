"""Simplified Human3.6M, the setting in which the paper reports its main numbers."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from keypointgan.data.benchmarks.annotations import read_mat
from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import BenchmarkClip, Part, check_layout, label_clips
from keypointgan.data.resize import Picture
from keypointgan.data.video import read_image
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton
from keypointgan.types import PoseArray

NAME = "simplified_human36m"
ACTIONS = ("directions", "discussion", "greeting", "posing", "waiting", "walking")
_TRAINING = ("S1", "S5", "S6", "S7", "S8", "S9")
SUBJECTS = {"train": _TRAINING, "prior": _TRAINING, "test": ("S11",)}
_FRAMES, _MASKS, _POINTS = "WithBackground", "BackgroudMask", "Landmarks"
_FPS = 50.0


def _read(root: Path, split: str) -> Part:
    """Find the sequences of a split, with masks and labels."""
    clips, points, actions = [], [], []
    for subject, sequence, action, numbers in _sequences(root, split):
        half = len(numbers) // 2
        kept = {"train": numbers[:half], "prior": numbers[half:], "test": numbers}[split]
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
    labels = label_clips(
        clips, points, joints=Skeleton.load("h36m32").joints, protocol=NAME, actions=actions
    )
    return Part(clips, labels)


def _read_masks(paths: list[Path]) -> Iterator[Picture]:
    return (read_image(path)[..., 1] for path in paths)  # grey: any channel will do


def prior_simplified_human36m(root: Path) -> PoseArray:
    """Return the unpaired poses: the second half of the training sequences, normalised (x, y).

    They are in the coordinates of the frames already, so a prior takes them as they are.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    labels = _read(root, "prior").labels
    assert labels is not None  # every frame has its file
    return labels.xy


def _sequences(root: Path, split: str) -> list[tuple[Path, str, str, list[int]]]:
    """Folder of the subject, sequence, action and frame numbers of every sequence used."""
    root = root / "human_images" if (root / "human_images").is_dir() else root
    check_layout(root, SUBJECTS[split], dataset=NAME)
    found = []
    for subject in SUBJECTS[split]:
        check_layout(root / subject, [_FRAMES, _MASKS, _POINTS], dataset=NAME)
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
    poses = np.empty((len(numbers), 32, 2), np.float32)
    for pose, number in zip(poses, numbers, strict=True):
        file = folder / f"{number}.mat"
        points = read_mat(file, ["keypoints_2d"])["keypoints_2d"]
        if points.shape != (32, 2):
            raise DataError(f"{file}: expected 'keypoints_2d' of (32, 2), got {points.shape}.")
        pose[:] = points[:, ::-1] * 2 - 1  # stored row first
    return poses


SIMPLIFIED_HUMAN36M = Benchmark(
    name=NAME,
    title="Simplified Human3.6M, the setting in which the paper reports its main numbers.",
    citation="""Zhang et al., Unsupervised Discovery of Object Landmarks as Structural
        Representations, CVPR 2018; frames of Ionescu et al., Human3.6M, TPAMI 2014.""",
    licence="""Human3.6M is for academic use and asks for registration; nothing of it is
        distributed here.""",
    obtain="""human_images.tar.gz of the release `YutingZhang/lmdis-rep`; the README of the release
        `tomasjakab/keypointgan` gives the address.""",
    layout="""
human_images/SUBJECT/WithBackground/SEQUENCE/FRAME.jpg   128×128; or its content as the root
human_images/SUBJECT/BackgroudMask/SEQUENCE/FRAME.png    the folder really is spelt so
human_images/SUBJECT/Landmarks/SEQUENCE/FRAME.mat        keypoints_2d (32, 2) in [0, 1], row first
""",
    splits={
        "train": "first half of each sequence of S1, S5, S6, S7, S8, S9",
        "prior": "second half of the same sequences: the unpaired poses",
        "test": "whole sequences of S11",
    },
    protocol="""Six actions: directions, discussion, greeting, posing, waiting, walking. Mean
        Euclidean error of all 32 points in % of the image side, the mean over actions of the mean
        over frames, every frame. Half of the 32 points are ends of the 16 drawn links; the others
        cannot be learnt well and count all the same. Backgrounds are painted out in training and
        test (`data.mask_background`). The release prints the error as it is and the better of the
        two left/right labellings of a frame; which of them a published number is, is often not
        said: compare with both. Verified on `data/simplehuman36m_dataset.py` and `test_pose.py` of
        the release of Jakab et al., CVPR 2020. Some later papers train on S1, S5, S6, S7, S8 and
        test on S9 and S11: those numbers do not compare. The release paints the background black,
        we paint it mid-grey.""",
    skeleton="h36m32",
    scored_as=NAME,
    read=_read,
    prior_split="prior",
)
