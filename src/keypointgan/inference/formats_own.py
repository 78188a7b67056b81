"""Poses to our own files: csv and npz. Their readers are in `data.pose_files.own`."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keypointgan.data.pose_files.own import COLUMNS
from keypointgan.data.pose_files.table import quoted, write_rows
from keypointgan.inference.poses import Poses


def write_csv(poses: Sequence[Poses], path: Path) -> None:
    """Write a line for each frame and animal."""
    first = poses[0]
    labels = [each.track for each in poses] if any(each.track for each in poses) else []
    header = [f"{joint}_{column}" for joint in first.joints for column in COLUMNS]
    values = np.stack(
        [np.concatenate([each.xy, each.confidence[..., None]], axis=-1) for each in poses], axis=1
    )
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(quoted(["frame", *(["track"] if labels else []), *header]) + "\n")
        write_rows(file, values.reshape(len(first), len(poses), len(header)), labels)


def write_npz(poses: Sequence[Poses], path: Path) -> None:
    """Write everything without loss: arrays (frame, ...), or (track, frame, ...) of several."""
    first = poses[0]
    arrays = {
        "xy": np.stack([each.xy for each in poses]),
        "confidence": np.stack([each.confidence for each in poses]),
    }
    if any(each.raw is not None for each in poses):
        arrays["raw"] = np.stack([each.unsmoothed().xy for each in poses])
    tracks = np.array([each.track for each in poses], np.str_)
    if len(poses) == 1:
        arrays = {name: array[0] for name, array in arrays.items()}
        tracks = tracks[0]
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            **arrays,
            joints=np.asarray(first.joints, np.str_),
            skeleton=np.asarray(json.dumps(first.skeleton.to_dict())),
            fps=np.asarray(np.nan if first.fps is None else first.fps),
            source=np.asarray(first.source),
            track=tracks,
            size=np.asarray([] if first.size is None else first.size, np.int64),
        )
