"""Views from so near that a part of the object is outside of them.

Collections show objects whole, so a detector that learnt from them has never seen a person cut off
at the waist, as many photographs and films show people. Here a view comes closer to one end of the
object, as the points of its frame have it. What is read of a point outside of a view is wrong, and
the student learns to say so (`losses.student`).
"""

from dataclasses import replace

import torch

from keypointgan.data.dice import Dice
from keypointgan.ops.framing import bounds
from keypointgan.ops.warp import Warp
from keypointgan.types import Keypoints

_BELOW = 0.7
"""Share that loses its lower end, as people do; the others any end."""
_LEAST = 0.55
"""Least side of a close-up, over the length of the object: less of it tells nobody what it is."""


def come_closer(warp: Warp, points: Keypoints, dice: Dice, *, probability: float) -> Warp:
    """The warps, some of them from a part of the frame at one end of the object.

    Of the object's box 0.4 to 0.85 of the height (or width) are kept, at the border of a square
    whose side is 1 to 1.6 times as long, or more where that is very near.

    Args:
        warp: From views back to frames; affine.
        points: What the frames show; NaN where unknown. Where fewer than two are known the warp
            stays as it is.
        dice: Of the frames.
        probability: Of a close-up.
    """
    if not probability:
        return warp
    low, high, known = bounds(points)

    # The end is what is lost: which axis it is of, and on which side of the object.
    below = dice.uniform(0, 1) < _BELOW
    axis = torch.where(below, 1, dice.index(2))[:, None]
    ahead = (below | (dice.uniform(0, 1) < 0.5))[:, None]
    kept = (high - low).gather(1, axis) * dice.uniform(0.4, 0.85, 1)
    least = _LEAST * (high - low).amax(dim=1, keepdim=True)
    half = (torch.maximum(kept * dice.uniform(1.0, 1.6, 1), least) / 2).clamp(0.1, 1.0)
    cut = torch.where(ahead, low.gather(1, axis) + kept, high.gather(1, axis) - kept)
    middle = torch.where(ahead, cut - half, cut + half)
    centre = ((low + high) / 2).scatter(1, axis, middle)

    chosen = (known & (dice.uniform(0, 1) < probability))[:, None]
    half = torch.where(chosen, half, 1.0)
    centre = torch.where(chosen, centre, 0.0)
    shift = warp.affine[..., 2:] * half[..., None] + centre[..., None]
    return replace(warp, affine=torch.cat([warp.affine[..., :2] * half[..., None], shift], dim=2))
