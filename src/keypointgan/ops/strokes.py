"""Painted strokes and ellipses with soft edges: pictures of animals whose pose is known."""

from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

Pictures = Float[Tensor, "batch 3 size size"]
PerFigure = Float[Tensor, " batch"]
Plane = Float[Tensor, "batch size size"]

_LEAST = 1e-6


@dataclass(frozen=True)
class Stroke:
    """What is painted along a path in each picture.

    Attributes:
        path: The places that it passes, normalised (x, y).
        radii: Half its width at each place; of an ellipse, at its middle, the mean of them.
        colour: Red, green and blue in [0, 1].
        opacity: 1 hides what is behind it, 0 is invisible.
        fade: Brightness at the last place over that at the first.
        bands: Number of dark bands across it and how dark they are, from 0 to 1; none if absent.
        ellipse: Whether it is an ellipse from the first place to the last.
    """

    path: Float[Tensor, "batch place 2"]
    radii: Float[Tensor, "batch place"]
    colour: Float[Tensor, "batch 3"]
    opacity: PerFigure
    fade: PerFigure
    bands: Float[Tensor, "batch 2"] | None = None
    ellipse: bool = False


@dataclass(frozen=True)
class Light:
    """How round the strokes look.

    Attributes:
        direction: Where the light comes from, x and y; longer is stronger.
        rim: How much darker the rim is than the middle, in [0, 1].
        softness: Width of the edges, pixels.
    """

    direction: Float[Tensor, "batch 2"]
    rim: PerFigure
    softness: PerFigure


@dataclass(frozen=True)
class _Shape:
    """Where a stroke is.

    Attributes:
        depth: Distance to its edge, positive inside, normalised.
        along: Share of the path.
        across: Way from the middle line, 1 at the edge, as x and y.
    """

    depth: Plane
    along: Plane
    across: tuple[Plane, Plane]


def paint(picture: Pictures, stroke: Stroke, light: Light) -> Pictures:
    """The pictures with the stroke over what they showed.

    Args:
        picture: In [0, 1].
        stroke: One for each picture.
        light: How it is lit.
    """
    size = picture.shape[-1]
    shape = (_ellipse if stroke.ellipse else _capsules)(stroke, size=size)
    pixels = shape.depth * (size / 2) / _each(light.softness)
    cover = (pixels + 0.5).clamp(0, 1) * _each(stroke.opacity)
    x, y = shape.across
    towards_x, towards_y = (_each(part) for part in light.direction.unbind(dim=-1))
    brightness = 1 - _each(light.rim) * (x.square() + y.square()).clamp(max=1)
    brightness = brightness + (x * towards_x + y * towards_y).clamp(-1, 1)
    brightness = brightness * (1 + (_each(stroke.fade) - 1) * shape.along)
    if stroke.bands is not None:
        number, strength = (_each(part) for part in stroke.bands.unbind(dim=-1))
        brightness = brightness * (
            1 - strength * (0.5 - 0.5 * (shape.along * 2 * pi * number).cos())
        )
    painted = (stroke.colour[..., None, None] * brightness.unsqueeze(1)).clamp(0, 1)
    return torch.lerp(picture, painted, cover.unsqueeze(1))


def _capsules(stroke: Stroke, *, size: int) -> _Shape:
    """The union of bars between neighbours of the path, thick as given at either end."""
    places = stroke.path.shape[1]
    bars = max(places - 1, 1)
    shape: _Shape | None = None
    for first in range(bars):
        last = min(first + 1, places - 1)
        x, y = _from(stroke.path[:, first], size=size)
        way_x, way_y = (_each(way) for way in (stroke.path[:, last] - stroke.path[:, first]).mT)
        length = (way_x.square() + way_y.square()).clamp_min(_LEAST)
        share = ((x * way_x + y * way_y) / length).clamp(0, 1)
        x, y = x - share * way_x, y - share * way_y
        radius = torch.lerp(_each(stroke.radii[:, first]), _each(stroke.radii[:, last]), share)
        depth = radius - (x.square() + y.square()).sqrt()
        bar = _Shape(depth, (first + share) / bars, (x / radius, y / radius))
        shape = bar if shape is None else _union(shape, bar)
    assert shape is not None  # a path has a place
    return shape


def _union(one: _Shape, other: _Shape) -> _Shape:
    inner = other.depth > one.depth
    x, y = (
        torch.where(inner, theirs, ours)
        for theirs, ours in zip(other.across, one.across, strict=True)
    )
    return _Shape(
        torch.maximum(one.depth, other.depth), torch.where(inner, other.along, one.along), (x, y)
    )


def _ellipse(stroke: Stroke, *, size: int) -> _Shape:
    """The ellipse whose long axis is the path; a disc where that is a single place."""
    start, stop = stroke.path[:, 0], stroke.path[:, -1]
    radius = stroke.radii.mean(dim=1)
    half = (stop - start).norm(dim=-1) / 2
    alone = half < _LEAST
    axis = torch.where(
        alone[:, None], start.new_tensor([1.0, 0.0]), (stop - start) / (2 * half + _LEAST)[:, None]
    )
    half, radius = _each(torch.where(alone, radius, half)), _each(radius)
    axis_x, axis_y = (_each(part) for part in axis.unbind(dim=-1))
    x, y = _from((start + stop) / 2, size=size)
    along, aside = (x * axis_x + y * axis_y) / half, (y * axis_x - x * axis_y) / radius
    level = (along.square() + aside.square()).sqrt()
    # To first order, the distance to where the level is 1 is the difference over the slope.
    slope = ((along / half).square() + (aside / radius).square()).sqrt() / (level + _LEAST)
    across = along * axis_x - aside * axis_y, along * axis_y + aside * axis_x
    return _Shape((1 - level) / (slope + _LEAST), (along.clamp(-1, 1) + 1) / 2, across)


def _from(place: Float[Tensor, "batch 2"], *, size: int) -> tuple[Tensor, Tensor]:
    """The way from a place to each pixel's centre: x (batch, 1, size), y (batch, size, 1)."""
    centres = (torch.arange(size, device=place.device) * 2 + 1) / size - 1
    x, y = (_each(part) for part in place.unbind(dim=-1))
    return centres.view(1, 1, -1) - x, centres.view(1, -1, 1) - y


def _each(values: PerFigure) -> Float[Tensor, "batch 1 1"]:
    return values[:, None, None]
