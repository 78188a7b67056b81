"""Points of unlabelled frames: read in both views, named by the clip."""

import itertools
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d
from torch.testing import assert_close

from keypointgan.data.index import Clip
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.models.naming import Naming
from keypointgan.models.plausibility import Plausibility
from keypointgan.models.student import Student
from keypointgan.training.guesses import Guesses, guess, name_sides

LEFT_RIGHT = (1, 0)
SIDES = (1, 0, 2)
"""Red dots are left, green ones right, blue ones in the middle."""
CPU = torch.device("cpu")


def _named(
    points: Tensor, evidence: Sequence[float], lengths: Sequence[int] | None = None
) -> tuple[list[bool], list[float]]:
    exchange, sure = name_sides(
        points,
        torch.tensor(evidence),
        lengths=[len(points)] if lengths is None else lengths,
        order=LEFT_RIGHT,
    )
    return exchange.tolist(), sure.tolist()


def _pair(*, exchanged: Sequence[bool]) -> Tensor:
    """Two points that stay where they are; in some frames each has the other's name."""
    still = torch.tensor([[0.4, 0.1], [-0.4, 0.1]])
    return torch.stack([still[list(LEFT_RIGHT)] if swap else still for swap in exchanged])


def test_one_sure_frame_names_all_of_its_clip() -> None:
    points = _pair(exchanged=[False, True, False, True, True])
    exchange, sure = _named(points, [0, 0, 30.0, 0, 0])
    assert exchange == [False, True, False, True, True]
    assert min(sure) > 0.99
    exchange, sure = _named(points, [0, 0, -30.0, 0, 0])  # the sure frame was read wrongly
    assert exchange == [True, False, True, False, False]
    assert min(sure) > 0.99


def test_many_a_little_outvote_one() -> None:
    """Four frames that are a little for it, one that is a little more against it."""
    exchange, _ = _named(_pair(exchanged=[False] * 5), [1.0, 1.0, -3.0, 1.0, 1.0])
    assert exchange == [False] * 5


def test_a_turn_is_followed() -> None:
    """After half a turn left is where right was; only the first frame tells which is which."""
    angle = torch.linspace(0, math.pi, 12)
    arm = 0.4 * torch.stack([angle.cos(), angle.sin()], dim=-1)
    exchange, sure = _named(torch.stack([arm, -arm], dim=1), [20.0, *[0.0] * 11])
    assert exchange == [False] * 12
    assert min(sure) > 0.99


def test_without_evidence_nothing_is_sure() -> None:
    exchange, sure = _named(_pair(exchanged=[False, True, False]), [0.0, 0.0, 0.0])
    assert exchange == [False] * 3
    assert_close(torch.tensor(sure), torch.zeros(3))


def test_clips_do_not_name_each_other() -> None:
    points = _pair(exchanged=[False, True, False, True, False])
    exchange, sure = _named(points, [30.0, 0, 0, 0, 0], lengths=[2, 3])
    assert exchange == [False, True, False, False, False]
    assert_close(torch.tensor(sure), torch.tensor([1.0, 1, 0, 0, 0]), atol=1e-4, rtol=0)


def test_clips_of_one_frame_keep_their_own_evidence() -> None:
    """Half of it counts: the sureness of a logit of 1 is tanh(1/2)."""
    exchange, sure = _named(_pair(exchanged=[False, False]), [2.0, -2.0], lengths=[1, 1])
    assert exchange == [False, True]
    assert_close(torch.tensor(sure), torch.full((2,), math.tanh(0.5)))


def test_names_are_those_of_the_most_likely_of_all_namings(generator: torch.Generator) -> None:
    """Against the sum over all 32 namings of five frames: exp(±e/4) a frame, exp(±stay/2) a pair.

    Half of the evidence e counts, and a logit is shared by its two states.
    """
    points = torch.rand(5, 2, 2, generator=generator) * 0.05
    evidence = torch.randn(5, generator=generator)
    same = (points[1:] - points[:-1]).norm(dim=-1).mean(dim=-1)
    crossed = (points[1:].flip(1) - points[:-1]).norm(dim=-1).mean(dim=-1)
    stay = (crossed - same) / 0.02
    likely = torch.zeros(5, 2)
    for signs in itertools.product((1.0, -1.0), repeat=5):
        sign = torch.tensor(signs)
        share = ((evidence / 4 * sign).sum() + (stay / 2 * sign[1:] * sign[:-1]).sum()).exp()
        for place, state in enumerate(signs):
            likely[place, 0 if state > 0 else 1] += share
    kept = likely[:, 0] / likely.sum(dim=1)
    exchange, sure = _named(points, evidence.tolist())
    assert exchange == (kept < 0.5).tolist()
    assert_close(torch.tensor(sure), (2 * kept - 1).abs(), atol=1e-4, rtol=0)


class _ReadsColours(Student):
    """Finds the red, green and blue dots; the upper corners say which way round the frame is.

    Bright on the left: red is left. Bright on the right, as after a mirror: green is. Grey: it
    thinks the opposite, by six nats, unless it knows better. Dark: it cannot tell, and sees each
    of the two in both.
    """

    def __init__(self, *, when_grey: float = -6.0, beside: int = 0) -> None:
        super().__init__(keypoints=3, width=4)
        self.when_grey = when_grey
        self.beside = beside  # cells by which all dots are found too far to the bright corner

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        scores = 15 * (avg_pool2d(frame, 2) + 1)
        scores[:, :, :2] = -30  # no dots there
        corner = (frame[:, 0, 0, 0] - frame[:, 0, 0, -1])[:, None, None]
        red, green, blue = scores.unbind(dim=1)
        left, right = torch.where(corner < 0, green, red), torch.where(corner < 0, red, green)
        doubt = torch.where(corner.abs() > 1.5, 30.0, torch.where(corner == 0, 0.0, self.when_grey))
        heatmaps = [
            torch.logaddexp(left + doubt, right),
            torch.logaddexp(right + doubt, left),
            blue,
        ]
        cells = self.beside if corner[0] < 0 else -self.beside
        found = torch.stack(heatmaps, dim=1).roll(cells, dims=-1)
        return found, frame.new_full((len(frame), 3), math.log(0.1))


def _frame(points: Tensor, *, corner: float, size: int = 64) -> Tensor:
    line = (torch.arange(size) * 2 + 1) / size - 1
    x, y = line.view(1, 1, -1), line.view(1, -1, 1)
    squared = (x - points[:, 0, None, None]).square() + (y - points[:, 1, None, None]).square()
    frame = 2 * (-squared / 0.1**2).exp() - 1
    frame[:, 0] = -1.0
    frame[:, 0, 0] = corner
    return frame


SURE, MISTAKEN, BLIND = 1.0, 0.0, -1.0
CORNERS = [SURE, MISTAKEN, BLIND, MISTAKEN, SURE, BLIND, BLIND, SURE]
CLIPS = [
    Clip("late", source="b", start=5, frames=2, fps=10.0, crop=None, group="b"),
    Clip("early", source="a", start=0, frames=5, fps=10.0, crop=None, group="a"),
]


@pytest.fixture
def points() -> Tensor:
    """Three dots that move a little from each of eight frames to the next."""
    drift = torch.linspace(0, 0.1, 8).view(-1, 1, 1)
    return torch.tensor([[0.5, 0.1], [-0.4, 0.2], [0.1, -0.5]]) + drift


@pytest.fixture
def frames(points: Tensor) -> Tensor:
    return torch.stack(
        [_frame(dots, corner=corner) for dots, corner in zip(points, CORNERS, strict=True)]
    )


@pytest.fixture
def guesses(frames: Tensor) -> Callable[[Student | KeypointGAN], Guesses]:
    """A function that returns what a detector makes of two clips of these frames."""

    def call(model: Student | KeypointGAN) -> Guesses:
        return guess(
            model.eval(),
            CLIPS,
            lambda rows: frames[rows],
            order=SIDES,
            device=CPU,
            autocast=nullcontext,
            batch=3,
        )

    return call


def test_rows_and_points_of_all_clips_come_in_their_order(
    guesses: Callable[[Student], Guesses], points: Tensor
) -> None:
    """Where a frame is mistaken or blind, the sure ones of its clip have named its sides."""
    found = guesses(_ReadsColours())
    assert found.rows.tolist() == [5, 6, 0, 1, 2, 3, 4]
    seen = [2, 3, 5, 6]  # of rows 0, 1, 3 and 4: the blind ones see two dots where one is
    assert_close(found.points[seen], points[found.rows[seen]], atol=0.02, rtol=0)
    assert_close(found.points[:, 2], points[found.rows, 2], atol=0.02, rtol=0)


def test_frames_are_read_again_where_something_was_seen_in_them(points: Tensor) -> None:
    """Smaller objects come back as exactly as they are; both looks count as progress."""
    small = 0.4 * points - 0.3
    frames = torch.stack([_frame(dots, corner=SURE) for dots in small])
    shown: list[Tensor] = []
    told: list[tuple[int, int]] = []

    class _Watched(_ReadsColours):
        def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
            shown.append(frame)
            return super().forward(frame)

    found = guess(
        _Watched().eval(),
        CLIPS,
        lambda rows: frames[rows],
        order=SIDES,
        device=CPU,
        autocast=nullcontext,
        margin=1.4,
        progress=lambda done, total: told.append((done, total)),
        batch=4,
    )
    assert_close(found.points[:, 2], small[found.rows, 2], atol=0.02, rtol=0)
    assert told == [(4, 14), (7, 14), (11, 14), (14, 14)]
    assert_close(shown[0], frames[found.rows[:4]])
    assert (shown[2] > 0).sum() > 3 * (shown[0] > 0).sum()  # the dots are larger in it


def test_points_with_a_side_have_no_weight_where_nothing_tells_the_sides(
    guesses: Callable[[Student], Guesses],
) -> None:
    """Both frames of the clip "late" are blind; the middle point counts by its stated error."""
    student = _ReadsColours()
    weight = guesses(student).weight
    stated = student.confidence(torch.full((1, 3), math.log(0.1)))[0]
    assert_close(weight[:2, :2], torch.zeros(2, 2), atol=1e-4, rtol=0)
    assert_close(weight[:, 2], stated[2].expand(7))
    assert_close(weight[[2, 6]], stated.expand(2, 3), atol=1e-3, rtol=0)


def _points_of_early(
    student: Student,
    frames: Tensor,
    *,
    committee: Sequence[Student] = (),
    naming: Naming | None = None,
) -> Tensor:
    """What a student finds in the first five frames, the clip "early"."""
    found = guess(
        student.eval(),
        CLIPS[1:],
        lambda rows: frames[rows],
        order=SIDES,
        device=CPU,
        autocast=nullcontext,
        committee=committee,
        naming=naming,
    )
    return found.points


def test_the_errors_of_a_committee_cancel(points: Tensor) -> None:
    """One reads a cell too far to one side, one as much to the other."""
    frames = torch.stack([_frame(dots, corner=SURE) for dots in points])
    one, other = _ReadsColours(beside=1), _ReadsColours(beside=-1)
    cell = torch.tensor([2 / 32, 0.0])
    assert_close(_points_of_early(one, frames), points[:5] - cell, atol=0.02, rtol=0)
    both = _points_of_early(one, frames, committee=[other])
    assert_close(both, points[:5], atol=0.03, rtol=0)


def test_a_sure_committee_outvotes_who_mistakes_the_sides(points: Tensor) -> None:
    """Every frame misleads the one by six nats; the other knows better by thirty."""
    frames = torch.stack([_frame(dots, corner=MISTAKEN) for dots in points])
    alone = _points_of_early(_ReadsColours(), frames)
    assert_close(alone, points[:5, list(SIDES)], atol=0.02, rtol=0)
    both = _points_of_early(_ReadsColours(), frames, committee=[_ReadsColours(when_grey=30.0)])
    assert_close(both, points[:5], atol=0.02, rtol=0)


class _RedIsRight(Plausibility):
    """A prior whose first joint is always to the right of its second."""

    def __init__(self) -> None:
        super().__init__(keypoints=3, width=1)

    def forward(self, poses: Tensor) -> Tensor:
        return 100 * (poses[:, 0, 0] - poses[:, 1, 0])


def test_the_prior_names_what_all_frames_of_a_clip_mistake(points: Tensor) -> None:
    """Every frame says the opposite, by six nats; by the frames alone it would stay that way."""
    frames = torch.stack([_frame(dots, corner=MISTAKEN) for dots in points])
    alone = _points_of_early(_ReadsColours(), frames)
    assert_close(alone, points[:5, list(SIDES)], atol=0.02, rtol=0)
    named = _points_of_early(_ReadsColours(), frames, naming=Naming(_RedIsRight(), SIDES))
    assert_close(named, points[:5], atol=0.02, rtol=0)


def test_a_skeleton_without_sides_has_nothing_to_be_named(frames: Tensor, points: Tensor) -> None:
    """Three dots of the middle; that nothing tells left from right takes no weight away."""

    class ReadsDots(Student):
        def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
            return 15 * avg_pool2d(frame, 2), frame.new_full((len(frame), 3), math.log(0.1))

    student = ReadsDots(keypoints=3, width=4).eval()
    frames = frames.clone()
    frames[:, :, :4] = -1
    found = guess(
        student,
        CLIPS[:1],
        lambda rows: frames[rows],
        order=(0, 1, 2),
        device=CPU,
        autocast=nullcontext,
    )
    assert_close(found.points, points[5:7], atol=0.02, rtol=0)
    assert_close(found.weight, student.confidence(torch.full((2, 3), math.log(0.1))))


class _Biased(nn.Module):
    """Peaks at the dots of each colour, three pixels too far to the right."""

    def forward(self, frame: Tensor) -> Tensor:
        shifted = frame.roll(3, dims=-1)
        shifted[:, :, :2] = -1
        return 3000 * shifted


def test_a_teacher_reads_both_views_and_their_errors_cancel(
    guesses: Callable[[KeypointGAN], Guesses], points: Tensor
) -> None:
    """Too far right in the frame is too far left in the mirrored one.

    The colours stay with the dots, so both views disagree on the sides: no evidence, no weight.
    """
    teacher = KeypointGAN(
        encoder=nn.Identity(), regressor=_Biased(), decoder=nn.Identity(), links=()
    )
    found = guesses(teacher)
    assert_close(found.points, points[found.rows], atol=0.03, rtol=0)
    assert_close(found.weight[:, :2], torch.zeros(7, 2))
    assert found.weight[:, 2].min() > 0.2


def test_the_coordinates_of_a_converted_teacher_are_brought_into_ours(
    guesses: Callable[[KeypointGAN], Guesses],
) -> None:
    """-1 and +1 are the centres of its outer pixels: of 64, 63/64 from the middle."""
    parts = {"encoder": nn.Identity(), "regressor": _Biased(), "decoder": nn.Identity()}
    ours, theirs = (
        guesses(KeypointGAN(**parts, links=(), align_corners=aligned)) for aligned in (False, True)
    )
    assert_close(theirs.points, ours.points * 63 / 64)
