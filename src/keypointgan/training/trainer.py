"""The loop on Lightning Fabric: when to step, evaluate, save and stop."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from keypointgan.assemble import assemble_data, assemble_prior
from keypointgan.checkpoint import load_resume_state, save_checkpoint
from keypointgan.config import Config
from keypointgan.errors import TrainingError
from keypointgan.skeletons import Skeleton
from keypointgan.training.health import TrainingHealth, check_validation, is_broken
from keypointgan.training.panels import write_panel
from keypointgan.training.pretrain import Pretraining, take_regressor
from keypointgan.training.process import Clock, averager, interruptible, make_fabric
from keypointgan.training.progress import Listener, Progress, Silent
from keypointgan.training.record import Record
from keypointgan.training.schedule import is_alone, step_size_factor
from keypointgan.training.state import TrainingState
from keypointgan.training.step import Engine
from keypointgan.training.updates import LabelledUpdate, UnlabelledUpdate, Update, in_layout
from keypointgan.training.validate import Evaluate, ValidationSet, predict_rows, validate
from keypointgan.wording import counted

_PROGRESS_SECONDS = 0.5


@dataclass(frozen=True)
class Outcome:
    """How a call of `Trainer.fit` ended.

    Attributes:
        step: Updates in all.
        reason: Why it stopped: `steps`, `minutes`, `interrupted` or `pretrained`.
        metrics: Figures of the last evaluation.
    """

    step: int
    reason: str
    metrics: Mapping[str, float]


class Trainer:
    """Trains a detector into a run folder; takes up a run that is there already.

    Args:
        run: The run's folder.
        config: All settings; a run that is taken up must have been started with the same.
        evaluate: Figures of predictions against labels, where the settings name labels.
        listener: Who watches.

    Raises:
        KeypointGANError: Settings, data or checkpoint cannot be used.
    """

    def __init__(
        self,
        run: Path,
        config: Config,
        *,
        evaluate: Evaluate | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.run, self.config, self.evaluate = run, config, evaluate
        self.listener = listener or Silent()
        settings = config.training
        self.fabric = make_fabric(settings, listener=self.listener)
        if settings.devices > 1:
            self.fabric.launch()
        self.device = self.fabric.device
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True
            torch.set_float32_matmul_precision("high")
        self.skeleton = Skeleton.load(config.model.skeleton)
        self.prior, self.held_out = assemble_prior(config, self.skeleton)
        self.data = assemble_data(config, self.skeleton, device=self.device)
        self.state = TrainingState.fresh(config, self.skeleton, device=self.device)
        self.engine = Engine(
            clip=config.optimiser.clip,
            autocast=self.fabric.autocast,
            synchronise=averager(self.fabric),
        )
        self.pretraining = Pretraining(
            self.state.model,
            self.prior,
            self.held_out,
            settings=config.pretrain,
            size=config.data.size,
            seed=settings.seed,
            device=self.device,
            engine=self.engine,
        )
        self._resume()
        self._compile()
        self.record = Record(
            run,
            config,
            self.state,
            device=self.device,
            listener=self.listener,
            first=self.fabric.is_global_zero,
        )
        self.health = TrainingHealth()
        self.generator = torch.Generator(self.device)
        self.validation = ValidationSet.draw(self.data, self.prior, self.held_out)
        self.metrics: dict[str, float] = {}
        self.stop_reason = ""
        self.update = self._make_update()

    def fit(self, *, only_pretrain: bool = False) -> Outcome:
        """Train until a limit is reached or Ctrl-C; the state is saved whichever it is.

        Args:
            only_pretrain: Stop once the regressor is trained.

        Raises:
            TrainingError: A loss is NaN, or a checkpoint cannot be written.
        """
        started = time.monotonic() - self.state.seconds
        with interruptible(self._interrupt):
            if self.state.pretrain_step >= 0:
                self._pretrain(started)
            if only_pretrain and not self.stop_reason:
                self.stop_reason = "pretrained"
            if not self.stop_reason:
                self._train(started)
        self.state.seconds = time.monotonic() - started
        self._save("last")
        self.record.close()
        return Outcome(self.state.step, self.stop_reason, self.metrics)

    def _pretrain(self, started: float) -> None:
        settings = self.config.pretrain
        finished = False
        if settings.regressor is not None:
            seen = take_regressor(self.state.model, settings.regressor, self.skeleton)
            if seen:
                self.listener.on_message(
                    f"Warning: the regressor of {settings.regressor} went on learning for "
                    f"{counted(seen, 'update')} from the pictures of that run's encoder, and "
                    "brings along what that run called left, right, head and tail, right or wrong. "
                    "'keypointgan pretrain' makes one that knows poses alone."
                )
        elif settings.steps:
            clock = Clock()
            for report in self.pretraining.run():
                self.state.pretrain_step = report.step
                self.state.seconds = time.monotonic() - started
                figures = {"loss_regressor_prior": report.loss}
                if report.error is not None:
                    figures["regressor_error"] = report.error
                self.record.write("pretrain", report.step, figures)
                rate = clock.rate(report.step) * settings.batch_size
                left = (settings.steps - report.step) * settings.batch_size / max(rate, 1e-9)
                self.listener.on_progress(
                    Progress("pretrain", report.step, settings.steps, rate, left, figures)
                )
                if report.finished:
                    finished = True
                    error = report.error or float("nan")
                    self.listener.on_message(
                        f"The regressor {report.finished}: {error:.2f} % on held-out poses."
                    )
                elif self._must_stop():
                    break
                elif report.error is not None:
                    self._save("last")
        if self.state.averaged is not self.state.model:
            self.state.averaged.load_state_dict(self.state.model.state_dict())
        if self.stop_reason and not finished:
            return
        self.state.pretrain_step = -1
        self._save("last")

    def _train(self, started: float) -> None:
        settings = self.config.training
        clock = Clock(self.state.step)
        shown = 0.0
        while not self.stop_reason and self.state.step < settings.steps:
            self.state.step += 1
            step = self.state.step
            losses = self._update()
            self.state.seconds = time.monotonic() - started
            if step % settings.log_every == 0:
                numbers = self.record.write("train", step, losses)
                self._refuse_broken(is_broken(numbers))
                for warning in self.health.check_losses(numbers):
                    self.record.warn(warning)
                now = time.monotonic()
                if now - shown > _PROGRESS_SECONDS:
                    shown = now
                    self.record.tell_progress(clock, numbers)
            if step % settings.evaluate_every == 0 or step == settings.steps:
                self._evaluate()
            if step % settings.save_every == 0:
                self._save("last")
            self._must_stop()
        if not self.stop_reason:
            self.stop_reason = "steps"
        if self.state.step % settings.evaluate_every and self.stop_reason == "minutes":
            self._evaluate()

    def _update(self) -> dict[str, Tensor]:
        """One update of each network on a batch that depends on seed, step and process alone."""
        config, state = self.config, self.state
        seed = config.training.seed * 1_000_003 + state.step
        self.generator.manual_seed(seed * 1009 + self.fabric.global_rank + 7)
        state.scale_rates(step_size_factor(config, step=state.step, seconds=state.seconds))
        losses = self.update(state, generator=self.generator)
        if config.optimiser.average:
            state.update_average(config.optimiser.average)
        return losses

    def _evaluate(self) -> None:
        """Measure the detector on the validation split, draw a panel, keep the best."""
        state, config = self.state, self.config
        model = state.averaged
        training = model.training
        model.eval()
        state.reconstruction_loss.eval()
        figures = validate(model, self.validation, autocast=self.fabric.autocast)
        chosen_by = figures["reconstruction"] + figures["prior_distance"]
        if self.evaluate is not None and self.data.labels is not None:
            assert self.data.label_rows is not None
            predicted = predict_rows(
                model,
                lambda rows: in_layout(
                    self.data.bank.fetch(rows), channels_last=config.training.channels_last
                ),
                self.data.label_rows,
                autocast=self.fabric.autocast,
            )
            measured = self.evaluate(predicted, self.data.labels)
            figures |= measured
            told_apart = config.model.sides == "apart" or config.training.supervised
            chosen_by = measured["error" if told_apart else "error_flip_min"]
        self.metrics = figures
        numbers = self.record.write("evaluate", state.step, figures)
        self.record.tell_scores(numbers)
        if not config.training.supervised and not is_alone(config, step=state.step):
            limit = self.pretraining.best if self.pretraining.step else 1.0
            for warning in check_validation(figures, pretrained_error=limit):
                self.record.warn(warning)
        if config.training.panels and self.fabric.is_global_zero:
            rows = slice(config.training.panels)
            plates = self.validation.pair.background
            write_panel(
                self.run / "panels" / f"{state.step:07d}.png",
                model,
                self.skeleton,
                frame=self.validation.pair.frame[rows],
                reference=self.validation.pair.reference[rows],
                background=None if plates is None else plates[rows],
            )
        model.train(training)
        state.reconstruction_loss.train()
        if chosen_by < state.best:
            state.best = chosen_by
            self._save("best")

    def _save(self, name: str) -> None:
        if not self.fabric.is_global_zero:
            return
        self._refuse_broken(self.state.broken_weight())
        resume = None
        if name == "last":
            resume = {
                "state": self.state.state_dict(),
                "pretraining": self.pretraining.state_dict(),
            }
        save_checkpoint(
            self.run / "checkpoints" / name,
            self.state.averaged,
            config=self.config,
            skeleton=self.skeleton,
            step=self.state.step,
            metrics=self.metrics,
            resume=resume,
        )

    def _refuse_broken(self, name: str | None) -> None:
        if name is not None:
            raise TrainingError(
                f"{name} is not a number any more at step {self.state.step}. The last checkpoint "
                f"in {self.run} is kept. Start another run with a lower optimiser.learning_rate, "
                "or with training.precision=32-true."
            )

    def _resume(self) -> None:
        values = load_resume_state(self.run)
        if values is not None:
            self.state.load_state_dict(values["state"])
            self.pretraining.load_state_dict(values["pretraining"])

    def _compile(self) -> None:
        if self.config.training.compile:
            model = self.state.model
            for network in (
                model.encoder,
                model.regressor,
                model.decoder,
                self.state.discriminator,
                self.state.reconstruction_loss.features,
            ):
                network.compile()

    def _make_update(self) -> Update:
        if self.config.training.supervised:
            return LabelledUpdate(
                self.config, data=self.data, skeleton=self.skeleton, engine=self.engine
            )
        return UnlabelledUpdate(self.config, data=self.data, prior=self.prior, engine=self.engine)

    def _interrupt(self) -> None:
        self.stop_reason = "interrupted"

    def _must_stop(self) -> bool:
        minutes = self.config.training.minutes
        if minutes and self.state.seconds > 60 * minutes:
            self.stop_reason = self.stop_reason or "minutes"
        return bool(self.stop_reason)
