"""Poses to files and back, by the suffix of the file.

| suffix | format | animals |
| --- | --- | --- |
| .csv | a line a frame, ours | several |
| .npz | ours, without loss | several |
| .dlc.csv, .h5 | DeepLabCut | several |
| .slp | SLEAP | several, of several videos |
| .json | COCO keypoints | several |
| .nwb | NWB with ndx-pose | several |

A .csv is read as DeepLabCut's where it begins like one. In all but ours, coordinates count from
the middle of the first pixel, half a pixel from our outer edge: they are converted on the way.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from keypointgan.data.pose_files.files import READERS, arrange, read_instances
from keypointgan.data.pose_files.instances import Instances, to_tracks
from keypointgan.data.whole_files import whole_file
from keypointgan.errors import ExportError
from keypointgan.inference.poses import Poses
from keypointgan.skeletons import Skeleton

WRITERS: dict[str, tuple[str, str]] = {
    ".csv": ("formats_own", "write_csv"),
    ".npz": ("formats_own", "write_npz"),
    ".dlc.csv": ("formats_deeplabcut", "write_csv"),
    ".h5": ("formats_deeplabcut", "write_h5"),
    ".slp": ("formats_sleap", "write_slp"),
    ".json": ("formats_coco", "write_coco"),
    ".nwb": ("formats_nwb", "write_nwb"),
}
"""Module and function of each suffix; loaded when a file of that format is written."""

_SEVERAL_SOURCES = {".slp"}
_log = logging.getLogger(__name__)


def save_poses(poses: Poses | Sequence[Poses], path: str | Path) -> None:
    """Write the poses of one or several animals in the format that the suffix of `path` names.

    Args:
        poses: Of one animal, or of all animals of a video, each with a `track` of its own.
        path: The file; an existing one is replaced when the new one is complete.

    Raises:
        ExportError: No format has that suffix, the poses do not belong in one file, or it cannot
            be written.
        MissingExtraError: The format needs a package that is not installed.
    """
    path = Path(path)
    suffix = check_suffix(path)
    every = [poses] if isinstance(poses, Poses) else list(poses)
    _check_together(every, path, several_sources=suffix in _SEVERAL_SOURCES)
    module, function = WRITERS[suffix]
    write: Callable[[Sequence[Poses], Path], None] = getattr(
        import_module(f"keypointgan.inference.{module}"), function
    )
    with whole_file(path) as beside:
        write(every, beside)


def load_poses(
    path: str | Path,
    *,
    skeleton: Skeleton | None = None,
    joint_map: Mapping[str, str] | None = None,
    partial: bool = False,
    fps: float | None = None,
) -> list[Poses]:
    """Return the poses of each animal in a file, row k of each being frame k.

    Args:
        path: A .csv, .npz, .slp, .h5, .json or .nwb file.
        skeleton: Gives the joints and their order; without it, what the file tells.
        joint_map: For joints that the file calls otherwise: skeleton's name -> file's name.
        partial: Leave joints of the skeleton that the file lacks empty.
        fps: Frames a second, where the file does not tell.

    Raises:
        DataError: The file is absent, of no such format, damaged, or lacks joints.
        MissingExtraError: The format needs a package that is not installed.
    """
    instances = read_instances(path)
    if skeleton is not None:
        instances = arrange(
            instances, skeleton, joint_map=joint_map, partial=partial, where=str(path)
        )
    for note in instances.notes:
        _log.warning("%s: %s", path, note)
    return to_poses(instances, where=str(path), fps=fps)


def to_poses(instances: Instances, *, where: str, fps: float | None = None) -> list[Poses]:
    """Return the poses of each animal among the instances of a file.

    Raises:
        DataError: A frame has two poses of one animal.
    """
    return [
        Poses(
            track.xy,
            track.confidence,
            track.skeleton,
            fps=fps if track.video.fps is None else track.video.fps,
            source=track.video.name,
            track=track.name,
            size=track.video.size,
            raw=track.raw,
        )
        for track in to_tracks(instances, where=where)
    ]


def check_suffix(path: str | Path) -> str:
    """Return the suffix of the format of `path`, before poses for it are computed.

    Raises:
        ExportError: No format has that suffix.
    """
    name = Path(path).name.lower()
    suffix = ".dlc.csv" if name.endswith(".dlc.csv") else Path(path).suffix.lower()
    if suffix not in WRITERS:
        raise ExportError(
            f"{path}: expected a file that ends in {', '.join(WRITERS)}, got "
            f"'{suffix or 'no suffix'}'."
        )
    return suffix


def _check_together(poses: Sequence[Poses], path: Path, *, several_sources: bool) -> None:
    if not poses:
        raise ExportError(f"{path}: expected poses of at least one animal, got none.")
    first = poses[0]
    if any(each.joints != first.joints for each in poses):
        raise ExportError(f"{path}: expected animals with the same joints, got different ones.")
    sources = {each.source for each in poses}
    if len(sources) > 1 and not several_sources:
        raise ExportError(
            f"{path}: expected poses of one video, got {len(sources)} ({', '.join(sources)}). "
            "Only SLEAP projects (.slp) hold several."
        )
    for source in sources:
        of_source = [each for each in poses if each.source == source]
        lengths = {len(each) for each in of_source}
        names = [each.track for each in of_source]
        if len(lengths) > 1:
            raise ExportError(
                f"{path}: expected as many frames of each animal, got {sorted(lengths)}. Fill "
                "frames without an animal with NaN."
            )
        if len(set(names)) < len(names) or (len(names) > 1 and "" in names):
            raise ExportError(
                f"{path}: expected a name of its own for each animal (Poses.track), got {names}."
            )


__all__ = ["READERS", "WRITERS", "check_suffix", "load_poses", "save_poses", "to_poses"]
