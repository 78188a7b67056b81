"""Files of unpaired poses -> arrays in the order of a skeleton.

Read are npz (`xy` (pose, joint, 2) in pixels of whatever pictures they come from, or `xyz`
(pose, joint, 3) in metres with y up; optional `joints` with their names; optional scalar `size`,
the side in pixels of the frames that `xy` refers to), csv (a pose a row, columns `<joint>_x` and
`<joint>_y`), what trackers write (DeepLabCut csv and h5, SLEAP slp, COCO json, NWB, and our own
csv and npz of `Poses`), and motion capture (BVH; AMC with its ASF).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from keypointgan.data.pose_files.files import describe_missing
from keypointgan.data.prior_readers import AnyPoses, PoseFile, read_pose_file
from keypointgan.data.whole_files import make_folder, whole_file
from keypointgan.errors import PriorError
from keypointgan.skeletons import Skeleton
from keypointgan.types import PoseArray

Up = Literal["y", "z"]
"""The axis of 3D poses that points up."""


def read_poses(
    path: str | Path,
    skeleton: Skeleton,
    *,
    joint_map: Mapping[str, str] | None = None,
    least_confidence: float = 0.0,
    up: Up = "y",
) -> PoseFile:
    """Return the poses of a file, their joints picked and put in the order of the skeleton.

    Incomplete poses are kept, their missing points NaN.

    Args:
        path: The file.
        skeleton: Gives the joints and their order.
        joint_map: For joints that the file calls otherwise: skeleton's name -> file's name, or
            several of them with "+" between, whose mean is taken (`spine: neck+pelvis`).
        least_confidence: Points of trackers that are less sure than this count as missing.
        up: The axis of 3D poses that points up in the file; it is y in what is returned.

    Raises:
        PriorError: The file is missing, of another kind, or lacks joints of the skeleton.
        MissingExtraError: The format needs a package that is not installed.
    """
    path = Path(path)
    poses = read_pose_file(path, least_confidence=least_confidence)
    points = _arrange(poses, path, skeleton, joint_map or {})
    if up == "z" and points.shape[2] == 3:
        points = np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)
    return PoseFile(points, skeleton.joints, poses.size)


@dataclass(frozen=True)
class BuiltPrior:
    """How many poses were written, and how many left out because a point is missing."""

    poses: int
    incomplete: int


def build_prior(
    sources: str | Path | Sequence[str | Path],
    output: str | Path,
    skeleton: Skeleton,
    *,
    joint_map: Mapping[str, str] | None = None,
    drop_incomplete: bool = False,
    least_confidence: float = 0.0,
    up: Up = "y",
    every: int = 1,
) -> BuiltPrior:
    """Write the poses of readable files as an npz for this skeleton; return how many.

    Args:
        sources: A file of poses or several, all in 2D or all in 3D.
        output: The npz to write.
        skeleton: Gives the joints and their order.
        joint_map: As in `read_poses`.
        drop_incomplete: Leave out poses with a missing point, which is an error otherwise.
        least_confidence: As in `read_poses`.
        up: As in `read_poses`.
        every: Take every so many poses of a file: neighbours in motion capture hardly differ.

    Raises:
        PriorError: A source cannot be read, or holds incomplete poses and may not drop them.
    """
    given = [sources] if isinstance(sources, str | Path) else list(sources)
    parts, sizes, incomplete = [], set(), 0
    for source in given:
        poses = read_poses(
            source, skeleton, joint_map=joint_map, least_confidence=least_confidence, up=up
        )
        points = poses.points[::every]
        if drop_incomplete:
            whole = complete(points)
            incomplete += int((~whole).sum())
            points = points[whole]
        check_complete(points, source)
        parts.append(points)
        sizes.add(poses.size)
    if len({points.shape[2] for points in parts}) > 1 or len(sizes) > 1:
        raise PriorError(
            "Expected files of poses that are all 2D, of frames of one size, or all 3D, got "
            "different ones. Build a prior of each kind."
        )
    points, size = np.concatenate(parts), sizes.pop()
    if len(points) == 0:
        names = ", ".join(map(str, given))
        raise PriorError(f"{names}: expected poses with every joint of '{skeleton.name}', got 0.")
    arrays = {
        "xy" if points.shape[-1] == 2 else "xyz": points,
        "joints": np.array(skeleton.joints),
        **({} if size is None else {"size": np.float32(size)}),
    }
    make_folder(Path(output).parent)
    with whole_file(Path(output)) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # its stub: allow_pickle
    return BuiltPrior(len(points), incomplete)


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
            f"or infinite coordinate ({'pose' if broken.size == 1 else 'poses'} {some}). Drop them "
            "with 'keypointgan prior build --drop-incomplete', or fill them in."
        )


def check_variety(points: AnyPoses, path: str | Path) -> None:
    """Refuse poses that show nothing: fewer than two, all the same, or all joints at one point.

    Raises:
        PriorError: They are so.
    """
    if len(points) < 2:
        raise PriorError(
            f"{path}: expected at least 2 poses, better hundreds, got {len(points)}. "
            "The discriminator learns what poses look like from their variety."
        )
    if (points == points[0]).all():
        raise PriorError(
            f"{path}: expected poses that differ, got {len(points)} times the same. "
            "Check how the file was written."
        )
    flat = np.flatnonzero((points.max(axis=1) - points.min(axis=1)).max(axis=1) <= 0)
    if flat.size:
        raise PriorError(
            f"{path}: expected joints at different places, got {flat.size} poses with all of them "
            f"at one point (the first is pose {flat[0]}). Remove these poses."
        )


def normalise(points: AnyPoses, size: float | None, path: str | Path) -> AnyPoses:
    """Return 2D poses in coordinates of the frame, from pixels of a frame of `size` if it is given.

    Raises:
        PriorError: They are 3D, or look like pixels of a frame that is not told.
    """
    if points.shape[2] == 3:
        raise PriorError(
            f"{path}: expected 2D poses for the placement 'as_is', got 3D ones. "
            "Place them with 'body' or 'fit'."
        )
    if size is not None:
        return points / np.float32(size) * 2 - 1
    if np.median(np.abs(points)) > 1.5:
        raise PriorError(
            f"{path}: expected normalised coordinates (-1 to 1) for the placement 'as_is', got "
            f"up to {np.abs(points).max():.0f}, which look like pixels. Add to the npz a number "
            "'size', the side of the frames in pixels, or place the poses with 'fit' or 'body'."
        )
    return points


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
        means = [[each] if each in poses.joints else each.split("+") for each in wanted]
        missing = [joint for mean in means for joint in mean if joint not in poses.joints]
        if missing:
            raise PriorError(describe_missing(missing, poses.joints, skeleton, where=str(path)))
        places = [[poses.joints.index(joint) for joint in mean] for mean in means]
        return np.stack([poses.points[:, place].mean(axis=1) for place in places], axis=1)
    axes = poses.points.shape[2]
    if poses.points.shape[1] != skeleton.num_joints:
        raise PriorError(
            f"{path}: expected poses of shape (pose, {skeleton.num_joints}, {axes}), got "
            f"{poses.points.shape}. The skeleton '{skeleton.name}' has {skeleton.num_joints} "
            "joints; pass --skeleton to choose another ('keypointgan skeletons' lists them)."
        )
    return poses.points
