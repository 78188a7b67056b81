"""Files of unpaired poses -> arrays in the order of a skeleton.

Read are npz (`xy` (pose, joint, 2) in pixels of whatever pictures they come from, or `xyz`
(pose, joint, 3) in metres with y up; optional `joints` with their names; optional scalar `size`,
the side in pixels of the frames that `xy` refers to), csv (a pose a row, columns `<joint>_x` and
`<joint>_y`) and SLEAP projects (slp).
"""

import csv
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from keypointgan.errors import MissingExtraError, PriorError
from keypointgan.skeletons import Skeleton
from keypointgan.types import PoseArray

AnyPoses = Float32[ndarray, "pose joint axes"]
"""Poses in the order of their file, before the joints of a skeleton are picked."""


@dataclass(frozen=True)
class PoseFile:
    """What a file of poses holds.

    Attributes:
        points: Poses in the order of the file (or of a skeleton, once arranged).
        joints: Names of the joints, where the file tells.
        size: Side in pixels of the frames that 2D points refer to, where the file tells.
    """

    points: AnyPoses
    joints: tuple[str, ...] | None
    size: float | None


def read_poses(
    path: str | Path, skeleton: Skeleton, *, joint_map: Mapping[str, str] | None = None
) -> PoseFile:
    """Return the poses of a file, their joints picked and put in the order of the skeleton.

    Incomplete poses are kept, their missing points NaN.

    Args:
        path: An npz, csv or slp file.
        skeleton: Gives the joints and their order.
        joint_map: For joints that the file calls otherwise: skeleton's name -> file's name.

    Raises:
        PriorError: The file is missing, of another kind, or lacks joints of the skeleton.
        MissingExtraError: An slp file, and sleap-io is not installed.
    """
    path = Path(path)
    readers = {".npz": _read_npz, ".csv": _read_csv, ".slp": _read_slp}
    if path.suffix not in readers:
        raise PriorError(f"{path}: expected poses in a file .npz, .csv or .slp, got '{path.name}'.")
    if not path.is_file():
        raise PriorError(f"{path}: expected a file of poses, and there is none. Check the path.")
    poses = readers[path.suffix](path)
    return PoseFile(_arrange(poses, path, skeleton, joint_map or {}), skeleton.joints, poses.size)


def build_prior(
    source: str | Path,
    output: str | Path,
    skeleton: Skeleton,
    *,
    joint_map: Mapping[str, str] | None = None,
    drop_incomplete: bool = False,
) -> int:
    """Write the poses of any readable file as an npz for this skeleton; return how many.

    Args:
        source: An npz, csv or slp file.
        output: The npz to write.
        skeleton: Gives the joints and their order.
        joint_map: For joints that the source calls otherwise: skeleton's name -> source's name.
        drop_incomplete: Leave out poses with a missing point, which is an error otherwise.

    Raises:
        PriorError: The source cannot be read, or holds incomplete poses and may not drop them.
    """
    poses = read_poses(source, skeleton, joint_map=joint_map)
    points = poses.points[complete(poses.points)] if drop_incomplete else poses.points
    check_complete(points, source)
    if len(points) == 0:
        raise PriorError(f"{source}: expected poses with every joint of '{skeleton.name}', got 0.")
    name = "xy" if points.shape[-1] == 2 else "xyz"
    size = {} if poses.size is None else {"size": np.float32(poses.size)}
    arrays = {name: points, "joints": np.array(skeleton.joints), **size}
    np.savez_compressed(Path(output), **arrays)  # type: ignore[arg-type]  # its stub: allow_pickle
    return len(points)


def load_slp_poses(
    path: str | Path, skeleton: Skeleton, *, joint_map: Mapping[str, str] | None = None
) -> PoseArray:
    """Return the complete hand-labelled or proofread poses (pose, joint, 2) of a SLEAP project.

    Instances with a missing point are left out.

    Raises:
        PriorError: The file cannot be read or lacks joints of the skeleton.
        MissingExtraError: sleap-io is not installed.
    """
    points = read_poses(path, skeleton, joint_map=joint_map).points
    return points[complete(points)]


def complete(points: AnyPoses) -> np.ndarray:
    """Return for each pose whether all of its coordinates are finite."""
    return np.isfinite(points).all(axis=(1, 2))


def check_complete(points: AnyPoses, path: str | Path) -> None:
    """Refuse poses with missing points.

    Raises:
        PriorError: How many are incomplete, which, and how to drop them.
    """
    broken = np.flatnonzero(~complete(points))
    if broken.size:
        some = ", ".join(str(index) for index in broken[:5]) + (", ..." if broken.size > 5 else "")
        raise PriorError(
            f"{path}: expected complete poses, got {broken.size} of {len(points)} with a missing "
            f"or infinite coordinate (poses {some}). Drop them with 'keypointgan prior build "
            "--drop-incomplete', or fill them in."
        )


def _read_npz(path: Path) -> PoseFile:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = [name for name in ("xy", "xyz") if name in file.files]
            if len(names) != 1:
                raise PriorError(
                    f"{path}: expected either 'xy' (pose, joint, 2) in pixels or 'xyz' "
                    f"(pose, joint, 3) in metres, got {', '.join(file.files) or 'no arrays'}."
                )
            points = np.asarray(file[names[0]], dtype=np.float32)
            joints = tuple(map(str, file["joints"])) if "joints" in file.files else None
            size = float(file["size"]) if "size" in file.files else None
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise PriorError(f"{path}: expected an npz file of numbers, got {error}.") from error
    axes = len(names[0])
    if points.ndim != 3 or points.shape[2] != axes:
        raise PriorError(
            f"{path}: expected '{names[0]}' of shape (pose, joint, {axes}), got {points.shape}."
        )
    return PoseFile(points, joints, size)


def _read_csv(path: Path) -> PoseFile:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        header = [column for column in rows.fieldnames or [] if column]
        joints = [column[:-2] for column in header if column.endswith("_x")]
        if not joints or any(f"{joint}_y" not in header for joint in joints):
            raise PriorError(
                f"{path}: expected columns <joint>_x and <joint>_y for each joint, "
                f"got {', '.join(header) or 'no header'}."
            )
        points = []
        for line, row in enumerate(rows, start=2):
            if None in row or None in row.values():  # too long or too short
                raise PriorError(
                    f"{path}, line {line}: expected {len(rows.fieldnames or [])} values, as in "
                    "the header; got another number."
                )
            try:
                points.append(
                    [[float(row[f"{joint}_{axis}"] or "nan") for axis in "xy"] for joint in joints]
                )
            except ValueError as error:
                raise PriorError(f"{path}, line {line}: expected numbers, got {error}.") from error
    array = np.array(points, dtype=np.float32).reshape(-1, len(joints), 2)
    return PoseFile(array, tuple(joints), None)


def _read_slp(path: Path) -> PoseFile:
    try:
        from sleap_io import load_slp
    except ImportError as error:
        raise MissingExtraError(
            "sleap-io", extra="formats", purpose="read poses of a SLEAP project"
        ) from error
    try:
        labels = load_slp(str(path), open_videos=False)
    except (OSError, KeyError, ValueError) as error:
        raise PriorError(f"{path}: expected a SLEAP project, got {error}.") from error
    joints = tuple(labels.skeletons[0].node_names) if labels.skeletons else ()
    poses = [instance.numpy() for frame in labels for instance in frame.instances]
    return PoseFile(np.array(poses, dtype=np.float32).reshape(-1, len(joints), 2), joints, None)


def _arrange(
    poses: PoseFile, path: Path, skeleton: Skeleton, joint_map: Mapping[str, str]
) -> AnyPoses:
    for joint in joint_map:
        skeleton.index_of(joint)
    if poses.joints is not None:
        if len(poses.joints) != poses.points.shape[1]:
            raise PriorError(
                f"{path}: expected a name in 'joints' for each of the {poses.points.shape[1]} "
                f"joints, got {len(poses.joints)} names."
            )
        wanted = [joint_map.get(joint, joint) for joint in skeleton.joints]
        missing = [joint for joint in wanted if joint not in poses.joints]
        if missing:
            raise PriorError(_describe_missing(missing, poses.joints, path, skeleton))
        return poses.points[:, [poses.joints.index(joint) for joint in wanted]]
    axes = poses.points.shape[2]
    if poses.points.shape[1] != skeleton.num_joints:
        raise PriorError(
            f"{path}: expected poses of shape (pose, {skeleton.num_joints}, {axes}), got "
            f"{poses.points.shape}. The skeleton '{skeleton.name}' has {skeleton.num_joints} "
            "joints; pass --skeleton to choose another ('keypointgan skeletons' lists them)."
        )
    return poses.points


def _describe_missing(
    missing: Sequence[str], joints: Sequence[str], path: Path, skeleton: Skeleton
) -> str:
    near = get_close_matches(missing[0], joints, n=1)
    hint = f" (its '{near[0]}' may be meant)" if near else ""
    return (
        f"{path}: expected the joints of the skeleton '{skeleton.name}', and "
        f"{', '.join(missing)} are not among the file's: {', '.join(joints)}{hint}. "
        "Choose another skeleton, or say which joint of the file is meant with a joint map."
    )
