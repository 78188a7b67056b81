"""Which of the places at which a joint seems to be its track goes through.

A hand behind the back, or one that looks like the other, has several peaks in its heatmap, and the
highest is not always the right one. Along a track the path over all frames is taken that is
likely in each and moves little (the Viterbi algorithm), each joint on its own.
"""

import numpy as np
from jaxtyping import Float, Int64
from numpy import ndarray

from keypointgan.inference.smoothing import runs

_PACE = 0.1
"""Distance that a joint moves between two frames, of the size of the naming's poses, for which a
place must be e-fold likelier."""
_JUMP = 10.0  # most that moving costs, nats: from there a joint has jumped


def follow(
    xy: Float[ndarray, "frame keypoint 2"],
    peaks: Float[ndarray, "frame keypoint peak 3"],
    *,
    scale: float,
) -> Float[ndarray, "frame keypoint 2"]:
    """Return the joints of a track, each at the one of its peaks on which its path is.

    Args:
        xy: As they were read: each at its first peak. NaN in frames without a pose, which cut the
            track in two.
        peaks: (x, y) in the unit of `xy`, and nats; -inf where there are fewer.
        scale: What takes them to the size of the naming's poses.
    """
    found = xy.copy()
    for start, stop in runs(np.isfinite(xy).all(axis=(1, 2))):
        chosen = _path(peaks[start:stop, :, :, :2] * scale, peaks[start:stop, :, :, 2])
        places = np.take_along_axis(
            peaks[start:stop, :, :, :2], chosen[:, :, None, None], axis=2
        ).squeeze(2)
        found[start:stop] = np.where(chosen[..., None] == 0, xy[start:stop], places)
    return found


def _path(
    places: Float[ndarray, "frame keypoint peak 2"], nats: Float[ndarray, "frame keypoint peak"]
) -> Int64[ndarray, "frame keypoint"]:
    """The peaks on the likeliest path of each joint."""
    best = nats[0]
    before = np.zeros(nats.shape, np.int64)
    for frame in range(1, len(nats)):
        moved = np.linalg.norm(places[frame - 1][:, :, None] - places[frame][:, None], axis=-1)
        total = best[:, :, None] - np.minimum(moved / _PACE, _JUMP)
        before[frame] = total.argmax(axis=1)
        best = total.max(axis=1) + nats[frame]
    chosen = np.zeros(nats.shape[:2], np.int64)
    chosen[-1] = best.argmax(axis=-1)
    for frame in range(len(nats) - 1, 0, -1):
        chosen[frame - 1] = np.take_along_axis(
            before[frame], chosen[frame][:, None], axis=1
        ).squeeze(1)
    return chosen
