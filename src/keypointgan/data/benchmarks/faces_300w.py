"""300-W: photographs of faces in the wild with 68 landmarks."""

from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.annotations import read_pts
from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import Part, check_layout, label_clips, photograph_clips
from keypointgan.data.benchmarks.crops import (
    boxes_around,
    from_one_based,
    in_crops,
    sides,
    square_crops,
)
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

NAME = "faces_300w"
_COMMON = ("helen/testset", "lfpw/testset")
FOLDERS = {
    "train": ("afw", "helen/trainset", "lfpw/trainset"),
    "test": (*_COMMON, "ibug"),
    "common": _COMMON,
    "challenging": ("ibug",),
}
_SUFFIXES = (".jpg", ".png", ".jpeg")
_MARGIN = 1.5  # the crop's side over the longer side of the landmarks' box


def _read(root: Path, split: str) -> Part:
    """Find the photographs of a split, cropped around their landmarks."""
    check_layout(root, FOLDERS[split], dataset=NAME)
    clips, points = [], []
    for folder in FOLDERS[split]:
        files = sorted((root / folder).glob("*.pts"))
        if not files:
            raise DataError(f"{root / folder}: expected landmarks NAME.pts, found none.")
        pixels = from_one_based(np.stack([read_pts(file, count=68) for file in files]))
        crops = _crops(pixels, root / folder)
        found = photograph_clips(
            [_photograph(file) for file in files], name=folder, root=root, boxes=crops
        )
        clips += found
        ends = np.cumsum([clip.count for clip in found])[:-1]
        points += np.split(in_crops(pixels, crops), ends)
    labels = label_clips(
        clips,
        points,
        joints=Skeleton.load("face68").joints,
        protocol="faces68",
        source_sides=[sides(clip.boxes) for clip in clips if clip.boxes is not None],
    )
    return Part(clips, labels)


def _crops(pixels: np.ndarray, where: Path) -> np.ndarray:
    return square_crops(boxes_around(pixels), margin=_MARGIN, where=str(where))


def _photograph(landmarks: Path) -> Path:
    for suffix in _SUFFIXES:
        path = landmarks.with_suffix(suffix)
        if path.is_file():
            return path
    raise DataError(
        f"{landmarks}: expected its photograph {landmarks.stem}{_SUFFIXES[0]} or "
        f"{_SUFFIXES[1]} beside it, found none."
    )


FACES_300W = Benchmark(
    name=NAME,
    title="300-W: photographs of faces in the wild with 68 landmarks.",
    citation="""Sagonas, Antonakos, Tzimiropoulos, Zafeiriou, Pantic: 300 faces in-the-wild
        challenge: database and results, IVC 2016; photographs of AFW, HELEN, LFPW and IBUG.""",
    licence="For research only, not commercial.",
    obtain="ibug.doc.ic.ac.uk/resources/facial-point-annotations, after a form.",
    layout="""
afw/NAME.jpg              afw/NAME.pts
helen/trainset/NAME.jpg   helen/trainset/NAME.pts    and testset
lfpw/trainset/NAME.png    lfpw/trainset/NAME.pts     and testset
ibug/NAME.jpg             ibug/NAME.pts
""",
    splits={
        "train": "AFW and the training sets of HELEN and LFPW: 3,148 photographs",
        "test": "the full set: the test sets of HELEN and LFPW, and IBUG: 689 photographs",
        "common": "the test sets of HELEN and LFPW: 554",
        "challenging": "IBUG: 135",
    },
    protocol="""Mean error of 68 points over the distance of the outer eye corners (landmarks 36
        and 45, counted from 0), in %, the mean over photographs. Some papers divide by the
        distance of the pupils or of the box instead, and some test on the 600 photographs of the
        challenge: those numbers do not compare; we take the outer corners and the full set of 689.
        Points of .pts files are MATLAB's, the first pixel is 1. Crops are squares of 1.5 times the
        landmarks' box, our choice. Folders and splits are verified on published readers, the
        counts are recalled. Photographs have no second frame: train with `data.warp`, or on
        talking faces, and take these landmarks as the unpaired poses.""",
    skeleton="face68",
    scored_as="faces68",
    read=_read,
    prior_split="train",
)
