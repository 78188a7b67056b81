"""Losses of the regressor η and of keypoints."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from keypointgan.types import Keypoints, Scalar, SkeletonImages


def keypoint_loss(predicted: Keypoints, target: Keypoints) -> Scalar:
    """The mean squared error of the coordinates, ‖η(β(p̄)) − p̄‖² on the prior [release]."""
    return (predicted - target).square().mean()


def labelled_keypoint_loss(predicted: Keypoints, target: Keypoints) -> Scalar:
    """The mean distance to labelled points; unlabelled ones (NaN) do not count.

    Only the supervised twin is trained with it.
    """
    known = ~torch.isnan(target).any(-1)
    offset = torch.where(known.unsqueeze(-1), predicted - target, torch.zeros_like(predicted))
    distance = (offset.square().sum(-1) + 1e-8).sqrt()
    return (distance * known).sum() / known.sum().clamp_min(1)


def forgiving_keypoint_loss(
    predicted: Keypoints, target: Keypoints, *, mirror: Sequence[int], insistence: float
) -> tuple[Scalar, Bool[Tensor, " batch"]]:
    """The mean distance to the target or to its side-exchanged twin, whichever is nearer.

    Args:
        predicted: What was read.
        target: What is there.
        mirror: For each keypoint the index of the one on the other side.
        insistence: Weight of the distance to the target itself, which is added.

    Returns:
        The loss, and for which poses the twin is nearer.
    """
    distance = (predicted - target).square().sum(dim=-1).add(1e-8).sqrt().mean(dim=1)
    exchanged = target[:, list(mirror)]
    other = (predicted - exchanged).square().sum(dim=-1).add(1e-8).sqrt().mean(dim=1)
    loss = torch.minimum(distance, other).mean() + insistence * distance.mean()
    return loss, other < distance


def equivariance_loss(read: Keypoints, moved: Keypoints) -> Scalar:
    """The mean distance between points read in a moved frame and the moved points of the frame.

    Both have a graph. Points at rest would be equal to themselves in a frame that only turns about
    them: it is the discriminator that keeps a skeleton from shrinking to that.
    """
    return (read - moved).square().sum(dim=-1).add(1e-8).sqrt().mean()


def cycle_loss(rendered: SkeletonImages, skeleton: SkeletonImages) -> Scalar:
    """How far a skeleton image is from its own points drawn again, ‖β(η(y)) − y‖² [release]."""
    return (rendered - skeleton).square().mean()
