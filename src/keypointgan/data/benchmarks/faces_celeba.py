"""CelebA, and MAFL inside it: aligned photographs of faces with five landmarks."""

from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.annotations import read_lines
from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import Part, check_layout, label_clips, photograph_clips
from keypointgan.data.benchmarks.crops import from_zero_based, in_crops
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

NAME = "faces_celeba"
WIDTH, HEIGHT = 178, 218
_CROP = 0.8  # of the width and of the height, in the middle
_IMAGES = "Img/img_align_celeba"
_LANDMARKS = "Anno/list_landmarks_align_celeba.txt"
_PARTITION = "Eval/list_eval_partition.txt"
_MAFL = {"mafl_train": "MAFL/training.txt", "test": "MAFL/testing.txt"}


def _read(root: Path, split: str) -> Part:
    """Find the photographs of a split, their middle squeezed to a square."""
    check_layout(root, [_IMAGES, _LANDMARKS, _PARTITION, *_MAFL.values()], dataset=NAME)
    points = {
        words[0]: np.array(words[1:], np.float64).reshape(-1, 2)
        for words in read_lines(root / _LANDMARKS, skip=2)
    }
    names = _names(root, split)
    missing = [name for name in names if name not in points or points[name].shape != (5, 2)]
    if missing:
        raise DataError(f"{root / _LANDMARKS}: expected five points of {missing[0]}, got none.")
    pixels = from_zero_based(np.stack([points[name] for name in names]))
    margin = (1 - _CROP) / 2
    box = np.array([margin * WIDTH, margin * HEIGHT, (1 - margin) * WIDTH, (1 - margin) * HEIGHT])
    boxes = np.tile(box, (len(names), 1))
    clips = photograph_clips(
        [root / _IMAGES / name for name in names], name=split, root=root, boxes=boxes
    )
    labels = label_clips(
        clips,
        np.split(in_crops(pixels, boxes), np.cumsum([clip.count for clip in clips])[:-1]),
        joints=Skeleton.load("face5").joints,
        protocol="mafl",
    )
    return Part(clips, labels)


def _names(root: Path, split: str) -> list[str]:
    if split in _MAFL:
        return [words[0] for words in read_lines(root / _MAFL[split])]
    kept_apart = {words[0] for words in read_lines(root / _MAFL["test"])}
    return [
        name
        for name, part, *_ in read_lines(root / _PARTITION)
        if part == "0" and name not in kept_apart
    ]


FACES_CELEBA = Benchmark(
    name=NAME,
    title="CelebA, and MAFL inside it: aligned photographs of faces with five landmarks.",
    citation="""Liu, Luo, Wang, Tang: Deep Learning Face Attributes in the Wild (CelebA), ICCV
        2015; Zhang, Luo, Loy, Tang: Facial Landmark Detection by Deep Multi-task Learning (MAFL),
        ECCV 2014.""",
    licence="For research only, not commercial; the photographs belong to their makers.",
    obtain="""mmlab.ie.cuhk.edu.hk/projects/CelebA.html; the lists of MAFL from
        mmlab.ie.cuhk.edu.hk/projects/TCDCN.html, or with CelebA in the archive of
        `tomasjakab/imm`.""",
    layout="""
Img/img_align_celeba/000001.jpg            178×218
Anno/list_landmarks_align_celeba.txt       two lines of header, then: file and five points x y
Eval/list_eval_partition.txt               file and 0 (train), 1 or 2
MAFL/training.txt   MAFL/testing.txt       a file a line
""",
    splits={
        "train": "CelebA's training part without MAFL's test photographs",
        "mafl_train": "MAFL's 19,000: the regression of the published numbers is fitted on them",
        "test": "MAFL's 1,000",
    },
    protocol="""Mean error of five points over the distance of the two eyes, in %. Published
        numbers are after a linear regression from the detector's points to the labels, fitted on
        `mafl_train` (`evaluate --fit-on STORE`); ours is reported with and without. The photograph
        is squeezed to a square and the middle 80 % of each side are kept, as in
        `imm/datasets/celeba_dataset.py` of `tomasjakab/imm`, on which splits, crop and measure are
        verified; that release also keeps the last tenth of MAFL's training list apart, which we do
        not. Left is the image's left. Whether CelebA counts pixels from 0 is not documented; we
        take it so.""",
    skeleton="face5",
    scored_as="mafl",
    read=_read,
    prior_split="mafl_train",
)
