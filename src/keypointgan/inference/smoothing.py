"""Tracks made smooth, with what was detected kept beside."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray

from keypointgan.errors import ConfigError, MissingExtraError
from keypointgan.inference.poses import Poses

Method = Literal["one-euro", "savitzky-golay"]
METHODS: tuple[Method, ...] = ("one-euro", "savitzky-golay")

_LEAST_SIZE = 1e-6  # of a body whose points are all in one place

Track = Float64[ndarray, "frame keypoint 2"]


def smooth(
    poses: Poses,
    *,
    method: Method,
    window: int = 9,
    order: int = 2,
    cutoff: float = 2.0,
    responsiveness: float = 4.0,
) -> Poses:
    """Return the poses with smooth tracks; what they were is in `raw`.

    A keypoint is smoothed from where it appears to where it is lost: nothing is filled in, and no
    place that is NaN touches another.

    Args:
        poses: What to smooth. Poses that were smoothed already are smoothed from their `raw`.
        method: `savitzky-golay` fits a polynomial around each frame: no delay, for recordings.
            `one-euro` looks back only and follows fast motion closely, as live views do
            (Casiez, Roussel and Vogel, CHI 2012).
        window: Frames that `savitzky-golay` fits to; odd.
        order: Degree of its polynomials.
        cutoff: Frequency in Hz above which `one-euro` dampens a keypoint at rest.
        responsiveness: How fast that frequency rises with speed: Hz for a body size a second,
            where the paper has pixels, so that the value fits videos of any resolution.

    Raises:
        ConfigError: A value is out of range, or `one-euro` has no frame rate to work with.
        MissingExtraError: `savitzky-golay`, and SciPy is not installed.
    """
    raw = poses.xy if poses.raw is None else poses.raw
    if method == "savitzky-golay":
        if window < 3 or window % 2 == 0 or not 0 <= order < window:
            raise ConfigError(
                "Expected an odd window of at least 3 frames and an order below it, got a window "
                f"of {window} and the order {order}."
            )
        smoothed = _savitzky_golay(raw, window=window, order=order)
    elif method == "one-euro":
        if not poses.fps or cutoff <= 0 or responsiveness < 0:
            raise ConfigError(
                "Expected frames a second, a cutoff above 0 and a responsiveness of at least 0, "
                f"got {poses.fps}, {cutoff:g} and {responsiveness:g}. Images have no frame rate: "
                "name one, or smooth with savitzky-golay."
            )
        smoothed = _one_euro(
            raw,
            fps=poses.fps,
            cutoff=cutoff,
            slope=responsiveness / max(body_size(raw), 1.0),
        )
    else:
        raise ConfigError(f"Expected a method of {', '.join(METHODS)}, got '{method}'.")
    return replace(poses, xy=smoothed, raw=raw)


def _savitzky_golay(raw: Track, *, window: int, order: int) -> Track:
    try:
        from scipy.signal import savgol_filter
    except ImportError as error:
        raise MissingExtraError(
            "scipy", extra="formats", purpose="smooth with savitzky-golay"
        ) from error
    smoothed = raw.copy()
    for keypoint in range(raw.shape[1]):
        for start, stop in runs(np.isfinite(raw[:, keypoint]).all(axis=-1)):
            length = min(window, (stop - start - 1) | 1)  # the largest odd number that fits
            if length > order:
                smoothed[start:stop, keypoint] = savgol_filter(
                    raw[start:stop, keypoint], length, order, axis=0
                )
    return smoothed


def runs(seen: ndarray) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of each run of frames in which a keypoint was seen."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _one_euro(raw: Track, *, fps: float, cutoff: float, slope: float) -> Track:
    """Filter all keypoints at once; each starts anew after frames without it.

    The speed is that in the plane, so that the result does not depend on the axes' directions.
    """
    smoothed = raw.copy()
    if not len(raw):
        return smoothed
    share_of_speed = _share(np.ones(1), fps)  # its cutoff is 1 Hz, as in the paper
    velocity = np.zeros_like(raw[0])
    last = np.full_like(raw[0], np.nan)
    for now, place in zip(smoothed, raw, strict=True):
        known = np.isfinite(last).all(axis=-1, keepdims=True)
        step = np.where(known, (place - last) * fps, 0.0)
        velocity = np.where(known, velocity + share_of_speed * (step - velocity), 0.0)
        speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
        share = _share(cutoff + slope * speed, fps)
        last = np.where(known, last + share * (place - last), place)
        velocity = np.nan_to_num(velocity)
        now[:] = last
    return smoothed


def _share(cutoff: ndarray, fps: float) -> ndarray:
    """How much of what is new a first-order low-pass filter takes at once."""
    turn = 2 * np.pi * cutoff / fps
    return turn / (turn + 1)


def body_size(raw: Float[ndarray, "frame keypoint 2"]) -> float:
    """Median of the longer side of the poses' bounding boxes, above 0; 1 where there is none."""
    seen = raw[np.isfinite(raw).all(axis=-1).any(axis=1)]
    if not len(seen):
        return 1.0
    sides = np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1)
    return max(float(np.median(sides.max(axis=-1))), _LEAST_SIZE)
