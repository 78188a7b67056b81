"""Random articulated figures that move smoothly: the 17 joints of `h36m17` in space.

A figure stands upright, faces roughly the camera and moves arms, legs, trunk and head, each
angle along its own slow wave within a plausible range. Axes as in priors of mocap: metres, x to
the figure's left, y up, z forward. Everything is computed for many figures and frames at once.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from keypointgan.skeletons import Skeleton

FRAMES_PER_SECOND = 15.0
SKELETON = "h36m17"
JOINTS = Skeleton.load(SKELETON).joints

Vectors = Float[ndarray, "figure frame 3"]
Angles = Float[ndarray, "figure frame"]
Lengths = Float[ndarray, "figure 1 1"]
Joints3D = Float[ndarray, "figure frame 17 3"]
Poses = Float[ndarray, "figure frame 17 2"]

_BONES = {  # mean lengths in metres
    "spine": 0.24,
    "chest": 0.25,
    "neck": 0.10,
    "head": 0.20,
    "shoulder": 0.18,
    "upper_arm": 0.29,
    "forearm": 0.27,
    "hip": 0.10,
    "thigh": 0.43,
    "shank": 0.43,
}
_DEGREES = {  # of the joint angles: least and most
    "arm_out": (4, 135),
    "arm_forward": (-25, 60),
    "elbow": (5, 110),
    "elbow_direction": (-60, 60),
    "leg_out": (0, 28),
    "leg_forward": (-22, 55),
    "knee": (2, 70),
    "lean_sideways": (-12, 12),
    "lean_forward": (-4, 16),
    "trunk_turn": (-12, 12),
    "head_turn": (-30, 30),
    "head_nod": (-12, 18),
}
_PARTS = [f"{side}_{part}" for side in "lr" for part in list(_DEGREES)[:7]] + list(_DEGREES)[7:]


@dataclass(frozen=True)
class Motion:
    """Figures in motion and the camera that sees each.

    Attributes:
        joints: In metres, turned to the camera: x to the image's right, y up, z to the viewer.
        poses: What the camera sees, normalised (x, y), y down.
        metre: How long a metre is in the image, normalised, for each figure.
    """

    joints: Joints3D
    poses: Poses
    metre: Float[ndarray, " figure"]


def random_motion(rng: np.random.Generator, *, figures: int, frames: int, stride: float) -> Motion:
    """Return figures of random build, motion and place in the image.

    Args:
        rng: Source of everything random.
        figures: How many.
        frames: Of each figure.
        stride: Time between two frames in frames of a video; a large one gives unrelated poses.
    """
    bones = _random_bones(rng, figures)
    time = np.arange(frames) * stride / FRAMES_PER_SECOND
    angles = {part: _wave(rng, figures, time, part.split("_", 1)) for part in _PARTS}
    joints = _pose(bones, angles)
    heading = rng.uniform(-25, 25, (figures, 1)) + _sway(rng, figures, time, 10)
    joints = np.einsum("fnab,fnjb->fnja", _turn_y(np.deg2rad(heading)), joints)
    metre = 0.80 * np.exp(rng.normal(0, 0.05, figures))
    place = np.clip(rng.normal(0, [0.14, 0.06], (figures, 1, 2)), [-0.26, -0.14], [0.26, 0.14])
    place = place + np.stack([_sway(rng, figures, time, 0.05), _sway(rng, figures, time, 0.02)], -1)
    seen = joints[..., :2] - [0, 0.83]  # the middle of a standing figure is the image's middle
    poses = seen * metre[:, None, None, None] * [1, -1] + place[:, :, None]
    return Motion(joints, poses, metre)


def _random_bones(rng: np.random.Generator, figures: int) -> dict[str, Lengths]:
    build = rng.normal(0, 0.04, figures)
    return {
        bone: (length * np.exp(build + rng.normal(0, 0.06, figures)))[:, None, None]
        for bone, length in _BONES.items()
    }


def _wave(
    rng: np.random.Generator, figures: int, time: Float[ndarray, " frame"], part: list[str]
) -> Angles:
    """Return an angle in radians that wanders smoothly through all of its range."""
    low, high = _DEGREES[part[1] if part[0] in {"l", "r"} else "_".join(part)]
    return np.deg2rad((low + high) / 2 + _sway(rng, figures, time, (high - low) / 2))


def _sway(
    rng: np.random.Generator, figures: int, time: Float[ndarray, " frame"], reach: float
) -> Angles:
    """Return a sum of two slow waves within ± reach."""
    slow, fast = rng.uniform(0.2, 0.45, (figures, 1)), rng.uniform(0.45, 0.8, (figures, 1))
    phases = rng.uniform(0, 2 * np.pi, (2, figures, 1))
    waves = 0.7 * np.sin(2 * np.pi * slow * time + phases[0])
    return reach * (waves + 0.3 * np.sin(2 * np.pi * fast * time + phases[1]))


def _pose(bones: dict[str, Lengths], angles: dict[str, Angles]) -> Joints3D:
    trunk = _turn_y(angles["trunk_turn"]) @ _lean(angles["lean_sideways"], angles["lean_forward"])
    head = trunk @ _turn_y(angles["head_turn"]) @ _lean(0 * angles["head_nod"], angles["head_nod"])
    left, up, forward = np.eye(3)
    pelvis = np.zeros((*trunk.shape[:2], 3))
    spine = pelvis + bones["spine"] * (trunk @ up)
    neck = spine + bones["chest"] * (trunk @ up)
    skull = neck + bones["neck"] * (head @ up)
    found = {
        "pelvis": pelvis,
        "spine": spine,
        "neck": neck,
        "nose": skull + 0.6 * bones["neck"] * (head @ forward),
        "head_top": skull + bones["head"] * (head @ up),
    }
    for side, sign in (("l", 1.0), ("r", -1.0)):
        shoulder = neck + bones["shoulder"] * sign * (trunk @ left) - 0.04 * (trunk @ up)
        upper_arm = _swing(angles[f"{side}_arm_out"], angles[f"{side}_arm_forward"], sign)
        direction = angles[f"{side}_elbow_direction"]
        folded = np.stack(
            [-0.5 * sign + 0 * direction, np.sin(direction), np.cos(direction)], axis=-1
        )
        forearm = _bend(upper_arm, folded, angles[f"{side}_elbow"])
        elbow = shoulder + bones["upper_arm"] * _apply(trunk, upper_arm)
        wrist = elbow + bones["forearm"] * _apply(trunk, forearm)
        hip = pelvis + bones["hip"] * sign * left
        thigh = _swing(angles[f"{side}_leg_out"], angles[f"{side}_leg_forward"], sign)
        shank = _bend(thigh, np.broadcast_to(-forward, thigh.shape), angles[f"{side}_knee"])
        knee = hip + bones["thigh"] * thigh
        found |= {
            f"{side}_shoulder": shoulder,
            f"{side}_elbow": elbow,
            f"{side}_wrist": wrist,
            f"{side}_hip": hip,
            f"{side}_knee": knee,
            f"{side}_ankle": knee + bones["shank"] * shank,
        }
    joints = np.stack([found[joint] for joint in JOINTS], axis=2)
    joints[..., 1] -= joints[..., 1].min(axis=2, keepdims=True)  # the lower foot is on the ground
    return joints


def _swing(out: Angles, forward: Angles, sign: float) -> Vectors:
    """Return the direction of a hanging limb raised sideways and then swung forward."""
    return np.stack(
        [sign * np.sin(out), -np.cos(out) * np.cos(forward), np.cos(out) * np.sin(forward)], axis=-1
    )


def _bend(limb: Vectors, towards: Vectors, angle: Angles) -> Vectors:
    """Return the direction of the limb's lower half, bent by an angle towards some direction."""
    aside = towards - (towards * limb).sum(-1, keepdims=True) * limb
    aside = aside / np.maximum(np.linalg.norm(aside, axis=-1, keepdims=True), 1e-6)
    return np.cos(angle)[..., None] * limb + np.sin(angle)[..., None] * aside


def _apply(turns: Float[ndarray, "figure frame 3 3"], vectors: Vectors) -> Vectors:
    return (turns @ vectors[..., None])[..., 0]


def _turn_y(angle: Angles) -> Float[ndarray, "figure frame 3 3"]:
    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros_like(angle)
    rows = [[cos, zero, sin], [zero, zero + 1, zero], [-sin, zero, cos]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _lean(sideways: Angles, forward: Angles) -> Float[ndarray, "figure frame 3 3"]:
    cos, sin, zero = np.cos(forward), np.sin(forward), np.zeros_like(forward)
    nod = [[zero + 1, zero, zero], [zero, cos, -sin], [zero, sin, cos]]
    cos, sin = np.cos(sideways), np.sin(sideways)
    tilt = [[cos, sin, zero], [-sin, cos, zero], [zero, zero, zero + 1]]
    nods, tilts = (
        np.stack([np.stack(row, axis=-1) for row in rows], axis=-2) for rows in (nod, tilt)
    )
    return tilts @ nods
