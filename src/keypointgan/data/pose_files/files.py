"""A file of poses of any format, by its suffix and what it begins with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from keypointgan.data.pose_files import coco, deeplabcut, nwb, own, sleap
from keypointgan.data.pose_files.instances import Instances
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton
from keypointgan.wording import counted


def _read_csv(path: Path) -> Instances:
    if deeplabcut.is_deeplabcut_csv(path):
        return deeplabcut.read_csv(path)
    return own.read_csv(path)


READERS: dict[str, Callable[[Path], Instances]] = {
    ".csv": _read_csv,
    ".npz": own.read_npz,
    ".h5": deeplabcut.read_h5,
    ".slp": sleap.read_slp,
    ".json": coco.read_coco,
    ".nwb": nwb.read_nwb,
}
"""The reader of each suffix."""


def read_instances(path: str | Path) -> Instances:
    """Return the poses in a file: ours (csv, npz), DeepLabCut, SLEAP, COCO or NWB.

    Raises:
        DataError: The file is absent, of no such format, or damaged.
        MissingExtraError: The format needs a package that is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise DataError(
            f"{path}: expected a file of poses ({', '.join(READERS)}), got "
            f"'{suffix or 'no suffix'}'."
        )
    if not path.is_file():
        raise DataError(f"{path}: expected a file of poses ({suffix}), found none.")
    if path.stat().st_size == 0 and suffix != ".csv":
        raise DataError(f"{path}: expected a file of poses, got an empty file.")
    try:
        return _without_infinity(READERS[suffix](path))
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected text, got other bytes ({error.reason}).") from error


def _without_infinity(instances: Instances) -> Instances:
    """The instances with points at infinity missing, as readers of files take only NaN for it."""
    infinite = np.isinf(instances.xy).any(axis=-1)
    if not infinite.any():
        return instances
    return replace(
        instances,
        xy=np.where(infinite[..., None], np.nan, instances.xy),
        notes=(
            *instances.notes,
            f"took {counted(int(infinite.sum()), 'point')} at infinity as missing",
        ),
    )


def arrange(
    instances: Instances,
    skeleton: Skeleton,
    *,
    joint_map: Mapping[str, str] | None = None,
    partial: bool = False,
    where: str,
) -> Instances:
    """Return the instances with the joints of a skeleton, in its order.

    Args:
        instances: Poses of a file.
        skeleton: Gives the joints.
        joint_map: For joints that the file calls otherwise: skeleton's name -> file's name.
        partial: Leave joints that the file lacks empty (NaN, confidence 0); the notes name them.
        where: The file, for errors.

    Raises:
        DataError: The file lacks joints, and `partial` is not set.
        SkeletonError: The map names a joint that the skeleton does not have.
    """
    joint_map = joint_map or {}
    for joint in joint_map:
        skeleton.index_of(joint)
    joints = instances.skeleton.joints
    wanted = [joint_map.get(joint, joint) for joint in skeleton.joints]
    if tuple(wanted) == joints:
        return replace(instances, skeleton=skeleton)
    missing = [joint for joint in wanted if joint not in joints]
    if missing and (not partial or len(missing) == len(wanted)):
        raise DataError(describe_missing(missing, joints, skeleton, where=where))
    unused = [joint for joint in joints if joint not in wanted]
    notes = list(instances.notes)
    if missing:
        notes.append(f"joints that the file lacks are empty: {', '.join(missing)}")
    if unused:
        notes.append(f"left out joints that '{skeleton.name}' lacks: {', '.join(unused)}")
    places = [joints.index(joint) if joint in joints else -1 for joint in wanted]
    absent = np.array(places) < 0

    def picked(values: np.ndarray, empty: float) -> np.ndarray:
        chosen = values[:, places]
        chosen[:, absent] = empty
        return chosen

    return replace(
        instances,
        xy=picked(instances.xy, np.nan),
        confidence=picked(instances.confidence, 0.0),
        raw=None if instances.raw is None else picked(instances.raw, np.nan),
        skeleton=skeleton,
        notes=tuple(notes),
    )


def describe_missing(
    missing: Sequence[str], joints: Sequence[str], skeleton: Skeleton, *, where: str
) -> str:
    """Return the message for joints of a skeleton that a file lacks."""
    near = get_close_matches(missing[0], joints, n=1)
    hint = f" (its '{near[0]}' may be meant)" if near else ""
    return (
        f"{where}: expected the joints of the skeleton '{skeleton.name}', and "
        f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not among the file's: "
        f"{', '.join(joints)}{hint}. "
        "Choose another skeleton, or say which joint of the file is meant with --map OURS=THEIRS "
        "(in Python: joint_map)."
    )
