"""Drawn animals: what a skeleton's figure describes, in poses of a 2D prior.

Pictures whose pose is known, as those of `data.figures` are for people: they teach the encoder
which end is the head (METHOD 6: learning from synthesis). The description is rough and the drawing
varies widely around it, so that real animals are among what is drawn. It is no part of the paper.
"""

import math
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from keypointgan.data.backdrops import Backdrops
from keypointgan.data.dice import Dice
from keypointgan.data.figures import FigureBatch
from keypointgan.data.priors import Prior
from keypointgan.errors import PriorError
from keypointgan.ops.strokes import Light, Stroke, paint
from keypointgan.skeleton_figure import Figure, Part, Range, Tone
from keypointgan.types import Keypoints

Pictures = Float[Tensor, "batch 3 height width"]
PerFigure = Float[Tensor, " batch"]
Places = Float[Tensor, "batch place 2"]

_THINNEST = 2e-3  # radius, normalised: nothing divides by zero
_LITTER = 5  # specks and threads a frame


class DrawnAnimals:
    """Draws animals in poses of the prior, as many as asked for, none twice.

    Args:
        prior: 2D poses of a skeleton that has a figure.
        backdrops: What is behind them.
        size: Side of the frames, pixels.

    Raises:
        PriorError: The skeleton has no figure, or the poses are 3D.
    """

    def __init__(self, prior: Prior, backdrops: Backdrops, *, size: int) -> None:
        figure = prior.skeleton.figure
        if prior.is_3d:
            raise PriorError(
                "Expected a prior of 2D poses to draw animals from, got 3D ones. Name one with "
                "prior.poses, or set figures.alone and figures.weight to 0."
            )
        if figure is None:
            raise PriorError(
                "Expected 3D poses of people, or 2D poses of a skeleton that says what it looks "
                f"like, got 2D poses of '{prior.skeleton.name}'. Add a section 'figure' to its "
                "YAML, or set figures.alone and figures.weight to 0."
            )
        self.prior, self.figure, self.backdrops, self.size = prior, figure, backdrops, size

    def sample(self, count: int, *, generator: torch.Generator) -> FigureBatch:
        """Random animals, on the generator's device."""
        dice = Dice(count, generator=generator)
        keypoints = self.prior.sample(count, generator=generator, device=generator.device)
        picture = _lay_out(self._scene(dice), dice)
        others = math.ceil(count * self.figure.others)
        if others:
            picture = torch.cat([self._add_other(picture[:others], generator), picture[others:]])
        picture = _photograph(self._add(picture, keypoints, dice), dice)
        return FigureBatch(picture * 2 - 1, keypoints)

    def _scene(self, dice: Dice) -> Pictures:
        scene = self.backdrops.sample(dice)
        if scene.shape[-1] != self.size:
            scene = interpolate(scene, size=(self.size, self.size), mode="bilinear")
        return scene

    def _add(self, picture: Pictures, keypoints: Keypoints, dice: Dice) -> Pictures:
        """Paint animals in these poses."""
        light = Light(
            direction=dice.normal(2) * dice.uniform(0, 0.2, 1),
            rim=dice.uniform(0, 0.6),
            softness=dice.uniform(1, 2.5) * self.size / 64,
        )
        mirror = self.prior.skeleton.mirror
        for stroke in random_strokes(self.figure, keypoints, mirror=mirror, dice=dice):
            picture = paint(picture, stroke, light)
        return picture

    def _add_other(self, picture: Pictures, generator: torch.Generator) -> Pictures:
        """Paint another animal, most of it out of the frame."""
        count = len(picture)
        dice = Dice(count, generator=generator)
        keypoints = self.prior.sample(count, generator=generator, device=generator.device)
        angle = dice.uniform(-math.pi, math.pi)
        away = torch.stack([angle.cos(), angle.sin()], dim=-1) * dice.uniform(0.8, 1.8, 1)
        return self._add(picture, keypoints + away.unsqueeze(1), dice)


def random_strokes(
    figure: Figure, keypoints: Keypoints, *, mirror: tuple[int, ...], dice: Dice
) -> list[Stroke]:
    """Strokes of animals in these poses, from the lowest to the uppermost.

    Parts of the left and of the right have the same width and colour; they bend each in its way.

    Args:
        figure: What they look like.
        keypoints: Their poses.
        mirror: For each joint the one of the other side.
        dice: Source of everything random.
    """
    start, stop = (_mean(keypoints, place) for place in figure.unit)
    unit = (stop - start).norm(dim=-1)
    tones = {name: _colour(tone, dice) for name, tone in figure.tones.items()}
    strokes = []
    for part in figure.parts:
        stroke, reach = _random_part(part, unit, tones, dice)
        for places in part.sides(mirror):
            path = torch.stack([_mean(keypoints, place) for place in places], dim=1)
            radii = stroke.radii.expand(-1, path.shape[1])
            path = _extended(path, reach)
            if part.bend:
                path, radii = _bent(path, radii, part.bend, dice)
            strokes.append(replace(stroke, path=path, radii=radii))
    return strokes


def _random_part(
    part: Part, unit: PerFigure, tones: dict[str, Tensor], dice: Dice
) -> tuple[Stroke, Float[Tensor, "batch 2"]]:
    """Everything of a part but its path, and how far it goes beyond that."""
    seen = (dice.uniform(0, 1) < part.chance).float() if part.chance < 1 else 1.0
    width = torch.stack([_within(width, dice) for width in part.width], dim=1)
    radii = (width * unit[:, None] / 2).clamp_min(_THINNEST)
    colour = _colour(Tone(), dice) if part.tone is None else tones[part.tone]
    reach = torch.stack([_within(end, dice) for end in part.reach], dim=1) * unit[:, None]
    bands = None
    if part.bands is not None:
        bands = torch.stack(
            [_within(part.bands.number, dice), _within(part.bands.strength, dice)], dim=-1
        )
    stroke = Stroke(
        path=radii.new_zeros(*radii.shape, 2),
        radii=radii,
        colour=colour,
        opacity=_within(part.opacity, dice) * seen,
        fade=_within(part.fade, dice),
        bands=bands,
        ellipse=part.shape == "ellipse",
    )
    return stroke, reach


def _mean(keypoints: Keypoints, place: tuple[int, ...]) -> Float[Tensor, "batch 2"]:
    return keypoints[:, list(place)].mean(dim=1)


def _extended(path: Places, reach: Float[Tensor, "batch 2"]) -> Places:
    """The path longer at either end, in the direction in which it ends."""
    if path.shape[1] == 1:
        return path
    first = path[:, 0] + _unit(path[:, 0] - path[:, 1]) * reach[:, :1]
    last = path[:, -1] + _unit(path[:, -1] - path[:, -2]) * reach[:, 1:]
    return torch.cat([first.unsqueeze(1), path[:, 1:-1], last.unsqueeze(1)], dim=1)


def _bent(
    path: Places, radii: Float[Tensor, "batch place"], spread: float, dice: Dice
) -> tuple[Float[Tensor, "batch more 2"], Float[Tensor, "batch more"]]:
    """The path with a place more between each two, a random way aside."""
    way = path[:, 1:] - path[:, :-1]
    aside = torch.stack([-way[..., 1], way[..., 0]], dim=-1)
    middles = path[:, :-1] + way / 2 + aside * spread * dice.normal(way.shape[1], 1)
    places = torch.stack([path[:, :-1], middles], dim=2).flatten(1, 2)
    between = (radii[:, 1:] + radii[:, :-1]) / 2
    thickness = torch.stack([radii[:, :-1], between], dim=2).flatten(1, 2)
    return torch.cat([places, path[:, -1:]], dim=1), torch.cat([thickness, radii[:, -1:]], dim=1)


def _colour(tone: Tone, dice: Dice) -> Float[Tensor, "batch 3"]:
    """Random colours of that tone."""
    hue, saturation, value = (
        _within(part, dice) for part in (tone.hue, tone.saturation, tone.value)
    )
    turned = (hue[:, None] * 6 + hue.new_tensor([0.0, 4.0, 2.0])) % 6
    pure = ((turned - 3).abs() - 1).clamp(0, 1)
    return value[:, None] * (1 - saturation[:, None] * (1 - pure))


def _lay_out(scene: Pictures, dice: Dice) -> Pictures:
    """The scene unevenly lit, with a pattern on the ground and litter, so that parts are missed."""
    size = scene.shape[-1]
    for cells in (4, 24):
        pattern = interpolate(dice.normal(1, cells, cells), size=(size, size), mode="bicubic")
        scene = (scene + pattern * _each(dice.uniform(0, 0.25) ** 2)).clamp(0, 1)
    light = Light(
        direction=scene.new_zeros(dice.count, 2),
        rim=scene.new_zeros(dice.count),
        softness=scene.new_full((dice.count,), 1.5 * size / 64),
    )
    for _ in range(_LITTER):
        start, brightness = dice.uniform(-1, 1, 1, 2), dice.uniform(0, 1, 1)
        stop = start + dice.normal(1, 2) * dice.uniform(0, 0.2, 1, 1)
        litter = Stroke(
            path=torch.cat([start, stop], dim=1),
            radii=dice.uniform(0.004, 0.02, 1).expand(-1, 2),
            colour=brightness.expand(-1, 3),
            opacity=dice.uniform(-0.6, 0.6).clamp_min(0),
            fade=scene.new_ones(dice.count),
        )
        scene = paint(scene, litter, light)
    return scene


def _photograph(picture: Pictures, dice: Dice) -> Pictures:
    """The picture blurred, tinted and made noisy, with other contrast, as by another camera."""
    kernel = picture.new_tensor([0.25, 0.5, 0.25])
    kernel = (kernel[:, None] * kernel).expand(3, 1, 3, 3)
    size = picture.shape[-1]
    texture = interpolate(dice.normal(1, 16, 16), size=(size, size), mode="bilinear")
    picture = picture * (1 + texture * _each(dice.uniform(0, 0.12)))
    blurred = conv2d(pad(picture, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    picture = torch.lerp(picture, blurred, _each(dice.uniform(0, 1))).clamp(0, 1)
    picture = (picture + 1e-4) ** torch.exp(0.25 * _each(dice.normal()))
    exposure = torch.exp(0.3 * dice.normal())  # up to a burnt-out animal
    picture = picture * _each(exposure) * dice.uniform(0.95, 1.05, 3, 1, 1)
    picture = picture + _each(dice.uniform(-0.05, 0.05))
    noise = dice.normal(*picture.shape[1:]) * _each(dice.uniform(0, 0.03))
    return (picture + noise).clamp(0, 1)


def _within(values: Range, dice: Dice) -> PerFigure:
    return dice.uniform(*values)


def _unit(vector: Float[Tensor, "batch 2"]) -> Float[Tensor, "batch 2"]:
    return vector / (vector.norm(dim=-1, keepdim=True) + 1e-6)


def _each(values: PerFigure) -> Float[Tensor, "batch 1 1 1"]:
    return values[:, None, None, None]
