"""Whether a confidence means what it says: reliability, and the factor that makes it so.

The confidence of a student is the probability that a point is off by less than a twentieth of the
frame's side (`models.student.NEAR`). Among points with confidence 0.8, four of five should be.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from keypointgan.errors import LabelError

Flat = Float[ndarray, " point"]


@dataclass(frozen=True)
class Bin:
    """Points of similar confidence.

    Attributes:
        points: How many.
        confidence: Their mean confidence.
        right: The share of them that is near enough.
        error: Their mean error, % of the image side.
    """

    points: int
    confidence: float
    right: float
    error: float


@dataclass(frozen=True)
class Reliability:
    """How confidence and truth agree.

    Attributes:
        bins: From the least to the most confident; each holds as many points.
        gap: Mean distance between confidence and share of right points, over the points: the
            expected calibration error (Naeini et al., AAAI 2015).
    """

    bins: tuple[Bin, ...]
    gap: float


def reliability(confidence: Flat, errors: Flat, *, near: float, bins: int = 10) -> Reliability:
    """Return how the confidence of points agrees with how many of them are near enough.

    Args:
        confidence: In [0, 1].
        errors: Distances from the labels, % of the image side; NaN where there is no label.
        near: What is near enough, % of the image side.
        bins: Number of bins.

    Raises:
        LabelError: There are fewer labelled points than bins.
    """
    known = np.isfinite(errors)
    confidence, errors = confidence[known], errors[known]
    if len(errors) < bins:
        raise LabelError(f"Expected at least {bins} labelled points, got {len(errors)}.")
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    found = tuple(
        Bin(
            len(part),
            float(confidence[part].mean()),
            float((errors[part] < near).mean()),
            float(errors[part].mean()),
        )
        for part in parts
    )
    gap = sum(bin_.points * abs(bin_.confidence - bin_.right) for bin_ in found) / len(errors)
    return Reliability(found, gap)


def fit_factor(scales: Flat, errors: Flat, *, near: float) -> float:
    """Return the factor on the scales of errors under which the confidence is right on average.

    Args:
        scales: Of each point, in the unit of `errors`.
        errors: Distances from the labels; NaN where there is no label.
        near: What is near enough, in the same unit.

    Raises:
        LabelError: No point is labelled.
    """
    known: Bool[ndarray, " point"] = np.isfinite(errors)
    if not known.any():
        raise LabelError("Expected labelled points to calibrate on, got none.")
    right = (errors[known] < near).astype(np.float64)
    factors = np.geomspace(0.1, 30.0, 400)
    ratios = near / (scales[known][None] * factors[:, None])
    likely = np.clip(1 - (1 + ratios) * np.exp(-ratios), 1e-4, 1 - 1e-4)
    surprise = -(right * np.log(likely) + (1 - right) * np.log(1 - likely)).mean(axis=1)
    return float(factors[surprise.argmin()])
