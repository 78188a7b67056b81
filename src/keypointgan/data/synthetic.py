"""Videos of articulated figures with known keypoints, and a prior of other figures.

For the demo and for tests: a training that works on real people works here within minutes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keypointgan.data.labels import LABEL_FILE, Labels
from keypointgan.data.store_writer import StoreWriter
from keypointgan.data.synthetic_figure import FRAMES_PER_SECOND, JOINTS, random_motion
from keypointgan.data.synthetic_render import draw_figure, random_background, random_look
from keypointgan.types import FrameArray, PoseArray

_FRAMES, _PRIOR = 0, 1  # streams of random numbers, so that no pose of the prior is in a frame
_PRIOR_POSES_A_FIGURE = 4
_PRIOR_STRIDE = 40.0  # between two poses of a figure, in frames


class SyntheticClip(NamedTuple):
    """A clip and what is known about it; unpacks into these three.

    Attributes:
        name: Unique name of the clip.
        frames: The video.
        keypoints: Joints of `h36m17` (frame, 17, 2), normalised.
    """

    name: str
    frames: FrameArray
    keypoints: PoseArray


def synthetic_clips(
    num_clips: int, frames_per_clip: int, *, size: int, seed: int
) -> Iterator[SyntheticClip]:
    """Return clips of one figure each, seen over a static background by a static camera.

    A clip depends on the seed and its number only: the first ten of twenty are those of ten.

    Args:
        num_clips: How many clips; each has its own figure, clothes, motion and background.
        frames_per_clip: Frames of each, 15 a second.
        size: Side of the frames in pixels.
        seed: Of everything random.
    """
    for number in range(num_clips):
        rng = np.random.default_rng([seed, _FRAMES, number])
        motion = random_motion(rng, figures=1, frames=frames_per_clip, stride=1.0)
        background = random_background(rng, size=size)
        look = random_look(rng, background.mean(axis=(0, 1)))
        frames = draw_figure(motion, 0, look, background, rng=rng)
        yield SyntheticClip(f"figure_{number:04d}", frames, motion.poses[0].astype(np.float32))


def write_synthetic(
    output: str | Path, *, clips: int, frames_per_clip: int, size: int, seed: int
) -> Path:
    """Write a store of synthetic clips with their labels inside; return its path.

    Args:
        output: Folder of the store.
        clips: How many clips.
        frames_per_clip: Frames of each.
        size: Side of the frames in pixels.
        seed: Of everything random.

    Raises:
        StoreError: The folder holds something else, or a store of another size.
    """
    keypoints, names = [], []
    with StoreWriter(output, size=size, encoding="raw") as writer:
        for clip in synthetic_clips(clips, frames_per_clip, size=size, seed=seed):
            writer.add_clip(clip.name, clip.frames, source="synthetic", fps=FRAMES_PER_SECOND)
            keypoints.append(clip.keypoints)
            names += [clip.name] * frames_per_clip
    labels = Labels(
        xy=np.concatenate(keypoints),
        clip=tuple(names),
        frame=np.tile(np.arange(frames_per_clip), clips),
        action=None,
        joints=JOINTS,
    )
    labels.save(Path(output) / LABEL_FILE)
    return Path(output)


def synthetic_prior(num_poses: int, *, seed: int) -> PoseArray:
    """Return normalised poses of figures and motions that are in no clip of any seed's videos."""
    figures = -(-num_poses // _PRIOR_POSES_A_FIGURE)
    rng = np.random.default_rng([seed, _PRIOR])
    motion = random_motion(rng, figures=figures, frames=_PRIOR_POSES_A_FIGURE, stride=_PRIOR_STRIDE)
    return motion.poses.reshape(-1, len(JOINTS), 2)[:num_poses].astype(np.float32)


def write_synthetic_prior(path: str | Path, *, num_poses: int, seed: int) -> Path:
    """Write a prior for these videos, to be placed `as_is`; return its path."""
    pixels = (synthetic_prior(num_poses, seed=seed) + 1) / 2 * 128
    np.savez_compressed(Path(path), xy=pixels, joints=np.array(JOINTS), size=np.float32(128))
    return Path(path)
