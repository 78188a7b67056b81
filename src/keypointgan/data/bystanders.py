"""Pictures with somebody else in them, as in a crowd, a team or a cage of several animals.

Collections show one object a picture, so a detector that learnt from them has never had to leave
anybody out: of two people in its square it makes one, with the legs of both. Here what another
picture of the batch shows is put beside what a picture shows, and the points stay those of whom it
showed before, who stays nearer to the middle.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from keypointgan.data.camera import Pictures
from keypointgan.data.dice import Dice
from keypointgan.ops.framing import bounds
from keypointgan.ops.warp import Warp, warp_frames
from keypointgan.types import Keypoints

_BEYOND = 0.15
"""What an object has beyond its points on both sides together, over its length."""
_NEARER = 0.1
"""How much nearer to the middle its own object must be than the other, normalised."""


def add_bystanders(
    pictures: Pictures, points: Keypoints, dice: Dice, *, probability: float
) -> Pictures:
    """The pictures, some with what the next one of the batch shows cut out and put beside.

    The other is 0.6 to 1.1 times as long, in any direction, from a quarter over the other's box to
    a quarter of a box away, in front or behind. It is cut out as discs around its points, with
    what is seen between them; no mask is needed.

    Args:
        pictures: In [0, 1].
        points: What they show; NaN where unknown. Pictures without two known points are left as
            they are, and are put beside none.
        dice: Of the pictures.
        probability: That somebody is beside.
    """
    if not probability or dice.count < 2:
        return pictures
    some = math.ceil(probability * dice.count)  # only these are computed
    chosen = dice.uniform(0, 1).argsort()[:some]
    others = (chosen + 1) % dice.count
    few = Dice(some, generator=dice.generator)
    own, other = _extent(points[chosen]), _extent(points[others])
    scale = few.uniform(0.6, 1.1, 1) * own.length / other.length
    angle = few.uniform(0, 2 * math.pi)
    way = torch.stack([angle.cos(), angle.sin()], dim=-1)
    apart = (own.sides + scale * other.sides) / 2 / way.abs().clamp_min(1e-3)
    middle = own.middle + way * apart.amin(dim=1, keepdim=True) * few.uniform(0.75, 1.25, 1)

    moved = (points[others] - other.middle[:, None]) * scale[:, None] + middle[:, None]
    shift = other.middle - middle / scale
    eye = torch.eye(2, device=points.device, dtype=points.dtype)
    affine = torch.cat([eye / scale[..., None], shift[..., None]], dim=2)
    warp = Warp(affine, eye[:0], points.new_zeros(some, 0, 2))
    beside = warp_frames(pictures[others], warp)

    radius = few.uniform(0.09, 0.15)
    size = (int(pictures.shape[-2]), int(pictures.shape[-1]))
    shown = _near(moved, radius * (scale * other.length)[:, 0], size=size)
    shown &= _inside(affine, size=size)
    hidden = _near(points[chosen], radius * own.length[:, 0], size=size)
    in_front = few.uniform(0, 1) < 0.5
    shown &= in_front[:, None, None] | ~hidden
    nearer = own.middle.norm(dim=1) + _NEARER < middle.norm(dim=1)
    used = nearer & own.known & other.known & (few.uniform(0, 1) < probability * dice.count / some)
    mixed = torch.where((shown & used[:, None, None])[:, None], beside, pictures[chosen])
    return pictures.index_copy(0, chosen, mixed)


class _Extent(NamedTuple):
    """The box around an object, as its points tell.

    Its middle, its sides (x, y) with what is beyond the points, the length of the longer one
    between points, and whether there are two points at least.
    """

    middle: Float[Tensor, "batch 2"]
    sides: Float[Tensor, "batch 2"]
    length: Float[Tensor, "batch 1"]
    known: Bool[Tensor, " batch"]


def _extent(points: Keypoints) -> _Extent:
    low, high, known = bounds(points)
    length = (high - low).amax(dim=1, keepdim=True)
    known = known & (length[:, 0] > 0)
    length = length.clamp_min(1e-3)
    return _Extent((low + high) / 2, high - low + _BEYOND * length, length, known)


def _near(
    points: Keypoints, radius: Float[Tensor, " batch"], *, size: tuple[int, int]
) -> Bool[Tensor, "batch height width"]:
    """Where one of the points is not farther than the radius."""
    y, x = _lines(points, size=size)
    squared = radius.square()[:, None, None]
    near = torch.zeros(len(points), *size, dtype=torch.bool, device=points.device)
    for point in points.unbind(dim=1):  # all at once would take much memory, and longer
        across = (x - point[:, :1]).square()[:, None, :]
        down = (y - point[:, 1:]).square()[:, :, None]
        near |= across + down < squared  # NaN is near to nothing
    return near


def _inside(
    affine: Float[Tensor, "batch 2 3"], *, size: tuple[int, int]
) -> Bool[Tensor, "batch height width"]:
    """Which places come from inside of the picture that they are taken from, seen upright."""
    y, x = _lines(affine, size=size)
    across = (affine[:, 0, :1] * x + affine[:, 0, 2:]).abs() < 1
    down = (affine[:, 1, 1:2] * y + affine[:, 1, 2:]).abs() < 1
    return across[:, None, :] & down[:, :, None]


def _lines(
    like: Tensor, *, size: tuple[int, int]
) -> tuple[Float[Tensor, " height"], Float[Tensor, " width"]]:
    """The centres of the rows, and of the columns, normalised."""
    height, width = (
        (torch.arange(length, device=like.device, dtype=like.dtype) * 2 + 1) / length - 1
        for length in size
    )
    return height, width
