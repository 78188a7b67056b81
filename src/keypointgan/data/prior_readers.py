"""Files of unpaired poses, each format as it is: joints and their order are those of the file."""

import csv
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from keypointgan.data.pose_files.files import read_instances
from keypointgan.data.pose_files.table import shown
from keypointgan.data.prior_acclaim import read_amc
from keypointgan.data.prior_bvh import read_bvh
from keypointgan.data.prior_mocap import Motion
from keypointgan.errors import DataError, PriorError

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


def read_pose_file(path: Path, *, least_confidence: float = 0.0) -> PoseFile:
    """Return the poses of a file of any format that is known.

    Args:
        path: The file.
        least_confidence: Points of trackers that are less sure than this count as missing.

    Raises:
        PriorError: The file is missing, of another kind or damaged.
        MissingExtraError: The format needs a package that is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise PriorError(
            f"{path}: expected poses in a file {', '.join(READERS)}, got '{path.name}'."
        )
    if not path.is_file():
        raise PriorError(f"{path}: expected a file of poses, and there is none. Check the path.")
    if suffix in _TRACKED or _is_tracked(path):
        return _read_tracked(path, least_confidence)
    try:
        return READERS[suffix](path)
    except UnicodeDecodeError as error:
        raise PriorError(f"{path}: expected a text file, got other bytes.") from error


def _is_tracked(path: Path) -> bool:
    """Whether a csv or npz is one of `Poses` or of DeepLabCut, which have confidences."""
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            header = file.readline().strip()
        return header.startswith("scorer,") or (
            header.startswith("frame,") and header.endswith("_confidence")
        )
    if path.suffix.lower() == ".npz":
        try:
            with zipfile.ZipFile(path) as file:
                return "confidence.npy" in file.namelist()
        except (OSError, zipfile.BadZipFile):
            return False  # the reader of npz files says what is wrong
    return False


def _read_tracked(path: Path, least_confidence: float) -> PoseFile:
    """Return the poses in which at least one point is there, of all animals and videos."""
    try:
        instances = read_instances(path)
    except PriorError:
        raise
    except DataError as error:
        raise PriorError(str(error)) from error
    xy = np.where((instances.confidence >= least_confidence)[..., None], instances.xy, np.nan)
    seen = np.isfinite(xy).any(axis=(1, 2))
    return PoseFile(xy[seen].astype(np.float32), instances.skeleton.joints, None)


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
                f"got {shown(header)}."
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


def _from_motion(read: Callable[[Path], Motion]) -> Callable[[Path], PoseFile]:
    def read_motion(path: Path) -> PoseFile:
        motion = read(path)
        return PoseFile(motion.places.astype(np.float32), motion.joints, None)

    return read_motion


def _read_only_tracked(path: Path) -> PoseFile:
    return _read_tracked(path, 0.0)


_TRACKED = (".slp", ".h5", ".json", ".nwb")

READERS: dict[str, Callable[[Path], PoseFile]] = {
    ".npz": _read_npz,
    ".csv": _read_csv,
    **dict.fromkeys(_TRACKED, _read_only_tracked),
    ".bvh": _from_motion(read_bvh),
    ".amc": _from_motion(read_amc),
}
"""The reader of each suffix; csv and npz of trackers are told apart by what they hold."""
