"""What surrounds a face: neck, clothes and ears, and what stands before it."""

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.data.dice import Dice
from keypointgan.data.face_light import Light, grain
from keypointgan.data.face_shape import FaceShape, Place, each
from keypointgan.ops.polygons import (
    Colour,
    Field,
    Picture,
    Points,
    paint,
    pixel_centres,
    soft_cover,
    stroke_depth,
)

Number = Float[Tensor, " batch"]


def paint_body(
    picture: Picture,
    face: FaceShape,
    tone: Colour,
    light: Light,
    softness: Number,
    dice: Dice,
) -> Picture:
    """Neck, shoulders and clothes below the chin; the neck round, and in the shade of the jaw."""
    brightness = light.ambient + 0.6 * light.direct
    tilt = dice.uniform(0.3, 1.0)[:, None]
    up = face.up * tilt - face.up.new_tensor([0.0, 1.0]) * (1 - tilt)
    up = up / up.norm(dim=-1, keepdim=True).clamp_min(1e-3)
    long, wide = dice.uniform(0.05, 0.55), dice.uniform(0.32, 0.60)
    chin = face.at(8)
    shift = face.right * face.units(-0.35 * face.turned)
    throat = face.at(8, 33) + shift
    base = chin + shift - up * face.units(long + 0.8)
    radii = (torch.stack([wide, wide * 1.1], dim=-1)) * face.unit[:, None]
    neck = stroke_depth(torch.stack([throat, base], dim=1), radii, size=face.size)
    collar = chin + shift - up * face.units(long)
    across, down = _from(collar, up, face)
    turned = across / each(wide)
    shade = 1 + 0.5 * turned.clamp(-1, 1) * each(light.towards[:, 0]) - 0.25 * turned.square()
    below = torch.exp(-(-face.v - 0.95).clamp_min(0) / each(dice.uniform(0.08, 0.4)))
    dim = each(dice.uniform(0.5, 1.1)) * (1 - each(dice.uniform(0.0, 0.6)) * below)
    colours = each(tone, 2) * dim * shade.clamp(0.3, 1.4) * each(brightness)
    picture = torch.lerp(picture, colours.clamp(0, 1), soft_cover(neck, softness))
    return _paint_clothes(picture, face, tone, across, down, brightness, softness, dice)


def _paint_clothes(
    picture: Picture,
    face: FaceShape,
    tone: Colour,
    across: Field,
    down: Field,
    brightness: Number,
    softness: Number,
    dice: Dice,
) -> Picture:
    """Clothes with a neckline, half of them open over a shirt, of these some with a tie."""
    away = across.abs()
    shoulder = each(dice.uniform(0.05, 0.5)) * away + 0.25 * (away / 1.3).square()
    deep, broad = each(dice.uniform(-0.3, 0.9)).clamp_min(0), each(dice.uniform(0.35, 0.9))
    neckline = torch.maximum(shoulder, deep * (1 - away / broad).clamp_min(0))
    unit = each(face.unit)
    chest = soft_cover((down - shoulder) * unit, softness)
    picture = paint(picture, tone * (brightness * dice.uniform(0.6, 1.0))[:, None], chest)

    shirt = dice.either(0.6, dice.uniform(0.6, 0.95, 1).expand(-1, 3), dice.colours())
    open_ = dice.uniform(0, 1) < 0.5
    inner = soft_cover((down - 0.9 * shoulder) * unit, softness) * each(open_)
    picture = paint(picture, shirt * brightness[:, None], inner)
    tie = soft_cover((0.09 + 0.05 * down - away) * unit, softness) * inner
    picture = paint(picture, dice.colours() * 0.8, tie * each(dice.uniform(0, 1) < 0.6))

    stripes = torch.sin(across * each(dice.uniform(5, 40)) + down * each(dice.uniform(-20, 20)))
    stripes = stripes * each(dice.uniform(0, 0.3) * (dice.uniform(0, 1) < 0.25))
    folds = 1 + each(dice.uniform(0, 0.2)) * grain(dice, face.size, 8, 8) + stripes
    dark = dice.uniform(0.03, 0.2, 1) * (1 + 0.15 * dice.normal(3))
    colour = (
        dice.either(0.45, dark, dice.colours()) * (brightness * dice.uniform(0.7, 1.1))[:, None]
    )
    outer = soft_cover((down - neckline) * unit, softness)
    return torch.lerp(picture, (each(colour, 2) * folds).clamp(0, 1), outer)


def _from(place: Place, up: Place, face: FaceShape) -> tuple[Field, Field]:
    """How far each pixel is right of a place and below it, in units, if that way is up."""
    centres = pixel_centres(face.size, face.u)
    x, y = centres - place[:, :1], centres - place[:, 1:]
    x, y = (x / face.unit[:, None])[:, None, None], (y / face.unit[:, None])[:, None, :, None]
    up = each(up, 2)
    return y * up[:, :1] - x * up[:, 1:], -(x * up[:, :1] + y * up[:, 1:])


def ear_cover(face: FaceShape, sides: Points, softness: Number, dice: Dice) -> Field:
    """Ears at both ends of the jaw line of a head seen from the front; from aside one is hidden."""
    out, lift = dice.uniform(0.0, 0.07), dice.uniform(-0.12, 0.05)
    covers = []
    for side, low, high in ((-1, 1, 0), (1, 15, 16)):
        hidden = (1 - 2.5 * face.turned.abs()).clamp(0, 1)
        bottom = face.moved(sides[:, low], right=side * out, up=lift)
        top = face.moved(sides[:, high], right=side * (out + 0.03), up=lift + 0.02)
        radii = (torch.stack([0.05 * hidden, 0.075 * hidden], dim=-1)) * face.unit[:, None]
        depth = stroke_depth(torch.stack([bottom, top], dim=1), radii, size=face.size)
        covers.append(soft_cover(depth, softness) * each(hidden))
    return torch.maximum(*covers)


def paint_near_ear(skin: Picture, face: FaceShape, softness: Number, dice: Dice) -> Picture:
    """The nearer ear of a head seen from aside, right behind the end of the jaw line."""
    out = torch.where(face.turned > 0, -1.0, 1.0)
    jaw = torch.where(each(face.turned > 0, 2), face.line((0, 1, 2)), face.line((16, 15, 14)))
    large, lift = dice.uniform(0.05, 0.09), dice.uniform(-0.12, 0.06)
    bottom = face.moved(jaw[:, 1] * 0.6 + jaw[:, 2] * 0.4, right=out * large * 0.9, up=lift)
    top = face.moved(jaw[:, 0], right=out * (large * 1.5 + 0.02), up=lift + 0.02)
    ends = torch.stack([bottom, top], dim=1)
    seen = (3 * face.turned.abs() - 0.4).clamp(0, 1)
    radii = torch.stack([0.6 * large, large], dim=-1) * face.unit[:, None]
    depth = stroke_depth(ends, radii, size=face.size)
    cover = soft_cover(depth, softness) * each(seen)
    rim = soft_cover(each(0.02 * face.unit) - depth.abs(), softness * 1.5) * each(seen)
    skin = skin * (1 + cover * each(dice.uniform(-0.2, 0.25)))
    skin = skin * (1 - rim * each(dice.uniform(0.1, 0.5)))
    hollow = face.hill(ends[:, 0] * 0.45 + ends[:, 1] * 0.55, 0.35 * large, 0.06)
    return skin * (1 - hollow * each(seen * dice.uniform(0.1, 0.6)))


def paint_obstacles(
    picture: Picture,
    face: FaceShape,
    tone: Colour,
    softness: Number,
    dice: Dice,
) -> Picture:
    """Now and then a microphone, a hand or something else before the face."""
    kinds = dice.uniform(0, 1)
    start = torch.stack([dice.uniform(-1, 1), dice.uniform(0.8, 1.3)], dim=-1)
    stop = face.at(8) + face.unit[:, None] * 0.45 * dice.normal(2) + face.up * face.units(-0.2)
    thick = face.unit * dice.uniform(0.08, 0.22)
    ends = torch.stack([start, torch.lerp(start, stop, 0.75), stop], dim=1)
    radii = torch.stack([thick * 0.5, thick * 0.55, thick], dim=-1)
    rod = soft_cover(stroke_depth(ends, radii, size=face.size), softness)
    hand = tone * dice.uniform(0.6, 1.1, 1)
    colour = dice.either(0.6, dice.uniform(0.02, 0.25, 1).expand(-1, 3), dice.colours())
    colour = dice.either(0.35, hand, colour)
    picture = paint(picture, colour, rod * each(kinds < 0.14))
    place = face.at(30) + face.unit[:, None] * 0.8 * dice.normal(2)
    across = dice.normal(2)
    across = across / across.norm(dim=-1, keepdim=True).clamp_min(1e-3) * face.units(0.5)
    bar = torch.stack([place - across, place + across], dim=1)
    radii = face.unit[:, None] * dice.uniform(0.04, 0.3, 2)
    cover = soft_cover(stroke_depth(bar, radii, size=face.size), softness)
    colours = each(dice.colours(), 2) * (1 + 0.2 * grain(dice, face.size, 8, 8))
    return torch.lerp(picture, colours.clamp(0, 1), cover * each(kinds > 0.93))
