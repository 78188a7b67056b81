"""Motion capture in BVH files: a hierarchy of joints and the numbers of each frame.

A joint's place is its parent's, plus its offset turned by all rotations above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from keypointgan.data.prior_mocap import Motion, Places, Rotations, axis_rotation
from keypointgan.errors import PriorError
from keypointgan.wording import counted


@dataclass
class _Joint:
    name: str
    parent: int
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    channels: tuple[str, ...] = ()


def read_bvh(path: Path) -> Motion:
    """Return the joints of a BVH file in every frame; the tip of a chain is PARENT_end.

    Rotations are applied in the order of their channels, as `Rz Rx Ry` for `Zrotation Xrotation
    Yrotation`. Places of the root are added to its offset; those of another joint replace it.

    Raises:
        PriorError: The file is no BVH file, or is cut off.
    """
    tokens = path.read_text(encoding="utf-8-sig").split()
    try:
        joints, position = _read_hierarchy(tokens)
        if [token.lower() for token in tokens[position : position + 2]] != ["motion", "frames:"]:
            raise ValueError("MOTION with Frames: is missing")
        frames = int(tokens[position + 2])
        if [token.lower() for token in tokens[position + 3 : position + 5]] != ["frame", "time:"]:
            raise ValueError("Frame Time: is missing")
        numbers = np.array(tokens[position + 6 :], np.float64)
    except (ValueError, IndexError) as error:
        raise PriorError(f"{path}: expected a BVH file, but {error}.") from error
    width = sum(len(joint.channels) for joint in joints)
    if not width or numbers.size != frames * width:
        raise PriorError(
            f"{path}: expected {counted(frames, 'frame')} of {counted(width, 'number')}, got "
            f"{counted(numbers.size, 'number')}."
        )
    return Motion(
        tuple(joint.name for joint in joints), _follow(joints, numbers.reshape(-1, width))
    )


def _read_hierarchy(tokens: Sequence[str]) -> tuple[list[_Joint], int]:
    """Return the joints, parents first, and where the motion begins."""
    joints: list[_Joint] = []
    above: list[int] = []
    if not tokens or tokens[0].upper() != "HIERARCHY":
        raise ValueError("it does not begin with HIERARCHY")
    position = 1
    while position < len(tokens):
        word = tokens[position].upper()
        if word in {"ROOT", "JOINT"}:
            joints.append(_Joint(tokens[position + 1], above[-1] if above else -1))
            position += 2
        elif word == "END":
            joints.append(_Joint(f"{joints[above[-1]].name}_end", above[-1]))
            position += 2
        elif word == "{":
            above.append(len(joints) - 1)
            position += 1
        elif word == "}":
            above.pop()
            position += 1
        elif word == "OFFSET":
            x, y, z = map(float, tokens[position + 1 : position + 4])
            joints[above[-1]].offset = (x, y, z)
            position += 4
        elif word == "CHANNELS":
            count = int(tokens[position + 1])
            names = tuple(name.lower() for name in tokens[position + 2 : position + 2 + count])
            wrong = [name for name in names if name[:1] not in "xyz" or name[1:] not in _KINDS]
            if wrong:
                raise ValueError(f"'{wrong[0]}' is no channel")
            joints[above[-1]].channels = names
            position += 2 + count
        elif word == "MOTION":
            if above:
                raise ValueError("a bracket is not closed")
            return joints, position
        else:
            raise ValueError(f"'{tokens[position]}' was not expected in the hierarchy")
    raise ValueError("it ends before MOTION")


_KINDS = ("position", "rotation")


def _follow(joints: Sequence[_Joint], numbers: Float64[ndarray, "frame channel"]) -> Places:
    count = len(numbers)
    places = np.zeros((count, len(joints), 3))
    turns: list[Rotations] = []
    column = 0
    for index, joint in enumerate(joints):
        offset = np.tile(np.array(joint.offset), (count, 1))
        turn = np.tile(np.eye(3), (count, 1, 1))
        moved = np.zeros((count, 3))
        for channel in joint.channels:
            values, axis = numbers[:, column], channel[0]
            if channel.endswith("rotation"):
                turn = turn @ axis_rotation(axis, values)
            else:
                moved[:, "xyz".index(axis)] = values
            column += 1
        if any(channel.endswith("position") for channel in joint.channels):
            offset = offset + moved if joint.parent < 0 else moved
        if joint.parent < 0:
            places[:, index] = offset
            turns.append(turn)
        else:
            above = turns[joint.parent]
            places[:, index] = places[:, joint.parent] + np.einsum("fij,fj->fi", above, offset)
            turns.append(above @ turn)
    return places
