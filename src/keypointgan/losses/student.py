"""What the student learns from points, and how much each of them counts."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.ops.heatmaps import draw_heatmaps, is_inside, locate, mean_place, promoted
from keypointgan.types import Confidence, Heatmaps, Keypoints, Scalar


@dataclass(frozen=True)
class StudentLoss:
    """The terms of the student's loss.

    Attributes:
        heatmaps: Cross entropy of the heatmaps, above that of a perfect one, nats.
        points: Mean distance of the heatmaps' mean places, normalised.
        error: How badly the stated errors fit the real ones, nats.
    """

    heatmaps: Scalar
    points: Scalar
    error: Scalar


def student_loss(
    heatmaps: Heatmaps,
    log_error: Float[Tensor, "batch keypoint"],
    *,
    target: Keypoints,
    weight: Confidence,
) -> StudentLoss:
    """How far the student's heatmaps and errors are from known points.

    Args:
        heatmaps: Unnormalised scores.
        log_error: Logarithm of the scale of the error, from the student.
        target: The points; NaN ones do not count. Those outside of the image teach only how wrong
            whatever is read inside of it is.
        weight: How much each point counts.
    """
    known = target.isfinite().all(dim=-1)
    target = torch.where(known.unsqueeze(-1), target, torch.zeros_like(target))
    inside = is_inside(target)
    stated, weight = weight * known, weight * (known & inside)
    total = weight.sum().clamp_min(1e-6)
    place = torch.where(inside.unsqueeze(-1), target, torch.zeros_like(target))
    heatmaps, log_error = promoted(heatmaps), promoted(log_error)
    rows, columns = heatmaps.shape[-2:]
    wanted = draw_heatmaps(place, size=(rows, columns)).flatten(2)
    likely = heatmaps.flatten(2).log_softmax(dim=-1)
    entropy = (wanted * (wanted.clamp_min(1e-12).log() - likely)).sum(dim=-1)
    away = (mean_place(heatmaps) - place).square().sum(dim=-1).add(1e-8).sqrt()
    with torch.no_grad():
        off = (locate(heatmaps) - target).norm(dim=-1)
    misfit = off * (-log_error).exp() + 2 * log_error
    return StudentLoss(
        (entropy * weight).sum() / total,
        (away * weight).sum() / total,
        (misfit * stated).sum() / stated.sum().clamp_min(1e-6),
    )
