"""One network from a frame to its keypoints and how far off they may be."""

import itertools

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from keypointgan.models.naming import Naming
from keypointgan.models.plausibility import Plausibility
from keypointgan.models.student import NEAR, Student
from keypointgan.ops.heatmaps import side_evidence, within


@pytest.fixture(params=["residual", "mobilenet_v2"])
def student(request: pytest.FixtureRequest, generator: torch.Generator) -> Student:
    """A narrow one whose answers differ from frame to frame."""
    network = Student(keypoints=5, width=4, backbone=request.param).eval()
    with torch.no_grad():
        for layer, spread in ((network.out, 0.1), (network.error, 0.02)):
            layer.weight.normal_(0.0, spread, generator=generator)
    return network


def _frames(generator: torch.Generator, *, size: tuple[int, int] = (64, 64)) -> Tensor:
    return torch.rand(3, 3, *size, generator=generator) * 2 - 1


@pytest.mark.parametrize(
    ("size", "cells"), [((64, 64), (16, 16)), ((96, 64), (24, 16)), ((128, 128), (32, 32))]
)
def test_heatmaps_have_a_quarter_of_the_size(
    student: Student, generator: torch.Generator, size: tuple[int, int], cells: tuple[int, int]
) -> None:
    heatmaps, log_error = student(_frames(generator, size=size))
    assert heatmaps.shape == (3, 5, *cells)
    assert log_error.shape == (3, 5)


def test_a_frame_is_read_alone_once_the_student_is_trained(
    student: Student, generator: torch.Generator
) -> None:
    frames = _frames(generator)
    together = student.detect(frames)
    for index, frame in enumerate(frames):
        alone = student.detect(frame.unsqueeze(0))
        assert_close(alone.keypoints, together.keypoints[index : index + 1])
        assert_close(alone.confidence, together.confidence[index : index + 1])
    for first, second in itertools.pairwise(together.keypoints):
        assert not torch.allclose(first, second)


def test_every_weight_learns_from_heatmaps_or_errors(
    student: Student, generator: torch.Generator
) -> None:
    heatmaps, log_error = student.train()(_frames(generator))
    (heatmaps.square().mean() + log_error.square().mean()).backward()
    assert all(weight.grad is not None for weight in student.parameters())


def test_a_fresh_student_is_unsure_of_everything_alike(generator: torch.Generator) -> None:
    """Its log error is -3 whatever it sees: exp(-3) = 0.05 of two units of the frame's side."""
    fresh = Student(keypoints=5, width=4).eval()
    confidence = fresh.detect(_frames(generator)).confidence
    expected = within(2 * NEAR, torch.full((3, 5), -3.0).exp())
    assert_close(confidence, expected)


def test_confidence_is_the_probability_of_a_place_within_a_twentieth_of_the_side() -> None:
    """An error of scale b = 2·NEAR makes r/b = 1: 1 - 2/e = 0.264; a certain one makes it 1."""
    student = Student(keypoints=2, width=4)
    log_error = torch.tensor([[2 * NEAR, 1e-4]]).log()
    assert_close(student.confidence(log_error), torch.tensor([[0.2642411, 1.0]]))


def test_the_calibration_scales_the_errors_and_lowers_the_confidence(
    student: Student, generator: torch.Generator
) -> None:
    """Errors twice as large as stated are those of a log error that is log 2 higher."""
    frames = _frames(generator)
    _, log_error = student(frames)
    before = student.detect(frames)
    student.calibration.fill_(2.0)
    after = student.detect(frames)
    assert_close(after.keypoints, before.keypoints)
    assert (after.confidence < before.confidence).all()
    assert_close(after.confidence, within(2 * NEAR, 2 * log_error.exp()))


def test_a_power_below_one_brings_all_confidences_nearer_to_each_other() -> None:
    student = Student(keypoints=2, width=4)
    log_error = torch.tensor([[0.02, 0.4]]).log()
    student.power.fill_(0.5)
    expected = within(2 * NEAR, torch.tensor([[0.02, 0.4]]).sqrt())
    assert_close(student.confidence(log_error), expected)


def test_nothing_is_drawn_on_the_way_to_the_points(
    student: Student, generator: torch.Generator
) -> None:
    assert student.detect(_frames(generator)).skeleton_image is None


def test_a_student_with_a_naming_finds_the_same_and_says_how_sure_the_sides_are(
    student: Student, generator: torch.Generator
) -> None:
    frames, order = _frames(generator), (1, 0, 3, 2, 4)
    before = student.detect(frames)
    assert before.evidence is None
    student.naming = Naming(Plausibility(keypoints=5, width=4), order)
    after = student.detect(frames)
    assert_close(after.keypoints, before.keypoints, atol=0, rtol=0)
    assert_close(after.confidence, before.confidence, atol=0, rtol=0)
    assert after.evidence is not None
    assert_close(after.evidence, side_evidence(student(frames)[0], before.keypoints, order=order))
    assert before.peaks is None
    assert after.peaks is not None
    assert_close(after.peaks[:, :, 0, :2], before.keypoints, atol=0, rtol=0)
