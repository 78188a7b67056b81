"""Which settings a run has: those of a recipe, of the command line, of the run itself."""

from collections.abc import Sequence
from pathlib import Path

from keypointgan.config import Config
from keypointgan.errors import ConfigError
from keypointgan.recipe import load_config

LABEL_FILE = "labels.npz"
"""Inside a store; `data.labels` says the same, but would load torch for a typing mistake."""

FREE = frozenset(
    {
        "training.steps",
        "training.minutes",
        "training.device",
        "training.compile",
        "training.evaluate_every",
        "training.save_every",
        "training.log_every",
        "training.panels",
        "student.steps",
    }
)
"""Settings that a run may change when it is taken up: how long and where, not what."""


def resolve(
    run: Path | None,
    recipe: str | None,
    overrides: Sequence[str],
    *,
    supervised: bool = False,
    student: bool = False,
    base: str | None = None,
) -> Config:
    """Return the settings of a new run, or of the one that is taken up.

    Args:
        run: The run's folder; where it holds a run already, its settings are the base.
        recipe: A recipe's name or file; none for the defaults, or for the run's own settings.
        overrides: `key.key=value` settings.
        supervised: Train the twin on labels, by default those inside the store.
        student: The run is of a student, whose loop has settings of its own.
        base: YAML of what a new run's settings are based on, where there is no recipe.

    Raises:
        ConfigError: A setting is wrong, or the run was started with other ones.
    """
    before = read_settings(run) if run is not None else None
    if before is not None and recipe is None:
        base = before.to_yaml()
    if supervised:
        overrides = [*overrides, *_twin_overrides(recipe, overrides, base)]
    config = load_config(recipe, overrides, base=base)
    if student:
        _refuse_the_methods_loop(overrides)
        config = config.for_student()
    if before is not None:
        differences = config.differences(before)
        changed = sorted(set(differences) - FREE)
        if changed:
            pairs = [(key, *differences[key]) for key in changed[:3]]
            some = "; ".join(f"{key} is {old}, asked for {new}" for key, new, old in pairs)
            raise ConfigError(
                f"{run} holds a run with other settings ({some}). Take it up with its own, of "
                f"which only {', '.join(sorted(FREE))} may change, or name another folder with -o."
            )
    return config


def read_settings(run: Path) -> Config | None:
    """Return the settings that a run was started with; None where there is no run."""
    file = run / "config.yaml"
    if not file.is_file():
        return None
    return load_config(base=file.read_text(encoding="utf-8"))


def _refuse_the_methods_loop(overrides: Sequence[str]) -> None:
    """The student has steps and a batch size of its own; others would be passed over."""
    for name in ("steps", "batch_size"):
        if any(override.startswith(f"training.{name}=") for override in overrides):
            raise ConfigError(
                f"training.{name}: expected student.{name} for a student, got the setting of "
                f"'train'. Set student.{name}."
            )


def _twin_overrides(
    recipe: str | None, overrides: Sequence[str], base: str | None
) -> tuple[str, ...]:
    """What turns settings into those of the supervised twin."""
    plain = load_config(recipe, overrides, base=base)
    labels = plain.training.supervised_labels
    if labels is None:
        if plain.data.store is None:
            raise ConfigError(
                "data.store: expected a store with labels to train the supervised twin on, got "
                "none. Name one with --set data.store=FOLDER."
            )
        labels = plain.data.store / LABEL_FILE
    return f"training.supervised_labels={labels}", "training.supervised=true"
