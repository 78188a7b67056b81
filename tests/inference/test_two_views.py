"""One view or two: the mean, what speaks for sides, and what is no longer known."""

import torch
from torch.testing import assert_close

from keypointgan.inference.two_views import Views
from keypointgan.models.keypointgan import Detection
from keypointgan.types import Frames

ORDER = (1, 0)
FRAME = torch.zeros(1, 3, 4, 4).index_fill(3, torch.tensor([0]), 1.0)  # bright at the left


class Sided:
    """Finds `left` at 0.4 and `right` at -0.2; in the mirror image 0.1 further to the left."""

    def detect(self, frame: Frames, /) -> Detection:
        """Calls the joints of the mirror image as those of a frame."""
        mirrored = bool(frame[0, 0, 0, 0] == 0)
        x = [0.1, -0.5] if mirrored else [0.4, -0.2]
        return Detection(
            torch.tensor([[[x[0], 0.0], [x[1], 0.0]]]),
            torch.tensor([[0.2, 0.4]]) if mirrored else torch.tensor([[0.8, 0.6]]),
            None,
            torch.tensor([[1.0, 2.0]]),
            torch.zeros(1, 2, 4, 3),
        )


def test_one_view_counts_as_two_for_sides_and_keeps_its_peaks() -> None:
    found = Views(Sided(), order=ORDER, both=False).detect(FRAME)
    assert_close(found.keypoints[0, :, 0], torch.tensor([0.4, -0.2]))
    assert found.evidence is not None
    assert_close(found.evidence, torch.tensor([[2.0, 4.0]]))
    assert found.peaks is not None


def test_two_views_are_averaged_joint_by_joint_under_the_names_of_the_frame() -> None:
    """Mirrored back, the left joint is at 0.5 (read as the right one), the right at -0.1."""
    found = Views(Sided(), order=ORDER, both=True).detect(FRAME)
    assert_close(found.keypoints[0, :, 0], torch.tensor([0.45, -0.15]))
    assert_close(found.confidence, torch.tensor([[0.6, 0.4]]))
    assert found.evidence is not None
    assert_close(found.evidence, torch.tensor([[3.0, 3.0]]))
    assert found.peaks is None
