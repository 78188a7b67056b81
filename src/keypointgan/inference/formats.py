"""Poses to files, by the suffix of the file."""

from collections.abc import Callable
from pathlib import Path

from keypointgan.errors import ExportError
from keypointgan.inference.poses import Poses

WRITERS: dict[str, Callable[[Poses, Path], None]] = {
    ".csv": Poses.to_csv,
    ".npz": Poses.save_npz,
}


def save(poses: Poses, path: str | Path) -> None:
    """Write the poses in the format that the suffix of `path` names.

    Raises:
        ExportError: No format has that suffix, or the file cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    try:
        WRITERS[path.suffix.lower()](poses, path)
    except OSError as error:
        raise ExportError(f"{path}: cannot be written ({error.strerror or error}).") from error


def check_suffix(path: str | Path) -> None:
    """Make sure that poses can be written to `path`, before they are computed.

    Raises:
        ExportError: No format has that suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in WRITERS:
        raise ExportError(
            f"{path}: expected a file that ends in {' or '.join(WRITERS)}, got "
            f"'{suffix or 'no suffix'}'."
        )
