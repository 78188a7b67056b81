"""Pictures of articulated figures: shaded, clothed limbs over a textured background.

A limb is a tapered capsule; what share of a pixel it covers follows from the pixel's distance to
it, so that edges are smooth at any resolution without drawing larger and shrinking.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image

from keypointgan.data.synthetic_figure import JOINTS, Motion
from keypointgan.types import FrameArray

Colour = Float[ndarray, "3"]
Canvas = Float[ndarray, "height width 3"]
Point = Float[ndarray, "2"]

_AT = {joint: index for index, joint in enumerate(JOINTS)}
_A_LITTLE = np.array([0, 0.01])  # pixels: a capsule of no length has no direction


@dataclass(frozen=True)
class Cloth:
    """What a limb wears: two colours in stripes along it, and how thick it makes the limb."""

    colours: tuple[Colour, Colour]
    stripes: float
    thickness: float


@dataclass(frozen=True)
class Look:
    """How a figure looks in all frames of a clip."""

    skin: Colour
    hair: Colour
    shirt: Cloth
    upper_arm: Cloth
    forearm: Cloth
    thigh: Cloth
    shank: Cloth
    shoes: Colour


@dataclass(frozen=True)
class _Limb:
    """Half of an arm or leg: the names of its joints, how near it is, its radii in metres."""

    start: str
    stop: str
    depth: float
    cloth: Cloth
    radii: tuple[float, float]


def random_look(rng: np.random.Generator, backdrop: Colour) -> Look:
    """Return clothes, skin and hair that stand out from the mean colour of the background."""

    def colour() -> Colour:
        while True:
            found = rng.uniform(0.03, 0.97, 3)
            if np.abs(found - backdrop).sum() > 0.75:
                return found.astype(np.float32)

    def cloth() -> Cloth:
        first = colour()
        second = colour() if rng.random() < 0.5 else first * 0.75
        stripes = float(rng.choice([0.0, 2.0, 3.0, 4.0]))
        return Cloth((first, second), stripes, float(rng.uniform(0.9, 1.25)))

    def bare(other: Cloth) -> Cloth:
        return Cloth((skin, skin), 0.0, 0.85) if rng.random() < 0.5 else other

    tone = rng.uniform(0.25, 0.95)
    skin = (np.array([1.0, 0.78, 0.64]) * tone).astype(np.float32)
    shirt, trousers = cloth(), cloth()
    return Look(
        skin=skin,
        hair=(np.array([0.5, 0.33, 0.2]) * rng.uniform(0.1, 1.6)).astype(np.float32),
        shirt=shirt,
        upper_arm=shirt,
        forearm=bare(shirt),
        thigh=trousers,
        shank=bare(trousers),
        shoes=colour(),
    )


def random_background(rng: np.random.Generator, *, size: int) -> Canvas:
    """Return a moderately textured picture in [0, 1]: soft blotches, a gradient, some boards."""
    base = rng.uniform(0.25, 0.75) + rng.normal(0, 0.09, 3)
    other = rng.uniform(-0.14, 0.14) + rng.normal(0, 0.05, 3)
    texture = np.zeros((size, size), np.float32)
    for cells, weight in ((3, 0.5), (7, 0.3), (16, 0.2)):
        noise = Image.fromarray(rng.normal(size=(cells, cells)).astype(np.float32))
        texture += weight * np.asarray(noise.resize((size, size), Image.Resampling.BICUBIC))
    y, x = np.mgrid[:size, :size] / size
    texture += (rng.uniform(-1, 1) * (y - 0.5) + rng.uniform(-1, 1) * (x - 0.5)).astype(np.float32)
    canvas = base + texture[..., None] * other
    for _ in range(rng.integers(0, 5)):  # boards, doors, boxes
        top, left = rng.integers(-size // 4, size, 2)
        height, width = rng.integers(size // 8, size // 2, 2)
        canvas[max(top, 0) : top + height, max(left, 0) : left + width] += rng.normal(0, 0.07, 3)
    return np.clip(canvas, 0, 1).astype(np.float32)


def draw_figure(
    motion: Motion, figure: int, look: Look, background: Canvas, *, rng: np.random.Generator
) -> FrameArray:
    """Return the frames of one figure in motion, with a little noise."""
    size = background.shape[0]
    points = (motion.poses[figure] + 1) / 2 * size
    metre = float(motion.metre[figure]) / 2 * size
    frames = np.empty((len(points), size, size, 3), np.float32)
    for frame, place, joints in zip(frames, points, motion.joints[figure], strict=True):
        frame[:] = background
        _draw(frame, place, joints[:, 2], metre, look)
    frames += rng.normal(0, 0.012, frames.shape)
    return (np.clip(frames, 0, 1) * 255).round().astype(np.uint8)


def _draw(
    canvas: Canvas,
    points: Float[ndarray, "17 2"],
    depths: Float[ndarray, " 17"],
    metre: float,
    look: Look,
) -> None:
    """Paint the limbs from back to front, the trunk between those behind and before it."""
    limbs = sorted(_limbs(depths, look), key=lambda limb: limb.depth)
    trunk = float(depths[_AT["spine"]])
    for limb in limbs:
        if limb.depth < trunk:
            _draw_limb(canvas, points, limb, metre, look)
    _draw_trunk(canvas, points, metre, look)
    for limb in limbs:
        if limb.depth >= trunk:
            _draw_limb(canvas, points, limb, metre, look)


def _limbs(depths: Float[ndarray, " 17"], look: Look) -> list[_Limb]:
    return [
        _Limb(start, stop, float(depths[[_AT[start], _AT[stop]]].mean()), cloth, radii)
        for side in "lr"
        for start, stop, cloth, radii in (
            (f"{side}_shoulder", f"{side}_elbow", look.upper_arm, (0.062, 0.05)),
            (f"{side}_elbow", f"{side}_wrist", look.forearm, (0.05, 0.04)),
            (f"{side}_hip", f"{side}_knee", look.thigh, (0.095, 0.068)),
            (f"{side}_knee", f"{side}_ankle", look.shank, (0.068, 0.05)),
        )
    ]


def _draw_limb(
    canvas: Canvas, points: Float[ndarray, "17 2"], limb: _Limb, metre: float, look: Look
) -> None:
    start, stop = points[_AT[limb.start]], points[_AT[limb.stop]]
    if limb.stop.endswith("wrist"):  # a hand
        _capsule(canvas, (stop, stop + _A_LITTLE), (0.055 * metre,) * 2, (look.skin,) * 2)
    if limb.stop.endswith("ankle"):  # a shoe
        toe = stop + np.array([0.04 if limb.stop.startswith("l") else -0.04, 0.05]) * metre
        _capsule(canvas, (stop, toe), (0.055 * metre,) * 2, (look.shoes,) * 2)
    thick = metre * limb.cloth.thickness
    _capsule(
        canvas,
        (start, stop),
        (limb.radii[0] * thick, limb.radii[1] * thick),
        limb.cloth.colours,
        stripes=limb.cloth.stripes,
    )


def _draw_trunk(canvas: Canvas, points: Float[ndarray, "17 2"], metre: float, look: Look) -> None:
    shoulders = points[[_AT["l_shoulder"], _AT["r_shoulder"]]]
    hips = points[[_AT["l_hip"], _AT["r_hip"]]]
    chest, pelvis = shoulders.mean(axis=0), hips.mean(axis=0)
    width = max(abs(shoulders[0, 0] - shoulders[1, 0]) / 2, 0.1 * metre)
    waist = max(abs(hips[0, 0] - hips[1, 0]) / 2 + 0.04 * metre, 0.1 * metre)
    neck, top = points[_AT["neck"]], points[_AT["head_top"]]
    legs, shirt = look.thigh, look.shirt
    _capsule(canvas, (hips[0], hips[1]), (0.09 * metre,) * 2, (legs.colours[0],) * 2)
    _capsule(canvas, (neck, (neck + top) / 2), (0.05 * metre,) * 2, (look.skin * 0.85,) * 2)
    _capsule(canvas, (shoulders[0], shoulders[1]), (0.065 * metre,) * 2, (shirt.colours[0],) * 2)
    lower, upper = pelvis + (chest - pelvis) * 0.12, chest + (pelvis - chest) * 0.25
    _capsule(canvas, (upper, lower), (width, waist), shirt.colours, stripes=shirt.stripes)
    crown = top + (neck - top) * 0.32
    chin = top + (neck - top) * 0.55
    _capsule(canvas, (crown, chin), (0.1 * metre, 0.085 * metre), (look.hair,) * 2)
    face = (crown + chin) / 2 + (points[_AT["nose"]] - (crown + chin) / 2) * 0.35
    _capsule(canvas, (face, face + (chin - crown) * 0.4), (0.075 * metre,) * 2, (look.skin,) * 2)
    nose = points[_AT["nose"]]
    _capsule(canvas, (nose, nose + _A_LITTLE), (0.02 * metre,) * 2, (look.skin * 0.6,) * 2)


def _capsule(
    canvas: Canvas,
    ends: tuple[Point, Point],
    radii: tuple[float, float],
    colours: tuple[Colour, Colour],
    *,
    stripes: float = 0.0,
) -> None:
    """Draw a shaded bar between two ends, rounded there, in pixels."""
    start, stop = (np.asarray(end, np.float32) for end in ends)
    reach = max(radii) + 1
    low = np.maximum(np.floor(np.minimum(start, stop) - reach), 0).astype(int)
    high = np.minimum(np.ceil(np.maximum(start, stop) + reach), canvas.shape[1::-1]).astype(int)
    if (low >= high).any():
        return  # outside of the picture
    x = np.arange(low[0], high[0], dtype=np.float32)[None] + 0.5 - start[0]
    y = np.arange(low[1], high[1], dtype=np.float32)[:, None] + 0.5 - start[1]
    along_x, along_y = (float(value) for value in stop - start)
    length = max(along_x**2 + along_y**2, 1e-6)
    along = np.clip((x * along_x + y * along_y) / length, 0, 1)
    away_x, away_y = x - along * along_x, y - along * along_y
    radius = radii[0] + (radii[1] - radii[0]) * along
    distance = np.sqrt(away_x**2 + away_y**2)
    cover = np.clip(radius - distance + 0.5, 0, 1)[..., None]
    light = 1 - 0.2 * (away_x + away_y) / radius - 0.12 * (distance / radius) ** 2
    paint = (
        colours[0]
        if not stripes
        else np.where((np.floor(along * stripes * 2) % 2)[..., None] < 1, colours[0], colours[1])
    )
    patch = canvas[low[1] : high[1], low[0] : high[0]]
    patch += cover * (light[..., None] * paint - patch)
