"""Warps that move frames and keypoints together: affine maps and thin-plate splines.

A warp is kept as the map g from the *warped* image back to the original, because that is what
sampling needs: warped(u) = original(g(u)). A keypoint p of the original goes where g(p') = p.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from keypointgan.types import Frames, Keypoints

Matrices = Float[Tensor, "batch 2 3"]
"""Affine maps of (x, y, 1)."""


@dataclass(frozen=True)
class Warp:
    """An affine map plus thin-plate-spline bumps, for each image of a batch.

    Attributes:
        affine: The affine part of g (batch, 2, 3).
        centres: Centres of the bumps (control, 2); none for a purely affine warp.
        bumps: Coefficients of the bumps (batch, control, 2).
    """

    affine: Matrices
    centres: Float[Tensor, "control 2"]
    bumps: Float[Tensor, "batch control 2"]

    def source_of(self, places: Float[Tensor, "batch place 2"]) -> Float[Tensor, "batch place 2"]:
        """Where in the original the given places of the warped image come from, g(places)."""
        linear, shift = self.affine[..., :2], self.affine[..., 2]
        sources = places @ linear.transpose(1, 2) + shift[:, None]
        if len(self.centres):
            squared = (places.unsqueeze(2) - self.centres).square().sum(-1)
            radial = squared * squared.clamp_min(1e-12).log()  # r² log r², 0 at the centre
            sources = sources + radial @ self.bumps
        return sources

    def move(self, keypoints: Keypoints, *, steps: int = 20) -> Keypoints:
        """Where the keypoints of the original are in the warped image, g⁻¹(keypoints).

        Exact for affine warps; else a fixed-point iteration on the bumps, which converges fast for
        the mild ones that augmentation draws. The release's strongest fold away 1 in 200 places,
        near the corners: those have no such place, and get a finite one that is wrong.
        """
        linear, shift = self.affine[..., :2], self.affine[..., 2]
        inverse = torch.linalg.inv(linear).transpose(1, 2)
        places = (keypoints - shift[:, None]) @ inverse
        for _ in range(steps if len(self.centres) else 0):
            places = places + ((keypoints - self.source_of(places)) @ inverse).clamp(-0.1, 0.1)
        return places


def random_warp(
    batch: int,
    *,
    generator: torch.Generator,
    rotation: float = 5.0,
    scale: float = 0.05,
    shift: float = 0.05,
    bump: tuple[float, float] = (0.0, 0.0),
    controls: int = 10,
) -> Warp:
    """A random warp for each image; the defaults are the release's standard deviations.

    Args:
        batch: Number of warps.
        generator: Of the random numbers; the warp lies on its device.
        rotation: Standard deviation of the rotation, degrees.
        scale: Standard deviation of the scale around 1.
        shift: Standard deviation of the shift, normalised units.
        bump: Least and most standard deviation of the spline's coefficients; each image draws its
            own between them. (0.0005, 0.005) in the release; zeros for an affine warp.
        controls: Control points along one side.
    """
    device = generator.device

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=device)

    angle = normal(batch) * math.radians(rotation)
    factor = 1 + normal(batch) * scale
    cosine, sine = angle.cos() * factor, angle.sin() * factor
    affine = torch.stack(
        [
            torch.stack([cosine, -sine, normal(batch) * shift], dim=-1),
            torch.stack([sine, cosine, normal(batch) * shift], dim=-1),
        ],
        dim=1,
    )
    if bump[1] == 0:
        empty = torch.zeros(0, 2, device=device)
        return Warp(affine, empty, torch.zeros(batch, 0, 2, device=device))
    line = torch.linspace(-1, 1, controls, device=device)
    centres = torch.cartesian_prod(line, line)
    strength = bump[0] + (bump[1] - bump[0]) * torch.rand(
        batch, 1, 1, generator=generator, device=device
    )
    return Warp(affine, centres, normal(batch, len(centres), 2) * strength)


def warp_frames(frames: Frames, warp: Warp) -> Frames:
    """The frames seen through the warp; the outermost pixels continue beyond the border."""
    batch, _, height, width = frames.shape
    x = torch.linspace(-1 + 1 / width, 1 - 1 / width, width).to(warp.affine)
    y = torch.linspace(-1 + 1 / height, 1 - 1 / height, height).to(warp.affine)
    places = torch.cartesian_prod(y, x).flip(-1).expand(batch, -1, -1)
    grid = warp.source_of(places).view(batch, height, width, 2).to(frames.dtype)
    return grid_sample(frames, grid, mode="bilinear", padding_mode="border", align_corners=False)


def pad_border(frames: Frames, *, fraction: float) -> Float[Tensor, "batch 3 rows columns"]:
    """The frames with their outermost pixels repeated by `fraction` of the size on every side."""
    height, width = frames.shape[-2:]
    rows, columns = round(height * fraction), round(width * fraction)
    return pad(frames, (columns, columns, rows, rows), mode="replicate")
