"""What every file of poses comes down to: single poses, each with its frame and its animal."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

PIXEL_CENTRE = 0.5
"""The middle of the first pixel in our coordinates, whose outer edges are 0 and width or height.

In the files of DeepLabCut, SLEAP, COCO and NWB it is 0: readers add this, writers take it off.
"""


@dataclass(frozen=True)
class FilmedSource:
    """A video that poses belong to, as far as their file tells.

    Attributes:
        name: Its path, or what else the file calls it.
        frames: How many frames it has; None if unknown.
        size: Its (height, width) in pixels; None if unknown.
        fps: Frames a second; None if unknown.
    """

    name: str = ""
    frames: int | None = None
    size: tuple[int, int] | None = None
    fps: float | None = None


@dataclass(frozen=True, eq=False)
class Instances:
    """Poses of animals in frames of videos, in any order.

    Attributes:
        xy: Pixels of the video, whose outer edges are 0 and width or height; NaN where missing.
        confidence: From 0 to 1; 0 where missing.
        frame: Number of the frame, from 0.
        track: Index into `tracks`.
        video: Index into `videos`.
        skeleton: The joints, and the links as far as the file tells.
        tracks: Names of the animals; "" where there is only one without a name.
        videos: The videos.
        raw: `xy` before it was smoothed, where the file keeps both.
        notes: What was left out or changed on reading, for people.
    """

    xy: Float64[ndarray, "_instance _joint 2"]
    confidence: Float64[ndarray, "_instance _joint"]
    frame: Int64[ndarray, " _instance"]
    track: Int64[ndarray, " _instance"]
    video: Int64[ndarray, " _instance"]
    skeleton: Skeleton
    tracks: tuple[str, ...] = ("",)
    videos: tuple[FilmedSource, ...] = (FilmedSource(),)
    raw: Float64[ndarray, "_instance _joint 2"] | None = None
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.xy)


@dataclass(frozen=True, eq=False)
class Track:
    """One animal through all frames of a video: row k is frame k.

    Attributes:
        name: Of the animal; "" for one without a name.
        xy: As in `Instances`; NaN in frames without the animal.
        confidence: As in `Instances`.
        raw: As in `Instances`.
        skeleton: As in `Instances`.
        video: The video.
    """

    name: str
    xy: Float64[ndarray, "_frame _joint 2"]
    confidence: Float64[ndarray, "_frame _joint"]
    raw: Float64[ndarray, "_frame _joint 2"] | None
    skeleton: Skeleton
    video: FilmedSource


def to_tracks(instances: Instances, *, where: str) -> list[Track]:
    """Return a track for each animal of each video, in their order; at least one.

    All tracks of a video have the same frames: as many as the video has where the file tells,
    else up to the last one with a pose.

    Args:
        instances: Poses of a file.
        where: The file, for errors.

    Raises:
        DataError: A frame has two poses of one animal, or the video is shorter than its poses.
    """
    tracks = []
    for video_index, video in enumerate(instances.videos):
        of_video = instances.video == video_index
        last = int(instances.frame[of_video].max(initial=-1))
        count = last + 1 if video.frames is None else video.frames
        if last >= count:
            raise DataError(
                f"{where}: expected poses of frames 0 to {count - 1} of '{video.name}', got one "
                f"of frame {last}."
            )
        for track_index, name in enumerate(instances.tracks):
            rows = np.flatnonzero(of_video & (instances.track == track_index))
            if rows.size:
                tracks.append(_track(instances, rows, name, video, count, where=where))
    if not tracks:
        none = np.flatnonzero(instances.frame < 0)
        count = instances.videos[0].frames or 0
        tracks.append(
            _track(instances, none, instances.tracks[0], instances.videos[0], count, where=where)
        )
    return tracks


def _track(
    instances: Instances,
    rows: Int64[ndarray, " row"],
    name: str,
    video: FilmedSource,
    count: int,
    *,
    where: str,
) -> Track:
    frames = instances.frame[rows]
    numbers, times = np.unique(frames, return_counts=True)
    if (times > 1).any():
        who = f"'{name}'" if name else "the animal"
        raise DataError(
            f"{where}: expected one pose of {who} in a frame, got {times.max()} in frame "
            f"{numbers[times.argmax()]}. Give animals names of their own."
        )
    joints = instances.skeleton.num_joints
    xy = np.full((count, joints, 2), np.nan)
    confidence = np.zeros((count, joints))
    xy[frames], confidence[frames] = instances.xy[rows], instances.confidence[rows]
    raw = None
    if instances.raw is not None:
        raw = np.full_like(xy, np.nan)
        raw[frames] = instances.raw[rows]
    return Track(name, xy, confidence, raw, instances.skeleton, video)


def from_dense(
    xy: ndarray,
    confidence: ndarray,
    *,
    skeleton: Skeleton,
    tracks: Sequence[str],
    video: FilmedSource,
    frames: ndarray | None = None,
    notes: Sequence[str] = (),
) -> Instances:
    """Return the instances of arrays (track, frame, joint, ...), all frames of all tracks.

    Args:
        xy: Pixels, outer edges.
        confidence: From 0 to 1, or NaN where unknown; it is made 0 where a point is missing, 1
            where it is unknown, and at most 1.
        skeleton: The joints.
        tracks: Names of the animals.
        video: The video.
        frames: Numbers of the frames; from 0 on without.
        notes: As in `Instances`.
    """
    count = xy.shape[1]
    numbers = np.arange(count) if frames is None else frames
    if video.frames is None and frames is None:
        video = replace(video, frames=count)
    xy = xy.reshape(-1, *xy.shape[2:]).astype(np.float64)
    return Instances(
        xy=xy,
        confidence=tidy_confidence(confidence.reshape(-1, confidence.shape[-1]), xy),
        frame=np.tile(numbers, len(tracks)).astype(np.int64),
        track=np.repeat(np.arange(len(tracks)), count).astype(np.int64),
        video=np.zeros(count * len(tracks), np.int64),
        skeleton=skeleton,
        tracks=tuple(tracks),
        videos=(video,),
        notes=tuple(notes),
    )


def tidy_confidence(confidence: ndarray, xy: ndarray) -> Float64[ndarray, "_instance _joint"]:
    """Return confidences from 0 to 1: 0 where a point is missing, 1 where none was given.

    SLEAP's scores are heights of peaks and sometimes exceed 1, where they are cut.
    """
    values = np.where(np.isnan(confidence), 1.0, confidence).clip(0.0, 1.0)
    return np.where(np.isfinite(xy).all(axis=-1), values, 0.0)
