"""Losses of the regressor η and of keypoints."""

import torch

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


def cycle_loss(rendered: SkeletonImages, skeleton: SkeletonImages) -> Scalar:
    """How far a skeleton image is from its own points drawn again, ‖β(η(y)) − y‖² [release]."""
    return (rendered - skeleton).square().mean()
