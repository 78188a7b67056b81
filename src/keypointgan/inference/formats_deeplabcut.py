"""Poses to DeepLabCut's files. Their reader is in `data.pose_files.deeplabcut`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from keypointgan.data.pose_files.deeplabcut import COORDINATES, LEVELS, Column
from keypointgan.data.pose_files.instances import PIXEL_CENTRE
from keypointgan.data.pose_files.table import quoted, write_rows
from keypointgan.errors import MissingExtraError
from keypointgan.inference.poses import Poses

SCORER = "keypointgan"
KEY = "df_with_missing"
"""Name of the table in an h5 file, as DeepLabCut has it."""


def write_csv(poses: Sequence[Poses], path: Path) -> None:
    """Write DeepLabCut's header and a line for each frame, with four decimals."""
    levels, values = _to_table(poses)
    with path.open("w", newline="", encoding="utf-8") as file:
        for level, cells in levels.items():
            file.write(quoted([level, *cells]) + "\n")
        write_rows(file, values[:, None])


def write_h5(poses: Sequence[Poses], path: Path) -> None:
    """Write the table of pandas that DeepLabCut writes.

    Raises:
        MissingExtraError: pandas or PyTables is not installed.
    """
    try:
        import pandas
        import tables  # noqa: F401 - what pandas writes these files with
    except ImportError as error:
        raise MissingExtraError(
            error.name or "pandas", extra="formats", purpose="write h5 files of DeepLabCut"
        ) from error
    levels, values = _to_table(poses)
    columns = pandas.MultiIndex.from_arrays(list(levels.values()), names=list(levels))
    table = pandas.DataFrame(values, columns=columns)
    in_memory: Any = pandas.HDFStore(  # because PyTables does not say when a disk is full
        str(path), mode="w", driver="H5FD_CORE", driver_core_backing_store=0
    )
    with in_memory as store:
        table.to_hdf(store, key=KEY, format="table")
        store.flush()
        content = store.root._v_file.get_file_image()
    path.write_bytes(content)


def _to_table(poses: Sequence[Poses]) -> tuple[dict[str, list[str]], ndarray]:
    """Return the levels of the header, and the numbers (frame, column).

    Several animals, or a named one, have the level individuals.
    """
    named = any(each.track for each in poses)
    columns: list[Column] = [
        (each.track, joint, coordinate)
        for each in poses
        for joint in each.joints
        for coordinate in COORDINATES
    ]
    cells = dict(
        zip(
            LEVELS,
            ([SCORER] * len(columns), *map(list, zip(*columns, strict=True))),
            strict=True,
        )
    )
    if not named:
        del cells["individuals"]
    values = np.concatenate(
        [
            np.concatenate([each.xy - PIXEL_CENTRE, each.confidence[..., None]], axis=-1)
            for each in poses
        ],
        axis=1,
    )
    return cells, values.reshape(len(values), len(columns))
