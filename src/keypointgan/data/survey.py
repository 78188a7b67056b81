"""What can be seen in a store and in a file of poses before anything is trained.

Nothing here reads a label. Pictures are looked at in a few frames of a few clips, at 64 pixels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from numpy import ndarray

from keypointgan.data.index import Clip
from keypointgan.data.resize import resize_frames
from keypointgan.data.store import Store
from keypointgan.skeletons import Skeleton
from keypointgan.types import PoseArray

_SIDE = 64
_CLIPS = 40
_FRAMES_A_CLIP = 24
_BORDER = 6  # pixels of 64 in which a still camera shows no object for most of the time
_NOISE, _DIFFERENT = 12, 24  # of 255: a pixel that stays, a pixel that has changed
_STILL = 0.85  # share of the border that stays, in the median clip
_LEAST_FOR_PLATE = 8  # frames of a clip
_UNRELATED = 0.85
_ONE_SIDE = 0.85
"""Least handedness of poses seen from one side. Flies from above and landmarks of faces have 0.99,
people within 20, 45, 60 and 90 degrees of the front 0.96, 0.93, 0.90 and 0.78, from all sides 0.02.
"""


@dataclass(frozen=True)
class ObjectBoxes:
    """Where the object is in the frames.

    Attributes:
        extent: Longer side of its box in the median frame, as a share of the frame.
        centre: Median middle of the box, normalised (x, y).
        scale_spread: Standard deviation of the logarithm of the side.
        shift_spread: Standard deviation of the middle, as a share of the frame.
        seen_by: Whether it was found by the `masks`, or by its `motion` before a still camera.
    """

    extent: float
    centre: tuple[float, float]
    scale_spread: float
    shift_spread: float
    seen_by: str


@dataclass(frozen=True)
class StoreSurvey:
    """What a store shows.

    Attributes:
        size: Side of its frames in pixels.
        clips: Number of clips.
        groups: Number of persons, films or videos among them.
        frames: Number of frames.
        lengths: Frames of the shortest tenth's longest clip, of the median and the longest clip.
        fps: Frames per second of the median clip, 0 where there is no such thing.
        masks: Whether it has masks.
        still: Share of the border that stays the same in the median clip; NaN for clips that are
            too short to tell.
        unrelated: Whether neighbouring frames differ as much as frames of different clips do.
        brightness_spread: Standard deviation between clips of their mean grey, of 255.
        objects: Where the object is; None where that cannot be seen.
    """

    size: int
    clips: int
    groups: int
    frames: int
    lengths: tuple[int, int, int]
    fps: float
    masks: bool
    still: float
    unrelated: bool
    brightness_spread: float
    objects: ObjectBoxes | None

    @property
    def still_camera(self) -> bool:
        """Whether what is behind the object stays."""
        return self.still >= _STILL


def survey_store(store: Store, *, seed: int = 0) -> StoreSurvey:
    """Return what a few frames of a few clips of a store show."""
    order = np.random.default_rng(seed).permutation(len(store.clips))[:_CLIPS]
    looks = [_look(store, store.clips[index]) for index in order]
    lengths = [clip.frames for clip in store.clips]
    still = [look.still for look in looks if not np.isnan(look.still)]
    share_still = float(np.median(still)) if still else float("nan")
    boxes = np.concatenate([look.boxes for look in looks])
    seen = store.has_masks or share_still >= _STILL
    greys = np.array([look.grey for look in looks])
    between = np.abs(np.diff(np.stack([look.first for look in looks]), axis=0))
    within = np.median([look.step for look in looks])
    return StoreSurvey(
        size=store.size,
        clips=len(store.clips),
        groups=len({clip.group for clip in store.clips}),
        frames=store.num_frames,
        lengths=(
            int(np.percentile(lengths, 10)),
            int(np.median(lengths)),
            max(lengths),
        ),
        fps=float(np.median([clip.fps for clip in store.clips])),
        masks=store.has_masks,
        still=share_still,
        unrelated=bool(len(between) and within > _UNRELATED * between.mean()),
        brightness_spread=float(greys.std()),
        objects=(
            _describe(boxes, "masks" if store.has_masks else "motion")
            if seen and len(boxes) >= _FRAMES_A_CLIP
            else None
        ),
    )


@dataclass(frozen=True)
class _Look:
    still: float
    grey: float
    step: float
    first: Float32[ndarray, "side side"]
    boxes: Float[ndarray, "_box 4"]


def _look(store: Store, clip: Clip) -> _Look:
    count = min(clip.frames, _FRAMES_A_CLIP)
    rows = clip.start + np.linspace(0, clip.frames - 1, count).astype(np.int64)
    frames = resize_frames(store.frames(rows), size=_SIDE).astype(np.float32)
    two = resize_frames(store.frames([clip.start, clip.start + 1]), size=_SIDE).mean(-1)
    difference = np.abs(frames - np.median(frames, axis=0)).max(-1)
    border = np.ones((_SIDE, _SIDE), bool)
    border[_BORDER:-_BORDER, _BORDER:-_BORDER] = False
    still = float("nan")
    if count >= _LEAST_FOR_PLATE:
        still = float((np.percentile(difference, 75, axis=0)[border] < _NOISE).mean())
    if store.has_masks:
        shown = resize_frames(store.masks(rows), size=_SIDE) > 127
    else:
        shown = difference > _DIFFERENT
    return _Look(
        still=still,
        grey=float(frames.mean()),
        step=float(np.abs(two[1] - two[0]).mean()),
        first=two[0].astype(np.float32),
        boxes=_boxes(shown, least=0.0 if store.has_masks else 0.04),
    )


def _boxes(shown: Bool[ndarray, "frame side side"], *, least: float) -> Float[ndarray, "_box 4"]:
    """Boxes of what is shown, as shares of the frame, less lines in which next to nothing is."""
    found = []
    for picture in shown:
        if picture.mean() < 0.01:
            continue
        columns = np.flatnonzero(picture.mean(0) > least)
        rows = np.flatnonzero(picture.mean(1) > least)
        if columns.size and rows.size:
            found.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    return np.array(found, np.float64).reshape(-1, 4) / _SIDE


def _describe(boxes: Float[ndarray, "_box 4"], seen_by: str) -> ObjectBoxes:
    sides = (boxes[:, 2:] - boxes[:, :2]).max(1)
    middles = boxes[:, :2] + boxes[:, 2:] - 1
    x, y = np.median(middles, axis=0)
    return ObjectBoxes(
        extent=float(np.median(sides)),
        centre=(float(x), float(y)),
        scale_spread=float(np.log(sides).std()),
        shift_spread=float(middles.std(0).mean() / 2),
        seen_by=seen_by,
    )


@dataclass(frozen=True)
class PoseSurvey:
    """What a file of poses holds.

    Attributes:
        poses: How many.
        solid: Whether they are in 3D.
        size: Side of the frames that 2D poses refer to; None where the file does not tell.
        extent: Longer side of the median pose's box, as a share of that side; NaN without it.
        size_spread: Standard deviation of the logarithm of the box's longer side.
        left_first: Share of pairs of joints whose left one stands left of the right one; NaN
            without pairs, or in 3D.
        uprightness: How much the poses' long axes agree in direction, 0 to 1; NaN in 3D.
        handedness: How much the poses agree in which way round a left joint, the right one and a
            third one follow each other, 0 to 1, however they lie; NaN without pairs, or in 3D.
    """

    poses: int
    solid: bool
    size: float | None
    extent: float
    size_spread: float
    left_first: float
    uprightness: float
    handedness: float

    @property
    def turned(self) -> bool:
        """Whether the poses are seen from two sides, such as from the front and from behind.

        Animals seen from above lie in all directions and show one side all the same.
        """
        return self.solid or self.handedness < _ONE_SIDE

    @property
    def any_orientation(self) -> bool:
        """Whether the poses lie in all directions, as animals seen from above do."""
        return self.uprightness < 0.35


def survey_poses(points: PoseArray, skeleton: Skeleton, *, size: float | None) -> PoseSurvey:
    """Return what complete poses in the order of a skeleton look like.

    Args:
        points: 2D poses in pixels (y down), or 3D ones.
        skeleton: Gives the pairs of left and right joints.
        size: Side of the frames that 2D poses refer to, where that is known.
    """
    sides = (points.max(1) - points.min(1)).max(1)
    sides = sides[sides > 0]
    solid = points.shape[2] == 3
    left_first = uprightness = handedness = float("nan")
    if not solid:
        if skeleton.pairs:
            left, right = np.array(skeleton.pairs).T
            left_first = float((points[:, left, 0] < points[:, right, 0]).mean())
            handedness = _handedness(points, left, right)
        uprightness = _agreement(points)
    return PoseSurvey(
        poses=len(points),
        solid=solid,
        size=size,
        extent=float(np.median(sides) / size) if size else float("nan"),
        size_spread=float(np.log(sides).std()),
        left_first=left_first,
        uprightness=uprightness,
        handedness=handedness,
    )


def _handedness(
    points: Float[ndarray, "pose joint 2"],
    left: Int[ndarray, " pair"],
    right: Int[ndarray, " pair"],
) -> float:
    """How much triangles of the two joints of a pair and a third one agree in their signed area."""
    centred = points - points.mean(1, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=(1, 2), keepdims=True), 1e-12)
    across = (unit[:, right] - unit[:, left])[:, :, None]
    third = unit[:, None] - unit[:, left, None]
    areas = across[..., 0] * third[..., 1] - across[..., 1] * third[..., 0]
    return float(np.abs(areas.mean(0)).sum() / max(np.abs(areas).mean(0).sum(), 1e-12))


def _agreement(points: Float[ndarray, "pose joint 2"]) -> float:
    """Length of the mean of the poses' axes, as doubled angles weighted by how long they are."""
    centred = points - points.mean(1, keepdims=True)
    xx, yy = (centred**2).mean(1).T
    xy = (centred[..., 0] * centred[..., 1]).mean(1)
    axes = np.stack([xx - yy, 2 * xy], axis=1) / np.maximum(xx + yy, 1e-12)[:, None]
    lengths = np.linalg.norm(axes, axis=1)
    return float(np.linalg.norm(axes.mean(0)) / max(lengths.mean(), 1e-12))
