"""Options that several commands share."""

from collections.abc import Sequence
from typing import Annotated

import typer

from keypointgan.errors import ConfigError

Recipe = Annotated[
    str | None, typer.Option(help="A recipe ('keypointgan recipes' lists them) or a YAML file.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting, such as training.minutes=60."),
]
Device = Annotated[str, typer.Option(help="cpu, cuda, mps, or auto for the best there is.")]
Joints = Annotated[
    list[str] | None,
    typer.Option(
        "--joint", metavar="OURS=THEIRS", help="A joint that the file calls otherwise; repeat."
    ),
]


def joint_map(entries: Sequence[str] | None) -> dict[str, str]:
    """Return the pairs of names in `--joint OURS=THEIRS`.

    Raises:
        ConfigError: An entry is no such pair.
    """
    pairs = {}
    for entry in entries or ():
        ours, equals, theirs = entry.partition("=")
        if not (equals and ours and theirs):
            raise ConfigError(f"Expected OURS=THEIRS, two names of a joint, got '{entry}'.")
        pairs[ours] = theirs
    return pairs
