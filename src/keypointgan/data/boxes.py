"""Files that say where the animals of a video are: boxes of a detector, or tracks of poses.

Read are CSV files of boxes, COCO annotations with boxes, and every file of poses (SLEAP,
DeepLabCut, COCO keypoints, NWB, ours), whose points are surrounded. A CSV of boxes has a header
and the columns `frame` (from 0), `x0, y0, x1, y1` or `x0, y0, width, height` in pixels with the
image's corner at 0, and optionally `track` (the animal) and `video`.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from keypointgan.data.images import list_images
from keypointgan.data.pose_files.files import read_instances
from keypointgan.data.pose_files.instances import Instances
from keypointgan.data.pose_files.table import shown
from keypointgan.data.sources import stem
from keypointgan.data.windows import BoxTrack
from keypointgan.errors import DataError

_COLUMNS = {
    "x0": ("x0", "xmin", "left", "x"),
    "y0": ("y0", "ymin", "top", "y"),
    "x1": ("x1", "xmax", "right"),
    "y1": ("y1", "ymax", "bottom"),
    "width": ("width", "w"),
    "height": ("height", "h"),
    "frame": ("frame", "frame_id", "image_id"),
    "track": ("track", "track_id", "id", "animal", "individual"),
    "video": ("video", "source"),
}

Row = tuple[str, str, int, float, float, float]
"""Video, track, frame, middle x and y, length."""


@dataclass(frozen=True)
class BoxFile:
    """Where animals are, for one or more videos.

    Attributes:
        path: The file.
        tracks: The animals of each video, by the video's name without folders and suffix; the
            name is empty where the file does not tell.
        images: File names of the frames of each video, where the file tells.
    """

    path: Path
    tracks: dict[str, tuple[BoxTrack, ...]]
    images: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, source: str | Path, *, alone: bool) -> tuple[BoxTrack, ...]:
        """Return the animals of a source.

        Args:
            source: The video, or the folder of images.
            alone: Whether no other source is to use this file: then a file about one video is
                taken to be about this one, whatever it calls it.

        Raises:
            DataError: The file is about other videos.
        """
        source = Path(source)
        name = stem(source)
        if name not in self.tracks:
            if not (alone and len(self.tracks) == 1):
                known = ", ".join(key or "one without a name" for key in self.tracks)
                raise DataError(
                    f"{self.path}: expected boxes of '{name}', got those of {known}. Name a file "
                    "for each video with '{name}', such as --boxes '{name}.csv'."
                )
            name = next(iter(self.tracks))
        tracks = self.tracks[name]
        if name in self.images and not source.is_file():
            places = {image.name: place for place, image in enumerate(list_images(source))}
            names = [PurePosixPath(image).name for image in self.images[name]]
            absent = [image for image in names if image not in places]
            if absent:
                raise DataError(
                    f"{self.path}: expected the images of {source}, got '{absent[0]}', which is "
                    "not among them."
                )
            order = np.array([places[image] for image in names], np.int64)
            tracks = tuple(_renumbered(track, order) for track in tracks)
        return tracks


def read_boxes(path: str | Path) -> BoxFile:
    """Return the boxes in a file, or those around the poses in it.

    Raises:
        DataError: The file is absent, of no known format, or holds no boxes.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(
            f"{path}: expected a file of boxes (.csv, COCO .json) or of poses (.slp, DeepLabCut "
            ".csv or .h5, .json, .nwb, .npz), found none."
        )
    suffix = path.suffix.lower()
    found = None
    if suffix == ".csv":
        found = _read_csv(path)
    elif suffix == ".json":
        found = _read_coco(path)
    found = found or _around_poses(path, read_instances(path))
    if not any(found.tracks.values()):
        raise DataError(f"{path}: expected boxes or poses of at least one animal, got none.")
    return found


def _read_csv(path: Path) -> BoxFile | None:
    """The boxes of a CSV file; None if it is one of poses."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        lines = csv.reader(file)
        header = [cell.strip().lower() for cell in next(lines, [])]
        if header[:1] == ["scorer"] or any(cell.endswith("_x") for cell in header):
            return None
        place = {
            key: next((header.index(name) for name in names if name in header), -1)
            for key, names in _COLUMNS.items()
        }
        sides = ("x1", "y1") if place["x1"] >= 0 else ("width", "height")
        needed = ("frame", "x0", "y0", *sides)
        if any(place[key] < 0 for key in needed):
            raise DataError(
                f"{path}: expected the columns frame, x0, y0, x1, y1 (or width, height) and maybe "
                f"track and video, got {shown(header)}."
            )
        rows = []
        for number, cells in enumerate(lines, start=2):
            if not cells:
                continue
            try:
                frame, *box = (float(cells[place[key]] or "nan") for key in needed)
            except (ValueError, IndexError) as error:
                raise DataError(f"{path}, line {number}: expected numbers, got {error}.") from error
            names = (cells[place[key]] if place[key] >= 0 else "" for key in ("video", "track"))
            video, track = names
            if np.isnan(box).any():
                continue
            if frame < 0 or not frame.is_integer():
                raise DataError(
                    f"{path}, line {number}: expected the number of a frame, from 0, got {frame:g}."
                )
            x0, y0, *rest = box
            width, height = (rest[0] - x0, rest[1] - y0) if place["x1"] >= 0 else rest
            if width <= 0 or height <= 0:
                raise DataError(
                    f"{path}, line {number}: expected a box with x0 < x1 and y0 < y1, got "
                    f"{', '.join(f'{value:g}' for value in box)} ({', '.join(needed[1:])})."
                )
            middle = (x0 + width / 2, y0 + height / 2)
            rows.append((_stem(video), track, int(frame), *middle, max(width, height)))
    return BoxFile(path, _to_tracks(rows, path))


def _read_coco(path: Path) -> BoxFile | None:
    """The boxes of COCO annotations; None where there are none, but maybe keypoints."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        boxes = [
            each
            for each in content["annotations"]
            if len(each.get("bbox") or ()) == 4 and min(each["bbox"][2:]) > 0
        ]
        if not boxes:
            return None
        rows, images = _from_coco(content, boxes)
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise DataError(
            f"{path}: expected COCO annotations with 'images' and 'annotations', whose 'bbox' is "
            f"x, y, width, height ({type(error).__name__}: {error})."
        ) from error
    return BoxFile(path, _to_tracks(rows, path), images)


def _from_coco(
    content: dict[str, Any], boxes: list[dict[str, Any]]
) -> tuple[list[Row], dict[str, tuple[str, ...]]]:
    names = {each["id"]: _stem(str(each.get("name", ""))) for each in content.get("videos", [])}
    frames: dict[Any, tuple[str, int]] = {}
    images: dict[str, list[str]] = defaultdict(list)
    for image in content["images"]:
        video = names.get(image.get("video_id"), "")
        frames[image["id"]] = (video, int(image.get("frame_id", len(images[video]))))
        images[video].append(str(image.get("file_name", "")))
    numbered = any("frame_id" in image for image in content["images"])
    seen: dict[Any, int] = defaultdict(int)
    rows: list[Row] = []
    for each in boxes:
        video, frame = frames[each["image_id"]]
        attributes = each.get("attributes") or {}
        track = each.get("track_id", attributes.get("object_id"))
        if track is None:  # the first, the second, ... of an image
            track = seen[each["image_id"]]
            seen[each["image_id"]] += 1
        x, y, width, height = map(float, each["bbox"])
        rows.append((video, str(track), frame, x + width / 2, y + height / 2, max(width, height)))
    known = {video: tuple(each) for video, each in images.items() if all(each)}
    return rows, {} if numbered else known


def _around_poses(path: Path, poses: Instances) -> BoxFile:
    """The animals of a file of poses: the mean of their points and their largest distance."""
    seen = np.isfinite(poses.xy).all(axis=-1)
    kept = np.flatnonzero(seen.any(axis=1))
    rows: list[Row] = []
    for start in range(0, len(kept), 4096):
        some = kept[start : start + 4096]
        xy = poses.xy[some]
        middles = np.nanmean(np.where(seen[some][..., None], xy, np.nan), axis=1)
        distances = np.linalg.norm(xy[:, :, None] - xy[:, None], axis=-1)
        lengths = np.nanmax(np.nan_to_num(distances), axis=(1, 2))
        rows += [
            (
                _stem(poses.videos[poses.video[row]].name),
                poses.tracks[poses.track[row]],
                int(poses.frame[row]),
                float(middle[0]),
                float(middle[1]),
                float(length),
            )
            for row, middle, length in zip(some, middles, lengths, strict=True)
        ]
    return BoxFile(path, _to_tracks(rows, path))


def _to_tracks(rows: Iterable[Row], path: Path) -> dict[str, tuple[BoxTrack, ...]]:
    grouped: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        grouped[row[0]][row[1]].append(row)
    tracks = {}
    for video, animals in grouped.items():
        tracks[video] = tuple(_to_track(name, rows, path) for name, rows in animals.items())
    return tracks


def _to_track(name: str, rows: list[Row], path: Path) -> BoxTrack:
    frames = np.array([row[2] for row in rows], np.int64)
    order = np.argsort(frames, kind="stable")
    frames = frames[order]
    twice = np.flatnonzero(np.diff(frames) == 0)
    if twice.size:
        raise DataError(
            f"{path}: expected one box of {f'animal {name!r}' if name else 'the animal'} in a "
            f"frame, got several in frame {frames[twice[0]]}. Tell animals apart in a column "
            "'track' (in COCO: track_id)."
        )
    values = np.array([row[3:] for row in rows], np.float64)[order]
    return BoxTrack(name, frames, values[:, :2], values[:, 2])


def _renumbered(track: BoxTrack, places: np.ndarray) -> BoxTrack:
    frames = places[track.frames]
    order = np.argsort(frames)
    return BoxTrack(track.name, frames[order], track.centres[order], track.lengths[order])


def _stem(video: str) -> str:
    return PurePosixPath(video.replace("\\", "/")).stem
