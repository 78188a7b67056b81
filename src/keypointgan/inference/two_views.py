"""Frames read as they are, or together with their mirror images."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from keypointgan.models.keypointgan import DetectingModel, Detection
from keypointgan.models.naming import VIEWS
from keypointgan.ops.keypoints import average_mirrored, evidence_of_both
from keypointgan.types import Frames


class Views:
    """A model that reads each frame once, or in two views.

    Evidence for sides counts as that of two views either way, which is what a naming learnt from
    (`models.naming`). The mean of two views has one place a joint, so no peaks.

    Args:
        model: What reads a view.
        order: For each joint the one that takes its place in the mirror image.
        both: Whether the mirror image is read, too; where the model takes it for an object seen
            from the other side, the labelling that is nearer to that of the frame is averaged.
    """

    def __init__(self, model: DetectingModel, *, order: Sequence[int], both: bool) -> None:
        self.model, self.order, self.both = model, list(order), both

    def detect(self, frame: Frames) -> Detection:
        """The keypoints of frames."""
        straight = self.model.detect(frame)
        if not self.both:
            evidence = straight.evidence
            return replace(straight, evidence=None if evidence is None else VIEWS * evidence)
        return _average(straight, self.model.detect(frame.flip(-1)), self.order)


def _average(straight: Detection, mirrored: Detection, order: Sequence[int]) -> Detection:
    mean, exchanged = average_mirrored(
        straight.keypoints.float(), mirrored.keypoints.float(), order=order
    )
    also = torch.where(exchanged[:, None], mirrored.confidence[:, order], mirrored.confidence)
    evidence = None
    if straight.evidence is not None and mirrored.evidence is not None:
        evidence = evidence_of_both(
            straight.evidence, mirrored.evidence, exchanged=exchanged, order=order
        )
    confidence = (straight.confidence.float() + also.float()) / 2
    return Detection(mean, confidence, None, evidence)
