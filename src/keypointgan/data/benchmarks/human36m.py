"""Human3.6M, whole: fifteen activities, four cameras, original videos."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from keypointgan.data.benchmarks.annotations import open_hdf5, read_cdf
from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import (
    BenchmarkClip,
    Boxes,
    Part,
    check_layout,
    label_clips,
)
from keypointgan.data.benchmarks.crops import in_crops, sides, square_crops
from keypointgan.data.video import RGBFrame, probe, read_video
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

NAME = "human36m"
SUBJECTS = {
    "train": ("S1", "S5", "S6", "S7", "S8"),
    "prior": ("S1", "S5", "S6", "S7", "S8"),
    "test": ("S9", "S11"),
}
ACTIONS = {
    "Directions": "directions",
    "Discussion": "discussion",
    "Eating": "eating",
    "Greeting": "greeting",
    "Phoning": "phoning",
    "Posing": "posing",
    "Purchases": "purchases",
    "Sitting": "sitting",
    "SittingDown": "sitting_down",
    "Smoking": "smoking",
    "Photo": "taking_photo",
    "TakingPhoto": "taking_photo",
    "Waiting": "waiting",
    "Walking": "walking",
    "WalkDog": "walking_dog",
    "WalkingDog": "walking_dog",
    "WalkTogether": "walking_together",
}
"""Name of a file without its take -> activity; two activities are spelt in two ways."""

BROKEN = frozenset({("S11", "Directions.54138969")})
"""Videos that are known to be damaged, which everybody leaves out."""

_VIDEOS, _POSES = "Videos", "MyPoseFeatures/D2_Positions"
_BOXES = "MySegmentsMat/ground_truth_bb"
_MARGIN = 1.1  # the crop's side over the longer side of the provided box
_FPS = 50.0


@dataclass(frozen=True)
class _Sequence:
    subject: Path
    name: str
    action: str

    @property
    def video(self) -> Path:
        return self.subject / _VIDEOS / f"{self.name}.mp4"


def _read(root: Path, split: str) -> Part:
    """Find the videos of a split, cropped around the provided boxes, with their points."""
    clips, points, actions = [], [], []
    for sequence in _sequences(root, split):
        xy = _read_points(sequence.subject / _POSES / f"{sequence.name}.cdf")
        boxes = _read_boxes(sequence.subject / _BOXES / f"{sequence.name}.mat")
        count = min(len(xy), len(boxes), probe(sequence.video).frames)
        half = count // 2
        start, stop = {"train": (0, half), "prior": (half, count), "test": (0, count)}[split]
        crops = square_crops(boxes[start:stop], margin=_MARGIN, where=str(sequence.video))
        points.append(in_crops(xy[start:stop], crops))
        actions.append(sequence.action)
        clips.append(
            BenchmarkClip(
                name=f"{sequence.subject.name}/{sequence.name}",
                source=str(sequence.video.relative_to(root)),
                group=sequence.subject.name,
                count=stop - start,
                fps=_FPS,
                frames=partial(frames_between, sequence.video, start, stop),
                boxes=crops,
            )
        )
    labels = label_clips(
        clips,
        points,
        joints=Skeleton.load("h36m32").joints,
        protocol=NAME,
        actions=actions,
        source_sides=[sides(clip.boxes) for clip in clips if clip.boxes is not None],
    )
    return Part(clips, labels)


def frames_between(video: Path, start: int, stop: int) -> Iterator[RGBFrame]:
    """Return the frames of a video from `start` up to `stop`, which is left out."""
    return islice(read_video(video, start=start), stop - start)


def _sequences(root: Path, split: str) -> list[_Sequence]:
    check_layout(root, SUBJECTS[split], dataset=NAME)
    found = []
    for subject in SUBJECTS[split]:
        check_layout(root / subject, [_VIDEOS, _POSES, _BOXES], dataset=NAME)
        for video in sorted((root / subject / _VIDEOS).glob("*.mp4")):
            if video.stem.startswith("_ALL") or (subject, video.stem) in BROKEN:
                continue
            take = re.fullmatch(r"([A-Za-z]+)( \d)?\.\d{8}", video.stem)
            if take is None or take[1] not in ACTIONS:
                raise DataError(
                    f"{video}: expected a video ACTIVITY.CAMERA.mp4 or ACTIVITY 1.CAMERA.mp4, the "
                    f"activity one of {', '.join(ACTIONS)}."
                )
            found.append(_Sequence(root / subject, video.stem, ACTIONS[take[1]]))
    if not found:
        raise DataError(f"{root}: expected videos of {', '.join(SUBJECTS[split])}, found none.")
    return found


def _read_points(path: Path) -> Float64[ndarray, "frame 32 2"]:
    points = read_cdf(path, "Pose").astype(np.float64)
    if points.size % 64:
        raise DataError(f"{path}: expected 32 points a frame in 'Pose', got {points.shape}.")
    return points.reshape(-1, 32, 2)


def _read_boxes(path: Path) -> Boxes:
    """The bounding box of each frame's mask, which is a filled rectangle in a MATLAB 7.3 file."""
    with open_hdf5(path) as file:
        if "Masks" not in file:
            raise DataError(f"{path}: expected the variable 'Masks', got {', '.join(file)}.")
        references = np.asarray(file["Masks"]).reshape(-1)
        boxes = np.full((len(references), 4), np.nan)
        for box, reference in zip(boxes, references, strict=True):
            mask = np.asarray(file[reference]) > 0  # axes in reverse order: column, row
            columns, rows = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            if columns.size:
                box[:] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return boxes


HUMAN36M = Benchmark(
    name=NAME,
    title="Human3.6M, whole: fifteen activities, four cameras, original videos.",
    citation="""Ionescu, Papava, Olaru, Sminchisescu: Human3.6M: Large Scale Datasets and
        Predictive Methods for 3D Human Sensing in Natural Environments, TPAMI 2014.""",
    licence="For academic use, after registration; it may not be passed on.",
    obtain="vision.imar.ro/human3.6m: videos, D2 positions and ground-truth bounding boxes.",
    layout="""
S1/Videos/ACTIVITY[ TAKE].CAMERA.mp4                            and S5 to S9, S11
S1/MyPoseFeatures/D2_Positions/ACTIVITY[ TAKE].CAMERA.cdf       'Pose': 32 points in pixels, x y
S1/MySegmentsMat/ground_truth_bb/ACTIVITY[ TAKE].CAMERA.mat     'Masks': MATLAB 7.3
""",
    splits={
        "train": "first half of each video of S1, S5, S6, S7, S8",
        "prior": "second half of the same videos: the unpaired poses",
        "test": "whole videos of S9 and S11",
    },
    protocol="""Frames are cropped to a square of 1.1 times the longer side of the provided box.
        Mean Euclidean error of the 17 joints of the official evaluation, in pixels of the original
        frames, the mean over fifteen activities of the mean over frames. Subjects, halves and
        boxes are recalled from the paper; the 17 joints, pixels of the original frames and the
        mean over activities are verified on the release (`used_points=original`,
        `error_form=original`). The tables say "MSE" in pixels; we take it for the mean distance,
        as the release computes it, and report the better of both left/right labellings beside. The
        margin of 1.1 is our choice. Layout, the spelling of activities (`Photo` and `TakingPhoto`,
        `WalkDog` and `WalkingDog`), `_ALL` videos and the damaged video of S11 are verified on
        published readers, not on the data.""",
    skeleton="h36m32",
    scored_as=NAME,
    read=_read,
    prior_split="prior",
)
