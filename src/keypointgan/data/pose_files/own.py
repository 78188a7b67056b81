"""Our own files of poses: csv, which any program opens, and npz, which loses nothing."""

import json
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from keypointgan.data.pose_files.instances import (
    FilmedSource,
    Instances,
    from_dense,
    tidy_confidence,
)
from keypointgan.data.pose_files.table import read_rows, shown, split, to_frame_numbers
from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

COLUMNS = ("x", "y", "confidence")
"""Of each joint in a CSV file, after the joint's name and an underscore."""


def read_csv(path: Path) -> Instances:
    """Return the poses in a CSV file with the columns frame, maybe track, and JOINT_x, ....

    Raises:
        DataError: The file is of another form.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = split(file.readline())
        tracked = header[1:2] == ["track"]
        before = 2 if tracked else 1
        joints = tuple(name.removesuffix("_x") for name in header[before::3])
        named = [f"{joint}_{column}" for joint in joints for column in COLUMNS]
        if not joints or header[:1] != ["frame"] or header[before:] != named:
            raise DataError(
                f"{path}: expected the columns frame, JOINT_x, JOINT_y, JOINT_confidence, ..., "
                f"got {_first_wrong(header, named, before=before)}."
            )
        heads, values = read_rows(file, before=before, columns=len(named), where=str(path), first=2)
    frame = to_frame_numbers(heads[0], where=str(path))
    tracks = tuple(dict.fromkeys(heads[1])) if tracked and heads[1] else ("",)
    places = {name: index for index, name in enumerate(tracks)}
    points = values.reshape(len(values), len(joints), 3)
    xy = np.ascontiguousarray(points[..., :2])
    confidence = points[..., 2]
    if ((confidence < 0) | (confidence > 1)).any():
        raise DataError(
            f"{path}: expected confidences from 0 to 1, got {np.nanmin(confidence):g} to "
            f"{np.nanmax(confidence):g}."
        )
    return Instances(
        xy=xy,
        confidence=tidy_confidence(confidence, xy),
        frame=frame,
        track=np.array([places[name] for name in heads[1]], np.int64)
        if tracked
        else np.zeros(len(xy), np.int64),
        video=np.zeros(len(xy), np.int64),
        skeleton=Skeleton(name=path.stem, joints=joints, links=()),
        tracks=tracks,
        videos=(FilmedSource(str(path)),),
    )


def _first_wrong(header: list[str], named: list[str], *, before: int) -> str:
    """What the header has instead: the first of its columns that is wrong, or how it begins."""
    columns = header[before:]
    if header[:1] != ["frame"] or columns[:3] != named[:3]:
        return shown(header)
    place = next(
        index for index, name in enumerate(named) if index >= len(columns) or columns[index] != name
    )
    found = f"'{columns[place]}'" if place < len(columns) else "nothing"
    return f"no '{named[place]}' in column {before + place + 1}, got {found}"


def read_npz(path: Path) -> Instances:
    """Return the poses in a file that `Poses.save_npz` or `save_poses` wrote.

    Raises:
        DataError: The file is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            fps = float(file["fps"])
            # Files of the first version have neither of these.
            tracks = np.atleast_1d(file["track"]) if "track" in file.files else np.array([""])
            size = file["size"].tolist() if "size" in file.files else []
            arrays = {name: file[name] for name in ("xy", "confidence", "raw") if name in file}
            if arrays["xy"].ndim == 3:
                arrays = {name: array[None] for name, array in arrays.items()}
            skeleton = Skeleton.from_dict(json.loads(str(file["skeleton"])), where=str(path))
            instances = from_dense(
                arrays["xy"],
                arrays["confidence"],
                skeleton=skeleton,
                tracks=[str(name) for name in tracks],
                video=FilmedSource(
                    str(file["source"]),
                    frames=arrays["xy"].shape[1],
                    size=(size[0], size[1]) if size else None,
                    fps=None if np.isnan(fps) else fps,
                ),
            )
            if "raw" not in arrays:
                return instances
            raw = arrays["raw"].reshape(instances.xy.shape).astype(np.float64)
            return replace(instances, raw=raw)
    except (KeyError, ValueError, OSError, EOFError, BadZipFile, AttributeError) as error:
        raise DataError(
            f"{path}: expected a file that 'Poses.save_npz' wrote, but it cannot be read ({error})."
        ) from error
