"""People in films and clips from the web, cropped, each with a mask video."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import BenchmarkClip, Part, check_layout, label_clips
from keypointgan.data.resize import Picture
from keypointgan.data.video import probe, read_video
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

_SUFFIX = r"_[fuhl]_(cm|nm)_np\d_(fr|ba|le|ri)_(goo|med|bad)_\d+$"


def _read(root: Path, split: str) -> Part:
    """Find the clips of a split, with masks and labels."""
    check_layout(root, [split], dataset="humans_jhmdb")
    files = sorted((root / split).glob("*.npz"))
    if not files:
        raise DataError(f"{root / split}: expected labels NAME.npz beside the videos, found none.")
    clips, points, actions = [], [], []
    for file in files:
        with np.load(file, allow_pickle=False) as label:
            points.append((label["xy"] / 128 * 2 - 1).astype(np.float32))
            actions.append(str(label["action"]))
        video, mask = file.with_suffix(".mp4"), file.with_suffix(".mask.mp4")
        clips.append(
            BenchmarkClip(
                name=file.stem,
                source=f"{split}/{video.name}",
                group=film_of(file.stem, action=actions[-1]),
                count=len(points[-1]),
                fps=probe(video).fps,
                frames=partial(read_video, video),
                masks=partial(_read_mask, mask),
            )
        )
    labels = label_clips(
        clips,
        points,
        joints=Skeleton.load("jhmdb15").joints,
        protocol="generic",
        actions=actions,
    )
    return Part(clips, labels)


def _read_mask(path: Path) -> Iterator[Picture]:
    return (frame[..., 1] for frame in read_video(path))  # grey: any channel will do


def film_of(name: str, *, action: str) -> str:
    """Return the film that a clip was cut from, as far as its name tells."""
    film = re.sub(rf"_{re.escape(action)}{_SUFFIX}", "", name)
    return re.sub(r"(?<=\D)_?\d{1,2}$", "", film)


HUMANS_JHMDB = Benchmark(
    name="humans_jhmdb",
    title="People in films and clips from the web, cropped, each with a mask video.",
    citation="""Jhuang et al., Towards Understanding Action Recognition (J-HMDB), ICCV 2013;
        footage of Kuehne et al., HMDB51, ICCV 2011.""",
    licence="Footage CC BY 4.0.",
    obtain="Cropped for this project; jhmdb.is.tue.mpg.de has the original.",
    layout="""
train/NAME.mp4   train/NAME.mask.mp4   train/NAME.npz     and the same under test
""",
    splits={"train": "157 clips", "test": "55 clips of other films"},
    protocol="""Error in % of the image side, the mean over actions of the mean over frames. The
        npz holds `xy` (frame, 15, 2) in pixels of the 128×128 frames and `action`: the hand
        annotation of J-HMDB up to an estimated zoom of each clip (1-2 %), good for comparing
        methods, not for quoting. NAME is FILM_ACTION_BODY_CAMERA_PEOPLE_VIEW_QUALITY_NUMBER; clips
        are grouped by FILM, less a scene number.""",
    skeleton="jhmdb15",
    scored_as="generic",
    read=_read,
)
