"""Squares around objects whose points are known roughly: where to look again, and looking there.

A detector reads best what fills the frame as the objects did that it learnt from. What it reads in
any frame says where the object is and how large, so it can look again in a square of that size.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from keypointgan.ops.warp import Warp
from keypointgan.types import Keypoints

Squares = Float[Tensor, "batch 3"]
"""x and y of the middle, and half the side, in the units of the points."""

_MOVING = 0.3
"""Seconds on either side over which the middle of a square is a median: a person who walks is
followed, and a single bad reading is not."""
_GROWING = 2.0
"""Seconds on either side over which its size is: the scale does not change with the pose."""
_LEAST = 0.1
"""Least length of a pose, normalised: points that all fall together show nothing."""

_POSES = 4096  # whose distances are in memory at once


def squares_around(
    points: Keypoints,
    *,
    margin: float,
    lengths: Sequence[int],
    rates: Sequence[float],
    least: float = _LEAST,
) -> Squares:
    """Return a square around each pose, which moves and grows slowly along each clip.

    Args:
        points: Poses of some clips, one after the other.
        margin: Side of a square over the length of a pose, the largest distance of its points.
        lengths: Poses of each clip.
        rates: Poses a second of each clip; 0 for photographs, which know nothing of each other.
        least: Least length of a pose, in the units of the points.
    """
    middles = (points.amin(dim=1) + points.amax(dim=1)) / 2
    sizes = [torch.cdist(some, some).amax(dim=(1, 2)) for some in points.split(_POSES)]
    size_of_each = torch.cat(sizes).clamp_min(least)
    parts = []
    for middle, size, rate in zip(
        middles.split(list(lengths)), size_of_each.split(list(lengths)), rates, strict=True
    ):
        moved = _moving_median(middle, reach=round(_MOVING * rate))
        grown = _moving_median(size[:, None], reach=round(_GROWING * rate))
        parts.append(torch.cat([moved, grown * margin / 2], dim=1))
    return torch.cat(parts)


def bounds(
    points: Keypoints,
) -> tuple[Float[Tensor, "batch 2"], Float[Tensor, "batch 2"], Bool[Tensor, " batch"]]:
    """The box around the known points of each object.

    Args:
        points: NaN where unknown.

    Returns:
        Its upper left and its lower right corner, zeros where fewer than two points are known, and
        where two are.
    """
    finite = points.isfinite().all(dim=-1, keepdim=True)
    low = torch.where(finite, points, torch.inf).amin(dim=1)
    high = torch.where(finite, points, -torch.inf).amax(dim=1)
    known = finite.sum(dim=(1, 2)) >= 2
    low, high = (torch.where(known[:, None], end, 0.0) for end in (low, high))
    return low, high, known


def view_of(squares: Squares) -> Warp:
    """Return the warp that shows what is in the squares, given in normalised coordinates.

    Its `source_of` takes points that are read there back to the whole frame.
    """
    affine = squares.new_zeros(len(squares), 2, 3)
    affine[:, 0, 0] = affine[:, 1, 1] = squares[:, 2]
    affine[:, :, 2] = squares[:, :2]
    return Warp(affine, squares.new_zeros(0, 2), squares.new_zeros(len(squares), 0, 2))


def _moving_median(
    values: Float[Tensor, "batch value"], *, reach: int
) -> Float[Tensor, "batch value"]:
    """The median of each value and as many neighbours on either side, fewer at the ends."""
    reach = min(reach, (len(values) - 1) // 2)
    if reach < 1:
        return values
    places = torch.arange(len(values), device=values.device)
    near = torch.minimum(places, places.flip(0)).clamp_max(reach)
    offsets = torch.arange(-reach, reach + 1, device=values.device)
    inside = offsets.abs() <= near[:, None]
    windows = values[(places[:, None] + offsets * inside)].masked_fill(
        ~inside[..., None], float("nan")
    )
    return windows.nanmedian(dim=1).values
