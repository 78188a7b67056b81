"""Motion capture: joints in space, and the rotations that its formats share."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

Rotations = Float64[ndarray, "frame 3 3"]
Places = Float64[ndarray, "frame joint 3"]


@dataclass(frozen=True, eq=False)
class Motion:
    """Joints of a body through time.

    Attributes:
        joints: Their names.
        places: Where they are, in the axes and the unit of the file (metres for AMC).
    """

    joints: tuple[str, ...]
    places: Places


def axis_rotation(axis: str, degrees: Float64[ndarray, " frame"]) -> Rotations:
    """Return the right-handed rotations about the axis x, y or z that turn column vectors."""
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rotation = np.zeros((len(degrees), 3, 3))
    rotation[:, [0, 1, 2], [0, 1, 2]] = 1.0
    rotation[:, first, first] = rotation[:, second, second] = cosine
    rotation[:, first, second], rotation[:, second, first] = -sine, sine
    return rotation
