"""Heatmaps with one peak a keypoint: their target, where their peak is, how likely a place is."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import grid_sample, max_pool2d

from keypointgan.types import Confidence, Evidence, Heatmaps, Keypoints, Peaks

PEAKS = 4
"""Places of each keypoint among which a track may choose."""

_REACH = 2.5  # cells around the peak over which its place is averaged
_CERTAIN = 80.0  # distances, in scales of the error, beyond which nothing is left to be off by


def draw_heatmaps(
    keypoints: Keypoints, *, size: tuple[int, int], spread: float = 1.0
) -> Float[Tensor, "batch keypoint rows columns"]:
    """A normal distribution over the cells around each keypoint, which sums to 1.

    Args:
        keypoints: Normalised locations.
        size: Rows and columns.
        spread: Standard deviation, cells.
    """
    rows, columns = size
    along_x = _bell(keypoints[..., 0], columns, spread)
    along_y = _bell(keypoints[..., 1], rows, spread)
    return along_y.unsqueeze(-1) * along_x.unsqueeze(-2)


def locate(heatmaps: Heatmaps) -> Keypoints:
    """Where each heatmap has its peak: the mean place of the cells around the highest one.

    Unlike the mean over the whole map (`ops.keypoints.soft_argmax`) it does not end between two
    peaks: where left and right are in doubt, one of them is named.

    Args:
        heatmaps: Unnormalised scores.

    Returns:
        Normalised (x, y); within half a cell of the borders of the image at the outermost.
    """
    heatmaps = promoted(heatmaps)
    columns = heatmaps.shape[-1]
    peak = heatmaps.flatten(2).argmax(dim=-1)
    return _mean_around(heatmaps, peak // columns, peak % columns)


def find_peaks(heatmaps: Heatmaps) -> Peaks:
    """The `PEAKS` highest peaks of each heatmap, that of `locate` first.

    Args:
        heatmaps: Unnormalised scores.

    Returns:
        Normalised (x, y) and the logarithm of the softmax there; -inf where there are fewer peaks.
    """
    heatmaps = promoted(heatmaps)
    columns = heatmaps.shape[-1]
    around = 2 * int(_REACH) + 1
    shares = heatmaps.flatten(2).log_softmax(dim=-1).view_as(heatmaps)
    is_peak = max_pool2d(shares, around, stride=1, padding=around // 2) == shares
    nats, cells = shares.masked_fill(~is_peak, -torch.inf).flatten(2).topk(PEAKS, dim=-1)
    places = [
        _mean_around(heatmaps, cell // columns, cell % columns) for cell in cells.unbind(dim=-1)
    ]
    return torch.cat([torch.stack(places, dim=2), nats.unsqueeze(-1)], dim=-1)


def mean_place(heatmaps: Heatmaps) -> Keypoints:
    """The expected location of each keypoint under a softmax over the whole map."""
    heatmaps = promoted(heatmaps)
    rows, columns = heatmaps.shape[-2:]
    shares = heatmaps.flatten(2).softmax(dim=-1).unflatten(-1, (rows, columns))
    x = (shares.sum(dim=-2) * _centres(columns, heatmaps)).sum(dim=-1)
    y = (shares.sum(dim=-1) * _centres(rows, heatmaps)).sum(dim=-1)
    return torch.stack([x, y], dim=-1)


def log_likelihood(heatmaps: Heatmaps, places: Keypoints) -> Float[Tensor, "batch keypoint"]:
    """How likely each keypoint is at its place, in nats: the logarithm of its softmax there."""
    heatmaps = promoted(heatmaps)
    shares = heatmaps.flatten(2).log_softmax(dim=-1).view_as(heatmaps)
    batch, keypoints, rows, columns = shares.shape
    found: Tensor = grid_sample(
        shares.reshape(batch * keypoints, 1, rows, columns),
        places.to(shares).reshape(batch * keypoints, 1, 1, 2),
        padding_mode="border",
        align_corners=False,
    )
    return found.view(batch, keypoints)


def side_evidence(heatmaps: Heatmaps, places: Keypoints, *, order: Sequence[int]) -> Evidence:
    """How much likelier each keypoint is at its place than at that of the other side, in nats.

    Args:
        heatmaps: Unnormalised scores.
        places: Where the keypoints were read.
        order: For each keypoint the one on the other side, `Skeleton.mirror`.
    """
    exchanged = places[:, list(order)]
    return log_likelihood(heatmaps, places) - log_likelihood(heatmaps, exchanged)


def within(distance: float, scale: Float[Tensor, "batch keypoint"]) -> Confidence:
    """The probability that a point is off by less than `distance` where its error has this scale.

    The error is spread around the point as exp(-d / scale), a Laplace distribution of the plane.
    """
    ratio = (distance / scale).clamp(max=_CERTAIN)
    return -torch.expm1(-ratio) - ratio * (-ratio).exp()


def promoted(values: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
    """The values in float32 where they are in half precision."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


def is_inside(keypoints: Keypoints, *, margin: float = 0.0) -> Bool[Tensor, "batch keypoint"]:
    """Which keypoints lie in the image, or at most `margin` (normalised) outside of it."""
    return (keypoints.abs() <= 1 + margin).all(dim=-1)


def _bell(places: Tensor, cells: int, spread: float) -> Tensor:
    distance = (_centres(cells, places) - places.unsqueeze(-1)) * (cells / 2) / spread
    return (-0.5 * distance.square()).softmax(dim=-1)


def _centres(cells: int, like: Tensor) -> Tensor:
    return ((torch.arange(cells, device=like.device) * 2 + 1) / cells - 1).to(like)


def _mean_around(
    heatmaps: Heatmaps, top: Int64[Tensor, "batch keypoint"], left: Int64[Tensor, "batch keypoint"]
) -> Keypoints:
    """The mean place of the cells around one cell of each heatmap."""
    rows, columns = heatmaps.shape[-2:]
    top, left = top.unsqueeze(-1), left.unsqueeze(-1)
    row = torch.arange(rows, device=heatmaps.device)
    column = torch.arange(columns, device=heatmaps.device)
    near_y = ((row - top).abs() <= _REACH).to(heatmaps)
    near_x = ((column - left).abs() <= _REACH).to(heatmaps)
    near = near_y.unsqueeze(-1) * near_x.unsqueeze(-2)
    highest = heatmaps.masked_fill(near == 0, -torch.inf).amax(dim=(-2, -1), keepdim=True)
    weights = (heatmaps - highest).clamp(max=0).exp() * near
    total = weights.sum(dim=(-2, -1))
    x = (weights.sum(dim=-2) * _centres(columns, heatmaps)).sum(dim=-1) / total
    y = (weights.sum(dim=-1) * _centres(rows, heatmaps)).sum(dim=-1) / total
    return torch.stack([x, y], dim=-1)
