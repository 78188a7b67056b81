"""What a run would cost: parameters, and the time of an update measured on this machine."""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from keypointgan.config import Config
from keypointgan.recipe import make_config
from keypointgan.training.progress import Progress
from keypointgan.training.step import regressor_step
from keypointgan.training.trainer import Trainer
from keypointgan.wording import counted

MEASURED_SECONDS = 10.0
"""How long updates are timed, after the first of them."""

_NEVER = 10**9


@dataclass(frozen=True)
class Cost:
    """What a run would cost.

    Attributes:
        parameters: Of each network.
        seconds_per_update: Of training, on this machine; NaN if a minute did not do for three.
        seconds_per_pretraining_update: Of the phase before.
        hours: Until the run's limit of updates or of wall time, pre-training at its longest.
        device: Where it was measured.
    """

    parameters: dict[str, int]
    seconds_per_update: float
    seconds_per_pretraining_update: float
    hours: float
    device: str


class _Stopwatch:
    """A listener that stops the run once it has seen enough updates."""

    def __init__(self, *, seconds: float) -> None:
        self.trainer: Trainer | None = None
        self._seconds = seconds
        self._moments: list[tuple[float, int]] = []

    def on_progress(self, progress: Progress) -> None:
        self._moments.append((time.monotonic(), progress.step))
        began = self._moments[0][0]
        if len(self._moments) >= 3 and self._moments[-1][0] - began > self._seconds:
            assert self.trainer is not None
            self.trainer.stop_reason = "measured"

    def on_message(self, message: str) -> None:
        pass

    @property
    def seconds_per_update(self) -> float:
        if len(self._moments) < 2:
            return float("nan")
        (start, before), (stop, after) = self._moments[0], self._moments[-1]
        return (stop - start) / max(after - before, 1)


def measure(config: Config) -> Cost:
    """Train for a few updates in a folder that is thrown away, and return what a run would cost.

    Args:
        config: The settings of the run.

    Raises:
        KeypointGANError: Settings or data cannot be used.
    """
    values = config.model_dump(mode="json")
    values["training"] |= {
        "steps": _NEVER,
        "minutes": max(1.0, 3 * MEASURED_SECONDS / 60),
        "evaluate_every": _NEVER,
        "save_every": _NEVER,
        "log_every": 1,
        "panels": 0,
    }
    values["pretrain"] |= {"steps": 0, "regressor": None}
    watch = _Stopwatch(seconds=MEASURED_SECONDS)
    with TemporaryDirectory() as folder:
        trainer = Trainer(Path(folder) / "run", make_config(values), listener=watch)
        watch.trainer = trainer
        before = _pretraining_seconds(trainer, config) if _pretrains(config) else 0.0
        trainer.fit()
    total = before * config.pretrain.steps + watch.seconds_per_update * config.training.steps
    if config.training.minutes:
        total = min(total, 60 * config.training.minutes)
    return Cost(
        parameters={
            **{name: _count(network) for name, network in trainer.state.model.named_children()},
            "discriminator": _count(trainer.state.discriminator),
        },
        seconds_per_update=watch.seconds_per_update,
        seconds_per_pretraining_update=before,
        hours=total / 3600,
        device=str(trainer.device),
    )


def _pretrains(config: Config) -> bool:
    return config.pretrain.regressor is None and config.pretrain.steps > 0


def _pretraining_seconds(trainer: Trainer, config: Config, *, updates: int = 3) -> float:
    size = config.data.size
    generator = torch.Generator(trainer.device).manual_seed(0)
    started = 0.0
    for update in range(updates + 1):
        if update == 1:  # the first one is slower than all later ones
            started = time.monotonic()
        pose = trainer.prior.sample(
            config.pretrain.batch_size, generator=generator, device=trainer.device
        )
        losses = regressor_step(
            trainer.state.model,
            trainer.pretraining.optimizer,
            pose=pose,
            drawn=trainer.state.model.draw(pose, size=(size, size)),
            engine=trainer.engine,
        )
        float(losses["loss_regressor_prior"])  # waits for the device
    return (time.monotonic() - started) / updates


def _count(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def describe(cost: Cost, config: Config) -> str:
    """Return the cost in a few lines for people."""
    total = sum(cost.parameters.values())
    parts = ", ".join(f"{name} {count:,}" for name, count in cost.parameters.items())
    frames = config.training.batch_size / cost.seconds_per_update
    lines = [
        f"parameters: {total:,} ({parts})",
        f"training: {cost.seconds_per_update:.3g} s an update on {cost.device}, "
        f"{frames:.0f} frames/s",
    ]
    if cost.seconds_per_pretraining_update:
        lines.append(
            f"pre-training: {cost.seconds_per_pretraining_update:.3g} s an update, at most "
            f"{config.pretrain.steps:,} of them"
        )
    limit = counted(config.training.steps, "update")
    if config.training.minutes:
        limit += f" or {config.training.minutes:g} minutes"
    return "\n".join([*lines, f"expected: {cost.hours:.2g} hours for {limit}"])
