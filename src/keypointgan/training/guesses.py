"""Where the keypoints of unlabelled frames are, as far as a detector can tell; sides by clip.

What a detector says of a frame is made firmer by what it says of the mirrored frame and by what a
committee of others says of both, and which side is left by all frames of the clip: a person does
not change sides from one frame to the next, so frames that show it clearly decide for those that do
not.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import atanh, log, tanh
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from keypointgan.data.index import Clip
from keypointgan.models.keypointgan import Detection, KeypointGAN
from keypointgan.models.naming import VIEWS, Naming
from keypointgan.models.student import Student
from keypointgan.ops.framing import squares_around, view_of
from keypointgan.ops.heatmaps import locate, side_evidence
from keypointgan.ops.keypoints import average_mirrored, from_aligned_corners
from keypointgan.ops.warp import warp_frames
from keypointgan.training.progress import Watch
from keypointgan.types import Confidence, Frames, Heatmaps, Keypoints, Rows

_PACE = 0.02
"""Distance that a joint moves between two frames, normalised, in which naming is e-fold surer."""
_TRUST = 0.5
"""Share of the heatmaps' evidence for left and right that counts, for it is too sure of itself."""


@dataclass(frozen=True)
class Guesses:
    """Points of frames that nobody labelled.

    Attributes:
        rows: The frames, rows of a store.
        points: Where the keypoints seem to be.
        weight: How far they are to be trusted.
    """

    rows: Rows
    points: Keypoints
    weight: Confidence


@dataclass(frozen=True)
class _Reading:
    """What is read in frames: points, confidence, and evidence in nats for the side of each."""

    points: Keypoints
    confidence: Confidence
    evidence: Float[Tensor, "batch keypoint"]


@torch.no_grad()
def guess(
    model: Student | KeypointGAN,
    clips: Sequence[Clip],
    fetch: Callable[[Rows], Frames],
    *,
    order: Sequence[int],
    device: torch.device,
    autocast: Callable[[], Any],
    committee: Sequence[Student] = (),
    naming: Naming | None = None,
    margin: float | None = None,
    progress: Watch | None = None,
    batch: int = 256,
) -> Guesses:
    """Return the points of all frames of some clips.

    Args:
        model: In evaluation mode.
        clips: Whose frames.
        fetch: The frames of rows.
        order: For each joint the one on the other side, `Skeleton.mirror`.
        device: Where the model is.
        autocast: A context of lower precision.
        committee: Students that read along where the model is a student, in evaluation mode.
        naming: Names each pair of joints by the prior, too, less the bias of this model in these
            frames; otherwise all sides of a frame are right or exchanged together.
        margin: Read each frame again in a square around what was found in it (`ops.framing`), whose
            side is this many times its length; None to read it as it comes.
        progress: Called with the frames that were read, and with all.
        batch: Frames at once.
    """
    apart = naming is not None
    rows = torch.cat([torch.arange(clip.start, clip.start + clip.frames) for clip in clips])
    batches = rows.split(batch)
    looks = 1 if margin is None else 2
    seen = 0

    def tell(read: int) -> None:
        nonlocal seen
        seen += read
        if progress is not None:
            progress(seen, looks * len(rows))

    squares = None
    if margin is not None:
        found = []
        for some in batches:
            with autocast():
                found.append(_look(model, fetch(some.to(device))))
            tell(len(some))
        squares = squares_around(
            torch.cat(found),
            margin=margin,
            lengths=[clip.frames for clip in clips],
            rates=[clip.fps for clip in clips],
        ).split(batch)
    parts = []
    for place, some in enumerate(batches):
        frames, view = fetch(some.to(device)), None
        if squares is not None:
            view = view_of(squares[place])
            frames = warp_frames(frames, view)
        with autocast():
            part = _read(model, committee, frames, order, apart=apart)
        if view is not None:
            part = replace(part, points=view.source_of(part.points))
        parts.append(part)
        tell(len(some))
    points, confidence, evidence = (
        torch.cat([getattr(part, name) for part in parts])
        for name in ("points", "confidence", "evidence")
    )
    lengths = [clip.frames for clip in clips]
    if naming is not None:
        bias = naming.bias_in(points, evidence)
        names, sure = naming(points, evidence, lengths=lengths, bias=bias)
    else:
        names, sure = _name_whole(points, evidence, lengths=lengths, order=order)
    points = points.gather(1, names.unsqueeze(-1).expand_as(points))
    return Guesses(rows.to(device), points, confidence.gather(1, names) * sure)


def _name_whole(
    points: Keypoints,
    evidence: Float[Tensor, "batch keypoint"],
    *,
    lengths: Sequence[int],
    order: Sequence[int],
) -> tuple[Int64[Tensor, "batch keypoint"], Float[Tensor, "batch keypoint"]]:
    """Which joint, as read, each joint is, and how sure that is: all exchanged, or none."""
    joints = torch.arange(len(order), device=points.device)
    other = torch.tensor(order, device=points.device)
    lateral = joints != other
    if not lateral.any():
        return joints.expand(points.shape[:2]), points.new_ones(points.shape[:2])
    exchange, sure = name_sides(
        points[:, lateral].cpu(),
        evidence.mean(dim=-1).cpu(),
        lengths=lengths,
        order=_order_of(lateral, order),
    )
    exchange, sure = exchange.to(points.device), sure.to(points)
    names = torch.where(exchange[:, None], other, joints)
    return names, torch.where(lateral, sure[:, None], 1.0)


def name_sides(
    points: Keypoints,
    evidence: Float[Tensor, " batch"],
    *,
    lengths: Iterable[int],
    order: Sequence[int],
) -> tuple[Tensor, Tensor]:
    """For each frame whether left and right are to be exchanged, and how sure that is.

    The forward-backward algorithm over each clip, with two states a frame: as it was read, or
    exchanged. Evidence speaks for the state of a frame; that joints move little, for the same
    naming in neighbours.

    Args:
        points: Of the joints that have a side, of all clips one after the other.
        evidence: For "as it was read", nats.
        lengths: Frames of each clip.
        order: For each of these joints the one on the other side.

    Returns:
        Whether to exchange, and 0 (no idea) to 1 (certain).
    """
    same = (points[1:] - points[:-1]).norm(dim=-1).mean(dim=-1)
    crossed = (points[1:][:, list(order)] - points[:-1]).norm(dim=-1).mean(dim=-1)
    stay = ((crossed - same) / _PACE).clamp(-20, 20).tolist()
    unary = (_TRUST * evidence).clamp(-20, 20).tolist()
    logits: list[float] = []
    start = 0
    for length in lengths:
        logits += _forward_backward(unary[start : start + length], stay[start : start + length - 1])
        start += length
    found = torch.tensor(logits)
    return found < 0, (2 * found.abs().sigmoid() - 1)


def _forward_backward(unary: Sequence[float], stay: Sequence[float]) -> list[float]:
    """The logit of the first of two states at each place of a chain."""
    forward, backward = [0.0] * len(unary), [0.0] * len(unary)
    for place in range(1, len(unary)):
        forward[place] = _pass_on(forward[place - 1] + unary[place - 1], stay[place - 1])
    for place in reversed(range(len(unary) - 1)):
        backward[place] = _pass_on(backward[place + 1] + unary[place + 1], stay[place])
    return [f + u + b for f, u, b in zip(forward, unary, backward, strict=True)]


def _pass_on(logit: float, stay: float) -> float:
    """The logit of the neighbour's state: tanh(m/2) = tanh(logit/2) tanh(stay/2)."""
    product = tanh(logit / 2) * tanh(stay / 2)
    return 2 * atanh(max(-1 + 1e-9, min(1 - 1e-9, product)))


def _read(
    model: Student | KeypointGAN,
    committee: Sequence[Student],
    frames: Frames,
    order: Sequence[int],
    *,
    apart: bool,
) -> _Reading:
    if isinstance(model, Student):
        return _read_students([model, *committee], frames, order, apart=apart)
    return _read_method(model, frames, order)


def _look(model: Student | KeypointGAN, frames: Frames) -> Keypoints:
    """Where the keypoints are in frames as they come, in one view."""
    found = model.detect(frames)
    return (
        found.keypoints.float() if isinstance(model, Student) else _points_of(model, found, frames)
    )


def _read_students(
    models: Sequence[Student], frames: Frames, order: Sequence[int], *, apart: bool
) -> _Reading:
    """All views' heatmaps, added once they agree on the sides, all together or pair by pair."""
    sides = list(order)
    views: list[Heatmaps] = []
    errors: list[Tensor] = []
    for model in models:
        straight, error = model(frames)
        turned, other_error = model(frames.flip(-1))
        views += [straight.float(), turned.float().flip(-1)[:, sides]]
        errors += [error.float(), other_error.float()[:, sides]]
    total, seen = _log_shares(views[0]), locate(views[0])
    for view in views[1:]:
        agree = _agree(seen, locate(view), sides, apart=apart)
        aligned = torch.where(agree[..., None, None], view, view[:, sides])
        total = torch.logaddexp(total, _log_shares(aligned))
    points = locate(total)
    evidence = torch.stack([side_evidence(view, points, order=order) for view in views])
    error = torch.stack(errors).logsumexp(dim=0) - log(len(errors))
    return _Reading(points, models[0].confidence(error), VIEWS * evidence.mean(dim=0))


def _agree(
    points: Keypoints, others: Keypoints, order: Sequence[int], *, apart: bool
) -> Bool[Tensor, "batch keypoint"]:
    """Whether two readings of a frame have the sides alike, pair by pair or all together."""
    same, crossed = ((points - other).norm(dim=-1) for other in (others, others[:, order]))
    if apart:
        return same + same[:, order] <= crossed + crossed[:, order]
    return (same.mean(dim=-1) <= crossed.mean(dim=-1))[:, None].expand_as(same)


def _read_method(model: KeypointGAN, frames: Frames, order: Sequence[int]) -> _Reading:
    """The points of both views, averaged; a little evidence for them where both agree on the sides.

    A regressor answers with one point, not with a map in which other sides would be likely too.
    """
    straight, turned = model.detect(frames), model.detect(frames.flip(-1))
    seen, also = _points_of(model, straight, frames), _points_of(model, turned, frames)
    points, agree = average_mirrored(seen, also, order=order)
    confidence = straight.confidence.float()
    return _Reading(points, confidence, agree.float()[:, None].expand_as(confidence))


def _points_of(model: KeypointGAN, found: Detection, frames: Frames) -> Keypoints:
    points = found.keypoints.float()
    height, width = frames.shape[-2:]
    return from_aligned_corners(points, size=(height, width)) if model.align_corners else points


def _log_shares(heatmaps: Tensor) -> Tensor:
    return heatmaps.flatten(2).log_softmax(dim=-1).view_as(heatmaps)


def _order_of(lateral: Tensor, order: Sequence[int]) -> list[int]:
    """The other side of each joint that has one, counted among those."""
    kept = [index for index, has_side in enumerate(lateral.tolist()) if has_side]
    return [kept.index(order[index]) for index in kept]
