"""Drawn figures: bodies in poses of the prior, before the surroundings of the videos.

A picture of a body whose pose is known, made from what is at hand without a label: 3D poses of the
prior and the unlabelled videos. An encoder that has learnt to read such figures starts its
unsupervised training with a fair idea of where limbs are and of which side is left (METHOD 6:
learning from synthesis). It is no part of the paper.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from keypointgan.data.backdrops import Backdrops
from keypointgan.data.bodies import check_joints, random_people
from keypointgan.data.dice import Dice
from keypointgan.data.priors import Prior, Solid
from keypointgan.ops.capsules import Surface, draw_capsules
from keypointgan.types import Frames, Keypoints

Pictures = Float[Tensor, "batch 3 height width"]


@dataclass(frozen=True)
class FigureBatch:
    """Drawn frames and the pose in each."""

    frame: Frames
    keypoints: Keypoints


@runtime_checkable
class FigureSource(Protocol):
    """Whatever draws figures: people here, others in modules of their own."""

    def sample(self, count: int, *, generator: torch.Generator) -> FigureBatch:
        """Random figures, on the generator's device."""


class Figures:
    """Draws people in poses of the prior, as many as asked for, none twice.

    Args:
        prior: 3D poses.
        backdrops: What is behind them.
        size: Side of the frames, pixels.
        draw: `draw_capsules`, or the same compiled.

    Raises:
        PriorError: The prior is not of people, or its poses are 2D.
    """

    def __init__(
        self,
        prior: Prior,
        backdrops: Backdrops,
        *,
        size: int,
        draw: Callable[..., tuple[Tensor, Tensor]] = draw_capsules,
    ) -> None:
        check_joints(prior.skeleton.joints)
        prior.sample_solid(1, generator=torch.Generator().manual_seed(0))  # refuses 2D poses
        self.prior, self.backdrops, self.size, self._draw = prior, backdrops, size, draw

    def sample(self, count: int, *, generator: torch.Generator) -> FigureBatch:
        """Random figures, on the generator's device."""
        dice = Dice(count, generator=generator)
        solid = self.prior.sample_solid(count, generator=generator, device=generator.device)
        points, metre = _wander(solid, dice)
        capsules, feet = random_people(points, metre, joints=self.prior.skeleton.joints, dice=dice)
        surface = _random_surface(dice, parts=capsules.start.shape[1])
        figure, cover = self._draw(capsules, surface, size=self.size)
        noise = interpolate(dice.normal(3, 16, 16), size=(self.size, self.size), mode="bilinear")
        figure = figure * (1 + noise * _each(dice.uniform(0, 0.12)))
        scene = self.backdrops.sample(dice)
        scene = scene * (1 - _shadow(feet, dice, size=self.size))
        figure = figure * _exposure(scene, dice)
        frame = scene * (1 - cover) + figure.clamp(0, 1) * cover
        frame = _photograph(frame, dice)
        return FigureBatch(frame * 2 - 1, points[..., :2].contiguous())


def _wander(solid: Solid, dice: Dice) -> tuple[Float[Tensor, "batch keypoint 3"], Tensor]:
    """The poses turned, enlarged and shifted a little more than the prior does."""
    angle = 0.06 * dice.normal()
    scale = 1 + 0.12 * dice.normal().clamp(-2, 2)
    cos, sin = angle.cos()[:, None] * scale[:, None], angle.sin()[:, None] * scale[:, None]
    shift = 0.08 * dice.normal(1, 2)
    x, y, z = solid.points.unbind(dim=-1)
    turned = torch.stack([x * cos - y * sin, x * sin + y * cos, z * scale[:, None]], dim=-1)
    return turned + pad(shift, (0, 1)), solid.metre * scale


def _random_surface(dice: Dice, *, parts: int) -> Surface:
    around, above = dice.uniform(-torch.pi, torch.pi), dice.uniform(-0.2, 1.2)
    light = [around.cos() * above.cos(), -above.sin(), around.sin().abs() * above.cos()]
    return Surface(
        light=torch.stack(light, dim=-1),
        ambient=dice.uniform(0.35, 0.9),
        contrast=dice.uniform(0, 0.35) * (dice.uniform(0, 1) < 0.3),
        stripes=dice.uniform(1, 5),
        phase=dice.uniform(0, 1, parts),
    )


def _shadow(
    feet: Float[Tensor, "batch 2 2"], dice: Dice, *, size: int
) -> Float[Tensor, "batch 1 size size"]:
    """How dark the ground is below the feet."""
    centres = (torch.arange(size, device=feet.device) * 2 + 1) / size - 1
    middle, ground = feet[..., 0].mean(dim=1), feet[..., 1].amax(dim=1) + 0.06
    along = (centres.view(1, 1, -1) - middle[:, None, None]) / dice.uniform(0.12, 0.32, 1, 1)
    across = (centres.view(1, -1, 1) - ground[:, None, None]) / dice.uniform(0.03, 0.08, 1, 1)
    darkness = dice.uniform(0, 0.7, 1, 1) * torch.exp(-(along.square() + across.square()))
    return darkness.unsqueeze(1)


def _exposure(scene: Pictures, dice: Dice) -> Float[Tensor, "batch 1 1 1"]:
    """How bright a figure is: between its own colours and the light of the scene."""
    light = (scene.mean(dim=(1, 2, 3), keepdim=True) / 0.4).clamp(0.35, 1.4)
    share = _each(dice.uniform(0, 0.5))
    return (1 - share + share * light) * torch.exp(0.12 * _each(dice.normal()))


def _photograph(frame: Pictures, dice: Dice) -> Pictures:
    """The picture blurred, tinted and made noisy, as by another camera."""
    kernel = frame.new_tensor([0.25, 0.5, 0.25])
    kernel = (kernel[:, None] * kernel).expand(3, 1, 3, 3)
    blurred = conv2d(pad(frame, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    frame = torch.lerp(frame, blurred, _each(dice.uniform(0, 1) ** 2))
    frame = frame * _each(dice.uniform(0.85, 1.2)) * dice.uniform(0.92, 1.08, 3, 1, 1)
    frame = frame + _each(dice.uniform(-0.05, 0.05))
    noise = dice.normal(*frame.shape[1:]) * _each(0.02 * dice.uniform(0, 1) ** 2)
    return (frame + noise).clamp(0, 1)


def _each(values: Float[Tensor, " batch"]) -> Float[Tensor, "batch 1 1 1"]:
    return values[:, None, None, None]
