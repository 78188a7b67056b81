"""Poses to SLEAP projects. Their reader is in `data.pose_files.sleap`."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from keypointgan.data.pose_files.instances import PIXEL_CENTRE
from keypointgan.errors import MissingExtraError
from keypointgan.inference.poses import Poses

POINT_BYTES, INSTANCE_BYTES, HEAD_BYTES = 26, 200, 200_000
"""At most, in a project: a point, an animal in a frame without its points, and all else."""
_ZEROS = bytes(1 << 20)


def write_slp(poses: Sequence[Poses], path: Path) -> None:
    """Write predicted instances with their scores, one track an animal, one video a source.

    Links that end between joints cannot be told to SLEAP and are left out. The last frame of a
    video is written even if it is empty, so that the length is kept.

    Raises:
        MissingExtraError: sleap-io is not installed.
    """
    try:
        import sleap_io
    except ImportError as error:
        raise MissingExtraError(
            "sleap-io", extra="formats", purpose="write SLEAP projects"
        ) from error
    skeleton = _to_sleap_skeleton(poses[0])
    names = dict.fromkeys(each.track for each in poses if each.track)
    tracks = {name: sleap_io.Track(name=name) for name in names}
    frames, videos = [], []
    for source, of_source in groupby(poses, key=lambda each: each.source):
        together = list(of_source)
        first = together[0]
        # SLEAP opens the video from its path; its length and size are told for where it cannot.
        known = {"shape": [len(first), *first.size, 3]} if first.size else {}
        video = sleap_io.Video(
            filename=source or "video.mp4",
            open_backend=False,
            backend_metadata={"type": "MediaVideo", "fps": first.fps, "grayscale": False, **known},
        )
        videos.append(video)
        for number in range(len(first)):
            instances = [
                sleap_io.PredictedInstance.from_numpy(
                    points_data=np.column_stack([xy - PIXEL_CENTRE, confidence]),
                    skeleton=skeleton,
                    score=float(confidence.mean()),
                    track=tracks.get(each.track),
                )
                for each in together
                if not np.isnan(xy := each.xy[number]).all()
                and len(confidence := each.confidence[number])
            ]
            if instances or number == len(first) - 1:
                frames.append(
                    sleap_io.LabeledFrame(video=video, frame_idx=number, instances=instances)
                )
    labels = sleap_io.Labels(
        labeled_frames=frames,
        videos=videos,
        skeletons=[skeleton],
        tracks=list(tracks.values()),
        provenance={"written_by": "keypointgan", "fps": poses[0].fps},
    )
    _check_room(path, poses)
    sleap_io.save_slp(labels, str(path), verbose=False)


def _check_room(path: Path, poses: Sequence[Poses]) -> None:
    """Write as many zeros as the project will need, and take them away again.

    Where HDF5 finds a disk full in the middle of a file, it may end the whole process.
    """
    per_pose = POINT_BYTES * len(poses[0].joints) + INSTANCE_BYTES
    needed = HEAD_BYTES + sum(len(each) for each in poses) * per_pose
    try:
        with path.open("wb") as file:
            for start in range(0, needed, len(_ZEROS)):
                file.write(_ZEROS[: needed - start])
    finally:
        path.unlink(missing_ok=True)


def _to_sleap_skeleton(poses: Poses) -> Any:
    import sleap_io

    joints = poses.skeleton.joints
    nodes = [sleap_io.Node(joint) for joint in joints]
    return sleap_io.Skeleton(
        name=poses.skeleton.name,
        nodes=nodes,
        edges=[
            sleap_io.Edge(nodes[start[0]], nodes[stop[0]])
            for start, stop in poses.skeleton.links
            if len(start) == len(stop) == 1
        ],
        symmetries=[
            sleap_io.Symmetry([nodes[left], nodes[right]]) for left, right in poses.skeleton.pairs
        ],
    )
