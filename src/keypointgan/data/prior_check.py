"""Does a prior fit the frames? Compared as pictures without a label: size, place, direction.

Both sides become masks of 64 pixels: objects by the masks of a store, or by what moves before a
still camera; poses as thick skeletons.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, UInt8
from numpy import ndarray
from PIL import Image, ImageFilter

from keypointgan.data.priors import Prior
from keypointgan.data.resize import resize_frames
from keypointgan.data.store import Store
from keypointgan.data.survey import survey_store
from keypointgan.ops.render import render_skeleton

SIDE = 64
CLIPS = 48
FRAMES_A_CLIP = 24
SAMPLES = 1024
_DIFFERENT = 24  # of 255, from the median picture of a clip
_LEAST_AREA = 0.01
_LIMB = 0.35  # of a drawn link's brightness: about three pixels of 64 wide
_SILHOUETTE = 0.9  # joints of a body over its silhouette, in size: hands, hair and feet stick out
_TOO_SMALL, _TOO_LARGE = 0.62, 1.12  # of the prior's size over that of the objects
_OFF_CENTRE = 0.12
_LONG = 0.15  # how much longer than wide shapes must be to have a direction
_AGREE, _DISAGREE = 0.6, 0.35
_TURNED = 25.0
_RARE = 0.01
_UNREACHED, _OUTSIDE = 0.15, 0.2

Masks = Bool[ndarray, "picture side side"]


@dataclass(frozen=True, eq=False)
class Shapes:
    """Where shapes are in the frame, and how they lie.

    Attributes:
        extent: Longer side of the median shape's box, as a share of the frame.
        centre: Median middle of the box, normalised (x, y).
        elongation: 0 for round shapes to 1 for lines, on average.
        agreement: How much their long axes agree in direction, from 0 to 1.
        direction: Of the mean long axis in degrees: 0 lies across, 90 stands.
        density: How often each place is covered, from 0 to 1.
    """

    extent: float
    centre: tuple[float, float]
    elongation: float
    agreement: float
    direction: float
    density: Float64[ndarray, "side side"]


@dataclass(frozen=True, eq=False)
class SeenObjects:
    """Some frames of a store with what is known of their objects.

    Attributes:
        frames: Some frames.
        masks: Where the object is in each of them.
        seen_by: Whether the `masks` of the store or `motion` tell.
    """

    frames: UInt8[ndarray, "picture height width 3"]
    masks: Masks
    seen_by: str


@dataclass(frozen=True)
class Finding:
    """Something compared.

    Attributes:
        text: What was found, with figures.
        advice: What to do, where it does not fit; empty where it does.
    """

    text: str
    advice: str = ""


def see_objects(store: Store, *, seed: int = 0) -> SeenObjects | None:
    """Return frames of a store with masks of their objects; None where objects cannot be told.

    Without masks the camera must stand still, and the clips be long enough to show what moves.
    """
    survey = survey_store(store, seed=seed)
    if survey.objects is None:
        return None
    order = np.random.default_rng(seed).permutation(len(store.clips))[:CLIPS]
    frames, masks = [], []
    for index in order:
        clip = store.clips[index]
        count = min(clip.frames, FRAMES_A_CLIP)
        rows = clip.start + np.linspace(0, clip.frames - 1, count).astype(np.int64)
        pictures = store.frames(rows)
        if store.has_masks:
            shown = resize_frames(store.masks(rows), size=SIDE) > 127
        else:
            small = resize_frames(pictures, size=SIDE).astype(np.float32)
            shown = np.abs(small - np.median(small, axis=0)).max(-1) > _DIFFERENT
            shown = np.stack([_without_specks(mask) for mask in shown])
        kept = shown.mean(axis=(1, 2)) > _LEAST_AREA
        frames.append(pictures[kept])
        masks.append(shown[kept])
    return SeenObjects(np.concatenate(frames), np.concatenate(masks), survey.objects.seen_by)


def draw_prior(prior: Prior, *, seed: int = 0) -> Masks:
    """Return random poses of the prior as it is placed, drawn as thick skeletons."""
    poses = prior.sample(SAMPLES, generator=torch.Generator().manual_seed(seed))
    drawn = render_skeleton(poses, prior.skeleton.links, size=(SIDE, SIDE))
    return (drawn[:, 0] > _LIMB).numpy()


def measure_shapes(masks: Masks) -> Shapes:
    """Return what masks have in common; those that are empty do not count."""
    masks = masks[masks.any(axis=(1, 2))]
    places = (2 * np.arange(SIDE) + 1) / SIDE - 1
    boxes, axes = [], []
    for mask in masks:
        columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
        boxes.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        y, x = (places[indices] for indices in np.nonzero(mask))
        xx, yy, xy = x.var(), y.var(), ((x - x.mean()) * (y - y.mean())).mean()
        axes.append(np.array([xx - yy, 2 * xy]) / max(xx + yy, 1e-12))
    corners = np.array(boxes, np.float64).reshape(-1, 4) / SIDE
    middle = np.median(corners[:, :2] + corners[:, 2:] - 1, axis=0)
    doubled = np.array(axes).reshape(-1, 2)
    lengths = np.linalg.norm(doubled, axis=1)
    mean = doubled.mean(axis=0)
    return Shapes(
        extent=float(np.median((corners[:, 2:] - corners[:, :2]).max(axis=1))),
        centre=(float(middle[0]), float(middle[1])),
        elongation=float(lengths.mean()),
        agreement=float(np.linalg.norm(mean) / max(lengths.mean(), 1e-12)),
        direction=float(np.degrees(np.arctan2(mean[1], mean[0])) / 2 % 180),
        density=masks.mean(axis=0),
    )


def compare_shapes(prior: Shapes, objects: Shapes) -> list[Finding]:
    """Return how the prior fits the objects of the frames: scale, place, orientation, coverage."""
    return [
        _compare_scale(prior, objects),
        _compare_place(prior, objects),
        _compare_orientation(prior, objects),
        *_compare_coverage(prior, objects),
    ]


def _compare_scale(prior: Shapes, objects: Shapes) -> Finding:
    ratio = prior.extent / objects.extent
    text = (
        f"scale: the prior's poses are {prior.extent:.2f} of the frame, its objects "
        f"{objects.extent:.2f} (longer side, median)"
    )
    if _TOO_SMALL <= ratio <= _TOO_LARGE:
        return Finding(text)
    word = "small" if ratio < 1 else "large"
    return Finding(
        text,
        f"the poses are too {word}; try prior.extent={_SILHOUETTE * objects.extent:.2f} with "
        "prior.place fit or body",
    )


def _compare_place(prior: Shapes, objects: Shapes) -> Finding:
    (x, y), (other_x, other_y) = prior.centre, objects.centre
    text = (
        f"place: the prior's poses are centred on ({x:.2f}, {y:.2f}), the objects on "
        f"({other_x:.2f}, {other_y:.2f})"
    )
    if max(abs(x - other_x), abs(y - other_y)) <= _OFF_CENTRE:
        return Finding(text)
    return Finding(text, f"they are elsewhere; try prior.centre=[{other_x:.2f}, {other_y:.2f}]")


def _compare_orientation(prior: Shapes, objects: Shapes) -> Finding:
    text = f"orientation: the prior's poses {_lie(prior)}, the objects {_lie(objects)}"
    if min(prior.elongation, objects.elongation) < _LONG:
        return Finding(text)
    if objects.agreement < _DISAGREE and prior.agreement > _AGREE:
        return Finding(text, "turn the poses: try prior.rotation_jitter=180")
    if prior.agreement < _DISAGREE and objects.agreement > _AGREE:
        return Finding(
            text,
            "the poses lie in more directions than the objects: lower prior.rotation_jitter, or "
            "turn each pose upright before",
        )
    turn = abs((prior.direction - objects.direction + 90) % 180 - 90)
    if min(prior.agreement, objects.agreement) > _AGREE and turn > _TURNED:
        return Finding(
            text,
            f"they differ by {turn:.0f}°: is the up axis right ('prior build --up z'), or is the "
            "video turned?",
        )
    return Finding(text)


def _lie(shapes: Shapes) -> str:
    if shapes.elongation < _LONG:
        return "have no long axis"
    if shapes.agreement < _DISAGREE:
        return f"lie in all directions (agreement {shapes.agreement:.2f})"
    return f"lie at {shapes.direction:.0f}° (agreement {shapes.agreement:.2f}; 90° stands upright)"


def _compare_coverage(prior: Shapes, objects: Shapes) -> list[Finding]:
    stray = prior.density[objects.density < _RARE].sum() / max(prior.density.sum(), 1e-12)
    alone = objects.density[prior.density < _RARE].sum() / max(objects.density.sum(), 1e-12)
    outside = Finding(
        f"coverage: {100 * stray:.0f} % of the prior lies where objects hardly ever are",
        "lower prior.shift_jitter, prior.scale_jitter or prior.extent" if stray > _OUTSIDE else "",
    )
    unreached = Finding(
        f"coverage: {100 * alone:.0f} % of the objects lies where no pose of the prior comes",
        "raise prior.shift_jitter or prior.scale_jitter, add poses, or crop the videos closer"
        if alone > _UNREACHED
        else "",
    )
    return [outside, unreached]


def _without_specks(mask: Bool[ndarray, "side side"]) -> Bool[ndarray, "side side"]:
    image = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MedianFilter(3))
    return np.asarray(image) > 127
