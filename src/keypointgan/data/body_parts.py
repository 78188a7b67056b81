"""A body as it is put together: capsules whose size is given in metres."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.ops.capsules import Capsules

Vector = Float[Tensor, "batch 3"]
Number = Float[Tensor, " batch"]
Colour = Float[Tensor, "batch 3"]


@dataclass(frozen=True)
class Person:
    """Whose body it is; of all figures at once.

    Attributes:
        at: The joints by name, as a camera sees them.
        forward: Where the trunk faces, a unit vector.
        wear: The colour of each part.
        bulk: How thick the bones are, 1 on average.
        fat: The same of what is around them.
        woman: 1 or 0.
    """

    at: dict[str, Vector]
    forward: Vector
    wear: dict[str, Colour]
    bulk: Number
    fat: Number
    woman: Number


class Body:
    """Collects the capsules of all figures; lengths are given in metres.

    Args:
        metre: How long a metre is in each picture, normalised.
    """

    def __init__(self, metre: Number) -> None:
        self.metre = metre
        self.parts: list[tuple[Vector, Vector, Number, Number, Colour, float, float]] = []

    def add(
        self,
        start: Vector,
        stop: Vector,
        radii: tuple[Number, Number],
        colour: Colour,
        *,
        lift: float = 0.0,
        plain: bool = False,
    ) -> None:
        """Add a bar; `lift` as of `Capsules`, and `plain` where it shows no pattern."""
        self.parts.append((start, stop, *radii, colour, lift, 0.0 if plain else 1.0))

    def metres(self, direction: Vector, length: float | Number) -> Vector:
        """A way of that length in this direction."""
        return direction * (self.metre * length)[:, None]

    def capsules(self) -> Capsules:
        """All bars so far."""
        start, stop, first, second, colours, lift, patterned = zip(*self.parts, strict=True)
        metre = self.metre[:, None]
        radii = torch.stack([torch.stack(first, dim=1), torch.stack(second, dim=1)], dim=-1)
        return Capsules(
            start=torch.stack(start, dim=1),
            stop=torch.stack(stop, dim=1),
            radii=radii.clamp_min(1e-3) * metre[..., None],
            colours=torch.stack(colours, dim=1).clamp(0, 1),
            lift=metre * metre.new_tensor(lift),
            patterned=metre.new_tensor(patterned).expand(len(metre), -1),
            metre=self.metre,
        )


def pick(which: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """For each figure the first or the second."""
    return torch.where(which.bool().view(-1, *[1] * (first.ndim - 1)), first, second)


def unit(vector: Vector) -> Vector:
    """The direction of a vector."""
    return vector / (vector.norm(dim=-1, keepdim=True) + 1e-6)


def between(start: Vector, stop: Vector, share: float | Tensor) -> Vector:
    """The point at a share of the way from one to the other."""
    return start + (stop - start) * share


def aside_of(vector: Vector, axis: Vector, share: float) -> Vector:
    """The vector less a share of its part along the axis."""
    return vector - (vector * axis).sum(dim=-1, keepdim=True) * axis * share
