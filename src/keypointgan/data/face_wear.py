"""What grows on a face or is worn there: hair, beard, hats, glasses."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.data.dice import Dice
from keypointgan.data.face_light import Light, grain
from keypointgan.data.face_shape import L_EYE, R_EYE, FaceShape, each
from keypointgan.ops.polygons import (
    Colour,
    Field,
    Picture,
    Points,
    paint,
    soft_cover,
    stroke_depth,
)

Number = Float[Tensor, " batch"]


@dataclass(frozen=True)
class Hair:
    """Hair (or a hat, or a scarf) before the head.

    Attributes:
        cover: Where it is.
        colours: Of each pixel.
        colour: Of all of it, for brows and beard.
    """

    cover: Field
    colours: Picture
    colour: Colour


def random_hair(face: FaceShape, sides: Points, light: Light, softness: Number, dice: Dice) -> Hair:
    """Hair around the opening for the face; short, long or hardly any, smooth or ragged."""
    left, level = face.coordinates(sides[:, 0])
    right, other = face.coordinates(sides[:, 16])
    jaw_left, _ = face.coordinates(face.points[:, 0])
    jaw_right, _ = face.coordinates(face.points[:, 16])
    ears = (level + other) / 2
    long = (dice.uniform(0, 1) < 0.42).float()
    bald = (dice.uniform(0, 1) < 0.12).float() * (1 - long)
    volume = dice.uniform(0.0, 0.10) + long * dice.uniform(0.05, 0.35)
    volume = volume + (dice.uniform(0, 1) < 0.1) * dice.uniform(0, 0.4)
    top = dice.uniform(0.85, 1.15) + 0.6 * volume
    ragged = 0.08 * grain(dice, face.size, 7, 7) + 0.06 * grain(dice, face.size, 20, 20)
    ragged = ragged * each(dice.uniform(0, 1))

    above = face.v - each(ears)
    middle, half = (left + right) / 2, (right - left) / 2 * (1.02 + volume)
    s = (face.u - each(middle)) / each(half)
    power = each(dice.uniform(2.0, 3.0))
    crown = s.abs() ** power + (above / each(top)).clamp_min(0) ** power
    end = -dice.uniform(0.0, 0.35) - long * dice.uniform(0.2, 1.9)
    narrow = 1 + each(dice.uniform(-0.1, 0.4)) * above.clamp(-1.5, 0)
    flank = torch.minimum(1 - (s * narrow).abs(), (above - each(end)) / each(half))
    outer = torch.where(above > 0, 1 - crown, flank) + ragged

    # The opening: as wide as the jaw line, or wider where the side of the head is seen.
    reach = dice.uniform(-0.1, 1.0)
    open_left, open_right = torch.lerp(jaw_left, left, reach), torch.lerp(jaw_right, right, reach)
    slack = 1 + dice.uniform(-0.16, 0.10) * (0.3 + 0.7 * long) + 0.1 * bald
    open_middle, open_half = (open_left + open_right) / 2, (open_right - open_left) / 2 * slack
    line = dice.either(0.2, dice.uniform(0.22, 0.45), dice.uniform(0.45, 0.80)) + bald * 0.6
    o = (face.u - each(open_middle)) / each(open_half)
    tilted = each(line) * (1 + each(0.12 * dice.normal()) * o)
    shape = each(dice.uniform(1.8, 4.0))
    dome = o.abs() ** shape + (above / tilted.clamp_min(0.15)).clamp_min(0) ** shape
    opening = torch.where(above > 0, 1 - dome, 1 - o.abs()) + 0.7 * ragged

    scale = each(face.unit) * 0.45
    fuzz = softness * dice.uniform(1.0, 4.0)
    cover = soft_cover(outer * scale, fuzz) * (1 - soft_cover(opening * scale, fuzz))
    cover = cover * each(1 - (dice.uniform(0, 1) < 0.04).float())

    colour = _hair_colour(dice)
    streaks = grain(dice, face.size, 6, 24) * each(dice.uniform(0.03, 0.2))
    streaks = streaks + grain(dice, face.size, 12, 12) * each(dice.uniform(0.0, 0.25))
    band = torch.exp(-((above - each(top * 0.7)) / 0.16).square()) * each(dice.uniform(0, 0.6))
    turned = 1 + 0.45 * s.clamp(-1.2, 1.2) * each(light.towards[:, 0])
    brightness = (each(light.ambient + 0.65 * light.direct) + band) * turned * (1 + streaks)
    under = 1 - 0.5 * torch.sigmoid(-above / 0.2) * each(dice.uniform(0, 1))
    return Hair(cover, each(colour, 2) * (brightness * under).clamp_min(0.05), colour)


def paint_beard(
    skin: Picture, face: FaceShape, colour: Colour, softness: Number, dice: Dice
) -> Picture:
    """Nothing, stubble, a beard or a moustache."""
    kind = dice.uniform(0, 1)
    beard = (kind < 0.22).float() * dice.either(0.5, dice.uniform(0.1, 0.5), dice.uniform(0.5, 1))
    lip = ((kind < 0.17) | (kind > 0.92)).float() * dice.uniform(0.3, 1.0)
    chin = ((kind < 0.22) | ((kind > 0.22) & (kind < 0.27))).float() * dice.uniform(0.3, 1.0)
    goatee = ((kind > 0.22) & (kind < 0.27)).float()
    beard = beard * (1 - goatee)
    colour = colour * dice.uniform(0.5, 1.0, 1)
    hairs = 1 + grain(dice, face.size, 32, 64) * each(dice.uniform(0, 0.3))
    coat = (each(colour, 2) * hairs).clamp(0, 1)
    unit = face.unit[:, None]

    jaw = face.line(range(1, 16)) * 0.9 + face.at(33)[:, None] * 0.1
    grow = jaw.new_tensor(
        [0.3, 0.5, 0.7, 0.9, 1.0, 1.1, 1.2, 1.2, 1.2, 1.1, 1.0, 0.9, 0.7, 0.5, 0.3]
    )
    wide = unit * dice.uniform(0.10, 0.22, 1) * grow
    fuzz = softness * 2 + face.unit * face.size * 0.03
    cover = soft_cover(stroke_depth(jaw, wide, size=face.size), fuzz)
    skin = torch.lerp(skin, coat, cover * each(beard * 0.95))
    lips = torch.stack([face.at(48), face.at(31, 49, 50), face.at(33, 51)], dim=1)
    other = torch.stack([face.at(35, 53, 52), face.at(54)], dim=1)
    over = face.moved(torch.cat([lips, other], dim=1), up=0.01)
    wide = unit * dice.uniform(0.03, 0.065, 1) * over.new_tensor([0.5, 0.9, 0.9, 0.9, 0.5])
    cover = soft_cover(stroke_depth(over, wide, size=face.size), softness * 1.8)
    skin = torch.lerp(skin, coat, cover * each(lip * 0.95))
    below = torch.stack([face.at(57), face.at(57, 8), face.at(8)], dim=1)
    wide = unit * dice.uniform(0.08, 0.2, 1) * below.new_tensor([0.4, 0.9, 1.0])
    cover = soft_cover(stroke_depth(below, wide, size=face.size), fuzz)
    return torch.lerp(skin, coat, cover * each(chin * goatee * 0.95))


def paint_glasses(picture: Picture, face: FaceShape, softness: Number, dice: Dice) -> Picture:
    """The picture with glasses on some faces, dark ones on a few."""
    worn = dice.uniform(0, 1) < 0.26
    dark = worn & (dice.uniform(0, 1) < 0.25)
    frame = dice.either(0.7, dice.uniform(0.02, 0.35, 1).expand(-1, 3), dice.colours())
    strength = worn * dice.uniform(0.4, 1.0)
    thick = dice.uniform(0.006, 0.03)
    wide, high = dice.uniform(0.17, 0.25), dice.uniform(0.10, 0.19)
    power, drop = dice.uniform(2.0, 4.5), dice.uniform(-0.02, 0.07)
    tint, lens = dice.colours() * 0.35, dark * dice.uniform(0.6, 0.98) + (worn & ~dark) * 0.08
    glare = worn * dice.uniform(0, 0.6) * (dice.uniform(0, 1) < 0.4)
    inner: list[Tensor] = []
    for eye, outward in ((R_EYE, -1), (L_EYE, 1)):
        outline = face.line(eye)
        width = (outline[:, 3] - outline[:, 0]).norm(dim=-1) / face.unit
        squeeze = (width / 0.22).clamp(0.45, 1.1)
        u, v = face.coordinates(outline.mean(dim=1))
        side, level = wide * squeeze, v - drop
        a, b = (face.u - each(u)) / each(side), (face.v - each(level)) / each(high)
        shape = (a.abs() ** each(power) + b.abs() ** each(power)) ** (1 / each(power))
        depth = (1 - shape) * each(high * face.unit)
        glass = soft_cover(depth, softness)
        picture = paint(picture, tint, glass * each(lens))
        spot = torch.sigmoid((a + 1.3 * b - 0.3) * 6) * torch.sigmoid((0.8 - a - 1.3 * b) * 6)
        picture = picture + glass * spot * each(glare)
        rim = soft_cover(each(thick * face.unit) - depth.abs(), softness)
        picture = paint(picture, frame, rim * each(strength))
        centre = outline.mean(dim=1)
        inner.append(face.moved(centre, right=-outward * side, up=0.3 * high - drop))
        outer = face.moved(centre, right=outward * side, up=0.4 * high - drop)
        ear = face.moved(face.points[:, 0 if outward < 0 else 16], up=0.05)
        away = ((ear - outer) * face.right).sum(dim=-1) * outward > 0
        temple = torch.stack([outer, ear], dim=1)
        bar = stroke_depth(temple, (thick * face.unit)[:, None].expand(-1, 2), size=face.size)
        picture = paint(picture, frame, soft_cover(bar, softness) * each(strength * away))
    bridge = torch.stack(inner, dim=1)
    bar = stroke_depth(bridge, (thick * face.unit)[:, None].expand(-1, 2), size=face.size)
    return paint(picture, frame, soft_cover(bar, softness) * each(strength))


def _hair_colour(dice: Dice) -> Colour:
    share = dice.uniform(0, 1)
    brown = torch.tensor([0.42, 0.27, 0.16], device=dice.device) * dice.uniform(0.08, 1.3, 1)
    blond = torch.tensor([0.85, 0.66, 0.40], device=dice.device) * dice.uniform(0.6, 1.1, 1)
    grey = torch.tensor([0.80, 0.80, 0.82], device=dice.device) * dice.uniform(0.3, 1.1, 1)
    red = torch.tensor([0.60, 0.24, 0.10], device=dice.device) * dice.uniform(0.5, 1.1, 1)
    colour = brown
    for low, other in ((0.58, blond), (0.70, grey), (0.86, red), (0.90, dice.colours())):
        colour = torch.where((share > low)[:, None], other, colour)
    return colour.clamp(0, 1)
