"""Whether a confidence means what it says: reliability, and the correction that makes it so.

The confidence of a student is the probability that a point is off by less than a twentieth of the
frame's side (`models.student.NEAR`). Among points with confidence 0.8, four of five should be.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from keypointgan.errors import LabelError

Flat = Float[ndarray, " point"]

_POWERS = (0.25, 2.0)
"""Least and largest power of a correction: a few labels may suggest any."""
_ALIKE = 1e-6
"""Range of the logarithms of stated errors below which all are the same."""


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


@dataclass(frozen=True)
class Correction:
    """What makes stated errors true: an error b is taken for `factor` times b to the `power`.

    Attributes:
        factor: Above 1 for a student that is too sure of itself.
        power: Below 1 for one that is too sure of what it is sure of, and too unsure of the rest.
    """

    factor: float
    power: float

    def apply(self, scales: Flat) -> Flat:
        """The scales of errors as they are to be taken."""
        corrected: Flat = self.factor * scales**self.power
        return corrected


def share_within(scales: Flat, *, near: float) -> Flat:
    """The share of points off by less than `near` where errors have these scales.

    They are spread around the point as exp(-d / scale), as `ops.heatmaps.within` has them.
    """
    ratios = near / scales
    share: Flat = 1 - (1 + ratios) * np.exp(-ratios)
    return share


def fit_correction(scales: Flat, errors: Flat, *, near: float) -> Correction:
    """Return the correction of stated errors under which what is near enough surprises least.

    A logistic regression on the logarithm of the errors, but for the form of the curve (Platt
    scaling): a factor alone cannot mend a student that states too different errors.

    Args:
        scales: Of each point, normalised.
        errors: Distances from the labels, normalised; NaN where there is no label.
        near: What is near enough, normalised.

    Raises:
        LabelError: No point is labelled.
    """
    known: Bool[ndarray, " point"] = np.isfinite(errors)
    if not known.any():
        raise LabelError("Expected labelled points to calibrate on, got none.")
    right = errors[known] < near
    stated = np.log(scales[known])
    middle = stated.mean()

    def surprise(level: float, power: float) -> float:
        likely = share_within(np.exp(middle + level + power * (stated - middle)), near=near)
        likely = np.clip(likely, 1e-4, 1 - 1e-4)
        return float(-np.log(np.where(right, likely, 1 - likely)).mean())

    level, power = 0.0, 1.0
    for width in 0.8 ** np.arange(30):  # a finer and finer look around the best so far
        levels = level + width * np.linspace(-1.5, 1.5, 7)
        powers = (power + width * np.linspace(-0.5, 0.5, 5)).clip(*_POWERS)
        level, power = min(product(levels, powers), key=lambda pair: surprise(*pair))
    if np.ptp(stated) < _ALIKE:  # then powers and factors cannot be told apart
        power = 1.0
    return Correction(float(np.exp(middle + level - power * middle)), float(power))
