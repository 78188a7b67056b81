"""Labelled frames of a store inside other pictures, smaller and at one side, or enlarged."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from keypointgan.data.index import Clip
from keypointgan.data.labels import Labels
from keypointgan.data.resize import crop_and_resize
from keypointgan.data.store import Store
from keypointgan.data.video import write_video
from keypointgan.inference.detector import Detector

HEIGHT = 256
WIDTH = 456  # 16:9, even
SIZES = (0.45, 1.0)  # side of what is shown over the height of the picture
_PLATE = 15  # frames of which a background is the median
_AWAY = 0.35  # of the side; objects that move so far leave little of them in the median


@dataclass(frozen=True)
class Scene:
    """A video or a picture, and where the points in it are.

    Attributes:
        frames: Its frames.
        rows: Those with labels.
        points: The labels (label, joint, 2), in its pixels.
        side: Side of what was put into it, in its pixels.
    """

    frames: np.ndarray
    rows: np.ndarray
    points: np.ndarray
    side: float


def labelled_clips(store: Store, labels: Labels) -> Iterator[tuple[Clip, np.ndarray, np.ndarray]]:
    """Clips with labels: which of their frames have some, and these, in shares of the side."""
    rows = labels.rows(store)
    for clip in store.clips:
        inside = np.flatnonzero((rows >= clip.start) & (rows < clip.start + clip.frames))
        if inside.size:
            yield clip, rows[inside] - clip.start, (labels.xy[inside].astype(np.float64) + 1) / 2


def backgrounds_of(store: Store, detector: Detector, *, count: int) -> list[np.ndarray]:
    """Pictures with little of the object: medians of clips of which it crosses a good part."""
    found = []
    for clip in store.clips:
        ends = store.frames(np.array([clip.start, clip.start + clip.frames - 1]))
        first, last = detector.predict(ends, reframe=False).xy.mean(axis=1)
        if np.linalg.norm(last - first) > _AWAY * store.size:
            every = np.linspace(clip.start, clip.start + clip.frames - 1, _PLATE).astype(int)
            plate = np.median(store.frames(every), axis=0).astype(np.uint8)
            wide = np.asarray(Image.fromarray(plate).resize((WIDTH, WIDTH)))
            found.append(wide[(WIDTH - HEIGHT) // 2 :][:HEIGHT])
        if len(found) == count:
            break
    return found


def wide_scene(
    frames: np.ndarray,
    labelled: np.ndarray,
    points: np.ndarray,
    background: np.ndarray,
    generator: np.random.Generator,
) -> Scene:
    """The frames put before a wide background, which they cross or stand still at a place in it."""
    side = 2 * int(generator.uniform(*SIZES) * HEIGHT / 2)
    start, stop = generator.uniform(0, WIDTH - side, 2)
    top = int(generator.uniform(0, HEIGHT - side + 1))
    lefts = np.linspace(start, stop, len(frames)).astype(int)
    shown = np.repeat(background[None], len(frames), axis=0)
    for picture, frame, left in zip(shown, frames, lefts, strict=True):
        small = Image.fromarray(frame).resize((side, side), Image.Resampling.BILINEAR)
        picture[top : top + side, left : left + side] = np.asarray(small)
    corners = np.stack([lefts[labelled], np.full(len(labelled), top)], axis=1)
    return Scene(shown, labelled, points * side + corners[:, None], side)


def scaled_scene(
    frames: np.ndarray, labelled: np.ndarray, points: np.ndarray, *, factor: float
) -> Scene:
    """The frames as if the camera had been nearer, or farther off: their border goes on."""
    side = frames.shape[1]
    edge = side / 2 * (1 - 1 / factor)
    box = (edge, edge, side - edge, side - edge)
    shown = np.stack([crop_and_resize(frame, box, size=side) for frame in frames])
    return Scene(shown, labelled, (points - 0.5) * factor * side + side / 2, factor * side)


def write_scene(scene: Scene, path: Path, *, fps: float) -> None:
    """Write a scene as a video."""
    write_video(path, iter(scene.frames), fps, rate_factor=16)
