"""Options that several commands share, and what several commands say."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keypointgan.errors import ConfigError

if TYPE_CHECKING:
    from keypointgan.data.plans import Follow

PARTLY = 3
"""Exit code where some sources were used and others skipped."""

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
        "--map",
        "--joint",
        metavar="OURS=THEIRS",
        help="A joint that the file calls otherwise; repeat, or name a YAML file of them.",
    ),
]
Boxes = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Follow each animal: a file of boxes (.csv, COCO .json) or poses (.slp, DeepLabCut, "
        "...); '{name}.slp' stands for one beside each video.",
    ),
]
Margin = Annotated[
    float | None,
    typer.Option(min=1.0, help="Side of the square that follows an animal over its length. [1.3]"),
]
FollowSize = Annotated[
    bool,
    typer.Option("--follow-size", help="Let the square grow and shrink with the animal's box."),
]


def following(boxes: str | None, margin: float | None, *, follow_size: bool) -> "Follow | None":
    """Return how animals are followed; None without boxes.

    Raises:
        ConfigError: There are no boxes, but other options of them.
    """
    from keypointgan.data.plans import Follow

    if boxes is None:
        if margin is not None or follow_size:
            raise ConfigError("Expected --boxes with --margin and --follow-size, got none.")
        return None
    if margin is None:
        return Follow(boxes, follow_size=follow_size)
    return Follow(boxes, margin=margin, follow_size=follow_size)


def tell_skipped(skipped: Sequence[tuple[str, str]]) -> None:
    """Say on standard error what was skipped, and why."""
    for source, reason in skipped:
        reason = reason.removeprefix(f"{source}: ")
        typer.echo(f"skipped {source}: {' '.join(reason.split())}", err=True)


def joint_map(entries: Sequence[str] | None) -> dict[str, str]:
    """Return the pairs of names in `--map OURS=THEIRS` and `--map FILE.yaml`.

    Raises:
        ConfigError: An entry is no such pair, or the file holds none.
    """
    pairs: dict[str, str] = {}
    for entry in entries or ():
        if Path(entry).suffix in {".yaml", ".yml"}:
            pairs |= _read_map(Path(entry))
            continue
        ours, equals, theirs = entry.partition("=")
        if not (equals and ours and theirs):
            raise ConfigError(f"Expected OURS=THEIRS, two names of a joint, got '{entry}'.")
        pairs[ours] = theirs
    return pairs


def _read_map(path: Path) -> dict[str, str]:
    import yaml

    try:
        pairs = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: expected a YAML file of joints, got {error}.") from error
    if not isinstance(pairs, dict) or not all(isinstance(name, str) for name in pairs.values()):
        raise ConfigError(f"{path}: expected lines 'OURS: THEIRS', names of joints.")
    return {str(ours): theirs for ours, theirs in pairs.items()}
