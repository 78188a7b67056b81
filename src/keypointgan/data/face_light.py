"""The relief of a face, the light on it and the colour of its skin."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate, pad

from keypointgan.data.dice import Dice
from keypointgan.data.face_shape import BRIDGE, L_EYE, R_EYE, FaceShape, each
from keypointgan.ops.polygons import Colour, Field, Picture, Points, blobs, soft_cover, stroke_depth

_SIDES = ((36, 31, 2), (45, 35, 14))  # outer corner of the eye, wing of the nose, jaw


@dataclass(frozen=True)
class Light:
    """Where light comes from, and how much without direction.

    Attributes:
        towards: Unit vector: image's right, down, towards the viewer.
        ambient: Brightness out of the light.
        direct: What the light adds where it falls at right angles.
        gloss: What a shining skin adds there.
    """

    towards: Float[Tensor, "batch 3"]
    ambient: Float[Tensor, " batch"]
    direct: Float[Tensor, " batch"]
    gloss: Float[Tensor, " batch"]


def random_light(dice: Dice) -> Light:
    """Light mostly from above and in front; sometimes from a side or below."""
    side, above = 0.9 * dice.normal(), 0.55 + 0.55 * dice.normal()
    towards = torch.stack([side, -above, torch.ones_like(side) * 1.3], dim=-1)
    ambient = dice.uniform(0.2, 0.8)
    direct = (1.02 - ambient) * dice.uniform(0.85, 1.35)
    gloss = dice.uniform(-0.2, 0.35).clamp_min(0)
    return Light(towards / towards.norm(dim=-1, keepdim=True), ambient, direct, gloss)


def relief(face: FaceShape, sides: Points, dice: Dice) -> Field:
    """How near to the viewer each pixel of the face is, in units: a globe with hills on it."""
    left, _ = face.coordinates(sides[:, 0])
    right, _ = face.coordinates(sides[:, 16])
    chin, below = face.coordinates(face.at(8))
    middle = each(chin / below.clamp_max(-0.3)) * face.v
    reach = torch.where(face.u > middle, each(right) - middle, middle - each(left)).clamp_min(0.12)
    s = ((face.u - middle) / reach).clamp(-1.3, 1.3)
    t = (face.v / 1.15).clamp(-1.2, 1.2)
    globe = 0.55 * (1 - 0.45 * s.square() - 0.55 * s.square().square() - 0.5 * t.square())
    return globe + _hills(face, dice) + _nose(face, dice)


def _hills(face: FaceShape, dice: Dice) -> Field:
    strength = dice.uniform(0.6, 1.5)
    hills: list[tuple[Tensor, float, float, float]] = []
    for eye, brow in ((R_EYE, (18, 19, 20)), (L_EYE, (23, 24, 25))):
        centre = face.at(*eye)
        inner = face.points[:, eye[3]]
        hills.append((centre * 0.6 + face.at(*brow) * 0.4, 0.15, 0.07, -0.06))
        hills.append((inner * 0.85 + face.at(27) * 0.15, 0.06, 0.07, -0.05))
        hills.append((centre, 0.08, 0.06, 0.035))
        hills.append((face.moved(centre, up=-0.10), 0.10, 0.03, -0.012))
        hills.append((face.at(*brow), 0.17, 0.06, 0.035))
    for corners in _SIDES:
        hills.append((face.at(*corners), 0.17, 0.13, 0.07))
        corner = face.points[:, 48 if corners[0] == 36 else 54]
        wing = face.points[:, corners[1]]
        hills.append((corner * 0.75 + wing * 0.25, 0.05, 0.08, -0.022))
    lips, chin = face.at(48, 51, 54, 57), face.at(8)
    hills.append((lips, 0.17, 0.10, 0.05))
    hills.append((face.at(50, 52, 62), 0.11, 0.03, 0.016))
    hills.append((face.at(56, 57, 58, 66), 0.10, 0.035, 0.02))
    hills.append((face.at(57) * 0.75 + chin * 0.25, 0.14, 0.04, -0.035))
    hills.append((face.at(57) * 0.3 + chin * 0.7, 0.14, 0.09, 0.05))
    hills.append((face.at(33, 51), 0.025, 0.05, -0.012))
    centres = torch.stack([hill[0] for hill in hills], dim=1)
    axes = centres.new_tensor([hill[1:3] for hill in hills]) * face.unit[:, None, None]
    spread = torch.exp(0.25 * dice.normal(len(hills)))
    heights = centres.new_tensor([hill[3] for hill in hills]) * spread * strength[:, None]
    return blobs(centres, axes, heights, size=face.size)


def _nose(face: FaceShape, dice: Dice) -> Field:
    """A ridge that grows from the bridge to the tip, between two wings above their landmarks.

    Seen from aside it ends at its landmarks, and hides what is on its far side.
    """
    unit = face.unit[:, None]
    width = unit.new_tensor([0.045, 0.05, 0.06, 0.075]) * unit
    ridge = face.behind(face.line(BRIDGE), width)
    depth = stroke_depth(ridge, width, size=face.size) / each(face.unit)
    grows = (-face.v / 0.4).clamp(0.15, 1.1)
    slope = torch.sigmoid(depth / 0.028)
    tall = each(dice.uniform(0.08, 0.2))
    tip = face.moved(face.at(30), right=-0.06 * face.aside, up=dice.uniform(0.01, 0.05))
    lobes = face.moved(face.line((31, 35)), up=dice.uniform(0.02, 0.06))
    centres = torch.cat([tip[:, None], lobes], dim=1)
    axes = centres.new_tensor([[0.075, 0.065], [0.045, 0.05], [0.045, 0.05]])
    near = torch.stack([1 + face.aside, 1 - face.aside], dim=-1).clamp_max(1)
    lobe = dice.uniform(0.03, 0.07, 1) * near
    heights = torch.cat([dice.uniform(0.04, 0.11, 1), lobe], dim=-1)
    wings = blobs(centres, axes * unit[..., None], heights, size=face.size)
    return slope * grows * tall + wings


def shine(height: Field, face: FaceShape, light: Light) -> Field:
    """How bright a surface of this relief is under the light."""
    step = 2 / face.size / each(face.unit)  # of a pixel, in units
    x = (pad(height[..., 2:] - height[..., :-2], (1, 1, 0, 0), mode="replicate")) / (2 * step)
    y = (pad(height[..., 2:, :] - height[..., :-2, :], (0, 0, 1, 1), mode="replicate")) / (2 * step)
    towards = light.towards
    facing = each(towards[:, 2]) - x * each(towards[:, 0]) - y * each(towards[:, 1])
    lit = facing / (1 + x.square() + y.square()).sqrt()
    grazing = 1 / (1 + 0.12 * (x.square() + y.square()))
    lit = lit.clamp_min(0)
    direct = each(light.direct) * lit + each(light.gloss) * lit**16
    return (each(light.ambient) * grazing + direct).clamp(0, 1.8)


def jaw_shadow(face: FaceShape, dice: Dice) -> Field:
    """How dark it is right below the jaw, more so where the side of the head is seen behind it."""
    unit = face.unit[:, None]
    dark = dice.uniform(0.0, 0.35)
    shadow = torch.zeros_like(face.u)
    for side, landmarks in ((1, range(0, 9, 2)), (-1, range(16, 7, -2))):
        points = face.moved(face.line(landmarks), up=-0.025)
        seen = (face.turned * side * 2).clamp(0.1, 1)
        radii = unit * points.new_tensor([0.02, 0.04, 0.06, 0.05, 0.04])
        depth = stroke_depth(points, radii, size=face.size)
        line = soft_cover(depth, 1 + face.unit * face.size * 0.05)
        shadow = torch.maximum(shadow, line * each(dark * seen))
    return shadow


def random_skin(dice: Dice) -> Colour:
    """Colours of real skins, pale to dark; some of none."""
    share = dice.uniform(0, 1) ** 0.6
    pale, tan, dark = (
        torch.tensor(colour, device=share.device)
        for colour in ([0.98, 0.80, 0.70], [0.80, 0.56, 0.42], [0.33, 0.20, 0.14])
    )
    first, second = (2 * share).clamp(0, 1)[:, None], (2 * share - 1).clamp(0, 1)[:, None]
    tone = torch.lerp(torch.lerp(dark, tan, first), pale, second)
    tone = tone * torch.exp(0.07 * dice.normal(3) + 0.12 * dice.normal(1))
    return dice.either(0.12, dice.colours(), tone).clamp(0.02, 1)


def skin_colours(tone: Colour, face: FaceShape, dice: Dice) -> Picture:
    """The skin of a face: its tone, redder cheeks and nose, spots and freckles."""
    cheeks = torch.stack([face.at(36, 31, 3), face.at(45, 35, 13), face.at(30)], dim=1)
    axes = cheeks.new_tensor([[0.16, 0.13], [0.16, 0.13], [0.1, 0.1]]) * face.unit[:, None, None]
    heights = torch.ones_like(axes[..., 0]) * dice.uniform(0, 1, 1)
    red = blobs(cheeks, axes, heights, size=face.size)
    tint = dice.uniform(-0.02, 0.16, 1) * tone.new_tensor([0.3, -1.0, -0.8])
    colours = each(tone, 2) * (1 + red * each(tint, 2))
    coarse = grain(dice, face.size, 10, 10) * each(dice.uniform(0, 0.08))
    fine = grain(dice, face.size, 48, 48) * each(dice.uniform(0, 0.03))
    freckles = (grain(dice, face.size, 40, 40) - 1.3).clamp_min(0)
    freckles = freckles * each(dice.uniform(0, 0.35) * (dice.uniform(0, 1) < 0.15))
    return (colours * (1 + coarse + fine - freckles)).clamp(0, 1)


def grain(dice: Dice, size: int, rows: int, columns: int) -> Field:
    """Smooth noise of about unit variance, with so many rows and columns of spots."""
    return interpolate(
        dice.normal(1, rows, columns), size=(size, size), mode="bicubic", align_corners=False
    )
