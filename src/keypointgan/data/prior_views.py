"""Geometry of a batch of prior poses: seen by cameras, turned, boxed, shifted."""

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.types import Keypoints

Points3D = Float[Tensor, "batch keypoint 3"]
"""Joints in metres: right-handed axes, y up."""


def between(
    limits: tuple[float, float], uniform: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """Return numbers of [0, 1] stretched to these limits."""
    return limits[0] + (limits[1] - limits[0]) * uniform


def project(
    points: Points3D,
    *,
    azimuth: Float[Tensor, " batch"],
    elevation: Float[Tensor, " batch"],
    distance: float,
    focal: float,
) -> Points3D:
    """Return what a camera sees that looks at the origin: (x, y, z) with y down, normalised.

    The data's axes are right-handed with y up; a camera at azimuth 0 stands on +z and has +x on
    its right, so that a body that faces it has its left hand on the right of the image. z is how
    much nearer than the origin a point is, in the unit of x and y at the origin.
    """
    turn, tilt = torch.deg2rad(azimuth)[:, None], torch.deg2rad(elevation)[:, None]
    x, y, z = points.unbind(dim=-1)
    right = x * turn.cos() - z * turn.sin()
    towards = x * turn.sin() + z * turn.cos()
    up = y * tilt.cos() - towards * tilt.sin()
    nearer = y * tilt.sin() + towards * tilt.cos()
    seen = torch.stack([right, -up], dim=-1) * (focal / (distance - nearer))[..., None]
    return torch.cat([seen, nearer[..., None] * (focal / distance)], dim=-1)


def rotate(points: Keypoints, degrees: Float[Tensor, " batch"]) -> Keypoints:
    """Return each pose turned about the origin, clockwise in the image for positive degrees."""
    angle = torch.deg2rad(degrees)[:, None]
    x, y = points.unbind(dim=-1)
    return torch.stack(
        [x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], dim=-1
    )


def bounding_box(
    points: Keypoints,
) -> tuple[Float[Tensor, "batch 1 2"], Float[Tensor, "batch 1 1"]]:
    """Return the middle of each pose's bounding box and its longer side."""
    low, high = points.aminmax(dim=1, keepdim=True)
    return (low + high) / 2, (high - low).amax(dim=-1, keepdim=True)


def shift_inside(points: Keypoints) -> Keypoints:
    """Return each pose shifted just into the frame; to its middle if larger than the frame."""
    low, high = points.aminmax(dim=1, keepdim=True)
    back = (-1 - low).clamp(min=0) - (high - 1).clamp(min=0)
    return points + torch.where(high - low > 2, -(low + high) / 2, back)
