"""Which joint of a pair is left and which is right, from the prior, the frames and time.

A detector that confuses sides does not confuse all of them: legs are read as if seen from behind on
a body seen from the front. What poses of the prior look like tells such a body from a real one, and
often even which of two whole bodies it is. Every pair of joints is named on its own.
"""

from collections.abc import Iterable, Sequence
from itertools import product

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from keypointgan.models.plausibility import Plausibility
from keypointgan.types import Evidence, Keypoints

VIEWS = 2
"""Views of a frame, itself and its mirror image, over which the evidence is summed."""
_PACE = 0.02
"""Distance that a pair moves between two frames, normalised, in which naming is e-fold surer."""
TRUST_PRIOR = 0.5
"""Share of the plausibility that counts while a student learns: the points that it judges are off
themselves, and the heatmaps worse."""
_TRUST_FRAME = 0.05
"""Share of the heatmaps' evidence that counts: what is wrong in a frame is so in its neighbours,
and what a student has learnt from its own guesses it is sure of."""
_APART = 0.05
"""Distance of a pair along x, normalised, from which its bias counts in full."""
_SURE = 8.0  # largest evidence of motion for the naming of one pair, nats

_QUANTILE_ROWS = 1_000_000  # frames of which the bias is measured at most
_CLIPS = 64  # clips that are named together
_POSES = 256  # poses of which all namings are scored at once
_PREFIX = "naming."  # of the weights of a student that has one

Namings = Int64[Tensor, "naming keypoint"]
"""For each way of naming all joints, which of the joints as they were read each of them is."""
PairEvidence = Float[Tensor, "batch pair"]
"""Nats for the names under which the joints of each pair were read."""


class Naming(nn.Module):
    """What names the joints of read poses; it is learnt once and never trained with a student.

    Args:
        plausibility: Learnt from the prior.
        order: For each joint the one on the other side, `Skeleton.mirror`.
        shares: For each pair in how many poses of the prior its left joint is nearer to the right
            of the image; half of them if absent.
        size: Median over poses of the prior of the longer side of their bounding box, normalised.
    """

    shares: Float[Tensor, " pair"]
    """As above."""
    size: Float[Tensor, ""]
    """As above."""

    def __init__(
        self,
        plausibility: Plausibility,
        order: Sequence[int],
        *,
        shares: Float[Tensor, " pair"] | None = None,
        size: Float[Tensor, ""] | None = None,
    ) -> None:
        super().__init__()
        pairs = len(pairs_of(order))
        self.plausibility = plausibility
        self.order = tuple(order)
        self.register_buffer("shares", torch.full((pairs,), 0.5) if shares is None else shares)
        self.register_buffer("size", torch.ones(()) if size is None else size)
        self.requires_grad_(requires_grad=False).eval()

    @torch.no_grad()
    def forward(
        self,
        points: Keypoints,
        evidence: Evidence,
        *,
        lengths: Sequence[int],
        bias: Float[Tensor, " pair"] | None = None,
        trust_prior: float = TRUST_PRIOR,
    ) -> tuple[Int64[Tensor, "batch keypoint"], Float[Tensor, "batch keypoint"]]:
        """Name the joints of all frames of some clips, one clip after the other.

        The forward-backward algorithm over each clip, with a state for each way of naming all
        pairs. The prior and the heatmaps speak for the states of a frame; that joints move little,
        pair by pair, for the same naming in neighbours.

        Args:
            points: As they were read.
            evidence: Of each joint for the name under which it was read, summed over both views;
                that of one view doubled.
            lengths: Frames of each clip.
            bias: Of the evidence, `bias_in` many frames; none is taken off if absent, as of one
                video, in which people may well face the camera all the time.
            trust_prior: Share of the plausibility that counts.

        Returns:
            Which joint, as read, each joint is; and how sure that is, 0 (no idea) to 1, always 1
            for joints without a side.
        """
        (left, right), device = two_sides(self.order), points.device
        namings = all_namings(self.order).to(device)
        signs = _signs(len(left)).to(device)
        read, across = self._by_pair(points, evidence)
        if bias is not None:
            read = without_bias(read, across, bias=bias)
        scores = trust_prior * self._scores(points, namings) + _TRUST_FRAME * read @ signs.T
        first, second = points[:, left], points[:, right]
        same = _gap(first[1:], first[:-1]) + _gap(second[1:], second[:-1])
        crossed = _gap(first[1:], second[:-1]) + _gap(second[1:], first[:-1])
        stay = ((crossed - same) / 2 / _PACE).clamp(-_SURE, _SURE)
        shares = _forward_backward(scores.cpu(), stay.cpu(), lengths).softmax(dim=1).to(device)
        kept = shares @ (signs > 0).to(shares)
        sure = points.new_ones(points.shape[:2])
        sure[:, left] = sure[:, right] = (2 * kept - 1).abs()
        return namings[shares.argmax(dim=1)], sure

    @torch.no_grad()
    def bias_in(self, points: Keypoints, evidence: Evidence) -> Float[Tensor, " pair"]:
        """How far the evidence of many frames leans to front or back, `bias_of`."""
        return bias_of(*self._by_pair(points, evidence), shares=self.shares)

    def _by_pair(
        self, points: Keypoints, evidence: Evidence
    ) -> tuple[PairEvidence, Float[Tensor, "batch pair"]]:
        """The evidence of each pair, and how far its left joint is to the right of the other."""
        left, right = two_sides(self.order)
        across = points[:, left, 0] - points[:, right, 0]
        return (evidence[:, left] + evidence[:, right]) / 2, across

    def _scores(self, points: Keypoints, namings: Namings) -> Float[Tensor, "batch naming"]:
        return torch.cat(
            [
                self.plausibility(some[:, namings].flatten(0, 1)).view(len(some), -1)
                for some in points.float().split(_POSES)
            ]
        )


def holds_naming(names: Iterable[str]) -> bool:
    """Whether weights of these names are of a student with a naming."""
    return any(name.startswith(_PREFIX) for name in names)


def bias_of(
    evidence: PairEvidence, across: Float[Tensor, "batch pair"], *, shares: Float[Tensor, " pair"]
) -> Float[Tensor, " pair"]:
    """How far the evidence of many frames leans to left joints on the right of the image, nats.

    A reader that takes backs for fronts sees too many of them there. How many there are the prior
    knows (distribution alignment; Berthelot et al., ICLR 2020).

    Args:
        evidence: As the joints were read.
        across: How far the left joint, as read, is to the right of the other one, normalised.
        shares: In how many poses it is.
    """
    facing = evidence * across.sign()  # for the left joint on the right
    return torch.stack(
        [
            torch.quantile(nats, 1 - share)
            for nats, share in zip(_thinned(facing).T, shares, strict=True)
        ]
    )


def without_bias(
    evidence: PairEvidence, across: Float[Tensor, "batch pair"], *, bias: Float[Tensor, " pair"]
) -> PairEvidence:
    """The evidence less its bias; less of that where a pair lies nearly upon each other."""
    return evidence - bias * across.sign() * (across.abs() / _APART).clamp(max=1)


def _thinned(values: Float[Tensor, "batch pair"]) -> Float[Tensor, "some pair"]:
    """At most so many of the rows as a quantile takes."""
    return values[:: -(-len(values) // _QUANTILE_ROWS)]


def pairs_of(order: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs of joints of which one is left and one is right."""
    return [(joint, other) for joint, other in enumerate(order) if joint < other]


def two_sides(order: Sequence[int]) -> tuple[list[int], list[int]]:
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
