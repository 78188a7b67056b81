"""Shapes of point sets: what is left once place, size and turn are taken away."""

from collections.abc import Sequence

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from keypointgan.ops.keypoints import mirror
from keypointgan.types import Keypoints

Plane = Complex[Tensor, "pose keypoint"]
"""Points as complex numbers x + iy: to turn and to enlarge is to multiply."""


def match_mean_shape(
    poses: Keypoints, prior: Float[Tensor, "prior keypoint 2"], *, order: Sequence[int]
) -> Keypoints:
    """The poses, moved alike in their own frame so that their mean shape is that of the prior.

    What a detector finds may be off in a constant way: all noses a little high. Poses of the prior
    are not, so the difference of the two mean shapes (Procrustes means; Gower 1975) is its bias,
    if both show the same kind of poses. Both are taken together with their mirror images.

    Args:
        poses: What was found.
        prior: Unpaired poses.
        order: For each keypoint the one on the other side.
    """
    ours, theirs = (torch.cat([some, mirror(some, order=order)]) for some in (poses, prior))
    wanted = _mean(_unit(_plane(theirs)))
    bias = _turned(_unit(_plane(ours)), wanted).mean(dim=0) - wanted
    plane = _plane(poses)
    size = (plane - plane.mean(dim=1, keepdim=True)).abs().square().sum(dim=1, keepdim=True).sqrt()
    unit = _unit(plane)
    back = (unit * wanted.conj()).sum(dim=1, keepdim=True)
    moved = plane - size * bias * (back / back.abs().clamp_min(1e-9))
    return torch.view_as_real(moved.contiguous()).to(poses.dtype)


def _plane(poses: Keypoints) -> Plane:
    return torch.view_as_complex(poses.double().contiguous())


def _unit(plane: Plane) -> Plane:
    """Centred, of size 1."""
    centred = plane - plane.mean(dim=1, keepdim=True)
    return centred / centred.abs().square().sum(dim=1, keepdim=True).sqrt().clamp_min(1e-9)


def _turned(unit: Plane, wanted: Complex[Tensor, " keypoint"]) -> Plane:
    """Each turned towards the wanted shape."""
    angle = (unit.conj() * wanted).sum(dim=1, keepdim=True)
    return unit * (angle / angle.abs().clamp_min(1e-9))


def _mean(unit: Plane, *, rounds: int = 5) -> Complex[Tensor, " keypoint"]:
    """The shape nearest to all of them."""
    mean = unit[0]
    for _ in range(rounds):
        mean = _unit(_turned(unit, mean).mean(dim=0, keepdim=True))[0]
    return mean
