import inspect

import pytest

from keypointgan import errors
from keypointgan.errors import DataError, KeypointGANError, MissingExtraError

ERRORS = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if value.__module__ == errors.__name__
]


@pytest.mark.parametrize("error", ERRORS)
def test_one_except_catches_every_error_of_a_user(error: type[Exception]) -> None:
    assert issubclass(error, KeypointGANError)


@pytest.mark.parametrize("error", ERRORS)
def test_the_drawn_tree_shows_every_error_below_its_parent(error: type[Exception]) -> None:
    """An error of data is drawn one level further in than the others."""
    assert errors.__doc__ is not None
    (line,) = [line for line in errors.__doc__.splitlines() if f" {error.__name__} " in f" {line} "]
    if error is not KeypointGANError:
        assert line.startswith("│   ") == (error.__base__ is DataError)


def test_a_missing_extra_says_what_for_and_how_to_get_it() -> None:
    error = MissingExtraError("h5py", extra="formats", purpose="read SLEAP files")
    assert str(error) == (
        "The package 'h5py' is needed to read SLEAP files and is not installed. "
        "Install it with: pip install 'keypointgan[formats]'"
    )
