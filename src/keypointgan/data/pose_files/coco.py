"""COCO keypoint annotations (.json).

Keypoints are (x, y, visibility); visibility 0 means missing. They count from the middle of the
first pixel, unlike boxes, which count from the image's corner (detectron2 does the same: see
github.com/facebookresearch/detectron2/pull/175). Beyond COCO's own keys these are read:
`keypoint_scores` of an annotation (as of MMPose), its `track_id` (as of COCO-VID) or
`attributes.object_id` (as of sleap-io), the file's `tracks` with their names, `frame_id` of an
image, and `videos`.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from keypointgan.data.pose_files.instances import (
    PIXEL_CENTRE,
    FilmedSource,
    Instances,
    tidy_confidence,
)
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton


def read_coco(path: Path) -> Instances:
    """Return the poses of the annotations, frames in the order of the images.

    Annotations without keypoints (or whose keypoints are all missing), such as crowds, are left
    out. Without identities an animal is what comes first, second, ... in an image.

    Raises:
        DataError: The file is of another form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected a JSON file, got {error}.") from error
    if not isinstance(content, dict) or not {"images", "annotations", "categories"} <= set(content):
        got = (", ".join(list(content)[:4]) or "nothing") if isinstance(content, dict) else "a list"
        raise DataError(
            f"{path}: expected COCO annotations with images, annotations and categories, got "
            f"{got}. A list of results has no names of joints: put it into annotations."
        )
    try:
        return _to_instances(content, path)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(
            f"{path}: expected COCO annotations, but something is missing or of another kind "
            f"({type(error).__name__}: {error})."
        ) from error


def _to_instances(content: dict[str, Any], path: Path) -> Instances:
    with_keypoints = [each for each in content["categories"] if each.get("keypoints")]
    if len(with_keypoints) != 1:
        found = ", ".join(str(each.get("name")) for each in with_keypoints) or "none"
        raise DataError(f"{path}: expected one category with keypoints, got {found}.")
    category = with_keypoints[0]
    joints = [str(joint) for joint in category["keypoints"]]
    frame_of = {
        image["id"]: int(image.get("frame_id", index))
        for index, image in enumerate(content["images"])
    }
    names = {each["id"]: str(each.get("name", each["id"])) for each in content.get("tracks", [])}
    tracks: dict[Any, int] = {identity: index for index, identity in enumerate(names)}
    points, frames, track = [], [], []
    seen: dict[int, int] = defaultdict(int)
    for annotation in content["annotations"]:
        keypoints = annotation.get("keypoints")
        if annotation.get("category_id") != category["id"] or not keypoints:
            continue
        pose = np.array(keypoints, np.float64).reshape(len(joints), 3)
        if not pose[:, 2].any():
            continue
        scores = annotation.get("keypoint_scores", [np.nan] * len(joints))
        pose[pose[:, 2] == 0, :2] = np.nan
        pose[:, 2] = scores
        frame = frame_of[annotation["image_id"]]
        identity = annotation.get("track_id", annotation.get("attributes", {}).get("object_id"))
        if identity is None:
            identity = ("unnamed", seen[frame])
            seen[frame] += 1
        points.append(pose)
        frames.append(frame)
        track.append(tracks.setdefault(identity, len(tracks)))
    array = np.array(points, np.float64).reshape(-1, len(joints), 3)
    xy = array[..., :2] + PIXEL_CENTRE
    labels = [names.get(identity, _label(identity)) for identity in tracks]
    return Instances(
        xy=xy,
        confidence=tidy_confidence(array[..., 2], xy),
        frame=np.array(frames, np.int64),
        track=np.array(track, np.int64),
        video=np.zeros(len(array), np.int64),
        skeleton=_to_skeleton(category, joints, path),
        tracks=tuple(labels) if len(labels) > 1 or names else ("",),
        videos=(_to_source(content, frame_of),),
    )


def _label(identity: Any) -> str:
    return str(identity[1] + 1) if isinstance(identity, tuple) else str(identity)


def _to_skeleton(category: dict[str, Any], joints: list[str], path: Path) -> Skeleton:
    """COCO counts the joints of its links from 1."""
    return Skeleton(
        name=str(category.get("name") or path.stem),
        joints=tuple(joints),
        links=tuple(
            ((int(start) - 1,), (int(stop) - 1,)) for start, stop in category.get("skeleton") or []
        ),
    )


def _to_source(content: dict[str, Any], frame_of: dict[Any, int]) -> FilmedSource:
    sizes = {(image.get("height"), image.get("width")) for image in content["images"]}
    height, width = sizes.pop() if len(sizes) == 1 else (None, None)
    video = (content.get("videos") or [{}])[0]
    return FilmedSource(
        name=str(video.get("name", "")),
        frames=max(frame_of.values(), default=-1) + 1,
        size=(int(height), int(width)) if height and width else None,
        fps=float(video["fps"]) if video.get("fps") else None,
    )
