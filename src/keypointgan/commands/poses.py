"""Files of poses turned into each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keypointgan.commands.outputs import check_output
from keypointgan.data.pose_files.files import arrange, read_instances
from keypointgan.data.pose_files.instances import Instances
from keypointgan.data.video import probe
from keypointgan.data.whole_files import make_folder
from keypointgan.errors import DataError
from keypointgan.inference.formats import check_suffix, save_poses, to_poses
from keypointgan.inference.poses import Poses
from keypointgan.inference.smoothing import Method, smooth
from keypointgan.skeletons import Skeleton
from keypointgan.wording import counted


@dataclass(frozen=True)
class Conversion:
    """What was written, and what people should know about it.

    Attributes:
        summary: Animals, frames and joints.
        notes: What was left out, is missing or looks odd.
    """

    summary: str
    notes: tuple[str, ...]


def convert_poses(
    source: Path,
    output: Path,
    *,
    skeleton: str | None = None,
    joint_map: Mapping[str, str] | None = None,
    partial: bool = False,
    tracks: Sequence[str] = (),
    video: Path | None = None,
    fps: float | None = None,
    smoothing: Method | None = None,
) -> Conversion:
    """Write the poses of one file as another, of the format that its suffix names.

    Args:
        source: A .csv, .npz, .slp, .h5, .json or .nwb file.
        output: The file to write.
        skeleton: Gives the joints and their order; without it, what the file tells.
        joint_map: For joints that the file calls otherwise: skeleton's name -> file's name.
        partial: Leave joints of the skeleton that the file lacks empty.
        tracks: The animals to take; all of them if empty.
        video: The video that the poses were found in: tells its size and frame rate.
        fps: Frames a second, where neither the file nor a video tells.
        smoothing: How to smooth the tracks; not at all without.

    Raises:
        DataError: The source cannot be read, or lacks joints or animals.
        ExportError: The output cannot be written.
    """
    check_suffix(output)
    check_output(output, reads=[source])
    instances = read_instances(source)
    if skeleton is not None:
        chosen = Skeleton.load(skeleton)
        instances = arrange(
            instances, chosen, joint_map=joint_map, partial=partial, where=str(source)
        )
    elif joint_map or partial:
        raise DataError(
            "Expected a skeleton with --map or --partial, got none. Name one with --skeleton."
        )
    if video is not None:
        instances = _with_video(instances, video, where=source)
    every = to_poses(instances, where=str(source), fps=fps)
    every = _chosen(every, tracks, where=source)
    if smoothing is not None:
        every = [smooth(poses, method=smoothing) for poses in every]
    make_folder(output.parent)
    save_poses(every, output)
    names = ", ".join(poses.track for poses in every if poses.track)
    animals = counted(len(every), "animal")
    return Conversion(
        summary=f"{animals}{f' ({names})' if names else ''}, {counted(len(every[0]), 'frame')}, "
        f"{counted(len(every[0].joints), 'joint')}",
        notes=(*instances.notes, *_oddities(every)),
    )


def _with_video(instances: Instances, video: Path, *, where: Path) -> Instances:
    if len(instances.videos) > 1:
        raise DataError(
            f"{where}: expected poses of one video with '{video}', got {len(instances.videos)}."
        )
    info = probe(video)
    known = replace(
        instances.videos[0], name=str(video), size=(info.height, info.width), fps=info.fps or None
    )
    last = int(instances.frame.max(initial=-1))
    if last >= info.frames:
        raise DataError(
            f"{where}: expected poses of the {counted(info.frames, 'frame')} of {video}, got one "
            f"of frame {last}. Are they of another video?"
        )
    return replace(instances, videos=(replace(known, frames=info.frames),))


def _chosen(every: list[Poses], tracks: Sequence[str], *, where: Path) -> list[Poses]:
    known = {poses.track for poses in every}
    for track in tracks:
        if track not in known:
            names = ", ".join(sorted(known)) or "one without a name"
            raise DataError(f"{where}: expected an animal '{track}', got {names}.")
    return [poses for poses in every if not tracks or poses.track in tracks]


def _oddities(every: Sequence[Poses]) -> list[str]:
    notes = []
    points = sum(poses.xy.shape[0] * poses.xy.shape[1] for poses in every)
    missing = sum(int(np.isnan(poses.xy).any(axis=-1).sum()) for poses in every)
    if missing:
        notes.append(
            f"{missing:,} of {counted(points, 'point')} missing ({100 * missing / points:.1f} %)"
        )
    outside = sum(_count_outside(poses) for poses in every)
    if outside:
        notes.append(f"kept {counted(outside, 'point')} outside of the image")
    return notes


def _count_outside(poses: Poses) -> int:
    """How many points lie outside; of a video of unknown size, those left of it or above."""
    height, width = poses.size or (np.inf, np.inf)
    outside = (poses.xy < 0) | (poses.xy > np.array([width, height]))  # NaN is neither
    return int(outside.any(axis=-1).sum())
