"""Where a face of 68 landmarks lies in the picture, and what of a head follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.ops.polygons import Field, PerPicture, Points, blobs, pixel_centres, stroke_depth
from keypointgan.types import Keypoints

Place = Float[Tensor, "batch 2"]

JAW = tuple(range(17))
R_BROW, L_BROW = (17, 18, 19, 20, 21), (26, 25, 24, 23, 22)
"""From the temple to the nose."""
BRIDGE, BASE = (27, 28, 29, 30), (31, 32, 33, 34, 35)
R_EYE, L_EYE = (36, 37, 38, 39, 40, 41), (45, 44, 43, 42, 47, 46)
"""From the outer corner over the upper lid to the inner corner, and back under the lower lid."""
OUTER_LIPS, INNER_LIPS = tuple(range(48, 60)), tuple(range(60, 68))

_JAW_DEPTH = (-0.62, -0.60, -0.56, -0.48, -0.38, -0.26, -0.14, -0.06, -0.03)
_DEPTHS = (
    *(*_JAW_DEPTH, *_JAW_DEPTH[-2::-1]),
    *(-0.26, -0.15, -0.07, -0.03, -0.01, -0.01, -0.03, -0.07, -0.15, -0.26),
    *(0.0, 0.07, 0.15, 0.22, 0.05, 0.09, 0.11, 0.09, 0.05),
    *(-0.19, -0.12, -0.10, -0.12, -0.12, -0.14, -0.12, -0.10, -0.12, -0.19, -0.14, -0.12),
    *(-0.08, 0.02, 0.08, 0.09, 0.08, 0.02, -0.08, 0.01, 0.05, 0.06, 0.05, 0.01),
    *(-0.06, 0.04, 0.06, 0.04, -0.06, 0.03, 0.04, 0.03),
)
"""How near to the viewer each landmark of a face seen from the front is, in units: by eye."""
_BEHIND = (0.40, 0.36, 0.22, 0.10, 0.04, 0.0)
"""How far the side of a head seen from the side reaches beyond the jaw's landmarks.

Behind the ear, that is; below it the jaw is the edge, and behind the jaw is the neck.
"""
_BELOW = (0.0, 0.2, 0.45, 0.65, 0.8, 0.9, 1.0, 1.0)
"""How much of the flesh under the jaw is seen below each of its landmarks, to the chin's."""


@dataclass(frozen=True)
class FaceShape:
    """Landmarks and the coordinates that go with them: face units right and up of the bridge.

    Attributes:
        points: The landmarks, normalised.
        right: Unit vector to the image's right, along the eyes.
        up: Unit vector from the chin to the forehead.
        unit: About the distance of chin and bridge, normalised.
        u: Of each pixel, how far right of the bridge it is, in units.
        v: Of each pixel, how far above.
        turned: From -1, the nose at the image's left end of the jaw line, to 1.
        aside: The same for the nose itself: -1 or 1 once its far side is hidden behind the ridge.
        size: Side of the picture, pixels.
    """

    points: Keypoints
    right: Place
    up: Place
    unit: PerPicture
    u: Field
    v: Field
    turned: PerPicture
    aside: PerPicture
    size: int

    @classmethod
    def of(cls, points: Keypoints, *, size: int) -> "FaceShape":
        """The shape of these landmarks."""
        eyes = points[:, L_EYE].mean(dim=1) - points[:, R_EYE].mean(dim=1)
        level = _unit_vector(eyes)
        upright = torch.stack([level[:, 1], -level[:, 0]], dim=-1)
        up = _unit_vector(upright + _unit_vector(points[:, 27] - points[:, 8]))
        right = torch.stack([-up[:, 1], up[:, 0]], dim=-1)
        height = (points[:, 27] - points[:, 8]).norm(dim=-1)
        width = (points[:, 16] - points[:, 0]).norm(dim=-1)
        unit = (height + width / 1.24) / 2
        row = pixel_centres(size, points)
        x = row[None, None, None, :] - points[:, 27, 0, None, None, None]
        y = row[None, None, :, None] - points[:, 27, 1, None, None, None]
        right_, up_ = (each(axis / unit[:, None], 2) for axis in (right, up))
        u, v = (x * axis[:, :1] + y * axis[:, 1:] for axis in (right_, up_))
        ends = points[:, 30] * 2 - points[:, 0] - points[:, 16]
        turned = ((ends * right).sum(dim=-1) / width).clamp(-1, 1)
        aside = (3 * turned).clamp(-1, 1)
        return cls(points, right, up, unit, u, v, turned, aside, size)

    def at(self, *landmarks: int) -> Place:
        """The mean of these landmarks."""
        return self.points[:, list(landmarks)].mean(dim=1)

    def line(self, landmarks: Sequence[int]) -> Points:
        """These landmarks."""
        return self.points[:, list(landmarks)]

    def moved(
        self, places: Tensor, right: PerPicture | float = 0.0, up: PerPicture | float = 0.0
    ) -> Tensor:
        """Places (batch, 2) or (batch, point, 2) moved by so many units."""
        way = self.right * self.units(right) + self.up * self.units(up)
        return places + (way if places.ndim == 2 else way[:, None])

    def units(self, length: PerPicture | float) -> Float[Tensor, "batch 1"]:
        """A length in units, normalised."""
        return (self.unit * length)[:, None]

    def coordinates(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Where places (batch, 2) or (batch, point, 2) are: u and v."""
        way = places - (self.points[:, 27] if places.ndim == 2 else self.points[:, 27:28])
        right, up = (axis if places.ndim == 2 else axis[:, None] for axis in (self.right, self.up))
        unit = self.unit if places.ndim == 2 else self.unit[:, None]
        return (way * right).sum(dim=-1) / unit, (way * up).sum(dim=-1) / unit

    def sides(self) -> Points:
        """The jaw line, moved out where the head's side is seen behind it, (batch, 17, 2)."""
        reach = self.points.new_zeros(2, 17)
        behind = reach.new_tensor(_BEHIND)
        reach[0, :6], reach[1, 11:] = -behind, behind.flip(0)
        seen = torch.stack([self.turned, -self.turned], dim=-1).clamp_min(0)
        out = (seen @ reach) * self.unit[:, None]
        return self.line(JAW) + out[..., None] * self.right[:, None]

    def hill(self, centre: Place, wide: PerPicture | float, high: PerPicture | float) -> Field:
        """A Gaussian with 1 at the centre, of these standard deviations in units."""
        axes = torch.stack([self.unit * wide, self.unit * high], dim=-1)
        top = torch.ones_like(self.unit)
        return blobs(centre[:, None], axes[:, None], top[:, None], size=self.size)

    def profile(self) -> Field:
        """How deep each pixel is in nose and lips, which reach beyond the cheek from aside.

        Seen from aside, their landmarks lie near the outline.
        """
        line = self.line((27, 28, 29, 30, 33, 51, 57))
        radii = line.new_tensor([0.03, 0.035, 0.045, 0.055, 0.05, 0.04, 0.04]) * self.units(1.0)
        return stroke_depth(self.behind(line, 0.7 * radii), radii, size=self.size)

    def behind(self, line: Points, radii: Float[Tensor, "batch point"]) -> Points:
        """A line as far from the outline of a nose seen from aside as its radii."""
        back = (radii * self.aside[:, None])[..., None]
        return line - back * self.right[:, None]

    def skull(
        self, sides: Points, height: PerPicture, flesh: PerPicture
    ) -> Float[Tensor, "batch corner 2"]:
        """The outline of the head: its sides, and an arch over the forehead.

        Args:
            sides: Of `sides`.
            height: Of the arch above the ears, in units.
            flesh: How far one sees of what is under the chin, in units.
        """
        below = sides.new_tensor([*_BELOW, 1.0, *_BELOW[::-1]])
        sides = sides - (self.units(flesh) * below)[..., None] * self.up[:, None]
        turn = torch.linspace(0, torch.pi, 11, device=sides.device)[1:-1]
        cos = turn.cos().sign() * turn.cos().abs() ** 0.8
        sin = turn.sin() ** 0.8
        middle = (sides[:, 0] + sides[:, 16]) / 2
        across = (sides[:, 16] - middle)[:, None] * cos[:, None]
        above = (self.up * self.units(height))[:, None] * sin[:, None]
        return torch.cat([sides, middle[:, None] + across + above], dim=1)


def turn_head(points: Keypoints, yaw: PerPicture, pitch: PerPicture) -> Keypoints:
    """The landmarks of heads turned a little further, by the depths of a common face.

    Args:
        points: Landmarks.
        yaw: Angle to the image's right, in radians; small, as the depths are crude.
        pitch: Angle downwards, in radians.
    """
    face = FaceShape.of(points, size=1)
    u, v = face.coordinates(points)
    depth = u.new_tensor(_DEPTHS)
    right = u * (yaw.cos() - 1)[:, None] + depth * yaw.sin()[:, None]
    up = v * (pitch.cos() - 1)[:, None] - depth * pitch.sin()[:, None]
    unit = face.unit[:, None, None]
    return points + unit * (
        right[..., None] * face.right[:, None] + up[..., None] * face.up[:, None]
    )


def each(values: Tensor, more: int = 3) -> Tensor:
    """One value (or vector) a picture, to be combined with pictures."""
    return values.view(*values.shape, *[1] * more)


def _unit_vector(vector: Place) -> Place:
    return vector / vector.norm(dim=-1, keepdim=True).clamp_min(1e-6)
