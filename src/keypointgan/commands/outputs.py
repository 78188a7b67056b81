"""What is known of a file to write before the work for it begins."""

import errno
from collections.abc import Collection, Iterable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile

from keypointgan.errors import ExportError, KeypointGANError, MissingExtraError
from keypointgan.inference.formats import check_suffix
from keypointgan.inference.overlay import PICTURES

_FULL = {errno.ENOSPC, errno.EDQUOT}
_NEEDED = {".h5": ("pandas", "tables"), ".slp": ("sleap_io",), ".nwb": ("pynwb", "ndx_pose")}


def check_output(path: Path, *, suffixes: Collection[str] = (), reads: Iterable[Path] = ()) -> None:
    """Refuse a file that cannot be written, is of another kind, or is read by the same command.

    Args:
        path: The file; its folder need not be there yet.
        suffixes: How its name may end, the usual one first; anyhow if none are given.
        reads: What the command reads, which must not be replaced.

    Raises:
        ExportError: Its name ends otherwise, it is one of those files, a folder, or in a place
            that may not be written.
    """
    check_not_read(path, reads)
    if suffixes and path.suffix.lower() not in suffixes:
        raise ExportError(
            f"{path}: expected a file that ends in {' or '.join(suffixes)}, got "
            f"'{path.suffix or 'no suffix'}'."
        )
    check_place(path)


def check_not_read(path: Path, reads: Iterable[Path]) -> None:
    """Refuse a file that the same command reads.

    Raises:
        ExportError: It is one of these.
    """
    for read in reads:
        if path.exists() and read.exists() and path.samefile(read):
            raise ExportError(
                f"{path}: expected a file to write, got one that is read and would be lost. "
                "Choose another name or folder."
            )


def check_place(path: Path) -> None:
    """Refuse a file that cannot be written where it is to be; its folder need not be there yet.

    Raises:
        ExportError: It is a folder, or in a place where no file can be made.
    """
    if path.is_dir():
        raise ExportError(f"{path}: expected a file to write, got a folder. Add a name.")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise ExportError(f"{path}: cannot be written ({folder} is a file). Choose another folder.")
    try:  # permissions alone do not tell: of file systems, of quotas, of who may do everything
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ExportError(
            f"{path}: cannot be written (no file can be made in {folder}: "
            f"{error.strerror or error}). Choose another folder."
        ) from error


def disk_is_full(error: KeypointGANError) -> bool:
    """Whether something could not be written because there is no room."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL


def check_poses_file(path: Path, *, fps: float) -> None:
    """Refuse a file of poses that could not be written when they are there.

    Args:
        path: The file.
        fps: Frames a second of what they are found in; 0 for images.

    Raises:
        ExportError: The format needs frames a second, or no format has that suffix.
        MissingExtraError: The format needs a package that is not installed.
    """
    suffix = check_suffix(path)
    for package in _NEEDED.get(suffix, ()):
        if find_spec(package) is None:
            raise MissingExtraError(package, extra="formats", purpose=f"write {suffix} files")
    if suffix == ".nwb" and not fps:
        raise ExportError(
            f"{path}: expected frames a second, which NWB needs, got images, which have none. "
            "Write a .npz, then: keypointgan convert poses FILE.npz -o FILE.nwb --fps 30"
        )


def check_overlay(path: Path, *, frames: int) -> None:
    """Refuse a picture for several frames.

    Raises:
        ExportError: It is one.
    """
    if path.suffix.lower() in PICTURES and frames != 1:
        raise ExportError(
            f"{path}: expected one frame for a picture, got {frames}. Name a video, such as "
            f"{path.with_suffix('.mp4')}."
        )
