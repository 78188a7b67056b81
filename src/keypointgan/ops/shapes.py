"""Shapes of point sets: what is left once place, size and turn are taken away."""

from collections.abc import Sequence

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from keypointgan.ops.keypoints import mirror
from keypointgan.types import Keypoints

Plane = Complex[Tensor, "pose keypoint"]
"""Points as complex numbers x + iy: to turn and to enlarge is to multiply."""
Shape = Complex[Tensor, " keypoint"]
"""One of them."""

_ALIKE = 0.9
"""Cosine between two main components from which on they are the same."""


def match_mean_shape(
    poses: Keypoints, prior: Float[Tensor, "prior keypoint 2"], *, order: Sequence[int]
) -> Keypoints:
    """The poses, moved in their own frame so that those of a kind have the mean shape of the prior.

    What a detector finds may be off in a constant way: all noses a little high. Poses of the prior
    are not, so the difference of the two mean shapes (Procrustes means; Gower 1975) is its bias,
    if both show the same kinds of poses. Most of what differs between shapes is often one thing,
    the first principal component of the prior's: where a head looks. Detectors make less of it than
    there is, so both means are taken as lines along it, found poses being compared with poses of
    the prior that are as many standard deviations from the middle; unless what was found differs
    mostly in something else, which is then noise. Both are taken together with their mirror images.

    Args:
        poses: What was found.
        prior: Unpaired poses.
        order: For each keypoint the one on the other side.
    """
    ours, theirs = (
        _unit(_plane(torch.cat([some, mirror(some, order=order)]))) for some in (poses, prior)
    )
    middle = _mean(theirs)
    ours, theirs = _turned(ours, middle), _turned(theirs, middle)
    main = _main_component(theirs)
    (our_mean, our_way, found), (mean, way, _) = _line(ours, main), _line(theirs, main)
    bias = (our_mean - mean).expand(len(poses), -1)
    if (_main_component(ours) * main.conj()).real.sum().abs() > _ALIKE:
        bias = bias + found[: len(poses), None] * (our_way - way)
    plane = _plane(poses)
    size = (plane - plane.mean(dim=1, keepdim=True)).abs().square().sum(dim=1, keepdim=True).sqrt()
    back = (_unit(plane) * middle.conj()).sum(dim=1, keepdim=True)
    moved = plane - size * bias * (back / back.abs().clamp_min(1e-9))
    return torch.view_as_real(moved.contiguous()).to(poses.dtype)


def _plane(poses: Keypoints) -> Plane:
    return torch.view_as_complex(poses.double().contiguous())


def _unit(plane: Plane) -> Plane:
    """Centred, of size 1."""
    centred = plane - plane.mean(dim=1, keepdim=True)
    return centred / centred.abs().square().sum(dim=1, keepdim=True).sqrt().clamp_min(1e-9)


def _turned(unit: Plane, wanted: Shape) -> Plane:
    """Each turned towards the wanted shape."""
    angle = (unit.conj() * wanted).sum(dim=1, keepdim=True)
    return unit * (angle / angle.abs().clamp_min(1e-9))


def _mean(unit: Plane, *, rounds: int = 5) -> Shape:
    """The shape nearest to all of them, of size 1."""
    mean = unit[0]
    for _ in range(rounds):
        mean = _unit(_turned(unit, mean).mean(dim=0, keepdim=True))[0]
    return mean


def _main_component(shapes: Plane) -> Shape:
    """The direction in which most of their variance lies."""
    flat = torch.view_as_real(shapes - shapes.mean(dim=0)).flatten(1)
    _, directions = torch.linalg.eigh(flat.T @ flat)
    return torch.view_as_complex(directions[:, -1].unflatten(0, (-1, 2)).contiguous())


def _line(shapes: Plane, main: Shape) -> tuple[Shape, Shape, Float[Tensor, " pose"]]:
    """Their mean, how it moves along the main component, and how far along each of them is.

    The second is for one standard deviation, the third in standard deviations.
    """
    mean = shapes.mean(dim=0)
    along = ((shapes - mean) * main.conj()).real.sum(dim=1)
    along = along / along.square().mean().sqrt().clamp_min(1e-9)
    return mean, (along[:, None] * (shapes - mean)).mean(dim=0), along
