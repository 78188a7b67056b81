"""Files of poses, in pixels of the videos, as labels of the frames that a store cut out of them."""

from pathlib import Path, PurePosixPath

import numpy as np

from keypointgan.data.index import Clip
from keypointgan.data.labels import Labels
from keypointgan.data.pose_files.files import read_instances
from keypointgan.data.pose_files.instances import Instances
from keypointgan.data.store import Store
from keypointgan.errors import LabelError


def read_labels(path: str | Path, store: Store) -> Labels:
    """Return the labels in an npz file of labels, or in any file of poses.

    Poses are those of a SLEAP or DeepLabCut project, say, in pixels of the videos that the store
    was made of. They are found by the names of video and animal, and by the number of the frame;
    the video's does not matter where there is only one.

    Args:
        path: The file.
        store: The store whose frames are labelled.

    Raises:
        LabelError: The file is no such file, or labels no frame of the store.
        DataError: A file of poses cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() == ".npz":
        return Labels.load(path)
    poses = read_instances(path)
    boxes = store.boxes(np.arange(store.num_frames))
    alone = len(poses.videos) == 1 and len({clip.source for clip in store.clips}) == 1
    points, clips, frames = [], [], []
    for clip in store.clips:
        rows = _poses_of(clip, poses, alone=alone)
        if not rows.size:
            continue
        places = poses.frame[rows] - clip.first
        squares = boxes[clip.start + places][:, None]
        if np.isnan(squares).any():
            raise LabelError(
                f"{store.path}: expected to know what part of its video each frame of "
                f"'{clip.name}' shows, but the store is of an earlier version. Ingest again."
            )
        corners, sides = squares[..., :2], squares[..., 2:] - squares[..., :2]
        points.append((poses.xy[rows] - corners) / sides * 2 - 1)
        clips += [clip.name] * len(rows)
        frames.append(places)
    if not points:
        videos = (
            ", ".join(sorted({video.name for video in poses.videos if video.name})) or "no name"
        )
        raise LabelError(
            f"{path}: expected poses of the videos in {store.path}, got those of {videos} "
            f"with the animals {', '.join(map(repr, poses.tracks))}. The names of videos, and of "
            f"animals, must be those of the clips, such as '{store.clips[0].name}'."
        )
    return Labels(
        xy=np.concatenate(points).astype(np.float32),
        clip=tuple(clips),
        frame=np.concatenate(frames).astype(np.int64),
        action=None,
        joints=poses.skeleton.joints,
    )


def _poses_of(clip: Clip, poses: Instances, *, alone: bool) -> np.ndarray:
    """The poses with a point of the animal that a clip shows, in the frames of the clip."""
    source = Path(clip.source).stem
    stems = [PurePosixPath(video.name.replace("\\", "/")).stem for video in poses.videos]
    wanted = np.array([alone or stem in {source, ""} for stem in stems])
    animal = clip.name.removeprefix(clip.group).removeprefix("/")
    named = np.array([track in {animal, animal.rpartition("@")[0]} for track in poses.tracks])
    if not animal and len(poses.tracks) == 1:
        named[:] = True
    inside = (poses.frame >= clip.first) & (poses.frame < clip.first + clip.frames)
    seen = np.isfinite(poses.xy).all(axis=-1).any(axis=-1)
    return np.flatnonzero(wanted[poses.video] & named[poses.track] & inside & seen)
