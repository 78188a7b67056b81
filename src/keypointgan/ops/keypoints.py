"""Keypoints from heatmaps, between coordinate systems, and mirrored."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import grid_sample

from keypointgan.types import Confidence, Evidence, Heatmaps, Keypoints, SkeletonImages


def soft_argmax(heatmaps: Heatmaps) -> Keypoints:
    """The expected location of each keypoint under its heatmap.

    The mean over rows, through a softmax, is the distribution of x; that over columns, of y: two
    softmaxes over a line, not one over the plane [release, `models/networks.py`]. The outer cells
    stand for the outer edges of the image, so that every place can be reached.

    Args:
        heatmaps: Unnormalised scores (batch, keypoint, height, width).

    Returns:
        Normalised (x, y) locations (batch, keypoint, 2), always inside [-1, 1].
    """
    height, width = heatmaps.shape[-2:]
    along_x, along_y = _axis_distributions(heatmaps)
    x = _expectation(along_x, torch.linspace(-1, 1, width).to(along_x))
    y = _expectation(along_y, torch.linspace(-1, 1, height).to(along_y))
    return torch.stack([x, y], dim=-1)


def confidence(skeleton_image: SkeletonImages, keypoints: Keypoints) -> Confidence:
    """How bright the encoder's skeleton image is where each keypoint was read: 1 on a drawn limb.

    A regressor always answers; whether there was something to read is seen in the picture it read
    from. A point outside of the image takes the brightness of the border.

    Args:
        skeleton_image: In [-1, 1], as the encoder draws it; the brightest channel counts.
        keypoints: Normalised locations read from it.
    """
    places = keypoints.detach().to(skeleton_image.dtype).unsqueeze(1)
    sampled = grid_sample(skeleton_image, places, padding_mode="border", align_corners=False)
    brightness: Tensor = (sampled[:, :, 0].amax(dim=1).float() + 1) / 2
    return brightness.clamp(0, 1)


def to_pixels(keypoints: Keypoints, *, size: tuple[int, int]) -> Float[Tensor, "batch keypoint 2"]:
    """Locations in pixels of an image of `size` (height, width), whose edges are 0 and its side."""
    height, width = size
    return (keypoints + 1) / 2 * torch.tensor([width, height]).to(keypoints)


def to_normalised(pixels: Float[Tensor, "batch keypoint 2"], *, size: tuple[int, int]) -> Keypoints:
    """Normalised locations of pixels of an image of `size` (height, width)."""
    height, width = size
    return pixels / torch.tensor([width, height]).to(pixels) * 2 - 1


def mirror(keypoints: Keypoints, *, order: Sequence[int]) -> Keypoints:
    """The keypoints of the mirrored image: x negated, left and right joints exchanged.

    Args:
        keypoints: Normalised locations.
        order: For each joint the one that takes its place, `Skeleton.mirror`.
    """
    return keypoints[:, list(order)] * torch.tensor([-1.0, 1.0]).to(keypoints)


def average_mirrored(
    keypoints: Keypoints, mirrored: Keypoints, *, order: Sequence[int]
) -> tuple[Keypoints, Bool[Tensor, " batch"]]:
    """The mean of what was found in frames and in their mirror images.

    A detector that takes the mirror image for an object seen from the other side exchanges no
    joints in it; the naming that is nearer to that of the frame itself is averaged.

    Args:
        keypoints: Normalised locations in the frames.
        mirrored: Those in the mirror images, as they were found there.
        order: For each joint the one that takes its place, `Skeleton.mirror`.

    Returns:
        The means, and for each frame whether the joints of the mirror image were exchanged.
    """
    exchanged = mirror(mirrored, order=order)
    kept = mirror(mirrored, order=range(len(order)))
    nearer = _distance(exchanged, keypoints) <= _distance(kept, keypoints)
    return (keypoints + torch.where(nearer[:, None, None], exchanged, kept)) / 2, nearer


def evidence_of_both(
    evidence: Evidence,
    mirrored: Evidence,
    *,
    exchanged: Bool[Tensor, " batch"],
    order: Sequence[int],
) -> Evidence:
    """The evidence of frames and of their mirror images for the sides of their mean, summed.

    Args:
        evidence: Of the frames.
        mirrored: Of the mirror images, under the names by which their joints were found there.
        exchanged: As `average_mirrored` returns it. Where it is not, the mirror image was taken
            for an object seen from the other side, and what it says of the sides speaks against
            those of the frame.
        order: As there.
    """
    turned = mirrored[:, list(order)]
    return evidence + torch.where(exchanged[:, None], turned, -turned)


def from_aligned_corners(keypoints: Keypoints, *, size: tuple[int, int]) -> Keypoints:
    """Keypoints of the release's convention, -1 and +1 on outer pixel centres, in ours."""
    height, width = size
    return keypoints * torch.tensor([1 - 1 / width, 1 - 1 / height]).to(keypoints)


def _distance(first: Keypoints, second: Keypoints) -> Float[Tensor, " batch"]:
    return (first - second).norm(dim=-1).mean(dim=-1)


def _axis_distributions(heatmaps: Heatmaps) -> tuple[Tensor, Tensor]:
    """The distributions of x (batch, keypoint, width) and of y (batch, keypoint, height)."""
    heatmaps = heatmaps.float() if heatmaps.dtype in (torch.bfloat16, torch.float16) else heatmaps
    return heatmaps.mean(dim=-2).softmax(dim=-1), heatmaps.mean(dim=-1).softmax(dim=-1)


def _expectation(distribution: Tensor, values: Tensor) -> Tensor:
    """The mean of `values`; not as a matrix product, which autocast computes in 8 bits."""
    return (distribution * values).sum(dim=-1)
