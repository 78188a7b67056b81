"""MPI-INF-3DHP: people in a studio and outdoors, with markerless motion capture."""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from keypointgan.data.benchmarks.annotations import read_hdf5, read_mat
from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import BenchmarkClip, Part, check_layout, label_clips
from keypointgan.data.benchmarks.crops import boxes_around, in_crops, sides, square_crops
from keypointgan.data.benchmarks.human36m import frames_between
from keypointgan.data.video import probe, read_image
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

NAME = "mpi_inf_3dhp"
TRAINING = tuple(f"S{number}" for number in range(1, 9))
TEST = tuple(f"TS{number}" for number in range(1, 7))
CAMERAS = (0, 2, 4, 7, 8)
"""Those at the height of the chest, of fourteen."""

JOINTS = ("spine3", "spine4", "spine2", "spine", "pelvis", "neck", "head", "head_top",
          "l_clavicle", "l_shoulder", "l_elbow", "l_wrist", "l_hand",
          "r_clavicle", "r_shoulder", "r_elbow", "r_wrist", "r_hand",
          "l_hip", "l_knee", "l_ankle", "l_foot", "l_toe",
          "r_hip", "r_knee", "r_ankle", "r_foot", "r_toe")  # fmt: skip
TEST_JOINTS = ("head_top", "neck", "r_shoulder", "r_elbow", "r_wrist", "l_shoulder", "l_elbow",
               "l_wrist", "r_hip", "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle", "pelvis",
               "spine", "head")  # fmt: skip
ACTIVITIES = ("standing_walking", "exercising", "sitting", "crouching_reaching", "on_the_floor",
              "sports", "miscellaneous")  # fmt: skip

_RENAMED = {"nose": "head"}  # of h36m17 -> here
_TEST_ROOT = "mpi_inf_3dhp_test_set"
_MARGIN = 1.2  # the crop's side over the longer side of the points' box


def _read(root: Path, split: str) -> Part:
    """Find the videos or pictures of a split, cropped around the annotated points."""
    return _read_test(root) if split == "test" else _read_training(root, split)


def _read_training(root: Path, split: str) -> Part:
    check_layout(root, TRAINING, dataset=NAME)
    clips, points = [], []
    for subject in TRAINING:
        for sequence in ("Seq1", "Seq2"):
            folder = root / subject / sequence
            check_layout(folder, ["annot.mat", "imageSequence"], dataset=NAME)
            cameras = read_mat(folder / "annot.mat", ["annot2"])["annot2"].reshape(-1)
            for camera in CAMERAS:
                video = folder / "imageSequence" / f"video_{camera}.avi"
                check_layout(root, [str(video.relative_to(root))], dataset=NAME)
                xy = np.asarray(cameras[camera], np.float64).reshape(-1, len(JOINTS), 2)
                count = min(len(xy), probe(video).frames)
                half = count // 2
                start, stop = (0, half) if split == "train" else (half, count)
                xy = _in_h36m17(xy[start:stop], JOINTS)
                crops = square_crops(boxes_around(xy), margin=_MARGIN, where=str(video))
                points.append(in_crops(xy, crops))
                clips.append(
                    BenchmarkClip(
                        name=f"{subject}/{sequence}/video_{camera}",
                        source=str(video.relative_to(root)),
                        group=subject,
                        count=stop - start,
                        fps=probe(video).fps,
                        frames=partial(frames_between, video, start, stop),
                        boxes=crops,
                    )
                )
    labels = label_clips(
        clips,
        points,
        joints=Skeleton.load("h36m17").joints,
        protocol="generic",
        source_sides=[sides(clip.boxes) for clip in clips if clip.boxes is not None],
    )
    return Part(clips, labels)


def _read_test(root: Path) -> Part:
    root = root / _TEST_ROOT if (root / _TEST_ROOT).is_dir() else root
    check_layout(root, TEST, dataset=NAME)
    clips, points, actions = [], [], []
    for name in TEST:
        folder = root / name
        check_layout(folder, ["annot_data.mat", "imageSequence"], dataset=NAME)
        file = folder / "annot_data.mat"
        values = read_hdf5(file, ["annot2", "valid_frame", "activity_annotation"])
        xy = values["annot2"].astype(np.float64).reshape(-1, len(TEST_JOINTS), 2)
        xy = _in_h36m17(xy, TEST_JOINTS)
        images = [folder / "imageSequence" / f"img_{i + 1:06d}.jpg" for i in range(len(xy))]
        crops = square_crops(boxes_around(xy), margin=_MARGIN, where=str(folder))
        known = in_crops(xy, crops)
        known[values["valid_frame"].reshape(-1) == 0] = np.nan  # these are not to be scored
        points.append(known)
        numbers = values["activity_annotation"].reshape(-1).astype(int)
        if numbers.min() < 1 or numbers.max() > len(ACTIVITIES):
            raise DataError(f"{file}: expected activities 1 to {len(ACTIVITIES)}, got others.")
        actions.append([ACTIVITIES[number - 1] for number in numbers])
        clips.append(
            BenchmarkClip(
                name=name,
                source=f"{name}/imageSequence",
                group=name,
                count=len(xy),
                fps=0.0,
                frames=partial(map, read_image, images),
                boxes=crops,
            )
        )
    labels = label_clips(
        clips,
        points,
        joints=Skeleton.load("h36m17").joints,
        protocol=NAME,
        actions=actions,
        source_sides=[sides(clip.boxes) for clip in clips if clip.boxes is not None],
    )
    return Part(clips, labels)


def _in_h36m17(
    points: Float64[ndarray, "frame _ 2"], joints: tuple[str, ...]
) -> Float64[ndarray, "frame 17 2"]:
    wanted = [_RENAMED.get(joint, joint) for joint in Skeleton.load("h36m17").joints]
    return points[:, [joints.index(joint) for joint in wanted]]


MPI_INF_3DHP = Benchmark(
    name=NAME,
    title="MPI-INF-3DHP: people in a studio and outdoors, with markerless motion capture.",
    citation="""Mehta, Rhodin, Casas, Fua, Sotnychenko, Xu, Theobalt: Monocular 3D Human Pose
        Estimation In The Wild Using Improved CNN Supervision, 3DV 2017.""",
    licence="For research only, not commercial; results may not appear in tabloid press.",
    obtain="vcai.mpi-inf.mpg.de/3dhp-dataset, after a form: its script fetches the videos.",
    layout="""
S1/Seq1/annot.mat                                     annot2: 14 cameras of (frame, 28 × 2)
S1/Seq1/imageSequence/video_0.avi                     and S1 to S8, Seq1 and Seq2, cameras 0 to 13
mpi_inf_3dhp_test_set/TS1/annot_data.mat     annot2, valid_frame, activity_annotation (7.3)
mpi_inf_3dhp_test_set/TS1/imageSequence/img_000001.jpg     and TS1 to TS6
""",
    splits={
        "train": "first half of the videos of S1 to S8 by the cameras 0, 2, 4, 7, 8",
        "prior": "second half of the same videos: the unpaired poses",
        "test": "TS1 to TS6; frames that are marked as not valid have no labels",
    },
    protocol="""The data set's own measure is a 3D one (PCK within 150 mm), which a detector of 2D
        points does not have; KeypointGAN uses this set as the prior of Human3.6M. We score the 2D
        error of 17 joints in % of the crop's side, the mean over seven activities of the mean over
        valid frames, and PCK within 5 and 10 % of the side. Training has 28 joints and test 17, in
        another order; both are brought to the joints of Human3.6M, whose nose is called head here,
        so the poses serve `h36m17`. Crops are squares of 1.2 times the points' box. Layout and
        joint orders are verified on published readers; the activities' names, the cameras at chest
        height and the halves are recalled, the crop is our choice.""",
    skeleton="h36m17",
    scored_as=NAME,
    read=_read,
    prior_split="prior",
)
