"""Two courting fruit flies in an arena, each followed by a square crop."""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from keypointgan.data.benchmarks.benchmark import Benchmark
from keypointgan.data.benchmarks.clips import BenchmarkClip, Part, check_layout, label_clips
from keypointgan.data.benchmarks.crops import in_crops, sides
from keypointgan.data.video import probe, read_video
from keypointgan.errors import DataError, MissingExtraError
from keypointgan.skeletons import Skeleton

Track = Float64[ndarray, "frame joint 2"]

_FILES = {
    "train": ("20190128_113421.120s.mp4", "predictions.slp"),
    "test": ("clip.mp4", "clip.slp"),
}
_MARGIN = 1.3  # the crop's side over the animal's length


def _read(root: Path, split: str) -> Part:
    """Find the animals of a split, a clip each, and their tracks."""
    video, project = _FILES[split]
    check_layout(root, [video, project, _FILES["train"][1]], dataset="flies")
    side = crop_side(list(_read_tracks(root / _FILES["train"][1]).values()))
    fps = probe(root / video).fps
    clips, points = [], []
    for name, track in _read_tracks(root / project).items():
        centres = crop_centres(track)
        boxes = np.concatenate([centres - side / 2, centres + side / 2], axis=1)
        points.append(in_crops(track, boxes))
        clips.append(
            BenchmarkClip(
                name=name,
                source=video,
                group=name,
                count=len(track),
                fps=fps,
                frames=partial(read_video, root / video),
                boxes=boxes,
            )
        )
    labels = label_clips(
        clips,
        points,
        joints=Skeleton.load("fly13").joints,
        protocol="generic",
        source_sides=[sides(clip.boxes) for clip in clips if clip.boxes is not None],
    )
    return Part(clips, labels)


def crop_side(tracks: list[Track]) -> float:
    """Return the side of the crops in pixels: 1.3 times the animals' length, a whole number.

    The length is the largest distance between two points, in the median frame of all tracks.
    """
    points = np.concatenate(tracks)
    distances = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    lengths = np.max(np.nan_to_num(distances), axis=(1, 2))
    return float(round(_MARGIN * float(np.median(lengths[lengths > 0]))))


def crop_centres(track: Track) -> Float64[ndarray, "frame 2"]:
    """Return the middle of the body axis in each frame, interpolated where it was not seen."""
    axis = track[:, :3]
    seen = ~np.isnan(axis[..., 0])
    weights = seen / np.maximum(seen.sum(1, keepdims=True), 1)
    centres = (np.nan_to_num(axis) * weights[..., None]).sum(1)
    known = np.flatnonzero(seen.any(1))
    return np.stack(
        [np.interp(np.arange(len(track)), known, centres[known, place]) for place in (0, 1)], axis=1
    )


def _read_tracks(project: Path) -> dict[str, Track]:
    """The points of each track in pixels of the video, (0, 0) at its outer corner."""
    try:
        from sleap_io import load_slp
    except ImportError as error:
        raise MissingExtraError("sleap-io", extra="formats", purpose="read .slp files") from error
    labels = load_slp(str(project), open_videos=False)
    joints = tuple(node.name for node in labels.skeleton.nodes)
    expected = Skeleton.load("fly13").joints
    if joints != expected:
        raise DataError(f"{project}: expected the nodes {expected}, got {joints}.")
    points = np.asarray(labels.numpy(), np.float64)  # frame, track, joint, 2; pixel centres whole
    return {track.name: points[:, index] + 0.5 for index, track in enumerate(labels.tracks)}


FLIES = Benchmark(
    name="flies",
    title="Two courting fruit flies in an arena, each followed by a square crop.",
    citation="""Pereira et al., SLEAP: A deep learning system for multi-animal pose tracking,
        Nature Methods 2022.""",
    licence="Clear BSD for academic and research use (file LICENSE of the data).",
    obtain="sleap.ai (data sets of the SLEAP project).",
    layout="""
20190128_113421.120s.mp4   predictions.slp    train: 3,000 frames, tracks of a SLEAP model
clip.mp4                   clip.slp           test: 1,500 frames, proofread tracks
""",
    splits={"train": "two animals, another model's predictions", "test": "two animals, proofread"},
    protocol="""Error in % of the image side, left and right told apart. A clip is one animal,
        cropped around the middle of its body axis (head, thorax, abdomen) and never rotated. The
        square has the same side everywhere: 1.3 times the animal's length, legs and wings
        included, in the median training frame.""",
    skeleton="fly13",
    scored_as="generic",
    read=_read,
)
