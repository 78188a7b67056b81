"""Shaded capsules (bars with round ends): pictures of bodies whose pose is known."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Points = Float[Tensor, "batch capsule 3"]
"""Normalised x and y as of keypoints, and z in the same unit, towards the viewer."""
Colours = Float[Tensor, "batch capsule 3"]
"""Red, green and blue in [0, 1]."""
PerFigure = Float[Tensor, " batch"]

_BLEND = 1 / 45  # metres within which a nearer surface replaces the one behind it


@dataclass(frozen=True)
class Capsules:
    """Bars between two points, thick as given at either end.

    Attributes:
        start: One end.
        stop: The other.
        radii: Of both ends, normalised.
        colours: Of each bar.
        lift: How much nearer to the viewer a bar counts than it is; hair on a head, for example.
        patterned: How much of the pattern a bar shows: 1 for cloth, 0 for skin.
        metre: How long a metre is in each picture, normalised.
    """

    start: Points
    stop: Points
    radii: Float[Tensor, "batch capsule 2"]
    colours: Colours
    lift: Float[Tensor, "batch capsule"]
    patterned: Float[Tensor, "batch capsule"]
    metre: PerFigure


@dataclass(frozen=True)
class Surface:
    """Light and pattern.

    Attributes:
        light: Where the light comes from, a unit vector: x right, y down, z towards the viewer.
        ambient: Brightness out of the light; in it, surfaces are a little brighter than 1.
        contrast: Strength of stripes along the bars, 0 for none.
        stripes: Their number.
        phase: Where they begin on each bar.
    """

    light: Float[Tensor, "batch 3"]
    ambient: PerFigure
    contrast: PerFigure
    stripes: PerFigure
    phase: Float[Tensor, "batch capsule"]


def draw_capsules(
    capsules: Capsules, surface: Surface, *, size: int
) -> tuple[Float[Tensor, "batch 3 size size"], Float[Tensor, "batch 1 size size"]]:
    """Their picture in [0, 1], and what share of each pixel they cover.

    What is nearer hides what is behind it, softly, so that edges are smooth. All capsules are
    computed for all pixels, which `torch.compile` turns into one loop, several times faster.

    Args:
        capsules: The bars.
        surface: How they are lit and patterned.
        size: Side of the picture, pixels.
    """
    centres = (torch.arange(size, device=capsules.start.device) * 2 + 1) / size - 1
    along = [_spread(capsules.stop[..., axis] - capsules.start[..., axis]) for axis in range(3)]
    x = centres.view(1, 1, 1, -1) - _spread(capsules.start[..., 0])
    y = centres.view(1, 1, -1, 1) - _spread(capsules.start[..., 1])
    length = (along[0].square() + along[1].square()).clamp_min(1e-6)
    share = ((x * along[0] + y * along[1]) / length).clamp(0, 1)
    x, y = x - share * along[0], y - share * along[1]
    distance = (x.square() + y.square()).sqrt()
    first, second = (_spread(capsules.radii[..., end]) for end in range(2))
    radius = first + (second - first) * share
    cover = ((radius - distance) * (size / 2) + 0.5).clamp(0, 1)

    facing = (1 - (distance / radius).square()).clamp_min(0).sqrt()
    depth = _spread(capsules.start[..., 2] + capsules.lift) + share * along[2] + radius * facing
    nearness = (depth / (_BLEND * _per_figure(capsules.metre))).clamp(-60, 60).exp()
    weight = cover * nearness

    towards_x, towards_y, towards_z = (_per_figure(part) for part in surface.light.unbind(dim=-1))
    lit = ((x * towards_x + y * towards_y) / radius + facing * towards_z).clamp_min(0)
    ambient = _per_figure(surface.ambient)
    brightness = (ambient + (1.15 - ambient) * lit) * (0.75 + 0.25 * facing)
    place = share * _per_figure(surface.stripes) + _spread(surface.phase)
    stripe = torch.where(place - place.floor() < 0.5, 1.0, -1.0)
    contrast = _per_figure(surface.contrast) * _spread(capsules.patterned)
    brightness = brightness * (1 + contrast * stripe)

    bright = weight * brightness
    total = weight.sum(dim=1) + 1e-30
    colours = [
        (bright * _spread(capsules.colours[..., channel])).sum(dim=1) / total
        for channel in range(3)
    ]
    return torch.stack(colours, dim=1).clamp(0, 1), cover.amax(dim=1, keepdim=True)


def draw_one_by_one(
    capsules: Capsules, surface: Surface, *, size: int
) -> tuple[Float[Tensor, "batch 3 size size"], Float[Tensor, "batch 1 size size"]]:
    """What `draw_capsules` draws, figure by figure.

    What one figure needs stays in the cache of a CPU, which is five times as fast there as all at
    once where nothing is compiled.
    """
    drawn = [
        draw_capsules(
            Capsules(**_of_figure(capsules, place)),
            Surface(**_of_figure(surface, place)),
            size=size,
        )
        for place in range(len(capsules.start))
    ]
    pictures, covers = zip(*drawn, strict=True)
    return torch.cat(pictures), torch.cat(covers)


def _of_figure(parts: Capsules | Surface, place: int) -> dict[str, Tensor]:
    return {name: values[place : place + 1] for name, values in vars(parts).items()}


def _spread(values: Float[Tensor, "batch capsule"]) -> Float[Tensor, "batch capsule 1 1"]:
    return values[..., None, None]


def _per_figure(values: PerFigure) -> Float[Tensor, "batch 1 1 1"]:
    return values[:, None, None, None]
