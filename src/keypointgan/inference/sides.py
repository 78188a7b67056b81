"""Left and right of a whole video, by the naming that a student has learnt with its poses.

In a single frame it tells no more than was read there; along a track, frames that show the sides
decide for those that do not (`models.naming`). And a joint that seems to be at several places is
where its track goes through (`inference.tracks`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy import ndarray

from keypointgan.errors import ConfigError, DataError
from keypointgan.inference.crops import turn_points
from keypointgan.inference.poses import Poses
from keypointgan.inference.smoothing import body_size, runs
from keypointgan.inference.tracks import follow
from keypointgan.models.naming import Naming
from keypointgan.models.student import Student

STRETCH = 1_024
"""Frames of an endless video that are named at once."""
MARGIN = 128
"""Frames on either side of them that help to."""
_TRUST_PRIOR = 0.05
"""Share of the plausibility of a pose that counts. A student that has learnt from it knows it, and
where it differs it is more often right (docs/experiments.md, 37)."""


def naming_of(
    model: object, *, name_sides: bool | None = None, by_default: bool = True
) -> Naming | None:
    """What names a model's sides; None where they stay as they were read.

    Args:
        model: A student that has learnt it, or any other model.
        name_sides: Whether they are to be named; None leaves it to `by_default`.
        by_default: Whether they are if the model can.

    Raises:
        ConfigError: They are to be named, and the model cannot.
    """
    naming = model.naming if isinstance(model, Student) else None
    if name_sides and naming is None:
        raise ConfigError(
            "Expected a model that can name left and right along a video, got one that has not "
            "learnt it, as students do with student.sides_by_prior=true. Leave --name-sides out, "
            "or learn such a student with 'keypointgan distill'."
        )
    wanted = by_default if name_sides is None else name_sides
    return naming if wanted else None


def name_sides(poses: Poses, naming: Naming) -> Poses:
    """Return the poses with what was mistaken in single frames put right by those around.

    The joints of each pair are exchanged where they were; then each joint goes to the one of its
    peaks on which its track is, if the poses have them.

    A joint takes the confidence of the joint that it was read as: how near that is to the true
    place. How sure the naming is does not lower it, for it was not calibrated so.

    Args:
        poses: One animal's, as `Detector.predict(..., name_sides=False)` returns them: with the
            evidence of their frames. Frames without a pose cut the track in two.
        naming: That of the student that found them.

    Raises:
        DataError: The poses have no evidence: they are of another model, from a file, or named.
    """
    if poses.evidence is None:
        raise DataError(
            "Expected poses with the evidence for their sides, got none. A student with a naming "
            "finds them, before its sides are named: Detector.predict(..., name_sides=False)."
        )
    xy, names = put_right(poses.xy, poses.evidence, poses.peaks, naming, turns=poses.turns)
    return replace(
        poses,
        xy=xy,
        confidence=np.take_along_axis(poses.confidence, names, axis=1),
        raw=None if poses.raw is None else np.take_along_axis(poses.raw, names[..., None], axis=1),
        evidence=None,
        peaks=None,
        turns=None,
    )


def name_parts(parts: Iterable[Sequence[Poses]], naming: Naming) -> Iterator[tuple[Poses, ...]]:
    """Yield what `name_sides` makes of each animal, in parts of `STRETCH` frames.

    Of the frames around a part only `MARGIN` on either side are looked at, so that the memory
    needed does not grow with the video. The last part is up to so much longer.

    Args:
        parts: The poses of each animal in some frames after the others, parts of any length.
        naming: That of the student that found them.
    """
    held: tuple[Poses, ...] = ()
    done = 0  # of the frames that are held, those before the next part
    for part in parts:
        both = zip(held, part, strict=True)
        held = tuple(Poses.concatenate(each) for each in both) if held else tuple(part)
        while len(held[0]) - done > STRETCH + MARGIN:
            end = done + STRETCH
            around = (name_sides(each.frames(0, end + MARGIN), naming) for each in held)
            yield tuple(each.frames(done, end) for each in around)
            held = tuple(each.frames(end - MARGIN, len(each)) for each in held)
            done = MARGIN
    if held:
        yield tuple(name_sides(each, naming).frames(done, len(each)) for each in held)


def put_right(
    xy: Float[ndarray, "frame keypoint 2"],
    evidence: Float[ndarray, "frame keypoint"],
    peaks: Float[ndarray, "frame keypoint peak 3"] | None,
    naming: Naming,
    *,
    turns: Int64[ndarray, " frame"] | None = None,
) -> tuple[Float[ndarray, "frame keypoint 2"], Int64[ndarray, "frame keypoint"]]:
    """The joints of a track where they are, and which joint, as it was read, each of them is.

    Args:
        xy: As they were read, in any unit; NaN in frames without a pose.
        evidence: As `Naming` takes it.
        peaks: (x, y) and nats of the places of each; None to leave it where it was read.
        naming: What names the joints.
        turns: Quarter turns to the left that set each pose upright, as the prior knows it; None
            where all are.
    """
    upright = xy if turns is None else turn_points(xy, turns)
    names = names_along(upright, evidence, naming)
    named = np.take_along_axis(xy, names[..., None], axis=1)
    if peaks is None:
        return named, names
    peaks = np.take_along_axis(peaks, names[..., None, None], axis=1)
    return follow(named, peaks, scale=_scale_of(xy, naming)), names


def names_along(
    xy: Float[ndarray, "frame keypoint 2"],
    evidence: Float[ndarray, "frame keypoint"],
    naming: Naming,
) -> Int64[ndarray, "frame keypoint"]:
    """Which joint, as it was read, each joint is in each frame of a track.

    Args:
        xy: In any unit; the median size of the body tells which. NaN in frames without a pose, on
            whose two sides frames do not help each other.
        evidence: As `Naming` takes it.
        naming: What names the joints.
    """
    names = np.tile(np.arange(xy.shape[1]), (len(xy), 1))
    seen = np.isfinite(xy).all(axis=(1, 2))
    if seen.any():
        scaled = xy[seen] * _scale_of(xy, naming)
        device = naming.shares.device
        found, _ = naming(
            torch.from_numpy(scaled.astype(np.float32)).to(device),
            torch.from_numpy(evidence[seen].astype(np.float32)).to(device),
            lengths=[stop - start for start, stop in runs(seen)],
            trust_prior=_TRUST_PRIOR,
        )
        names[seen] = found.cpu().numpy()
    return names


def _scale_of(xy: Float[ndarray, "frame keypoint 2"], naming: Naming) -> float:
    """What takes a track to the size of the naming's poses."""
    return float(naming.size) / body_size(xy)
