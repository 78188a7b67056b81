"""Talking faces without labels that are read: 300-VW and VoxCeleb2."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.annotations import read_pts
from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import BenchmarkClip, Part, check_layout, label_clips
from keypointgan.data.benchmarks.crops import (
    boxes_around,
    from_one_based,
    in_crops,
    sides,
    square_crops,
)
from keypointgan.data.video import RGBFrame, probe, read_video
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

_CATEGORIES = (
    "114 124 125 126 150 158 401 402 505 506 507 508 509 510 511 514 515 518 519 520 521 522 524 "
    "525 537 538 540 541 546 547 548",
    "203 208 211 212 213 214 218 224 403 404 405 406 407 408 409 412 550 551 553",
    "410 411 516 517 526 528 529 530 531 533 557 558 559 562",
)
TEST_300VW = frozenset(number for category in _CATEGORIES for number in category.split())
_MARGIN_300VW = 1.5  # the crop's side over the longer side of the landmarks' box
VOXCELEB_STEP = 5  # one frame in so many


def _read_300vw(root: Path, split: str) -> Part:
    """Find the videos of a split, a steady crop following the face."""
    check_layout(root, [], dataset="faces_300vw")
    videos = sorted(video for video in root.glob("*/vid.avi"))
    if not videos:
        raise DataError(
            f"{root / '001' / 'vid.avi'}: expected this video and others, found none. 'keypointgan "
            "benchmarks faces_300vw' shows the layout and where to get the data."
        )
    chosen = [video for video in videos if (video.parent.name in TEST_300VW) == (split == "test")]
    clips, points = [], []
    for video in chosen:
        files = sorted((video.parent / "annot").glob("*.pts"))
        if not files:
            raise DataError(f"{video.parent / 'annot'}: expected 000001.pts, ..., found none.")
        count = min(len(files), probe(video).frames)
        pixels = from_one_based(np.stack([read_pts(file, count=68) for file in files[:count]]))
        crops = square_crops(
            boxes_around(pixels), margin=_MARGIN_300VW, steady=True, where=str(video)
        )
        points.append(in_crops(pixels, crops))
        clips.append(
            BenchmarkClip(
                name=video.parent.name,
                source=f"{video.parent.name}/vid.avi",
                group=video.parent.name,
                count=count,
                fps=probe(video).fps,
                frames=partial(read_video, video),
                boxes=crops,
            )
        )
    if not clips:
        raise DataError(f"{root}: expected videos of the split '{split}', found none of them.")
    labels = label_clips(
        clips,
        points,
        joints=Skeleton.load("face68").joints,
        protocol="faces68",
        source_sides=[sides(clip.boxes) for clip in clips if clip.boxes is not None],
    )
    return Part(clips, labels)


def _read_voxceleb2(root: Path, split: str) -> Part:
    """Find the first utterance of each video."""
    top = root / {"train": "dev", "test": "test"}[split] / "mp4"
    check_layout(root, [str(top.relative_to(root))], dataset="faces_voxceleb2")
    clips = []
    for folder in sorted(top.glob("id*/*")):
        utterances = sorted(folder.glob("*.mp4"))
        if not utterances:
            continue
        info = probe(utterances[0])
        clips.append(
            BenchmarkClip(
                name=f"{folder.parent.name}/{folder.name}",
                source=str(utterances[0].relative_to(root)),
                group=folder.parent.name,
                count=-(-info.frames // VOXCELEB_STEP),
                fps=info.fps / VOXCELEB_STEP,
                frames=partial(_every, utterances[0]),
            )
        )
    if not clips:
        raise DataError(f"{top}: expected utterances idNNNNN/VIDEO/00001.mp4, found none.")
    return Part(clips, None)


def _every(video: Path) -> Iterator[RGBFrame]:
    return islice(read_video(video), 0, None, VOXCELEB_STEP)


FACES_300VW = Benchmark(
    name="faces_300vw",
    title="300-VW: 114 videos of talking faces, used as unlabelled videos.",
    citation="""Shen, Zafeiriou, Chrysos, Kossaifi, Tzimiropoulos, Pantic: The First Facial
        Landmark Tracking in-the-Wild Challenge: Benchmark and Results, ICCV workshops 2015.""",
    licence="For research only, not commercial.",
    obtain="ibug.doc.ic.ac.uk/resources/300-VW, after a form (300VW_Dataset_2015_12_14.zip).",
    layout="""
001/vid.avi
001/annot/000001.pts    one file a frame, 68 points
""",
    splits={"train": "50 videos", "test": "64 videos of the three categories of the challenge"},
    protocol="""The landmarks place the crop, a square of 1.5 times their box in the median frame
        that follows their middle, and are stored for validation; training reads none. Layout
        verified on published readers, the numbers of the test videos are recalled (31, 19 and 14
        of 114).""",
    skeleton="face68",
    scored_as="faces68",
    read=_read_300vw,
)

FACES_VOXCELEB2 = Benchmark(
    name="faces_voxceleb2",
    title="VoxCeleb2: utterances of 6,000 people from interviews, unlabelled.",
    citation="Chung, Nagrani, Zisserman: VoxCeleb2: Deep Speaker Recognition, Interspeech 2018.",
    licence="Annotations CC BY 4.0; the videos belong to their makers.",
    obtain="www.robots.ox.ac.uk/~vgg/data/voxceleb/vox2.html, after a form.",
    layout="""
dev/mp4/id00012/VIDEO/00001.mp4     224×224, the face in the middle
test/mp4/id00017/VIDEO/00001.mp4
""",
    splits={"train": "`dev`: the first utterance of each video", "test": "`test`, likewise"},
    protocol="""Frames of talking faces for training; there are no landmarks to score. One
        utterance a video and one frame in five is our choice: the paper does not say, and all
        frames would be a terabyte. Clips are grouped by person. Layout recalled.""",
    skeleton="face68",
    scored_as="",
    read=_read_voxceleb2,
)
