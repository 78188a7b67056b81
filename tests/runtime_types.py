"""What checks every annotation of keypointgan while the tests run."""

from collections.abc import Callable
from typing import Any, Literal, Union, get_args, get_origin

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintPep673Exception

_checked = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as for mypy


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, which now refuses arguments that its annotations do not allow.

    A wrong choice among literals is left to the function, whose message is for users and has tests.
    `Self` can only be checked with a whole class at hand: a method that names it stays as it is.
    """
    function.__annotations__ = {
        name: _with_any_choice(hint) for name, hint in function.__annotations__.items()
    }
    try:
        return _checked(function)
    except BeartypeDecorHintPep673Exception:
        return function


def _with_any_choice(hint: Any) -> Any:
    if get_origin(hint) is Literal:
        return Union[tuple(type(choice) for choice in get_args(hint))]  # noqa: UP007 - of a tuple
    return hint
