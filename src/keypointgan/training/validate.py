"""How well a detector does on clips that it was not trained on, with and without labels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from keypointgan.assemble import TrainingData
from keypointgan.data.labels import Labels
from keypointgan.data.pairs import Pair
from keypointgan.data.priors import Prior
from keypointgan.losses.pose import cycle_loss
from keypointgan.models.keypointgan import DetectingModel, KeypointGAN
from keypointgan.models.student import Student
from keypointgan.ops.keypoints import soft_argmax
from keypointgan.types import Evidence, Frames, Keypoints, Peaks, Rows

Predicted = Float32[ndarray, "frame keypoint 2"]
Evaluate = Callable[[Predicted, Labels], dict[str, float]]
"""Figures of normalised predictions against labels; the caller of training brings it."""

_PERCENT = 100 / 2  # of the image side, which is 2 normalised units long


@dataclass(frozen=True)
class ValidationSet:
    """What every evaluation of a run is measured on, the same each time.

    Attributes:
        pair: Frames and references of the clips kept apart (of the training clips if there are
            none).
        poses: Poses of the prior that were kept apart.
        known_poses: Poses of the prior to look for neighbours among.
    """

    pair: Pair
    poses: Float[Tensor, "pose keypoint 2"]
    known_poses: Float[Tensor, "known keypoint 2"]  # another number of them

    @classmethod
    def draw(
        cls, data: TrainingData, prior: Prior, held_out: Prior, *, count: int = 256, seed: int = 0
    ) -> "ValidationSet":
        """Draw the set; the same for the same seed."""
        device = data.bank.device
        generator = torch.Generator(device).manual_seed(seed)
        sampler = data.validation or data.sampler
        rows, references = sampler.sample(count, generator=generator)
        pair = Pair(
            data.bank.fetch(rows), data.bank.fetch(references), rows, data.bank.plates(rows)
        )
        return cls(
            pair,
            held_out.sample(512, generator=generator, device=device),
            prior.sample(2048, generator=generator, device=device),
        )


@torch.no_grad()
def validate(
    model: KeypointGAN, validation: ValidationSet, *, autocast: Callable[[], Any], batch: int = 64
) -> dict[str, float]:
    """Figures that need no label.

    Returns:
        `reconstruction`: mean absolute error of the rebuilt frames, in % of the range;
        `prior_distance`: mean distance of a predicted pose from the nearest of 2,048 poses of the
        prior once both are centred, in % of the side; `prior_distance_held_out`: the same for
        poses of the prior itself, what a perfect match would have;
        `cycle`: ‖β(η(y)) − y‖² on the encoder's skeleton images;
        `regressor_error`: mean error of η on held-out drawn poses, % of the side;
        `motion_keypoints`, `motion_prior`: mean distance between the keypoints of frame and
        reference, and between two poses of the prior, %; `motion_frames`: mean absolute difference
        of frame and reference, in [0, 1];
        `spread`, `spread_prior`: mean distance of keypoints from their middle, %;
        `on_motion`: how much more the picture changes at the keypoints than elsewhere.
    """
    keypoints, others = [], []
    absolute, cycle, at_keypoints, everywhere = [], [], [], []
    for start in range(0, len(validation.pair.frame), batch):
        frame = validation.pair.frame[start : start + batch]
        reference = validation.pair.reference[start : start + batch]
        plates = validation.pair.background
        background = None if plates is None else plates[start : start + batch]
        with autocast():
            rebuilt = model(frame, reference, background)
            others.append(model.detect(reference).keypoints)
        keypoints.append(rebuilt.keypoints)
        absolute.append((rebuilt.frame.float() - frame).abs().mean(dim=(1, 2, 3)))
        cycle.append(cycle_loss(rebuilt.rendered, rebuilt.skeleton_image.float()))
        change = avg_pool2d(
            (frame - reference).abs().mean(1, keepdim=True) / 2, 5, 1, 2, count_include_pad=False
        )
        places = rebuilt.keypoints.float().clamp(-1, 1).unsqueeze(1)
        sampled = grid_sample(change, places, padding_mode="border", align_corners=False)
        at_keypoints.append(sampled.mean())
        everywhere.append(change.mean())
    poses = validation.poses
    height, width = frame.shape[-2:]
    with autocast():
        read = soft_argmax(model.regressor(model.draw(poses, size=(height, width))))
    ours, theirs = torch.cat(keypoints), torch.cat(others)
    motion = torch.stack(everywhere).mean()
    return {
        "reconstruction": 50 * float(torch.cat(absolute).mean()),
        "prior_distance": _nearest(ours, validation.known_poses),
        "prior_distance_held_out": _nearest(poses, validation.known_poses),
        "cycle": float(torch.stack(cycle).mean()),
        "regressor_error": _PERCENT * float((read - poses).norm(dim=-1).mean()),
        "motion_keypoints": _PERCENT * float((ours - theirs).norm(dim=-1).mean()),
        "motion_prior": _PERCENT * float((poses - poses.roll(1, 0)).norm(dim=-1).mean()),
        "motion_frames": float(motion),
        "spread": _spread(ours),
        "spread_prior": _spread(poses),
        "on_motion": float(torch.stack(at_keypoints).mean() / motion.clamp_min(1e-6)),
    }


class Read(NamedTuple):
    """Keypoints, normalised; of some detectors also for which sides, and where else they may be."""

    points: Keypoints
    evidence: Evidence | None
    peaks: Peaks | None


@torch.no_grad()
def predict_rows(
    model: KeypointGAN | Student,
    fetch: Callable[[Rows], Frames],
    rows: Rows,
    *,
    autocast: Callable[[], Any],
    batch: int = 128,
) -> Predicted:
    """The keypoints of the frames in these rows, normalised."""
    found = read_rows(model, fetch, rows, autocast=autocast, batch=batch)
    return np.asarray(found.points.numpy(), np.float32)


@torch.no_grad()
def read_rows(
    model: DetectingModel,
    fetch: Callable[[Rows], Frames],
    rows: Rows,
    *,
    autocast: Callable[[], Any],
    batch: int = 128,
) -> Read:
    """What is read in the frames in these rows."""
    points, evidence, peaks = [], [], []
    for part in rows.split(batch):
        with autocast():
            found = model.detect(fetch(part))
        points.append(found.keypoints.float().cpu())
        if found.evidence is not None:
            evidence.append(found.evidence.float().cpu())
        if found.peaks is not None:
            peaks.append(found.peaks.float().cpu())
    return Read(
        torch.cat(points),
        torch.cat(evidence) if evidence else None,
        torch.cat(peaks) if peaks else None,
    )


def _nearest(poses: Tensor, known: Tensor) -> float:
    centred = (poses - poses.mean(1, keepdim=True)).float()
    others = (known - known.mean(1, keepdim=True)).float()
    best = [
        (part.unsqueeze(1) - others).norm(dim=-1).mean(-1).min(dim=1).values
        for part in centred.split(16)
    ]
    return _PERCENT * float(torch.cat(best).mean())


def _spread(poses: Tensor) -> float:
    return _PERCENT * float((poses - poses.mean(1, keepdim=True)).norm(dim=-1).mean())
