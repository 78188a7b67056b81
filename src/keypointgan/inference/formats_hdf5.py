"""What our files on HDF5 share: SLEAP's and NWB's, which are written through h5py."""

import gc
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO


@contextmanager
def failing_once() -> Iterator[None]:
    """Let a file that cannot be written say so once, as other files do.

    On a full disk, h5py raises one of several errors with the system's number in many lines, and
    fails anew, with a printed traceback, for every object that the error still holds.

    Raises:
        OSError: The file cannot be written.
    """
    held: list[sys.UnraisableHookArgs] = []
    complain, sys.unraisablehook = sys.unraisablehook, held.append
    with redirect_stderr(StringIO()) as said:
        try:
            yield
        except (OSError, RuntimeError) as error:
            _let_go(error)
            found = re.search(r"errno = (\d+)", str(error))
            if not found:
                raise
            number = int(found[1])
            raise OSError(number, os.strerror(number)) from error
        finally:
            sys.unraisablehook = complain
    sys.stderr.write(said.getvalue())
    for complaint in held:
        complain(complaint)


def _let_go(error: BaseException) -> None:
    """Free what the functions that an error went through have held."""
    failed: BaseException | None = error
    while failed is not None:
        traceback.clear_frames(failed.__traceback__)
        failed = failed.__context__
    gc.collect()
