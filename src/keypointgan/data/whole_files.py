"""Files that take their name only when they are complete."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keypointgan.errors import ExportError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield where to write a file; it is renamed to `path` when the block ends.

    What breaks off leaves nothing behind, and a file that was there before as it was.

    Raises:
        ExportError: It cannot be written.
    """
    beside = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise ExportError(f"{path}: cannot be written ({error.strerror or error}).") from error
    finally:
        with suppress(OSError):  # in a place where nothing can be made, nothing is to be removed
            beside.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a file of text, whole or not at all, and its folder where there is none.

    Raises:
        ExportError: It cannot be written.
    """
    make_folder(path.parent)
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


def make_folder(folder: Path) -> None:
    """Make a folder for files to write, if it is not there.

    Raises:
        ExportError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{folder}: cannot be made ({error.strerror or error}).") from error
