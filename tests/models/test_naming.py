"""Pairs of joints named by the prior, the frame and time."""

import itertools

import torch
from torch import Tensor
from torch.testing import assert_close

from keypointgan.models.naming import (
    Naming,
    all_namings,
    bias_of,
    holds_naming,
    pairs_of,
    without_bias,
)
from keypointgan.models.plausibility import Plausibility

ORDER = (1, 0, 3, 2, 4)
"""Two hands, two feet, a middle."""
STANDING = torch.tensor([[0.3, -0.2], [-0.3, -0.2], [0.1, 0.4], [-0.1, 0.4], [0.0, 0.0]])


class _LeftIsRight(Plausibility):
    """A prior of people seen from the front: each left joint is so many nats to the image's right.

    Args:
        nats: For each pair, where its left joint is 1 to the right of its right one.
    """

    def __init__(self, *nats: float) -> None:
        super().__init__(keypoints=5, width=1)
        self.nats = torch.tensor(nats)

    def forward(self, poses: Tensor) -> Tensor:
        return ((poses[:, 0::2, 0][:, :2] - poses[:, 1::2, 0]) * self.nats).sum(dim=1)


def _name(
    points: Tensor, *, nats: tuple[float, float], evidence: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    naming = Naming(_LeftIsRight(*nats), ORDER)
    evidence = torch.zeros(points.shape[:2]) if evidence is None else evidence
    return naming(points, evidence, lengths=[len(points)])


def test_the_first_naming_changes_nothing_and_the_last_everything() -> None:
    namings = all_namings(ORDER).tolist()
    assert namings[0] == [0, 1, 2, 3, 4]
    assert namings[-1] == list(ORDER)
    assert len({tuple(naming) for naming in namings}) == len(namings) == 4
    assert pairs_of(ORDER) == [(0, 1), (2, 3)]


def test_crossed_feet_are_named_without_the_hands() -> None:
    """Hands as a person seen from the front has them, feet as one seen from behind."""
    crossed = STANDING[[0, 1, 3, 2, 4]]
    names, sure = _name(crossed[None], nats=(50.0, 200.0))
    assert names.tolist() == [[0, 1, 3, 2, 4]]
    assert sure.min() > 0.99


def test_where_nothing_tells_the_sides_nothing_is_sure_but_the_middle() -> None:
    _, sure = _name(STANDING[None], nats=(0.0, 0.0))
    assert_close(sure, torch.tensor([[0.0, 0.0, 0.0, 0.0, 1.0]]), atol=1e-6, rtol=0)


def test_neighbours_name_a_pair_that_its_frame_does_not() -> None:
    """Only the evidence of the first frame, for an exchange of the hands; they do not move."""
    evidence = torch.zeros(3, 5)
    evidence[0, :2] = -1000.0
    names, sure = _name(STANDING.expand(3, 5, 2), nats=(0.0, 0.0), evidence=evidence)
    assert names[:, :2].tolist() == [[1, 0]] * 3
    assert sure[:, :2].min() > 0.99
    assert_close(sure[:, 2:4], torch.zeros(3, 2), atol=1e-6, rtol=0)


def test_clips_do_not_speak_for_each_other() -> None:
    naming = Naming(_LeftIsRight(0.0, 0.0), ORDER)
    evidence = torch.zeros(4, 5)
    evidence[0] = -1000.0
    _, sure = naming(STANDING.expand(4, 5, 2), evidence, lengths=[2, 2])
    assert sure[:2, :4].min() > 0.99
    assert_close(sure[2:, :4], torch.zeros(2, 4), atol=1e-6, rtol=0)


def test_clips_of_all_lengths_are_named_as_if_alone(generator: torch.Generator) -> None:
    lengths = [1, 7, 3, 1, 5] * 20  # more than go together
    points = torch.randn(sum(lengths), 5, 2, generator=generator)
    evidence = 30 * torch.randn(sum(lengths), 5, generator=generator)
    naming = Naming(_LeftIsRight(1.0, 0.5), ORDER)
    names, sure = naming(points, evidence, lengths=lengths)
    parts = zip(points.split(lengths), evidence.split(lengths), strict=True)
    alone = [naming(some, nats, lengths=[len(some)]) for some, nats in parts]
    assert torch.equal(names, torch.cat([each for each, _ in alone]))
    assert_close(sure, torch.cat([each for _, each in alone]), atol=1e-5, rtol=0)


def test_shares_are_those_of_all_namings_of_all_frames(generator: torch.Generator) -> None:
    """Against all 4³ namings of a clip of three frames, enumerated."""
    points = STANDING + 0.1 * torch.randn(3, 5, 2, generator=generator)
    evidence = 25 * torch.randn(3, 5, generator=generator)
    nats = (3.0, 2.0)
    namings = all_namings(ORDER)
    prior = _LeftIsRight(*nats)
    kept, total = torch.zeros(3, 2, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for states in itertools.product(range(4), repeat=3):
        named = torch.stack([points[frame, namings[state]] for frame, state in enumerate(states)])
        score = 0.5 * prior(named).sum()
        keeps = torch.stack([namings[state][[0, 2]] == torch.tensor([0, 2]) for state in states])
        signs = 2.0 * keeps - 1
        score += 0.05 * ((evidence[:, [0, 2]] + evidence[:, [1, 3]]) / 2 * signs).sum()
        for place, pair in itertools.product(range(2), range(2)):
            ours, other = [2 * pair, 2 * pair + 1], [2 * pair + 1, 2 * pair]
            here, next_ = points[place], points[place + 1]
            same = (next_[ours] - here[ours]).norm(dim=-1).mean()
            crossed = (next_[ours] - here[other]).norm(dim=-1).mean()
            stay = ((crossed - same) / 0.02).clamp(-8, 8)
            score += stay / 2 * signs[place, pair] * signs[place + 1, pair]
        kept += score.double().exp() * keeps
        total += score.double().exp()
    _, sure = _name(points, nats=nats, evidence=evidence)
    assert_close(sure[:, [0, 2]], (2 * kept / total - 1).abs().float(), atol=1e-4, rtol=0)


def test_what_is_said_too_often_is_taken_back() -> None:
    """A reader that is 3 nats for the front too sure, of as many backs as fronts."""
    truth = torch.tensor([2.0, 1.0, -1.0, -2.0] * 100)[:, None]
    across = torch.where(torch.arange(400) % 3 > 0, 0.2, -0.2)[:, None]  # as read, right or not
    bias = bias_of(across.sign() * (truth + 3), across, shares=torch.tensor([0.5]))
    assert_close(bias, torch.tensor([3.0]))
    found = without_bias(across.sign() * (truth + 3), across, bias=bias)
    assert_close(found, across.sign() * truth, atol=1e-3, rtol=0)


def test_pairs_that_lie_upon_each_other_have_no_bias() -> None:
    across = torch.tensor([[0.0], [0.01], [-0.3], [0.3]])
    evidence = torch.tensor([[1.0], [1.0], [1.0], [1.0]])
    found = without_bias(evidence, across, bias=torch.tensor([1.0]))
    assert_close(found, torch.tensor([[1.0], [0.8], [2.0], [0.0]]))


def test_the_bias_of_many_frames_is_taken_off_what_is_named() -> None:
    """All frames are 40 nats for the left hand on the right, where it is in half of the poses."""
    naming = Naming(_LeftIsRight(0.0, 0.0), ORDER)
    points = torch.stack([STANDING, STANDING[list(ORDER)]] * 2)
    across = points[:, :1, 0] - points[:, 1:2, 0]
    evidence = torch.zeros(4, 5)
    evidence[:, :2] = 40 * across.sign()
    evidence[3, :2] = 1000.0  # but one
    assert naming(points, evidence, lengths=[1] * 4)[0][1, 0] == 1
    bias = naming.bias_in(points, evidence)
    assert_close(bias, torch.tensor([40.0, 0.0]))
    names, sure = naming(points, evidence, lengths=[1] * 4, bias=bias)
    assert names[3, 0] == 0
    assert_close(sure[:3, :2], torch.zeros(3, 2), atol=1e-6, rtol=0)


def test_a_naming_has_nothing_to_train_and_comes_back_from_its_weights() -> None:
    naming = Naming(
        Plausibility(keypoints=5, width=8),
        ORDER,
        shares=torch.tensor([0.1, 0.2]),
        size=torch.tensor(0.7),
    )
    assert not any(weight.requires_grad for weight in naming.parameters())
    other = Naming(Plausibility(keypoints=5, width=8), ORDER)
    other.load_state_dict(naming.state_dict())
    points = STANDING[None] + 0.1
    ours, theirs = (each(points, torch.ones(1, 5), lengths=[1])[1] for each in (naming, other))
    assert_close(ours, theirs, atol=0, rtol=0)
    assert_close(other.size, torch.tensor(0.7))


def test_weights_tell_whether_a_student_has_a_naming() -> None:
    assert holds_naming(["stem.0.weight", "naming.size"])
    assert not holds_naming(["stem.0.weight", "calibration"])


def test_a_score_does_not_depend_on_place_and_size(generator: torch.Generator) -> None:
    poses = torch.randn(4, 5, 2, generator=generator)
    network = Plausibility(keypoints=5, width=16)
    assert_close(network(3 * poses + 0.5), network(poses), atol=1e-4, rtol=1e-4)
