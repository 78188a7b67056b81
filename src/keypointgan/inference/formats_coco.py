"""Poses to COCO keypoint annotations. Their reader is in `data.pose_files.coco`."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keypointgan.data.pose_files.instances import PIXEL_CENTRE
from keypointgan.inference.poses import Poses

VISIBLE = 2
DIGITS = 4


def write_coco(poses: Sequence[Poses], path: Path) -> None:
    """Write an image for each frame, an annotation for each animal that is in it.

    Beyond COCO's own keys, `keypoint_scores` keep the confidence, `track_id` and `tracks` who is
    who, `frame_id` the number of the frame, and `videos` the frame rate. Frames of an unknown
    size have width and height 0.
    """
    first = poses[0]
    skeleton = first.skeleton
    head = {
        "info": {"description": "keypointgan"},
        "videos": [{"id": 1, "name": first.source, "fps": first.fps}],
        "tracks": [{"id": number, "name": each.track} for number, each in enumerate(poses, 1)],
        "categories": [
            {
                "id": 1,
                "name": skeleton.name,
                "supercategory": "animal",
                "keypoints": list(skeleton.joints),
                "skeleton": [
                    [start[0] + 1, stop[0] + 1]
                    for start, stop in skeleton.links
                    if len(start) == len(stop) == 1
                ],
            }
        ],
    }
    with path.open("w", encoding="utf-8") as file:  # by pieces: a long video needs gigabytes
        file.write(json.dumps(head)[:-1])
        for name, entries in (("images", _images(first)), ("annotations", _annotations(poses))):
            file.write(f', "{name}": [')
            for number, entry in enumerate(entries):
                file.write((",\n" if number else "\n") + json.dumps(entry))
            file.write("]")
        file.write("}\n")


def _images(poses: Poses) -> Iterator[dict[str, Any]]:
    height, width = poses.size or (0, 0)
    stem = Path(poses.source).stem or "frames"
    for frame in range(len(poses)):
        yield {
            "id": frame + 1,
            "file_name": f"{stem}_frame_{frame:06d}.png",
            "width": width,
            "height": height,
            "video_id": 1,
            "frame_id": frame,
        }


def _annotations(poses: Sequence[Poses]) -> Iterator[dict[str, Any]]:
    identity = 0
    for frame in range(len(poses[0])):
        for track, each in enumerate(poses, 1):
            xy, seen = each.xy[frame], np.isfinite(each.xy[frame]).all(axis=-1)
            if not seen.any():
                continue
            identity += 1
            low, high = xy[seen].min(axis=0), xy[seen].max(axis=0)
            keypoints = np.column_stack([xy - PIXEL_CENTRE, np.full(len(xy), VISIBLE)])
            keypoints[~seen] = 0
            yield {
                "id": identity,
                "image_id": frame + 1,
                "category_id": 1,
                "track_id": track,
                "attributes": {"object_id": track},
                "keypoints": _rounded(keypoints),
                "num_keypoints": int(seen.sum()),
                "keypoint_scores": _rounded(each.confidence[frame]),
                "score": round(float(each.confidence[frame][seen].mean()), DIGITS),
                "bbox": _rounded(np.concatenate([low, high - low])),
                "area": round(float(np.prod(high - low)), DIGITS),
                "iscrowd": 0,
            }


def _rounded(values: np.ndarray) -> list[float]:
    return np.round(values, DIGITS).ravel().tolist()
