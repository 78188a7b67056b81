"""Drawn faces: 68 landmarks of the prior become faces, before surroundings of the videos.

A picture of a face whose landmarks are known, made from what is at hand without a label: poses of
the prior and the borders of the unlabelled frames. An encoder that has learnt to read such faces
starts its unsupervised training with a fair idea of where brows, eyes, nose, lips and jaw are. It
is no part of the paper.
"""

from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from keypointgan.data.backdrops import Backdrops
from keypointgan.data.dice import Dice
from keypointgan.data.face_body import ear_cover, paint_body, paint_near_ear, paint_obstacles
from keypointgan.data.face_eyes import paint_eyes
from keypointgan.data.face_features import paint_brows, paint_mouth, paint_nostrils
from keypointgan.data.face_light import (
    jaw_shadow,
    random_light,
    random_skin,
    relief,
    shine,
    skin_colours,
)
from keypointgan.data.face_shape import FaceShape, each, turn_head
from keypointgan.data.face_wear import paint_beard, paint_glasses, random_hair
from keypointgan.data.figures import FigureBatch
from keypointgan.data.photographs import photograph
from keypointgan.data.priors import Prior
from keypointgan.errors import PriorError
from keypointgan.ops.polygons import Picture, polygon_depth, soft_cover
from keypointgan.skeletons import Skeleton
from keypointgan.types import Keypoints

_BORDER = 0.16  # share of a frame's width at either side that rarely shows a face
_YAW, _PITCH = 0.14, 0.07  # standard deviations of what a head is turned, radians


def has_landmarks(joints: Sequence[str]) -> bool:
    """Whether these are the landmarks of `face68`, in their order."""
    return tuple(joints) == tuple(Skeleton.load("face68").joints)


class DrawnFaces:
    """Draws faces whose landmarks are poses of the prior, as many as asked for, none twice.

    Args:
        prior: Poses of the 68 landmarks of `face68`.
        backdrops: What is behind the faces.
        size: Side of the frames, pixels.

    Raises:
        PriorError: The prior is of something else.
    """

    def __init__(self, prior: Prior, backdrops: Backdrops, *, size: int) -> None:
        if not has_landmarks(prior.skeleton.joints):
            raise PriorError(
                f"Expected the 68 landmarks of face68 to draw faces, got the "
                f"{prior.skeleton.num_joints} joints of '{prior.skeleton.name}'. Set "
                f"figures.alone and figures.weight to 0 for others."
            )
        self.prior, self.backdrops, self.size = prior, backdrops, size

    def sample(self, count: int, *, generator: torch.Generator) -> FigureBatch:
        """Random faces, on the generator's device."""
        dice = Dice(count, generator=generator)
        points = self.prior.sample(count, generator=generator, device=generator.device)
        points = _wander(points, dice)
        face = FaceShape.of(points, size=self.size)
        frame = photograph(self._paint(face, dice).clamp(0, 1), dice)
        return FigureBatch(frame * 2 - 1, points)

    def _paint(self, face: FaceShape, dice: Dice) -> Picture:
        softness = dice.uniform(1.2, 2.4)
        light, tone, sides = random_light(dice), random_skin(dice), face.sides()
        hair = random_hair(face, sides, light, softness, dice)
        height = relief(face, sides, dice)
        shade = shine(height, face, light)

        picture = _scene(self.backdrops, dice, size=self.size)
        picture = paint_body(picture, face, tone, light, softness, dice)
        skin = skin_colours(tone, face, dice)
        flesh = dice.uniform(-0.02, 0.11).clamp_min(0)
        outline = face.skull(sides, dice.uniform(0.82, 1.05), flesh)
        depth = polygon_depth(outline, size=self.size).maximum(face.profile())
        cover = soft_cover(depth, softness * dice.uniform(1, 2.5))
        ears = ear_cover(face, sides, softness, dice)
        picture = torch.lerp(picture, skin * (shade * 0.5 + 0.3), ears * (1 - cover))

        skin = paint_beard(skin, face, hair.colour, softness, dice) * shade
        skin = skin * (1 - jaw_shadow(face, dice))
        skin = paint_near_ear(skin, face, softness, dice)
        skin = paint_nostrils(skin, face, softness, dice)
        skin = paint_brows(skin, face, hair.colour, softness, dice)
        skin = paint_eyes(skin, face, shade, softness, light, dice)
        skin = paint_mouth(skin, face, tone, shade, softness, dice)
        picture = torch.lerp(picture, skin, cover)
        picture = torch.lerp(picture, hair.colours, hair.cover)
        picture = paint_glasses(picture, face, softness, dice)
        return paint_obstacles(picture, face, tone, softness, dice)


def _wander(points: Keypoints, dice: Dice) -> Keypoints:
    """The poses turned, in space too, enlarged and stretched a little more than the prior does.

    People in videos look aside more often than those who are photographed for a prior.
    """
    yaw, pitch = (spread * dice.normal().clamp(-2, 2) for spread in (_YAW, _PITCH))
    points = turn_head(points, yaw, pitch)
    angle = torch.deg2rad(6 * dice.normal()).clamp(-0.26, 0.26)
    scale = torch.exp(0.08 * dice.normal(1, 1) + 0.05 * dice.normal(1, 2))
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    middle = (points.amax(dim=1, keepdim=True) + points.amin(dim=1, keepdim=True)) / 2
    x, y = ((points - middle) * scale).unbind(dim=-1)
    return torch.stack([x * cos - y * sin, x * sin + y * cos], dim=-1) + middle


def _scene(backdrops: Backdrops, dice: Dice, *, size: int) -> Picture:
    """Surroundings of the videos, or colours that fade into each other."""
    fade = interpolate(dice.uniform(-0.3, 0.3, 3, 3, 3), size=(size, size), mode="bilinear")
    fade = (fade + each(dice.colours(), 2)).clamp(0, 1)
    return dice.either(0.75, backdrops.sample(dice), fade)


def borders_of(
    pictures: UInt8[Tensor, "picture 3 height width"],
) -> UInt8[Tensor, "picture 3 height width"]:
    """The outer parts of frames, side by side, as wide as the frames.

    A face fills more of its frame than a body: `Backdrops` takes wider borders, and the rest of a
    real face beside a drawn one would teach that real faces are surroundings.
    """
    width = pictures.shape[-1]
    side = max(round(width * _BORDER), 1)
    both = torch.cat([pictures[..., :side], pictures[..., width - side :]], dim=-1)
    wide = interpolate(both.float(), size=pictures.shape[-2:], mode="bilinear")
    return wide.round().byte()
