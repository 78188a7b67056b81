"""Keypoints drawn as a skeleton image, β in the paper: differentiable, without parameters.

A pixel's value falls with its distance d to the nearest link: exp(-d / σ²) in the authors' release
(`models/utils.py`, `linear` here), exp(-d² / σ²) in the paper (`squared`). The maximum over links
of the exponential is the exponential of the smallest distance, so one exponential a pixel is
enough and the gradient reaches the nearest link only; no (batch, link, height, width) tensor is
kept, in neither pass.

Which link is nearest rides in the lowest bits of its squared distance, as whole numbers compare
like the positive floats they are the bits of: one plain minimum finds both, 40 times as fast on a
CPU as a minimum with indices. It costs the distance a relative error of at most links · 2⁻²⁴.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from keypointgan.types import Drawings, Keypoints

Falloff = Literal["linear", "squared"]
LinkEnds = Float[Tensor, "batch link 2"]

_CHUNK_ELEMENTS = {"cpu": 1 << 19, "cuda": 1 << 25}
"""Most elements of a temporary: fits a CPU's cache, fills a GPU."""

_ROUNDING = 1e-6
"""Added to the squared distance under the root, as in the release: a linear fall-off then has a
derivative on the link itself, where it peaks at exp(-0.001 / σ²)."""


def render_skeleton(
    keypoints: Keypoints,
    links: Sequence[tuple[int | Sequence[int], int | Sequence[int]]],
    *,
    size: tuple[int, int],
    sigma: float = 0.2,
    falloff: Falloff = "linear",
    align_corners: bool = False,
    groups: Sequence[int] | None = None,
) -> Drawings:
    """The skeleton drawn with bright links on a dark ground.

    Args:
        keypoints: Normalised locations (batch, keypoint, 2); they may lie outside the image.
        links: Pairs of ends; an end is the index of a keypoint, or several whose mean it is.
        size: Height and width of the drawing, pixels.
        sigma: Reach of a link's brightness in normalised units; the exponent is divided by σ².
        falloff: `linear`: exp(-d / σ²), the release. `squared`: exp(-d² / σ²), the paper.
        align_corners: Whether -1 and +1 are the centres of the outer pixels, as in the release,
            and not the outer edges of the image.
        groups: For each link the channel it is drawn in; all in one channel if absent.

    Returns:
        Values in [0, 1] (batch, channel, height, width), with as many channels as groups; in
        float32 where the keypoints are in half precision.

    Raises:
        ValueError: No links, or not one group for each link.
    """
    if not links:
        raise ValueError("expected at least one link to draw, got none")
    if groups is not None and len(groups) != len(links):
        raise ValueError(f"expected a group for each of {len(links)} links, got {len(groups)}")
    if falloff not in ("linear", "squared"):
        raise ValueError(f"expected falloff 'linear' or 'squared', got {falloff!r}")
    if keypoints.dtype in (torch.float16, torch.bfloat16):
        keypoints = keypoints.float()
    starts = _link_ends(keypoints, [link[0] for link in links])
    stops = _link_ends(keypoints, [link[1] for link in links])
    squared = falloff == "squared"
    if groups is None:
        drawn = _draw(starts, stops, size, sigma, squared, align_corners)
        return drawn.unsqueeze(1)
    channels = []
    for group in range(max(groups) + 1):
        members = [index for index, member in enumerate(groups) if member == group]
        if members:
            channels.append(
                _draw(starts[:, members], stops[:, members], size, sigma, squared, align_corners)
            )
        else:
            channels.append(keypoints.new_zeros(len(keypoints), *size))
    return torch.stack(channels, dim=1)


def _link_ends(keypoints: Keypoints, ends: Sequence[int | Sequence[int]]) -> LinkEnds:
    """The location of each end: a keypoint, or the mean of several."""
    if all(isinstance(end, int) or len(end) == 1 for end in ends):
        return keypoints[:, [end if isinstance(end, int) else end[0] for end in ends]]
    weights = keypoints.new_zeros(len(ends), keypoints.shape[1])
    for row, end in enumerate(ends):
        for index in (end,) if isinstance(end, int) else end:
            weights[row, index] += 1 / (1 if isinstance(end, int) else len(end))
    return (weights[:, :, None] * keypoints[:, None]).sum(
        2
    )  # autocast would halve a product's bits


def _draw(
    starts: LinkEnds,
    stops: LinkEnds,
    size: tuple[int, int],
    sigma: float,
    squared: bool,
    align_corners: bool,
) -> Float[Tensor, "batch height width"]:
    return _NearestLink.apply(starts, stops, size, sigma, squared, align_corners)  # type: ignore[no-untyped-call]


def _pixel_centres(count: int, *, align_corners: bool, like: Tensor) -> Float[Tensor, " count"]:
    """Normalised coordinates of the centres of `count` pixels in a row."""
    edge = 1.0 if align_corners and count > 1 else 1.0 - 1.0 / count
    return torch.linspace(-edge, edge, count, device=like.device, dtype=like.dtype)


class _NearestLink(torch.autograd.Function):
    """The exponential of the distance to the nearest link; see the module's docstring."""

    @staticmethod
    def forward(
        ctx: Any,
        starts: LinkEnds,
        stops: LinkEnds,
        size: tuple[int, int],
        sigma: float,
        squared: bool,
        align_corners: bool,
    ) -> Tensor:
        height, width = size
        batch, num_links = starts.shape[:2]
        x = _pixel_centres(width, align_corners=align_corners, like=starts)
        y = _pixel_centres(height, align_corners=align_corners, like=starts)
        along = stops - starts
        # The place r of the nearest point on the link's line is affine in x and in y: one addition
        # a pixel instead of a dot product.
        inverse = along / along.square().sum(-1, keepdim=True).clamp_min(1e-12)
        r_x = inverse[..., 0, None] * (x - starts[..., 0, None])
        r_y = inverse[..., 1, None] * (y - starts[..., 1, None])
        gap_x = x - starts[..., 0, None]
        gap_y = y - starts[..., 1, None]

        limit = _CHUNK_ELEMENTS.get(starts.device.type, 1 << 22)
        chunk = max(1, limit // (batch * height * width))
        whole = torch.int64 if starts.dtype == torch.float64 else torch.int32
        low_bits = (1 << (num_links - 1).bit_length()) - 1
        numbers = torch.arange(num_links, dtype=whole, device=starts.device)[:, None, None]
        packed: Tensor | None = None
        work = starts.new_empty(3, batch * min(chunk, num_links) * height * width)
        for first in range(0, num_links, chunk):
            part = slice(first, first + chunk)
            shape = (batch, len(numbers[part]), height, width)
            r, off_x, off_y = work[:, : math.prod(shape)].view(3, *shape)
            torch.add(r_x[:, part, None, :], r_y[:, part, :, None], out=r).clamp_(0, 1)
            reach = along[:, part, :, None, None]
            torch.addcmul(gap_x[:, part, None, :], r, reach[:, :, 0], value=-1, out=off_x)
            torch.addcmul(gap_y[:, part, :, None], r, reach[:, :, 1], value=-1, out=off_y)
            distances = off_x.square_().addcmul_(off_y, off_y)
            bits = distances.view(whole).bitwise_and_(~low_bits).bitwise_or_(numbers[part])
            smallest = bits.amin(dim=1)
            packed = smallest if packed is None else torch.minimum(packed, smallest)
        assert packed is not None
        which = packed.bitwise_and(low_bits)
        nearest = packed.bitwise_and_(~low_bits).view(starts.dtype)
        exponent = nearest if squared else (nearest + _ROUNDING).sqrt()
        image = (exponent * (-1 / sigma**2)).exp()
        ctx.save_for_backward(starts, along, inverse, which, image)
        ctx.settings = (sigma, squared, align_corners)
        return image

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        starts, along, inverse, which, image = ctx.saved_tensors
        sigma, squared, align_corners = ctx.settings
        batch, num_links = starts.shape[:2]
        height, width = image.shape[-2:]
        x = _pixel_centres(width, align_corners=align_corners, like=starts)
        y = _pixel_centres(height, align_corners=align_corners, like=starts)
        flat = which.flatten(1).long()

        def of_nearest(values: Float[Tensor, "batch link"]) -> Tensor:
            return values.gather(1, flat).view(batch, height, width)

        gap_x = x - of_nearest(starts[..., 0])
        gap_y = y[:, None] - of_nearest(starts[..., 1])
        r = (of_nearest(inverse[..., 0]) * gap_x + of_nearest(inverse[..., 1]) * gap_y).clamp_(0, 1)
        off_x = gap_x - r * of_nearest(along[..., 0])
        off_y = gap_y - r * of_nearest(along[..., 1])
        # d value / d offset; the nearest point itself is stationary (envelope theorem), so r needs
        # no derivative.
        scale = gradient * image / sigma**2
        if squared:
            scale = scale * 2
        else:
            scale = scale / (off_x.square() + off_y.square() + _ROUNDING).sqrt()
        pull_x, pull_y = scale * off_x, scale * off_y
        pulls = torch.stack([pull_x * (1 - r), pull_y * (1 - r), pull_x * r, pull_y * r], dim=1)
        summed = starts.new_zeros(batch, 4, num_links).scatter_add_(
            2, flat.unsqueeze(1).expand(-1, 4, -1), pulls.flatten(2)
        )
        to_starts, to_stops = summed.transpose(1, 2).split(2, dim=-1)
        return to_starts, to_stops, None, None, None, None
