"""CAT: photographs of cats with nine landmarks of the head."""

from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.annotations import read_counted_points, read_lines
from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import Part, check_layout, label_clips, photograph_clips
from keypointgan.data.benchmarks.crops import (
    boxes_around,
    from_zero_based,
    in_crops,
    sides,
    square_crops,
)
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

NAME = "cats"
FOLDERS = tuple(f"CAT_{number:02d}" for number in range(7))
_LISTS = {"train": "cat_train_images.txt", "test": "cat_test_images.txt"}
_MARGIN = 1.5  # the crop's side over the longer side of the landmarks' box


def _read(root: Path, split: str) -> Part:
    """Find the photographs of a split, cropped around their landmarks."""
    photographs = _photographs(root, split)
    pixels = from_zero_based(
        np.stack([read_counted_points(_landmarks(path), count=9) for path in photographs])
    )
    crops = square_crops(boxes_around(pixels), margin=_MARGIN, where=str(root))
    clips = photograph_clips(photographs, name=split, root=root, boxes=crops)
    labels = label_clips(
        clips,
        np.split(in_crops(pixels, crops), np.cumsum([clip.count for clip in clips])[:-1]),
        joints=Skeleton.load("cat9").joints,
        protocol="cats",
        source_sides=[sides(clip.boxes) for clip in clips if clip.boxes is not None],
    )
    return Part(clips, labels)


def _photographs(root: Path, split: str) -> list[Path]:
    check_layout(root, [FOLDERS[0]], dataset=NAME)
    every = sorted(
        path.with_suffix("") for folder in FOLDERS for path in (root / folder).glob("*.jpg.cat")
    )
    if not every:
        raise DataError(f"{root / FOLDERS[0]}: expected landmarks NAME.jpg.cat, found none.")
    if all((root / file).is_file() for file in _LISTS.values()):
        places = {path.name: path for path in every}
        wanted = [
            Path(words[0]).name
            for words in read_lines(root / _LISTS["test" if split == "test" else "train"])
        ]
        absent = [name for name in wanted if name not in places]
        if absent:
            raise DataError(
                f"{root}: expected the photograph {absent[0]} of the list with its landmarks in "
                f"one of {', '.join(FOLDERS)}, found none."
            )
        chosen = [places[name] for name in wanted]
    else:
        chosen = [path for path in every if (path.parent.name == FOLDERS[-1]) == (split == "test")]
    if split != "test":
        half = len(chosen) // 2
        chosen = chosen[:half] if split == "train" else chosen[half:]
    if not chosen:
        raise DataError(f"{root}: expected photographs of the split '{split}', found none.")
    return chosen


def _landmarks(photograph: Path) -> Path:
    return photograph.with_name(f"{photograph.name}.cat")


CATS = Benchmark(
    name=NAME,
    title="CAT: photographs of cats with nine landmarks of the head.",
    citation="""Zhang, Sun, Tang: Cat Head Detection - How to Effectively Exploit Shape and Texture
        Features, ECCV 2008.""",
    licence="Not stated by its authors; the photographs belong to their makers (Flickr).",
    obtain="archive.org/details/CAT_DATASET (CAT_DATASET_01.zip and 02).",
    layout="""
CAT_00/00000001_000.jpg   CAT_00/00000001_000.jpg.cat    9 x y x y ...; and CAT_01 to CAT_06
cat_train_images.txt      cat_test_images.txt            optional: lists of names, see below
""",
    splits={
        "train": "first half of the training photographs",
        "prior": "second half of the training photographs: the unpaired poses",
        "test": "the test photographs",
    },
    protocol="""Mean error over the distance of the two eyes, in %, of seven points: the tips of
        the ears are left out, and the published numbers are after a linear regression fitted on
        the training photographs; both verified on `evaluation/cat_evaluation.m` of
        `YutingZhang/lmdis-rep` (Zhang et al. 2018). Its lists of 7,747 training and 1,257 test
        photographs [recalled] are used where they lie in the folder; otherwise CAT_06 is test and
        the rest training, and numbers do not compare exactly. That release cuts the middle 80 of
        100 pixels out of photographs it has cropped before; ours are squares of 1.5 times the
        landmarks' box. The training half for poses is our choice. A photograph without landmarks
        (one is known) is left out. Left is the image's left; the points of both ears run from left
        to right.""",
    skeleton="cat9",
    scored_as="cats",
    read=_read,
    prior_split="prior",
)
