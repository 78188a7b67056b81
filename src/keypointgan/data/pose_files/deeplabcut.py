"""DeepLabCut: predictions and hand labels, csv and h5, of one animal or several.

A row is a frame, or a labelled image `labeled-data/VIDEO/img0042.png`. The header has the levels
scorer, individuals (with several animals), bodyparts and coords (x, y and, for predictions,
likelihood). Its coordinates count from the middle of the first pixel
(github.com/DeepLabCut/DeepLabCut/issues/2906).
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy import ndarray

from keypointgan.data.pose_files.instances import (
    PIXEL_CENTRE,
    FilmedSource,
    Instances,
    tidy_confidence,
)
from keypointgan.data.pose_files.table import read_rows, split
from keypointgan.errors import DataError, MissingExtraError
from keypointgan.skeletons import Skeleton

LEVELS = ("scorer", "individuals", "bodyparts", "coords")
COORDINATES = ("x", "y", "likelihood")
Column = tuple[str, str, str]
"""Individual, joint and x, y or likelihood."""


def is_deeplabcut_csv(path: Path) -> bool:
    """Whether the first cell of a CSV file is that of DeepLabCut's header."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.readline(64).startswith("scorer,")


def read_csv(path: Path) -> Instances:
    """Return the poses in a CSV file of DeepLabCut.

    Raises:
        DataError: The file is of another form.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        header: dict[str, list[str]] = {}
        while "coords" not in header:
            cells = split(file.readline())
            if not cells or cells[0] not in LEVELS or cells[0] in header:
                raise DataError(
                    f"{path}: expected DeepLabCut's header lines {', '.join(LEVELS)}, got "
                    f"'{cells[0] if cells else 'nothing'}' in line {len(header) + 1}."
                )
            header[cells[0]] = cells
        if "bodyparts" not in header:
            raise DataError(f"{path}: expected a header line 'bodyparts', got none.")
        # Labelled images may take three cells: labeled-data, VIDEO, IMAGE.
        before = next((i for i, cell in enumerate(header["coords"]) if i and cell), 1)
        individuals = header.get("individuals", [""] * len(header["coords"]))
        columns = list(zip(individuals, header["bodyparts"], header["coords"], strict=False))
        columns = columns[before:]
        heads, values = read_rows(
            file, before=before, columns=len(columns), where=str(path), first=len(header) + 1
        )
    rows = ["/".join(cells) for cells in zip(*heads, strict=True)]
    return _to_instances(values, columns, rows, path)


def read_h5(path: Path) -> Instances:
    """Return the poses in an h5 file of DeepLabCut, a table of pandas.

    Raises:
        DataError: The file is of another form.
        MissingExtraError: pandas or PyTables is not installed.
    """
    try:
        import pandas
        import tables  # what pandas reads these files with
    except ImportError as error:
        raise MissingExtraError(
            error.name or "pandas", extra="formats", purpose="read h5 files of DeepLabCut"
        ) from error
    try:
        table = pandas.read_hdf(path)
    except (OSError, ValueError, KeyError, TypeError, tables.HDF5ExtError) as error:
        reason = str(error).strip().split("\n")[-1]  # after the trace of the HDF5 library
        raise DataError(
            f"{path}: expected a table that DeepLabCut wrote, but it cannot be read ({reason})."
        ) from error
    names = list(table.columns.names)
    if "bodyparts" not in names or "coords" not in names:
        raise DataError(
            f"{path}: expected columns with the levels {', '.join(LEVELS)}, got "
            f"{', '.join(map(str, names))}."
        )
    levels = [
        [str(cell) for cell in table.columns.get_level_values(level)]
        if level in names
        else [""] * table.shape[1]
        for level in ("individuals", "bodyparts", "coords")
    ]
    rows = ["/".join(map(str, row)) if isinstance(row, tuple) else str(row) for row in table.index]
    columns = list(zip(*levels, strict=True))
    return _to_instances(table.to_numpy(np.float64), columns, rows, path)


def _to_instances(
    values: ndarray, columns: Sequence[Column], rows: Sequence[str], path: Path
) -> Instances:
    places = {column: index for index, column in enumerate(columns)}
    by_individual: dict[str, list[str]] = {}
    for individual, joint, coordinate in columns:
        if coordinate == "x" and (individual, joint, "y") in places:
            by_individual.setdefault(individual, []).append(joint)
    if not by_individual:
        raise DataError(f"{path}: expected columns x and y for each body part, got none.")
    joints = next(iter(by_individual.values()))
    tracks = [name for name, own in by_individual.items() if own == joints]
    others = [name for name, own in by_individual.items() if own != joints]
    notes = [f"left out '{name}': it has other body parts" for name in others]
    points = np.full((len(tracks), len(values), len(joints), 3), np.nan)
    for (individual, joint, coordinate), place in places.items():
        if individual in tracks and joint in joints and coordinate in COORDINATES:
            axis = COORDINATES.index(coordinate)
            points[tracks.index(individual), :, joints.index(joint), axis] = values[:, place]
    flat = points.reshape(-1, len(joints), 3)
    xy = flat[..., :2] + PIXEL_CENTRE
    videos, video, frame = _read_index(rows, path)
    return Instances(
        xy=xy,
        confidence=tidy_confidence(flat[..., 2], xy),
        frame=np.tile(frame, len(tracks)),
        track=np.repeat(np.arange(len(tracks)), len(values)).astype(np.int64),
        video=np.tile(video, len(tracks)),
        skeleton=Skeleton(name=path.stem, joints=tuple(joints), links=()),
        tracks=tuple(tracks),
        videos=videos,
        notes=tuple(notes),
    )


def _read_index(
    rows: Sequence[str], path: Path
) -> tuple[tuple[FilmedSource, ...], ndarray, ndarray]:
    """Return the videos, and for each row the video and the number of the frame."""
    try:
        numbers = np.array([int(float(row)) for row in rows], np.int64)
    except ValueError:
        return _read_image_names(rows, path)
    return (FilmedSource(str(path)),), np.zeros(len(rows), np.int64), numbers


def _read_image_names(
    rows: Sequence[str], path: Path
) -> tuple[tuple[FilmedSource, ...], ndarray, ndarray]:
    names: dict[str, int] = {}
    video, frame = [], []
    for row in rows:
        image = PurePosixPath(row.replace("\\", "/"))
        digits = re.findall(r"\d+", image.stem)
        if not digits:
            raise DataError(
                f"{path}: expected the number of a frame or the name of an image with its number "
                f"in it, such as img0042.png, got '{row}'."
            )
        video.append(names.setdefault(str(image.parent), len(names)))
        frame.append(int(digits[-1]))
    videos = tuple(FilmedSource(name) for name in names)
    return videos, np.array(video, np.int64), np.array(frame, np.int64)
