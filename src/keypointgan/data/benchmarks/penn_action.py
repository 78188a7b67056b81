"""Penn Action: 2,326 videos of sports and exercises from the web."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from keypointgan.data.benchmarks.annotations import read_mat
from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import (
    BenchmarkClip,
    Boxes,
    Part,
    check_layout,
    label_clips,
)
from keypointgan.data.benchmarks.crops import (
    from_one_based,
    in_crops,
    relative_sizes,
    sides,
    square_crops,
)
from keypointgan.data.video import read_image
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

NAME = "penn_action"
_MARGIN = 1.25  # the crop's side over the longer side of the provided box
_TRAINING = 1  # the variable 'train' is 1 in training videos and -1 in test videos


@dataclass(frozen=True)
class _Video:
    name: str
    action: str
    training: bool
    points: Float64[ndarray, "frame 13 2"]
    boxes: Boxes


def _read(root: Path, split: str) -> Part:
    """Find the videos of a split, cropped around the provided boxes."""
    check_layout(root, ["frames", "labels"], dataset=NAME)
    files = sorted((root / "labels").glob("*.mat"))
    if not files:
        raise DataError(f"{root / 'labels'}: expected labels 0001.mat, 0002.mat, ..., found none.")
    videos = [_read_video(file) for file in files]
    clips, points, sizes = [], [], []
    chosen = _split(videos, split)
    for video in chosen:
        folder = root / "frames" / video.name
        images = [folder / f"{number:06d}.jpg" for number in range(1, len(video.points) + 1)]
        crops = square_crops(video.boxes, margin=_MARGIN, where=str(folder))
        points.append(in_crops(video.points, crops))
        sizes.append(relative_sizes(video.boxes, crops))
        clips.append(
            BenchmarkClip(
                name=video.name,
                source=f"frames/{video.name}",
                group=video.name,
                count=len(images),
                fps=0.0,
                frames=partial(map, read_image, images),
                boxes=crops,
            )
        )
    labels = label_clips(
        clips,
        points,
        joints=Skeleton.load("penn13").joints,
        protocol=NAME,
        actions=[video.action for video in chosen],
        source_sides=[sides(clip.boxes) for clip in clips if clip.boxes is not None],
        object_sizes=sizes,
    )
    return Part(clips, labels)


def _split(videos: list[_Video], split: str) -> list[_Video]:
    """The test videos, or one half of the training videos of every action."""
    if split == "test":
        return [video for video in videos if not video.training]
    halves: list[_Video] = []
    for action in sorted({video.action for video in videos}):
        same = [video for video in videos if video.training and video.action == action]
        half = len(same) // 2
        halves += same[:half] if split == "train" else same[half:]
    return halves


def _read_video(path: Path) -> _Video:
    values = read_mat(path, ["x", "y", "visibility", "train", "bbox", "action"])
    shapes = {name: values[name].shape for name in ("x", "y", "visibility")}
    if len(set(shapes.values())) != 1 or values["x"].shape[1:] != (13,):
        raise DataError(f"{path}: expected x, y, visibility of (frame, 13), got {shapes}.")
    points = from_one_based(np.stack([values["x"], values["y"]], axis=-1).astype(np.float64))
    points[values["visibility"] == 0] = np.nan
    boxes = np.full((len(points), 4), np.nan)
    given = values["bbox"].astype(np.float64)[: len(points)]
    boxes[: len(given)] = np.where(given.any(1, keepdims=True), from_one_based(given), np.nan)
    return _Video(
        name=path.stem,
        action=str(values["action"].reshape(-1)[0]),
        training=int(values["train"].reshape(-1)[0]) == _TRAINING,
        points=points[:, list(Skeleton.load("penn13").mirror)],  # theirs are the viewer's sides
        boxes=boxes,
    )


PENN_ACTION = Benchmark(
    name=NAME,
    title="Penn Action: 2,326 videos of sports and exercises from the web.",
    citation="""Zhang, Zhu, Derpanis: From Actemes to Action: A Strongly-supervised Representation
        for Detailed Action Understanding, ICCV 2013.""",
    licence="For research; the videos belong to their makers.",
    obtain="dreamdragon.github.io/PennAction (Penn_Action.tar.gz).",
    layout="""
frames/0001/000001.jpg   frames of a video, counted from 1
labels/0001.mat          x, y, visibility (frame, 13), bbox (frame, 4), action, train (1 or -1)
""",
    splits={
        "train": "first half of the training videos of every action",
        "prior": "second half of the training videos of every action: the unpaired poses",
        "test": "the test videos (`train` is -1)",
    },
    protocol="""PCK: share of the visible points within 0.2 of the longer side of the person's box,
        and within 0.1; the mean over actions of the mean over frames. Pixels are MATLAB's, the
        first is 1. `train` is 1 for training and -1 for test. Points marked as not visible are not
        scored. The file's left is the right of a person who faces the camera (so in 99 % of the
        frontal poses that we measured, and in most of those from behind): left and right are
        exchanged here, so that left is the person's. Crops are squares of 1.25 times the box, our
        choice; frames without a box get one between their neighbours'. Layout and variables are
        verified on published readers; the split of the training videos in halves is recalled from
        the paper; published PCK is for the file's own sides, for which left and right matter only
        if a detector confuses them.""",
    skeleton="penn13",
    scored_as=NAME,
    read=_read,
    prior_split="prior",
)
