"""SLEAP projects (.slp), through sleap-io.

Coordinates count from the middle of the first pixel; sleap-io brings projects older than version
1.1, which counted from its corner, to the same. Where a frame has a proofread and a predicted
instance of one animal, the proofread one is taken.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keypointgan.data.pose_files.instances import (
    PIXEL_CENTRE,
    FilmedSource,
    Instances,
    tidy_confidence,
)
from keypointgan.errors import DataError, MissingExtraError
from keypointgan.skeletons import Skeleton
from keypointgan.wording import counted


def read_slp(path: Path) -> Instances:
    """Return the poses in a SLEAP project.

    In a project without tracks an animal is what comes first, second, ... in a frame; in one with
    tracks, instances without a track are left out.

    Raises:
        DataError: The file is no SLEAP project.
        MissingExtraError: sleap-io is not installed.
    """
    try:
        from sleap_io import load_slp
    except ImportError as error:
        raise MissingExtraError(
            "sleap-io", extra="formats", purpose="read SLEAP projects"
        ) from error
    try:
        labels = load_slp(str(path), open_videos=False)
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path}: expected a SLEAP project, got {error}.") from error
    if len(labels.skeletons) != 1:
        raise DataError(
            f"{path}: expected a project with one skeleton, got {len(labels.skeletons)}."
        )
    skeleton = _to_skeleton(labels.skeletons[0], path)
    order = {id(track): index for index, track in enumerate(labels.tracks)}
    points, frames, tracks, videos = [], [], [], []
    in_frame: Counter[tuple[int, int]] = Counter()
    last: dict[int, int] = {}
    dropped = 0
    for labelled in labels:
        chosen = _choose(labelled, tracked=bool(order))
        dropped += len(labelled.instances) - len(chosen)
        video = labels.videos.index(labelled.video)
        last[video] = max(last.get(video, 0), labelled.frame_idx)
        for instance in chosen:
            points.append(_to_points(instance))
            frames.append(labelled.frame_idx)
            videos.append(video)
            if order:
                tracks.append(order[id(instance.track)])
            else:  # projects may hold a frame more than once
                tracks.append(in_frame[video, labelled.frame_idx])
                in_frame[video, labelled.frame_idx] += 1
    array = np.array(points, np.float64).reshape(-1, skeleton.num_joints, 3)
    xy = array[..., :2] + PIXEL_CENTRE
    names = [track.name for track in labels.tracks]
    if not order:
        count = max(tracks, default=0) + 1
        names = [f"{index + 1}" for index in range(count)] if count > 1 else [""]
    return Instances(
        xy=xy,
        confidence=tidy_confidence(array[..., 2], xy),
        frame=np.array(frames, np.int64),
        track=np.array(tracks, np.int64),
        video=np.array(videos, np.int64),
        skeleton=skeleton,
        tracks=tuple(names),
        videos=tuple(
            _to_source(video, labels, last.get(index)) for index, video in enumerate(labels.videos)
        )
        or (FilmedSource(),),
        notes=(
            f"left out {counted(dropped, 'instance')}: without a track, or predicted where another "
            "is",
        )
        if dropped
        else (),
    )


def _choose(labelled: Any, *, tracked: bool) -> list[Any]:
    """Return one instance an animal: a person's before a network's."""
    by_person = labelled.user_instances
    replaced = {id(instance.from_predicted) for instance in by_person}
    predicted = [each for each in labelled.predicted_instances if id(each) not in replaced]
    if not tracked:
        return [*by_person, *predicted]
    by_track = {
        id(instance.track): instance
        for instance in [*predicted, *by_person]
        if instance.track is not None
    }
    return list(by_track.values())


def _to_points(instance: Any) -> np.ndarray:
    """Return x, y and score of each node; a person's points have no score."""
    points = instance.points
    scores = points["score"] if "score" in (points.dtype.names or ()) else np.nan
    xy = np.where(points["visible"][:, None], points["xy"], np.nan)
    return np.column_stack([xy, np.broadcast_to(scores, len(xy))])


def _to_source(video: Any, labels: Any, last: int | None) -> FilmedSource:
    """Return a video of the project, as long as it says, or as its last labelled frame."""
    shape = video.shape
    fps = video.backend_metadata.get("fps") or labels.provenance.get("fps")
    return FilmedSource(
        name=str(video.filename if isinstance(video.filename, str) else video.filename[0]),
        frames=max(int(shape[0]) if shape else 0, 0 if last is None else last + 1) or None,
        size=(int(shape[1]), int(shape[2])) if shape else None,
        fps=float(fps) if fps else None,
    )


def _to_skeleton(skeleton: Any, path: Path) -> Skeleton:
    pairs = [
        sorted(skeleton.node_names.index(node.name) for node in each.nodes)
        for each in skeleton.symmetries
    ]
    return Skeleton(
        name=skeleton.name or path.stem,
        joints=tuple(skeleton.node_names),
        links=tuple(((start,), (stop,)) for start, stop in skeleton.edge_inds),
        pairs=tuple(left_first(pair, skeleton.node_names) for pair in pairs),
    )


def left_first(pair: Sequence[int], joints: Sequence[str]) -> tuple[int, int]:
    """Return a pair of joints with the left one first, as far as the names tell.

    The file says which joints mirror each other, not which is left: "left" or "l" apart from other
    letters, or a capital L at an end, as in `wingL`, tell.
    """
    first, second = pair
    if _is_left(joints[second]) and not _is_left(joints[first]):
        return second, first
    return first, second


def _is_left(joint: str) -> bool:
    return bool(re.search(r"(?i:left)|(?i:(^|[^a-z])l([^a-z]|$))|^L|L\d*$", joint))
