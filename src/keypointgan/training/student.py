"""Teaching the student: drawn figures first, then also what it makes of real frames.

Figures have known points but are drawings; real frames have none. The running mean of the student
guesses the points of all training frames (`training.guesses`), and the student learns to find the
same in other views of them: moved, in other light, partly hidden (self-training; Xie et al., CVPR
2020). Instead, or before, a trained run of the method may guess.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from keypointgan.assemble import (
    assemble_data,
    assemble_figures,
    assemble_prior,
    assemble_student,
    labels_of,
)
from keypointgan.checkpoint import load_model, load_resume_state, method_of, save_checkpoint
from keypointgan.config import Config
from keypointgan.data.views import ViewRange, draw_views
from keypointgan.errors import CheckpointError, ConfigError, TrainingError
from keypointgan.losses.student import student_loss
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.models.student import Student
from keypointgan.ops.shapes import match_mean_shape
from keypointgan.skeletons import Skeleton
from keypointgan.training.guesses import Guesses, guess
from keypointgan.training.health import is_broken
from keypointgan.training.known_frames import DrawnAhead, KnownFrames, Painter, Together
from keypointgan.training.panels import write_points
from keypointgan.training.process import Clock, interruptible, make_fabric
from keypointgan.training.progress import Listener, Silent
from keypointgan.training.record import Record
from keypointgan.training.schedule import share_done, student_rate
from keypointgan.training.state import move_average
from keypointgan.training.step import Engine
from keypointgan.training.trainer import Outcome
from keypointgan.training.updates import in_layout
from keypointgan.training.validate import Evaluate, predict_rows
from keypointgan.types import Frames, Keypoints, Rows

_PROGRESS_SECONDS = 0.5
_SHAPES = 4096  # poses of the prior whose mean shape is taken


@dataclass
class StudentState:
    """What changes while a student learns.

    Attributes:
        model: The student.
        averaged: The running mean of its weights, which guesses and which is kept.
        optimizer: Of the student.
        guesses: What the real frames are believed to show; none in the beginning.
        step: Updates so far.
        seconds: Wall time spent on them.
        best: Best value of the figure that chooses the best checkpoint.
        pretrain_step: There is no such phase.
    """

    model: Student
    averaged: Student
    optimizer: Optimizer
    guesses: Guesses | None = None
    step: int = 0
    seconds: float = 0.0
    best: float = float("inf")
    pretrain_step: int = -1

    def state_dict(self) -> dict[str, Any]:
        """Return tensors and plain values from which training goes on as if it had not stopped."""
        kept = {"step": self.step, "seconds": self.seconds, "best": self.best}
        guesses = None if self.guesses is None else dict(vars(self.guesses))
        return kept | {
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "guesses": guesses,
        }

    def load_state_dict(self, values: dict[str, Any], *, device: torch.device) -> None:
        """Take over what `state_dict` returned."""
        for name in ("model", "averaged", "optimizer"):
            getattr(self, name).load_state_dict(values[name])
        self.step, self.seconds, self.best = (values[name] for name in ("step", "seconds", "best"))
        if values["guesses"] is not None:
            self.guesses = Guesses(**{k: v.to(device) for k, v in values["guesses"].items()})


class StudentTrainer:
    """Trains a student into a run folder; takes up a run that is there already.

    Args:
        run: The run's folder.
        config: All settings, `Config.for_student`.
        teacher: A trained run of the method, which makes the first guesses and paints frames.
        evaluate: Figures of predictions against labels, where the settings name labels.
        listener: Who watches.

    Raises:
        KeypointGANError: Settings, data, teacher or checkpoint cannot be used.
    """

    def __init__(
        self,
        run: Path,
        config: Config,
        *,
        teacher: Path | None = None,
        evaluate: Evaluate | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.run, self.config, self.evaluate = run, config, evaluate
        self.listener = listener or Silent()
        settings = config.training
        if settings.devices != 1:
            raise ConfigError(
                f"training.devices: expected 1 for a student, got {settings.devices}. It learns on "
                "one device."
            )
        self.fabric = make_fabric(settings, listener=self.listener)
        self.device = self.fabric.device
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True
            torch.set_float32_matmul_precision("high")
        self.skeleton = Skeleton.load(config.model.skeleton)
        self.data = assemble_data(config, self.skeleton, device=self.device)
        self.state = self._fresh_state()
        self.engine = Engine(clip=5.0, autocast=self.fabric.autocast)
        self.teacher = None if teacher is None else self._load_teacher(teacher)
        self.known = self._known_frames()
        resume = load_resume_state(run, network="student")
        if resume is not None:
            self.state.load_state_dict(resume["state"], device=self.device)
        else:
            if config.student.start is not None:
                self._start_from(config.student.start)
            if settings.supervised:
                self.state.guesses = self._labelled_rows()
        self._refuse_nothing_to_learn()
        if settings.compile:
            self.state.model.compile()
        self.record = Record(
            run, config, self.state, device=self.device, listener=self.listener, first=True
        )
        self.generator = torch.Generator(self.device)
        self.metrics: dict[str, float] = {}
        self.stop_reason = ""

    def fit(self) -> Outcome:
        """Train until a limit is reached or Ctrl-C; the state is saved whichever it is.

        Raises:
            TrainingError: A loss is NaN, or a checkpoint cannot be written.
        """
        started = time.monotonic() - self.state.seconds
        with interruptible(self._interrupt):
            self._train(started)
        self.state.seconds = time.monotonic() - started
        self._save("last")
        self.record.close()
        return Outcome(self.state.step, self.stop_reason, self.metrics)

    def _train(self, started: float) -> None:
        settings, state = self.config.training, self.state
        clock, shown = Clock(state.step), 0.0
        while not self.stop_reason and state.step < settings.steps:
            self._guess_if_due()
            state.step += 1
            losses = self._update()
            state.seconds = time.monotonic() - started
            if state.step % settings.log_every == 0:
                numbers = self.record.write("train", state.step, losses)
                self._refuse_broken(is_broken(numbers))
                if time.monotonic() - shown > _PROGRESS_SECONDS:
                    shown = time.monotonic()
                    self.record.tell_progress(clock, numbers)
            if state.step % settings.evaluate_every == 0 or state.step == settings.steps:
                self._evaluate()
            if state.step % settings.save_every == 0:
                self._save("last")
            if settings.minutes and state.seconds > 60 * settings.minutes:
                self.stop_reason = self.stop_reason or "minutes"
        self.stop_reason = self.stop_reason or "steps"
        if state.step % settings.evaluate_every and self.stop_reason == "minutes":
            self._evaluate()

    def _fresh_state(self) -> StudentState:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.training.seed)
            model = assemble_student(self.config, self.skeleton).to(self.device)
        if self.config.training.channels_last:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        rate = self.config.student.learning_rate
        return StudentState(model, deepcopy(model).eval(), Adam(model.parameters(), lr=rate))

    def _start_from(self, start: Path) -> None:
        loaded = load_model(start, device=self.device)
        if not isinstance(loaded.model, Student) or loaded.skeleton.joints != self.skeleton.joints:
            raise CheckpointError(
                f"{start}: expected a student of the joints of {self.skeleton.name} to start from, "
                f"got another network or one of {loaded.skeleton.name}. Name one with "
                "student.start."
            )
        try:
            for model in (self.state.model, self.state.averaged):
                model.load_state_dict(loaded.model.state_dict())
        except RuntimeError as error:
            raise CheckpointError(
                f"{start}: expected a student of width {self.config.student.width}, got another "
                "one. Set student.width to its width."
            ) from error

    def _known_frames(self) -> KnownFrames | None:
        """Frames whose points are known: figures, painted ones, both, or none."""
        settings, training = self.config.student, self.config.training
        if training.supervised or not (settings.figures or settings.synthesis):
            return None
        prior, _ = assemble_prior(self.config, self.skeleton)
        sources: list[KnownFrames] = []
        if settings.figures:
            figures = DrawnAhead(
                assemble_figures(self.config, self.data, prior),
                count=settings.figures,
                updates=settings.drawn_at_once,
                seed=training.seed,
                device=self.device,
            )
            sources.append(figures)
        if settings.synthesis:
            if self.teacher is None:
                raise ConfigError(
                    "student.synthesis: expected a teacher whose decoder paints frames, got none. "
                    "Name a trained run with --teacher."
                )
            painter = Painter(
                self.teacher,
                bank=self.data.bank,
                sampler=self.data.sampler,
                prior=prior,
                count=settings.synthesis,
                autocast=self.fabric.autocast,
            )
            sources.append(painter)
        return Together(sources)

    def _refuse_nothing_to_learn(self) -> None:
        settings = self.config.student
        has_guesses = self.state.guesses is not None or self.teacher is not None
        if self.known is None and not (has_guesses and settings.real):
            raise ConfigError(
                "student.figures: expected something to learn from, got no figures, no painted "
                "frames and no teacher whose guesses count. Name a trained run with --teacher, or "
                "draw figures."
            )

    def _load_teacher(self, run: Path) -> KeypointGAN:
        loaded = load_model(run, device=self.device)
        teacher = method_of(loaded, where=run)
        if loaded.skeleton.joints != self.skeleton.joints:
            raise CheckpointError(
                f"{run}: expected a teacher of the joints of {self.skeleton.name}, got one of "
                f"{loaded.skeleton.name}. Set model.skeleton to its skeleton, or name another one."
            )
        keeps = "plate" if loaded.config.model.background == "plate" else "rebuilt"
        asked = "plate" if self.config.model.background == "plate" else "rebuilt"
        if self.config.student.synthesis and keeps != asked:
            raise ConfigError(
                f"model.background: expected '{loaded.config.model.background}' as the teacher in "
                f"{run}, whose decoder paints frames, got '{self.config.model.background}'. Set it "
                "to the teacher's."
            )
        return teacher

    def _labelled_rows(self) -> Guesses:
        settings = self.config.training
        assert settings.supervised_labels is not None  # the configuration has checked it
        labels, rows = labels_of(
            settings.supervised_labels,
            self.data.bank.store,
            self.data.training_clips,
            self.skeleton,
        )
        order = torch.arange(len(rows))
        if settings.supervised_limit:
            shuffle = torch.Generator().manual_seed(settings.seed)
            order = torch.randperm(len(rows), generator=shuffle)[: settings.supervised_limit]
        points = torch.from_numpy(labels.xy)[order].to(self.device)
        return Guesses(rows[order].to(self.device), points, points.new_ones(points.shape[:2]))

    def _guess_if_due(self) -> None:
        """Guess the points of all training frames, now and then, once there is somebody to ask."""
        settings, state = self.config.student, self.state
        if self.config.training.supervised or not settings.real:
            return
        if self.teacher is not None and state.guesses is None:
            state.guesses = self._guess(self.teacher)
        elif settings.start is not None and state.guesses is None:
            state.guesses = self._guess(state.averaged)
        elif state.step and state.step % settings.guess_every == 0:
            done = share_done(self.config, step=state.step, seconds=state.seconds)
            if done >= settings.alone:
                state.guesses = self._guess(state.averaged)

    def _guess(self, model: Student | KeypointGAN) -> Guesses:
        settings, order = self.config.student, self.skeleton.mirror
        found = guess(
            model,
            self.data.training_clips,
            self._fetch,
            order=order,
            device=self.device,
            autocast=self.fabric.autocast,
        )
        points = found.points
        if settings.match_prior:
            prior, _ = assemble_prior(self.config, self.skeleton)
            generator = torch.Generator(self.device).manual_seed(self.config.training.seed)
            known = prior.sample(_SHAPES, generator=generator, device=self.device)
            points = match_mean_shape(points, known, order=order)
        return Guesses(found.rows, points, found.weight**settings.doubt)

    def _update(self) -> dict[str, Tensor]:
        """One update, on batches that depend on seed and step alone."""
        config, state = self.config, self.state
        settings = config.student
        seed = config.training.seed * 1_000_003 + state.step
        self.generator.manual_seed(seed * 1009 + 11)
        rate = student_rate(config, step=state.step, seconds=state.seconds)
        for group in state.optimizer.param_groups:
            group["lr"] = settings.learning_rate * rate
        losses: dict[str, Tensor] = {}
        total = torch.zeros((), device=self.device)
        if self.known is not None:
            batch = self.known.sample(state.step, generator=self.generator)
            with statistics_kept(state.model):
                loss, terms = self._loss(batch.frame, batch.keypoints, None)
            total = total + loss
            losses |= {f"loss_figure_{name}": value for name, value in terms.items()}
        rows, points, weight = self._real_rows()
        if weight is None:
            with torch.no_grad(), self.engine.autocast():  # statistics of real frames
                frames, _ = self._view(self.data.bank.fetch(rows), None)
                state.model(frames)
        else:
            loss, terms = self._loss(self.data.bank.fetch(rows), points, weight)
            total = total + settings.real * loss
            losses |= {f"loss_real_{name}": value for name, value in terms.items()}
            losses["trust"] = weight.mean()
        losses["norm_student"] = self.engine.update(total, state.optimizer)
        losses["loss_student"] = total.detach()
        move_average(state.averaged, state.model, settings.average, step=state.step)
        return losses

    def _real_rows(self) -> tuple[Rows, Keypoints | None, Tensor | None]:
        count, guesses = self.config.student.batch_size, self.state.guesses
        if guesses is None:
            rows, _ = self.data.sampler.sample(count, generator=self.generator)
            return rows, None, None
        place = torch.randint(
            len(guesses.rows), (count,), generator=self.generator, device=self.device
        )
        return guesses.rows[place], guesses.points[place], guesses.weight[place]

    def _loss(
        self,
        frames: Frames,
        points: Keypoints | None,
        weight: Tensor | None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        settings = self.config.student
        frames, target = self._view(frames, points)
        assert target is not None
        with self.engine.autocast():
            heatmaps, log_error = self.state.model(frames)
        if weight is None:
            weight = target.new_ones(target.shape[:2])
        terms = student_loss(heatmaps, log_error, target=target, weight=weight)
        loss = (
            settings.heatmaps * terms.heatmaps
            + settings.points * terms.points
            + settings.error * terms.error
        )
        return loss, {name: value.detach() for name, value in vars(terms).items()}

    def _view(self, frames: Frames, points: Keypoints | None) -> tuple[Frames, Keypoints | None]:
        settings = self.config.student
        views = ViewRange(
            rotation=settings.rotation,
            scale=settings.scale,
            shift=settings.shift,
            light=settings.light,
            hidden=settings.hidden,
            mirror=self.skeleton.mirror if self.config.data.mirror else None,
        )
        known = frames.new_zeros(len(frames), 1, 2) if points is None else points
        if points is None:
            views = ViewRange(**{**vars(views), "mirror": None})
        frames, moved = draw_views(frames, known, views, generator=self.generator)
        frames = in_layout(frames, channels_last=self.config.training.channels_last)
        return frames, None if points is None else moved

    def _fetch(self, rows: Rows) -> Frames:
        return in_layout(
            self.data.bank.fetch(rows), channels_last=self.config.training.channels_last
        )

    def _evaluate(self) -> None:
        """Measure the student on the validation clips, draw a panel, keep the best."""
        state, config = self.state, self.config
        figures: dict[str, float] = {}
        chosen_by = -float(state.step)  # without labels the last is the best
        if self.evaluate is not None and self.data.labels is not None:
            assert self.data.label_rows is not None
            predicted = predict_rows(
                state.averaged, self._fetch, self.data.label_rows, autocast=self.fabric.autocast
            )
            figures = self.evaluate(predicted, self.data.labels)
            chosen_by = figures["error"]
        self.metrics = figures
        self.record.tell_scores(self.record.write("evaluate", state.step, figures))
        if config.training.panels:
            sampler = self.data.validation or self.data.sampler
            rows, _ = sampler.sample(
                4 * config.training.panels,
                generator=torch.Generator(self.device).manual_seed(0),
            )
            path = self.run / "panels" / f"{state.step:07d}.png"
            write_points(path, state.averaged, self.skeleton, frame=self._fetch(rows))
        if chosen_by < state.best:
            state.best = chosen_by
            self._save("best")

    def _save(self, name: str) -> None:
        broken = [
            key
            for key, value in self.state.averaged.state_dict().items()
            if not bool(value.isfinite().all())
        ]
        self._refuse_broken(broken[0] if broken else None)
        save_checkpoint(
            self.run / "checkpoints" / name,
            self.state.averaged,
            config=self.config,
            skeleton=self.skeleton,
            step=self.state.step,
            metrics=self.metrics,
            resume={"state": self.state.state_dict()} if name == "last" else None,
        )

    def _refuse_broken(self, name: str | None) -> None:
        if name is not None:
            raise TrainingError(
                f"{name} is not a number any more at step {self.state.step}. The last checkpoint "
                f"in {self.run} is kept. Start another run with a lower student.learning_rate, "
                "or with training.precision=32-true."
            )

    def _interrupt(self) -> None:
        self.stop_reason = "interrupted"


@contextmanager
def statistics_kept(model: nn.Module) -> Iterator[None]:
    """A context in which batch norm does not add to its running statistics.

    Figures and real frames are normalised each by their own batch; what is kept for use is of
    real frames alone (adaptive batch normalisation; Li et al., 2018).
    """
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, before, strict=True):
            norm.momentum = momentum
