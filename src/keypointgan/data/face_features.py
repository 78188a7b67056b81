"""Brows, nostrils and mouth, painted where the landmarks say."""

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.data.dice import Dice
from keypointgan.data.face_shape import (
    INNER_LIPS,
    L_BROW,
    OUTER_LIPS,
    R_BROW,
    FaceShape,
    each,
)
from keypointgan.ops.polygons import (
    Colour,
    Field,
    Picture,
    blobs,
    paint,
    polygon_depth,
    soft_cover,
    stroke_depth,
)

Number = Float[Tensor, " batch"]


def paint_brows(
    skin: Picture, face: FaceShape, hair: Colour, softness: Number, dice: Dice
) -> Picture:
    """Brows below their landmarks, which follow the upper edge, thinner to the temple.

    Their first and last hairs are often short of the first and last landmark.
    """
    thickness = dice.uniform(0.022, 0.065)
    taper = thickness.new_tensor([0.35, 0.7, 0.95, 1.0, 0.85])
    radii = (thickness * face.unit)[:, None] * taper
    colour = hair * dice.uniform(0.35, 1.0, 1)
    strength = dice.either(0.85, dice.uniform(0.55, 1.0), dice.uniform(0.0, 0.5))
    drop = dice.uniform(0.6, 1.3)
    temple, nose = dice.uniform(0.0, 0.6, 1, 1), dice.uniform(-0.1, 0.4, 1, 1)
    for brow in (R_BROW, L_BROW):
        line = face.line(brow)
        first = torch.lerp(line[:, :1], line[:, 1:2], temple)
        last = torch.lerp(line[:, 4:], line[:, 3:4], nose)
        line = torch.cat([first, line[:, 1:4], last], dim=1)
        points = line - face.up[:, None] * (radii * drop[:, None])[..., None]
        cover = soft_cover(stroke_depth(points, radii, size=face.size), softness * 1.5)
        skin = paint(skin, colour, cover * each(strength))
    return skin


def paint_nostrils(skin: Picture, face: FaceShape, softness: Number, dice: Dice) -> Picture:
    """Nostrils, the shadow below the nose, and the edges of its wings.

    The landmarks are at the foot of the nose: nostrils and wings are above, wings reach beyond.
    Of a nose seen from aside those of the far side are hidden.
    """
    below = face.moved(face.line((31, 32, 33, 34, 35)), up=-0.012)
    radii = torch.ones_like(below[..., 0]) * (face.unit * dice.uniform(0.012, 0.03))[:, None]
    shadow = soft_cover(stroke_depth(below, radii, size=face.size), softness * 2 + 1)
    skin = skin * (1 - shadow * each(dice.uniform(0.1, 0.5)))
    strength = dice.uniform(0.35, 0.95)
    high, wide = dice.uniform(0.010, 0.024), dice.uniform(0.022, 0.038)
    tall, broad = dice.uniform(0.02, 0.065), dice.uniform(0.02, 0.05)
    for landmarks, wing, side in (((31, 32, 33), 31, -1), ((33, 34, 35), 35, 1)):
        near = (1 - face.aside * side).clamp_max(1)
        hole = face.hill(face.moved(face.at(*landmarks), up=tall), wide, high)
        skin = skin * (1 - (hole * 1.2).clamp(0, 1) * each(strength * near))
        start = face.points[:, wing]
        out = broad * near * side
        points = torch.stack(
            [
                face.moved(start, right=out * 0.2, up=-0.015),
                face.moved(start, right=out, up=0.03),
                face.moved(start, right=out * 0.5, up=0.08),
            ],
            dim=1,
        )
        radii = points.new_tensor([1.0, 0.9, 0.3]) * (face.unit * 0.012)[:, None]
        edge = soft_cover(stroke_depth(points, radii, size=face.size), softness * 1.5)
        skin = skin * (1 - edge * each(0.6 * strength * near))
        corner = face.points[:, 48 if wing == 31 else 54]
        fold = torch.stack(
            [
                face.moved(start, right=2 * out, up=0.03),
                face.moved(corner * 0.5 + start * 0.5, right=2.5 * out),
                face.moved(corner, right=2.5 * out, up=0.02),
            ],
            dim=1,
        )
        radii = fold.new_tensor([0.4, 1.0, 0.5]) * (face.unit * 0.016)[:, None]
        crease = soft_cover(stroke_depth(fold, radii, size=face.size), softness * 1.8 + 0.5)
        skin = skin * (1 - crease * each(dice.uniform(-0.05, 0.40)))
    return skin


def paint_mouth(
    skin: Picture, face: FaceShape, tone: Colour, shade: Field, softness: Number, dice: Dice
) -> Picture:
    """Lips between their two contours; within the inner one, the dark and sometimes teeth.

    The upper lip ends in an edge, lit or dark, that is seen up to a little above its landmarks.
    """
    natural = tone * tone.new_tensor([0.86, 0.62, 0.62]) * torch.exp(0.12 * dice.normal(3))
    stick = dice.colours() * tone.new_tensor([1.0, 0.45, 0.5])
    stick = dice.either(0.8, stick * 0.4 + natural * tone.new_tensor([0.75, 0.35, 0.4]), stick)
    colour = dice.either(0.72, natural, stick.clamp(0, 1))
    contour = face.line(OUTER_LIPS)
    arch = contour.new_tensor([0.0, 0.6, 1.0, 1.0, 1.0, 0.6, *[0.0] * 6])
    rise = arch * (face.unit * dice.uniform(0.0, 0.03))[:, None]
    contour = contour + rise[..., None] * face.up[:, None]
    outer = soft_cover(polygon_depth(contour, size=face.size), softness * 1.1)
    inside = polygon_depth(face.line(INNER_LIPS), size=face.size)
    _, level = face.coordinates(face.line((60, 62, 64, 66)))
    below = torch.sigmoid((each(level.mean(dim=1)) - face.v) / 0.012)
    upper = each(dice.uniform(0.6, 1.0))
    lips = each(colour, 2) * shade * (upper + (1.12 - upper) * below)
    gloss = face.hill(face.at(57, 66), 0.07, 0.015)
    lips = lips + gloss * each(dice.uniform(0, 0.3) * (dice.uniform(0, 1) < 0.5))
    skin = torch.lerp(skin, lips, outer * each(dice.uniform(0.55, 1.0)))
    edge = soft_cover(_ring(face, OUTER_LIPS, 0.006), softness * 1.5)
    skin = skin * (1 - edge * each(dice.uniform(0, 0.3)))

    mouth = each(skin.new_tensor([0.16, 0.05, 0.05]) * dice.uniform(0.2, 1.8, 1), 2)
    _, top = face.coordinates(face.line((61, 62, 63)))
    _, bottom = face.coordinates(face.line((65, 66, 67)))
    top, bottom = top.mean(dim=1), bottom.mean(dim=1)
    gap = (top - bottom).clamp_min(0)
    long = dice.uniform(0.03, 0.13)
    row = torch.sigmoid((face.v - each(top - long)) / 0.008)
    lower = torch.sigmoid((each(bottom + long * 0.4) - face.v) / 0.008)
    row = torch.maximum(row, lower * each((dice.uniform(0, 1) < 0.35).float()))
    bite = torch.sin(face.u * 85.0).square()
    teeth = skin.new_tensor([0.95, 0.92, 0.86]) * dice.uniform(0.55, 1.0, 1)
    teeth = each(teeth, 2) * (0.4 + 0.6 * shade) * (0.88 + 0.12 * bite)
    bared = dice.uniform(0.6, 1.0) * (dice.uniform(0, 1) < 0.75)
    mouth = torch.lerp(mouth.expand_as(teeth), teeth, row * each(bared))
    skin = torch.lerp(skin, mouth, soft_cover(inside, softness * 0.9))
    pits = _mouth_corners(face, dice)
    skin = skin * (1 - pits * each(dice.uniform(0.0, 0.5)))
    between = torch.stack(
        [
            face.at(48, 60),
            face.at(61, 67),
            face.at(62, 66),
            face.at(63, 65),
            face.at(54, 64),
        ],
        dim=1,
    )
    # Lips that are closed meet below the upper lip's overhang, which shades the line.
    middle = face.moved(between, up=dice.uniform(0.0, 0.02))
    radii = torch.ones_like(middle[..., 0]) * (face.unit * dice.uniform(0.005, 0.014))[:, None]
    line = soft_cover(stroke_depth(middle, radii, size=face.size), softness)
    closed = (1 - gap / 0.05).clamp(0, 1)
    return skin * (1 - line * each(dice.uniform(0.3, 0.85) * closed))


def _mouth_corners(face: FaceShape, dice: Dice) -> Field:
    """The shadow in the corners of a mouth, where lips end, and beyond."""
    ends, out = face.line((48, 54)), dice.uniform(0.01, 0.055, 1) * face.unit[:, None]
    along = ends[:, :1] - ends[:, 1:]
    along = along / along.norm(dim=-1, keepdim=True).clamp_min(1e-3) * out[..., None]
    centres = ends + torch.cat([along, -along], dim=1)
    axes = torch.ones_like(centres) * (face.unit[:, None] * dice.uniform(0.015, 0.03, 1))[..., None]
    return blobs(centres, axes, torch.ones_like(axes[..., 0]), size=face.size).clamp_max(1)


def _ring(face: FaceShape, landmarks: tuple[int, ...], radius: float) -> Field:
    points = face.line((*landmarks, landmarks[0]))
    return stroke_depth(
        points, torch.ones_like(points[..., 0]) * face.units(radius), size=face.size
    )
