"""What a run writes down and tells whoever watches it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from keypointgan.config import Config
from keypointgan.training.health import HealthWarning
from keypointgan.training.journal import Journal, Phase, write_environment
from keypointgan.training.process import Clock
from keypointgan.training.progress import Listener, Progress

_SHOWN = (
    "error",
    "error_flip_min",
    "nme",
    "flip_accuracy",
    "reconstruction",
    "prior_distance",
    "regressor_error",
    "motion_keypoints",
)


@runtime_checkable
class Dated(Protocol):
    """How far a run is: `TrainingState` or `StudentState`."""

    step: int
    seconds: float
    pretrain_step: int


class Record:
    """The journal in the run's folder, and the listener beside it.

    Args:
        run: The run's folder.
        config: All settings, written there once.
        state: Its step and seconds date what is written.
        device: Named in the record of the machine.
        listener: Who watches.
        first: Whether this is the first of several processes; the others write nothing.
    """

    def __init__(
        self,
        run: Path,
        config: Config,
        state: Dated,
        *,
        device: torch.device,
        listener: Listener,
        first: bool,
    ) -> None:
        self.config, self.state, self.listener = config, state, listener
        self.journal: Journal | None = None
        if first:
            run.mkdir(parents=True, exist_ok=True)
            settings = run / "config.yaml"
            if not settings.exists():
                settings.write_text(config.to_yaml(), encoding="utf-8")
            write_environment(run, device=device)
            self.journal = Journal(run, step=state.step, pretrain_step=state.pretrain_step)

    def write(
        self, phase: Phase, step: int, figures: Mapping[str, Tensor | float]
    ) -> dict[str, float]:
        """Append one line of figures; returns them as numbers."""
        if self.journal is None:
            return {name: float(value) for name, value in figures.items()}
        return self.journal.write(phase, step, self.state.seconds, figures)

    def warn(self, warning: HealthWarning) -> None:
        """Note that something goes wrong."""
        if self.journal is not None:
            self.journal.warn(self.state.step, warning.name, warning.message)
            self.listener.on_message(f"warning ({warning.name}): {warning.message}")

    def tell_scores(self, figures: Mapping[str, float]) -> None:
        """Tell the figures of an evaluation; nothing where no label gave any."""
        told = ", ".join(f"{name} {figures[name]:.2f}" for name in _SHOWN if name in figures)
        if told:
            self.listener.on_message(f"step {self.state.step}: {told}")

    def tell_progress(self, clock: Clock, figures: Mapping[str, float]) -> None:
        """Tell how far training is, how fast, and until when."""
        settings, step = self.config.training, self.state.step
        batch = settings.batch_size * settings.devices
        rate = clock.rate(step) * batch
        left = (settings.steps - step) * batch / max(rate, 1e-9)
        if settings.minutes:
            left = min(left, settings.minutes * 60 - self.state.seconds)
        self.listener.on_progress(Progress("train", step, settings.steps, rate, left, figures))

    def close(self) -> None:
        """Flush what is not yet on the disk."""
        if self.journal is not None:
            self.journal.close()
