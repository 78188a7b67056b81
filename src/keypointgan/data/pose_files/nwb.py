"""Neurodata Without Borders (.nwb) with the extension ndx-pose.

Any `PoseEstimation` of the file is read, wherever its processing module is: those of ours, of
sleap-io, of DeepLabCut. Coordinates count from the middle of the first pixel, as those programs
have it. Frames are told from times: time × rate, rounded.
"""

from pathlib import Path
from typing import Any

import numpy as np

from keypointgan.data.pose_files.instances import (
    PIXEL_CENTRE,
    FilmedSource,
    Instances,
    from_dense,
)
from keypointgan.errors import DataError, MissingExtraError
from keypointgan.skeletons import Skeleton


def read_nwb(path: Path) -> Instances:
    """Return the poses in an NWB file.

    Raises:
        DataError: The file is no NWB file, or holds no poses, or of several videos.
        MissingExtraError: pynwb or ndx-pose is not installed.
    """
    try:
        import ndx_pose  # noqa: F401 - tells pynwb how to read it
        from hdmf.build import ConstructError
        from pynwb import NWBHDF5IO
    except ImportError as error:
        raise MissingExtraError(
            error.name or "ndx-pose", extra="formats", purpose="read NWB files"
        ) from error
    try:
        with NWBHDF5IO(str(path), mode="r", load_namespaces=True) as file:
            content = file.read()
            found = [
                each
                for module in content.processing.values()
                for each in module.data_interfaces.values()
                if each.neurodata_type == "PoseEstimation"
            ]
            return _to_instances(found, path)
    except (OSError, KeyError, ValueError, TypeError, ConstructError) as error:
        raise DataError(f"{path}: expected an NWB file with poses, got {error}.") from error


def _to_instances(estimations: list[Any], path: Path) -> Instances:
    if not estimations:
        raise DataError(f"{path}: expected poses (PoseEstimation, of ndx-pose), found none.")
    joints = [str(joint) for joint in _skeleton_of(estimations[0]).nodes[:]]
    sources = [_to_source(each) for each in estimations]
    if len({source.name for source in sources}) > 1:
        videos = ", ".join(sorted({source.name for source in sources}))
        raise DataError(f"{path}: expected poses of one video, got {videos}.")
    times = [
        [_read_times(estimation[joint], estimation) for joint in joints]
        for estimation in estimations
    ]
    fps = sources[0].fps or next((rate for each in times for _, rate in each if rate), None) or 1.0
    frames = [[np.rint(time * fps).astype(np.int64) for time, _ in each] for each in times]
    if any((each < 0).any() for row in frames for each in row):
        raise DataError(f"{path}: expected times from the start of the video on, got earlier ones.")
    count = 1 + max((int(each.max(initial=-1)) for row in frames for each in row), default=-1)
    points = np.full((len(estimations), count, len(joints), 3), np.nan)
    for track, estimation in enumerate(estimations):
        for place, joint in enumerate(joints):
            series, rows = estimation[joint], frames[track][place]
            points[track, rows, place, :2] = np.asarray(series.data[:])[:, :2] + PIXEL_CENTRE
            if series.confidence is not None:
                points[track, rows, place, 2] = series.confidence[:]
    names = [each.name.removeprefix("track=") for each in estimations]
    return from_dense(
        points[..., :2],
        points[..., 2],
        skeleton=_to_skeleton(estimations[0], joints),
        tracks=names if len(names) > 1 or names[0] not in _UNNAMED else [""],
        video=FilmedSource(sources[0].name, count, sources[0].size, fps),
    )


_UNNAMED = ("PoseEstimation", "untracked")
"""What one animal without a name is called by us and by sleap-io."""


def _skeleton_of(estimation: Any) -> Any:
    return estimation.skeleton


def _to_skeleton(estimation: Any, joints: list[str]) -> Skeleton:
    edges = estimation.skeleton.edges
    links = np.zeros((0, 2), np.int64) if edges is None else np.asarray(edges[:], np.int64)
    return Skeleton(
        name=str(estimation.skeleton.name),
        joints=tuple(joints),
        links=tuple(((int(start),), (int(stop),)) for start, stop in links.reshape(-1, 2)),
    )


def _to_source(estimation: Any) -> FilmedSource:
    video = estimation.source_video
    if video is not None:
        width, height = (
            (int(side) for side in video.dimension[:2]) if (video.dimension is not None) else (0, 0)
        )
        return FilmedSource(
            name=str(video.external_file[0]) if video.external_file is not None else video.name,
            size=(height, width) if height and width else None,
            fps=float(video.rate) if video.rate else None,
        )
    named = estimation.original_videos
    return FilmedSource(name=str(named[0]) if named is not None and len(named) else "")


def _read_times(series: Any, estimation: Any) -> tuple[np.ndarray, float | None]:
    """Return seconds from the start of the video, and frames a second."""
    video = estimation.source_video
    start = float(video.starting_time or 0) if video is not None else 0.0
    if series.timestamps is None:
        count = len(series.data)
        return float(series.starting_time or 0) - start + np.arange(count) / series.rate, float(
            series.rate
        )
    times = np.asarray(series.timestamps[:], np.float64) - start
    gaps = np.diff(times)
    return times, float(1 / gaps.min()) if len(gaps) and gaps.min() > 0 else None
