"""Pairs of joints named by the prior, the frame and time."""

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from keypointgan.assemble import assemble_prior
from keypointgan.data.priors import Prior
from keypointgan.models.plausibility import Plausibility
from keypointgan.recipe import load_config
from keypointgan.skeletons import Skeleton
from keypointgan.training.naming import Naming, all_namings, balance, learn_naming, pairs_of

ORDER = (1, 0, 3, 2, 4)
"""Two hands, two feet, a middle."""
STANDING = torch.tensor([[0.3, -0.2], [-0.3, -0.2], [0.1, 0.4], [-0.1, 0.4], [0.0, 0.0]])
CPU = torch.device("cpu")


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
    shares = torch.tensor([0.5])
    found = balance(across.sign() * (truth + 3), across, shares=shares)
    assert_close(found, across.sign() * truth, atol=1e-3, rtol=0)


def test_pairs_that_lie_upon_each_other_have_no_bias() -> None:
    across = torch.tensor([[0.0], [0.01], [-0.3], [0.3]])
    evidence = torch.tensor([[1.0], [1.0], [1.0], [1.0]])
    found = balance(evidence, across, shares=torch.tensor([0.0]))  # bias 1: the largest
    assert_close(found, torch.tensor([[1.0], [0.8], [2.0], [0.0]]))


def test_a_score_does_not_depend_on_place_and_size(generator: torch.Generator) -> None:
    poses = torch.randn(4, 5, 2, generator=generator)
    network = Plausibility(keypoints=5, width=16)
    assert_close(network(3 * poses + 0.5), network(poses), atol=1e-4, rtol=1e-4)


@pytest.fixture(scope="module")
def prior(tiny_prior_in_space: Path) -> Prior:
    """Forty poses of people in space, before cameras all around."""
    config = load_config(None, [f"prior.poses={tiny_prior_in_space}", "prior.place=body"])
    prior, _ = assemble_prior(config, Skeleton.load("h36m17"))
    return prior


def test_poses_of_the_prior_with_exchanged_pairs_are_put_right(prior: Prior) -> None:
    """Of 200 poses before other cameras, each with random pairs exchanged."""
    naming = learn_naming(prior, seed=0, device=CPU, updates=80)
    generator = torch.Generator().manual_seed(7)
    poses = prior.sample(200, generator=generator)
    namings = all_namings(naming.order)
    wrong = namings[torch.randint(len(namings), (200,), generator=generator)]
    shown = poses.gather(1, wrong.unsqueeze(-1).expand_as(poses))
    names, _ = naming(shown, torch.zeros(200, 17), lengths=[1] * 200)
    named = wrong.gather(1, names)
    lateral = torch.tensor(naming.order) != torch.arange(17)
    right = (named == torch.arange(17))[:, lateral].float().mean()
    assert right > 0.8  # by chance 0.5


def test_the_same_seed_learns_the_same(prior: Prior) -> None:
    first, second = (learn_naming(prior, seed=3, device=CPU, updates=3) for _ in range(2))
    for one, other in zip(
        first.plausibility.parameters(), second.plausibility.parameters(), strict=True
    ):
        assert torch.equal(one, other)
