"""Polygons, strokes and blobs with soft edges: pictures painted in layers, for a whole batch.

Every shape is evaluated at every pixel. Coordinates are those of keypoints: normalised x and y, the
image's outer edges at -1 and +1.
"""

import torch
from jaxtyping import Float
from torch import Tensor

Points = Float[Tensor, "batch point 2"]
"""Normalised (x, y): corners of a polygon, or points of a line."""
Field = Float[Tensor, "batch 1 size size"]
"""One number a pixel: a distance, a height, or a cover in [0, 1]."""
Picture = Float[Tensor, "batch 3 size size"]
"""Red, green and blue in [0, 1]."""
PerPicture = Float[Tensor, " batch"]
Colour = Float[Tensor, "batch 3"]
"""Red, green and blue in [0, 1]."""

_GROUP_ELEMENTS = (1 << 16, 1 << 28)
"""Most elements of a temporary: in a CPU's cache, on a GPU."""


def polygon_depth(corners: Points, *, size: int) -> Field:
    """How far inside a polygon each pixel is; negative outside.

    Where the outline crosses itself, all that it goes round is inside.

    Args:
        corners: In order; the last is joined to the first.
        size: Side of the picture, pixels.
    """
    row = pixel_centres(size, corners)[:, None]
    squared = winding = None
    for start, stop in _edges(torch.cat([corners, corners[:, :1]], dim=1), size=size):
        along, across, half = _edge_coordinates(start, stop, size=size)
        above, below = start[..., 1:, None] > row, stop[..., 1:, None] > row
        upwards = below.float() - above.float()
        crossed = ((across * upwards > 0) * upwards).sum(dim=1, keepdim=True)
        distance = _beyond(along, half).square_().add_(across.square_()).amin(dim=1, keepdim=True)
        squared = distance if squared is None else torch.minimum(squared, distance)
        winding = crossed if winding is None else winding.add_(crossed)
    assert squared is not None  # a polygon has corners
    assert winding is not None  # the same
    return torch.where(winding.abs() > 0.5, 1.0, -1.0).mul_(squared.sqrt_())


def stroke_depth(points: Points, radii: Float[Tensor, "batch point"], *, size: int) -> Field:
    """How far inside a line drawn through the points each pixel is; negative outside.

    Args:
        points: What the line goes through, in order.
        radii: Half of its thickness at each point.
        size: Side of the picture, pixels.
    """
    deepest = None
    ends = zip(_edges(points, size=size), _edges(radii, size=size), strict=True)
    for (start, stop), (first, second) in ends:
        along, across, half = _edge_coordinates(start, stop, size=size)
        distance = _beyond(along, half).square_().add_(across.square_()).sqrt_()
        share = along.div_(2 * half).add_(0.5).clamp_(0, 1)
        radius = share.mul_((second - first)[..., None, None]).add_(first[..., None, None])
        depth = radius.sub_(distance).amax(dim=1, keepdim=True)
        deepest = depth if deepest is None else torch.maximum(deepest, depth)
    assert deepest is not None  # a line has ends
    return deepest


def blobs(
    centres: Points,
    axes: Float[Tensor, "batch point 2"],
    heights: Float[Tensor, "batch point"],
    *,
    size: int,
) -> Field:
    """The sum of Gaussian hills; of products of a row and a column, so they cost next to nothing.

    Args:
        centres: Their tops.
        axes: Their standard deviations along x and y.
        heights: What each adds at its top; negative for hollows.
        size: Side of the picture, pixels.
    """
    away = (pixel_centres(size, centres) - centres[..., None]) / axes[..., None]
    columns, rows = torch.exp(-0.5 * away.square()).unbind(dim=2)
    return torch.einsum("bpy,bpx->byx", rows * heights[..., None], columns)[:, None]


def soft_cover(depth: Field, softness: PerPicture | float) -> Field:
    """What share of each pixel a shape covers, from how deep the pixel is inside.

    Args:
        depth: As `polygon_depth` returns it.
        softness: Width of the edge, in pixels.
    """
    pixels = depth * (depth.shape[-1] / 2)
    if isinstance(softness, Tensor):
        softness = softness[:, None, None, None]
    share = (pixels / softness + 0.5).clamp(0, 1)
    return share.square() * (3 - 2 * share)


def paint(picture: Picture, colour: Picture | Colour, cover: Field) -> Picture:
    """The picture with a colour over it, where it is covered."""
    if colour.ndim == 2:
        colour = colour[:, :, None, None]
    return torch.lerp(picture, colour, cover)


def pixel_centres(size: int, like: Tensor) -> Float[Tensor, " size"]:
    """Normalised coordinates of the centres of a row of pixels."""
    return ((torch.arange(size, device=like.device) * 2 + 1) / size - 1).to(like.dtype)


def _edges(points: Tensor, *, size: int) -> list[tuple[Tensor, Tensor]]:
    """The ends of all edges, in groups small enough to be evaluated at once."""
    pixels = len(points) * size * size
    group = max(_GROUP_ELEMENTS[points.device.type == "cuda"] // pixels, 1)
    return list(
        zip(points[:, :-1].split(group, dim=1), points[:, 1:].split(group, dim=1), strict=True)
    )


def _edge_coordinates(
    start: Points, stop: Points, *, size: int
) -> tuple[Float[Tensor, "batch point size size"], Tensor, Tensor]:
    """Each pixel along an edge from its middle, and across it; half the edge's length."""
    way, middle = stop - start, (start + stop) / 2
    length = way.norm(dim=-1, keepdim=True)
    level = way.new_tensor([1.0, 0.0])  # some way for an edge from a point to itself
    way = torch.where(length > 1e-6, way / length.clamp_min(1e-6), level)
    cos, sin = way[..., :1], way[..., 1:]
    centres = pixel_centres(size, start)
    x, y = centres - middle[..., :1], centres - middle[..., 1:]
    along = (x * cos)[..., None, :] + (y * sin)[..., None]
    across = (x * sin)[..., None, :] - (y * cos)[..., None]
    return along, across, length[..., None].clamp_min(1e-6) / 2


def _beyond(along: Tensor, half: Tensor) -> Tensor:
    """How far beyond the nearer end of an edge each pixel is, 0 beside the edge."""
    return along.abs().sub_(half).clamp_(min=0)
