"""Eyes, painted where the landmarks say."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.data.dice import Dice
from keypointgan.data.face_light import Light
from keypointgan.data.face_shape import L_EYE, R_EYE, FaceShape, each
from keypointgan.ops.polygons import (
    Colour,
    Field,
    Picture,
    Points,
    paint,
    polygon_depth,
    soft_cover,
    stroke_depth,
)

Number = Float[Tensor, " batch"]


@dataclass(frozen=True)
class _Look:
    """What both eyes of a face have in common.

    Attributes:
        gaze: Where they look, as shares of the way to the corners and lids.
        iris: Its colour.
        radius: Of the iris, in units.
        white: The colour around it.
        glint: How bright the light is in the eye.
        lash: The colour of lids' edges.
        lid: Thickness of the upper lid's edge, normalised.
        upper: How dark the upper lid's edge is.
        lower: How dark it is below the eye.
        fold: How dark the fold above it is.
        makeup: The colour of the upper lid.
        made_up: Its strength.
    """

    gaze: Float[Tensor, "batch 2"]
    iris: Colour
    radius: Number
    white: Colour
    glint: Number
    lash: Colour
    lid: Number
    upper: Number
    lower: Number
    fold: Number
    makeup: Colour
    made_up: Number


def _random_look(face: FaceShape, dice: Dice) -> _Look:
    black, brown, white = (
        face.points.new_tensor(colour)
        for colour in ([0.07, 0.05, 0.05], [0.16, 0.09, 0.05], [0.92, 0.88, 0.86])
    )
    iris = dice.either(0.6, brown * dice.uniform(0.2, 2.2, 1), dice.uniform(0.1, 0.6, 3))
    return _Look(
        gaze=(dice.normal(2) * face.points.new_tensor([0.22, 0.15])).clamp(-0.7, 0.7),
        iris=iris,
        radius=dice.uniform(0.05, 0.068),
        white=white * dice.uniform(0.4, 1.0, 1),
        glint=dice.uniform(0, 0.8),
        lash=dice.either(0.8, black.expand(dice.count, 3), iris * 0.4),
        lid=dice.uniform(0.012, 0.042) * face.unit,
        upper=dice.uniform(0.55, 1.0),
        lower=dice.uniform(0, 0.6),
        fold=dice.uniform(0, 0.6),
        makeup=dice.colours() * 0.6,
        made_up=dice.uniform(0, 0.7) * (dice.uniform(0, 1) < 0.2),
    )


def paint_eyes(
    skin: Picture, face: FaceShape, shade: Field, softness: Number, light: Light, dice: Dice
) -> Picture:
    """Eyes that look anywhere, under dark lids; the lids' folds, shadows and rings around them."""
    look = _random_look(face, dice)
    for eye in (R_EYE, L_EYE):
        outline = face.line(eye)
        centre = outline.mean(dim=1)
        width = (outline[:, 3] - outline[:, 0]).norm(dim=-1) / face.unit
        around = face.hill(face.moved(centre, up=0.03), width * 0.55, 0.075)
        skin = paint(skin, look.makeup, around * each(look.made_up))
        ring = face.hill(face.moved(centre, up=-0.085), width * 0.5, 0.03)
        skin = skin * (1 - 0.35 * ring * each(look.lower))
        radii = look.lid[:, None].expand(-1, 4)
        lid, below = outline[:, :4], torch.cat([outline[:, 3:], outline[:, :1]], dim=1)
        fold = stroke_depth(face.moved(lid, up=0.045), 0.3 * radii, size=face.size)
        skin = skin * (1 - 0.45 * soft_cover(fold, softness * 1.6) * each(look.fold))

        inside = soft_cover(polygon_depth(outline, size=face.size), softness * 0.9)
        skin = torch.lerp(skin, _eyeball(face, outline, look, shade, softness, light), inside)
        upper = soft_cover(stroke_depth(lid, radii / 2, size=face.size), softness)
        skin = paint(skin, look.lash, upper * each(look.upper))
        lower = soft_cover(stroke_depth(below, radii / 4, size=face.size), softness)
        skin = paint(skin, look.lash, lower * each(look.lower * 0.7))
    return skin


def _eyeball(
    face: FaceShape, outline: Points, look: _Look, shade: Field, softness: Number, light: Light
) -> Picture:
    """White, iris, pupil and the light in it, in the shadow of the upper lid."""
    ball = each(look.white, 2) * (0.35 + 0.65 * shade) * (1 - 0.4 * _upper(face, outline))
    width = (outline[:, 3] - outline[:, 0]).norm(dim=-1) / face.unit
    right, up = look.gaze[:, 0] * width * 0.5, look.gaze[:, 1] * 0.05
    middle = face.moved(outline.mean(dim=1), right=right, up=up)
    distance = _round_distance(face, middle, (width / 0.22).clamp(0.45, 1.1))
    for share, colour in ((1.0, look.iris), (0.45, look.iris * 0.1)):
        depth = (share * each(look.radius) - distance) * each(face.unit)
        ball = paint(ball, colour, soft_cover(depth, softness * 0.9))
    glint = face.moved(middle, right=0.02 * light.towards[:, 0], up=0.022)
    return ball + face.hill(glint, 0.013, 0.013) * each(look.glint)


def _upper(face: FaceShape, outline: Tensor) -> Field:
    """1 at the upper lid, whose shadow falls on the eye, 0 from the middle on."""
    _, high = face.coordinates(outline[:, 1:3].mean(dim=1))
    return (1 - (each(high) - face.v) / 0.05).clamp(0, 1)


def _round_distance(face: FaceShape, centre: Tensor, squeeze: Number) -> Field:
    """Distance in units from a centre, in a circle seen from a side."""
    u, v = face.coordinates(centre)
    return (((face.u - each(u)) / each(squeeze)).square() + (face.v - each(v)).square()).sqrt()
