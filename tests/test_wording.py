"""Numbers of things are told as people say them."""

import pytest

from keypointgan.wording import counted


@pytest.mark.parametrize(
    ("count", "nouns", "expected"),
    [
        (0, ("pose",), "0 poses"),
        (1, ("clip",), "1 clip"),
        (31595, ("frame",), "31,595 frames"),
        (1, ("box", "boxes"), "1 box"),
        (2, ("box", "boxes"), "2 boxes"),
    ],
)
def test_one_thing_is_not_several(count: int, nouns: tuple[str, ...], expected: str) -> None:
    assert counted(count, *nouns) == expected
