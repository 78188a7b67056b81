"""Carrying out training runs."""

import logging
from pathlib import Path

from keypointgan.commands.settings import read_settings
from keypointgan.config import Config
from keypointgan.evaluation.figures import training_figures
from keypointgan.skeletons import Skeleton
from keypointgan.training.progress import Listener
from keypointgan.training.student import StudentTrainer
from keypointgan.training.trainer import Outcome, Trainer


def train(
    run: Path,
    config: Config,
    *,
    listener: Listener | None = None,
    only_pretrain: bool = False,
) -> Outcome:
    """Start a run, or take up the one that is there, until a limit or Ctrl-C.

    Raises:
        KeypointGANError: Settings, data or disk do not allow it.
    """
    for name in ("lightning.fabric", "lightning.pytorch"):  # they announce precision and device
        logging.getLogger(name).setLevel(logging.WARNING)
    _write_free_settings(run, config)
    skeleton = Skeleton.load(config.model.skeleton)
    trainer = Trainer(run, config, evaluate=training_figures(skeleton), listener=listener)
    return trainer.fit(only_pretrain=only_pretrain)


def distill(
    run: Path, config: Config, *, teacher: Path | None = None, listener: Listener | None = None
) -> Outcome:
    """Train a student, or take up the one that is there, until a limit or Ctrl-C.

    Raises:
        KeypointGANError: Settings, data, teacher or disk do not allow it.
    """
    for name in ("lightning.fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)
    _write_free_settings(run, config)
    skeleton = Skeleton.load(config.model.skeleton)
    trainer = StudentTrainer(
        run, config, teacher=teacher, evaluate=training_figures(skeleton), listener=listener
    )
    return trainer.fit()


def _write_free_settings(run: Path, config: Config) -> None:
    """Keep the changed limits in the run's config.yaml, so that they hold the next time too."""
    before = read_settings(run)
    if before is not None and config != before:
        beside = run / "config.yaml.part"
        beside.write_text(config.to_yaml(), encoding="utf-8")
        beside.replace(run / "config.yaml")
