"""Which joint of a pair is left and which is right, from the prior, the frames and time.

A detector that confuses sides does not confuse all of them: legs are read as if seen from behind on
a body seen from the front. What poses of the prior look like tells such a body from a real one, and
often even which of two whole bodies it is. Every pair of joints is named on its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from torch.optim import Adam
from torch.optim.lr_scheduler import OneCycleLR

from keypointgan.data.priors import Prior
from keypointgan.errors import ConfigError
from keypointgan.models.plausibility import Plausibility
from keypointgan.skeletons import Skeleton
from keypointgan.training.progress import Watch
from keypointgan.types import Keypoints

MOST_PAIRS = 8
"""Pairs of joints of which all 2^pairs namings are still compared."""
_PACE = 0.02
"""Distance that a pair moves between two frames, normalised, in which naming is e-fold surer."""
_TRUST_PRIOR = 0.5
"""Share of the plausibility that counts: the points that it judges are off themselves."""
_TRUST_FRAME = 0.05
"""Share of the heatmaps' evidence that counts: what is wrong in a frame is so in its neighbours,
and what a student has learnt from its own guesses it is sure of."""
_APART = 0.05
"""Distance of a pair along x, normalised, from which its bias counts in full."""
_SURE = 8.0  # largest evidence of motion for the naming of one pair, nats

_UPDATES, _BATCH, _NAMINGS, _RATE = 2_500, 256, 16, 2e-3
_NOISE = 0.07  # largest standard deviation of the noise on a joint, normalised
_COUNTED = 4_096  # poses in which it is counted how often left is on the right
_QUANTILE_ROWS = 1_000_000  # frames of which the bias is measured at most
_CLIPS = 64  # clips that are named together
_POSES = 256  # poses of which all namings are scored at once

Namings = Int64[Tensor, "naming keypoint"]
"""For each way of naming all joints, which of the joints as they were read each of them is."""


@dataclass(frozen=True)
class Naming:
    """What names the joints of read poses.

    Attributes:
        plausibility: Learnt from the prior.
        order: For each joint the one on the other side, `Skeleton.mirror`.
        shares: For each pair in how many poses of the prior its left joint is nearer to the right
            of the image, to which the evidence of all frames is balanced; None to take it as it is.
    """

    plausibility: Plausibility
    order: Sequence[int]
    shares: Float[Tensor, " pair"] | None = None

    @torch.no_grad()
    def __call__(
        self,
        points: Keypoints,
        evidence: Float[Tensor, "batch keypoint"],
        *,
        lengths: Sequence[int],
    ) -> tuple[Int64[Tensor, "batch keypoint"], Float[Tensor, "batch keypoint"]]:
        """Name the joints of all frames of some clips, one clip after the other.

        The forward-backward algorithm over each clip, with a state for each way of naming all
        pairs. The prior and the heatmaps speak for the states of a frame; that joints move little,
        pair by pair, for the same naming in neighbours.

        Args:
            points: As they were read.
            evidence: Of each joint for the name under which it was read, nats.
            lengths: Frames of each clip.

        Returns:
            Which joint, as read, each joint is; and how sure that is, 0 (no idea) to 1, always 1
            for joints without a side.
        """
        (left, right), device = _two_sides(self.order), points.device
        namings = all_namings(self.order).to(device)
        signs = _signs(len(left)).to(device)
        read = (evidence[:, left] + evidence[:, right]) / 2
        if self.shares is not None:
            across = points[:, left, 0] - points[:, right, 0]
            read = balance(read, across, shares=self.shares.to(device))
        scores = _TRUST_PRIOR * self._scores(points, namings) + _TRUST_FRAME * read @ signs.T
        first, second = points[:, left], points[:, right]
        same = _gap(first[1:], first[:-1]) + _gap(second[1:], second[:-1])
        crossed = _gap(first[1:], second[:-1]) + _gap(second[1:], first[:-1])
        stay = ((crossed - same) / 2 / _PACE).clamp(-_SURE, _SURE)
        shares = _forward_backward(scores.cpu(), stay.cpu(), lengths).softmax(dim=1).to(device)
        kept = shares @ (signs > 0).to(shares)
        sure = points.new_ones(points.shape[:2])
        sure[:, left] = sure[:, right] = (2 * kept - 1).abs()
        return namings[shares.argmax(dim=1)], sure

    def _scores(self, points: Keypoints, namings: Namings) -> Float[Tensor, "batch naming"]:
        return torch.cat(
            [
                self.plausibility(some[:, namings].flatten(0, 1)).view(len(some), -1)
                for some in points.float().split(_POSES)
            ]
        )


def learn_naming(
    prior: Prior,
    *,
    seed: int,
    device: torch.device,
    updates: int = _UPDATES,
    progress: Watch | None = None,
) -> Naming:
    """Teach which naming of a pose is the true one, on poses of the prior.

    Each pose, with noise as on read points, is shown under its true names and 15 other namings;
    the score is that of a softmax over them (noise-contrastive estimation).

    Args:
        prior: Poses to learn from, of a skeleton with `MOST_PAIRS` pairs at most.
        seed: Of weights, poses and noise.
        device: Where.
        updates: How many.
        progress: Called with the poses that were learnt from, and with all.
    """
    order = prior.skeleton.mirror
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Plausibility(keypoints=len(order)).to(device)
    generator = torch.Generator(device).manual_seed(seed)
    namings = all_namings(order).to(device)
    optimizer = Adam(network.parameters())
    schedule = OneCycleLR(optimizer, _RATE, total_steps=updates)
    truth = torch.zeros(_BATCH, dtype=torch.long, device=device)
    for update in range(updates):
        poses = prior.sample(_BATCH, generator=generator, device=device)
        noise = torch.randn(poses.shape, generator=generator, device=device)
        for shape in ((_BATCH, 1, 1), (_BATCH, len(order), 1)):  # of the whole, of each joint
            noise = noise * torch.rand(shape, generator=generator, device=device)
        chosen = torch.randint(
            1, len(namings), (_BATCH, _NAMINGS - 1), generator=generator, device=device
        )
        names = namings[torch.cat([truth[:, None], chosen], dim=1)]
        shown = (poses + _NOISE * noise)[torch.arange(_BATCH, device=device)[:, None, None], names]
        scores = network(shown.flatten(0, 1)).view(_BATCH, _NAMINGS)
        optimizer.zero_grad()
        cross_entropy(scores, truth).backward()
        optimizer.step()
        schedule.step()
        if progress is not None:
            progress((update + 1) * _BATCH, updates * _BATCH)
    left, right = _two_sides(order)
    poses = prior.sample(_COUNTED, generator=generator, device=device)
    shares = (poses[:, left, 0] > poses[:, right, 0]).float().mean(dim=0)
    return Naming(network.eval(), order, shares)


def balance(
    evidence: Float[Tensor, "batch pair"],
    across: Float[Tensor, "batch pair"],
    *,
    shares: Float[Tensor, " pair"],
) -> Float[Tensor, "batch pair"]:
    """The evidence of many frames, less its bias for front or back.

    A reader that takes backs for fronts sees too many left joints on the right of the image. How
    many there are the prior knows (distribution alignment; Berthelot et al., ICLR 2020).

    Args:
        evidence: For the names under which the joints of each pair were read, nats.
        across: How far the left joint, as read, is to the right of the other one, normalised.
        shares: In how many poses it is.
    """
    facing = evidence * across.sign()  # for the left joint on the right
    bias = torch.stack(
        [
            torch.quantile(nats, 1 - share)
            for nats, share in zip(_thinned(facing).T, shares, strict=True)
        ]
    )
    return evidence - bias * across.sign() * (across.abs() / _APART).clamp(max=1)


def _thinned(values: Float[Tensor, "batch pair"]) -> Float[Tensor, "some pair"]:
    """At most so many of the rows as a quantile takes."""
    return values[:: -(-len(values) // _QUANTILE_ROWS)]


def check_pairs(skeleton: Skeleton) -> None:
    """Refuse skeletons without sides, and those with too many pairs to compare all namings.

    Raises:
        ConfigError: The skeleton is one of them.
    """
    pairs = len(pairs_of(skeleton.mirror))
    if not 0 < pairs <= MOST_PAIRS:
        raise ConfigError(
            f"student.sides_by_prior: expected a skeleton with 1 to {MOST_PAIRS} pairs of left and "
            f"right joints, got {skeleton.name} with {pairs}. Set it to false."
        )


def pairs_of(order: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs of joints of which one is left and one is right."""
    return [(joint, other) for joint, other in enumerate(order) if joint < other]


def _two_sides(order: Sequence[int]) -> tuple[list[int], list[int]]:
    """The first joint of each pair, and the second."""
    pairs = pairs_of(order)
    return [joint for joint, _ in pairs], [other for _, other in pairs]


def all_namings(order: Sequence[int]) -> Namings:
    """All ways of naming the joints; the first changes none, the last exchanges all pairs."""
    pairs = pairs_of(order)
    namings = torch.arange(len(order)).repeat(2 ** len(pairs), 1)
    exchanged = _signs(len(pairs)) < 0
    for pair, (joint, other) in enumerate(pairs):
        namings[exchanged[:, pair], joint] = other
        namings[exchanged[:, pair], other] = joint
    return namings


def _signs(pairs: int) -> Float[Tensor, "naming pair"]:
    """For each naming 1 where it keeps a pair and -1 where it exchanges it."""
    return torch.tensor(list(product((1.0, -1.0), repeat=pairs)))


def _gap(
    points: Float[Tensor, "frame pair 2"], others: Float[Tensor, "frame pair 2"]
) -> Float[Tensor, "frame pair"]:
    return (points - others).norm(dim=-1)


def _forward_backward(
    scores: Float[Tensor, "batch naming"],
    stay: Float[Tensor, "step pair"],  # of each frame but the last
    lengths: Sequence[int],
) -> Float[Tensor, "batch naming"]:
    """The logarithm of each state's share, up to a constant a frame.

    Clips of about one length go together; what is filled up behind them says nothing.
    """
    if not lengths:
        return scores
    clips = scores.split(list(lengths))
    steps = [
        some[:-1] for some in torch.cat([stay, stay.new_zeros(1, stay.shape[1])]).split([*lengths])
    ]
    result: list[Tensor] = [scores] * len(clips)
    by_length = sorted(range(len(clips)), key=lambda index: lengths[index])
    for start in range(0, len(clips), _CLIPS):
        some = by_length[start : start + _CLIPS]
        total = _along_clips(
            pad_sequence([clips[index] for index in some]),
            pad_sequence([steps[index] for index in some]),
        )
        for place, index in enumerate(some):
            result[index] = total[: lengths[index], place]
    return torch.cat(result)


def _along_clips(
    scores: Float[Tensor, "frame clip naming"], stay: Float[Tensor, "step clip pair"]
) -> Float[Tensor, "frame clip naming"]:
    total = scores.clone()
    ahead = back = torch.zeros_like(scores[0])
    last = len(scores) - 1
    for place in range(last):
        ahead = _pass_on(ahead + scores[place], stay[place])
        total[place + 1] += ahead
        back = _pass_on(back + scores[last - place], stay[last - 1 - place])
        total[last - 1 - place] += back
    return total


def _pass_on(
    message: Float[Tensor, "clip naming"], stay: Float[Tensor, "clip pair"]
) -> Float[Tensor, "clip naming"]:
    """To the neighbouring frame; pairs change their names independently of each other."""
    pairs = stay.shape[1]
    message = message.unflatten(1, [2] * pairs)
    for pair, logits in enumerate(stay.T):
        half = logits.view(-1, *[1] * pairs) / 2
        message = torch.logaddexp(message + half, message.flip(pair + 1) - half)
    message = message.flatten(1)
    return message - message.amax(dim=1, keepdim=True)
