"""The annotation files of public data sets: .mat of both kinds, .cdf, .pts and lists."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from keypointgan.errors import DataError, MissingExtraError


def read_mat(path: Path, names: Iterable[str]) -> dict[str, Any]:
    """Return variables of a MATLAB file up to version 7.

    Raises:
        MissingExtraError: SciPy is not installed.
        DataError: There is no such file, or it lacks one of them.
    """
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise MissingExtraError("scipy", extra="formats", purpose="read .mat files") from error
    _check_there(path)
    try:
        values = loadmat(str(path))
    except (MatReadError, OSError, ValueError, NotImplementedError, TypeError) as error:
        raise DataError(f"{path}: expected a MATLAB file, got {error}.") from error
    return _pick(values, names, path)


def read_hdf5(path: Path, names: Iterable[str]) -> dict[str, ndarray]:
    """Return variables of a MATLAB file of version 7.3, with their axes in reverse order.

    Raises:
        MissingExtraError: h5py is not installed.
        DataError: There is no such file, or it lacks one of them.
    """
    with open_hdf5(path) as file:
        return {name: np.asarray(values) for name, values in _pick(file, names, path).items()}


def open_hdf5(path: Path) -> Any:
    """Return the open HDF5 file, a context manager.

    Raises:
        MissingExtraError: h5py is not installed.
        DataError: There is no such file, or it is of another kind.
    """
    try:
        from h5py import File
    except ImportError as error:
        raise MissingExtraError("h5py", extra="formats", purpose="read .mat files") from error
    _check_there(path)
    try:
        return File(path, "r")
    except OSError as error:
        raise DataError(f"{path}: expected a MATLAB file of version 7.3, got {error}.") from error


def read_cdf(path: Path, name: str) -> ndarray:
    """Return a variable of a file in NASA's Common Data Format.

    Raises:
        MissingExtraError: cdflib is not installed.
        DataError: There is no such file, or it lacks the variable.
    """
    try:
        from cdflib import CDF
    except ImportError as error:
        raise MissingExtraError("cdflib", extra="formats", purpose="read .cdf files") from error
    _check_there(path)
    try:
        return np.asarray(CDF(str(path)).varget(name))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise DataError(f"{path}: expected a CDF file with '{name}', got {error}.") from error


def read_pts(path: Path, *, count: int) -> Float64[ndarray, "point 2"]:
    """Return the points of a .pts file, as they are written there.

    ```
    version: 1
    n_points: 68
    {
    336.82 245.15
    ...
    }
    ```

    Raises:
        DataError: There is no such file, or it does not hold `count` points.
    """
    _check_there(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    body = text.partition("{")[2].partition("}")[0]
    return _points(body.split(), path, count=count)


def read_lines(path: Path, *, skip: int = 0) -> list[list[str]]:
    """Return the words of each line of a text file that is not empty, without the first `skip`.

    Raises:
        DataError: There is no such file.
    """
    _check_there(path)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[skip:]
    return [line.split() for line in lines if line.strip()]


def read_counted_points(path: Path, *, count: int) -> Float64[ndarray, "point 2"]:
    """Return the points of a file that holds their number and then x y x y ...

    Raises:
        DataError: There is no such file, or it does not hold `count` points.
    """
    words = [word for line in read_lines(path) for word in line]
    if words[:1] != [str(count)]:
        raise DataError(f"{path}: expected {count} points, got '{' '.join(words[:1])}'.")
    return _points(words[1:], path, count=count)


def _points(words: list[str], path: Path, *, count: int) -> Float64[ndarray, "point 2"]:
    try:
        values = np.array(words, dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{path}: expected numbers, got {error}.") from error
    if values.size != 2 * count:
        raise DataError(f"{path}: expected {count} points x y, got {values.size} numbers.")
    return values.reshape(count, 2)


def _pick(values: Any, names: Iterable[str], path: Path) -> dict[str, Any]:
    wanted = list(names)
    missing = [name for name in wanted if name not in values]
    if missing:
        found = ", ".join(name for name in values if not name.startswith("__"))
        raise DataError(
            f"{path}: expected the variables {', '.join(wanted)}; missing are "
            f"{', '.join(missing)}. The file holds {found or 'none'}."
        )
    return {name: values[name] for name in wanted}


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"{path}: expected this file of the data set, but it is missing.")
