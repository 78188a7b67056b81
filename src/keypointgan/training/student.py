"""Teaching the student: drawn figures first, then also what it makes of real frames.

Figures have known points but are drawings; real frames have none. The running mean of the student
guesses the points of all training frames (`training.guesses`), and the student learns to find the
same in other views of them: moved, in other light, partly hidden (self-training; Xie et al., CVPR
2020). Instead, or before, a trained run of the method may guess.
"""

import time
from copy import deepcopy
from pathlib import Path

import torch
from torch.optim import Adam

from keypointgan.assemble import (
    assemble_data,
    assemble_naming,
    assemble_student,
    labels_of,
)
from keypointgan.checkpoint import load_resume_state, save_checkpoint
from keypointgan.config import Config
from keypointgan.errors import CheckpointError, ConfigError, TrainingError
from keypointgan.models.naming import holds_naming
from keypointgan.models.student import Student
from keypointgan.skeletons import Skeleton
from keypointgan.training.guess_rounds import GuessRounds
from keypointgan.training.guesses import Guesses
from keypointgan.training.health import is_broken
from keypointgan.training.naming import check_pairs
from keypointgan.training.panels import write_points
from keypointgan.training.process import Clock, interruptible, make_fabric
from keypointgan.training.progress import Listener, Silent
from keypointgan.training.record import Record
from keypointgan.training.step import Engine
from keypointgan.training.student_state import StudentState
from keypointgan.training.student_teaching import known_frames, load_student, load_teacher
from keypointgan.training.student_update import StudentUpdate
from keypointgan.training.trainer import Outcome
from keypointgan.training.updates import in_layout
from keypointgan.training.validate import Evaluate, predict_rows
from keypointgan.types import Frames, Rows

_PROGRESS_SECONDS = 0.5
_SETTLED_ON = 256  # frames on which the norms of adopted weights are settled
_CLIP = 5.0  # largest norm of the gradient


class StudentTrainer:
    """Trains a student into a run folder; takes up a run that is there already.

    Args:
        run: The run's folder.
        config: All settings, `Config.for_student`.
        teacher: A trained run of the method, which makes the first guesses and paints frames, or a
            student, which makes the first guesses.
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
        if config.student.sides_by_prior:
            check_pairs(self.skeleton)
        self.data = assemble_data(config, self.skeleton, device=self.device)
        self.state = self._fresh_state()
        self.teacher = (
            None
            if teacher is None
            else load_teacher(teacher, config, self.skeleton, device=self.device)
        )
        self.known = known_frames(
            config,
            self.data,
            self.skeleton,
            teacher=self.teacher,
            autocast=self.fabric.autocast,
        )
        resume = load_resume_state(run, network="student")
        if resume is not None:
            if holds_naming(resume["state"]["averaged"]):
                self.state.averaged.naming = assemble_naming(self.skeleton).to(self.device)
            self.state.load_state_dict(resume["state"], device=self.device)
        else:
            if config.student.start is not None:
                self._start_from(config.student.start)
            elif config.student.backbone_weights is not None:
                self._adopt_backbone(config.student.backbone_weights)
            if settings.supervised:
                self.state.guesses = self._labelled_rows()
        self._refuse_nothing_to_learn()
        self.rounds = GuessRounds(
            config,
            clips=self.data.training_clips,
            fetch=self._fetch,
            skeleton=self.skeleton,
            teacher=self.teacher,
            device=self.device,
            autocast=self.fabric.autocast,
            listener=self.listener,
            committee=self._committee(),
            naming=self.state.averaged.naming,
        )
        if settings.compile:
            self.state.model.compile()
        self.record = Record(
            run, config, self.state, device=self.device, listener=self.listener, first=True
        )
        self.update = StudentUpdate(
            config,
            data=self.data,
            known=self.known,
            mirror=self.skeleton.mirror,
            engine=Engine(clip=_CLIP, autocast=self.fabric.autocast),
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
            if not self._guess_if_due():
                break
            state.step += 1
            # Batches depend on seed and step alone, so that a stopped run goes on the same.
            self.generator.manual_seed((settings.seed * 1_000_003 + state.step) * 1009 + 11)
            losses = self.update(state, generator=self.generator)
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

    def _other(self, path: Path, setting: str) -> Student:
        return load_student(path, self.config, self.skeleton, setting=setting, device=self.device)

    def _committee(self) -> list[Student]:
        members = [self._other(path, "committee") for path in self.config.student.committee]
        for member in members:
            member.naming = None  # sides are named once, in what all have read
        return members

    def _start_from(self, start: Path) -> None:
        loaded = self._other(start, "start")
        naming, loaded.naming = loaded.naming, None
        try:
            for model in (self.state.model, self.state.averaged):
                model.load_state_dict(loaded.state_dict())
        except RuntimeError as error:
            raise CheckpointError(
                f"{start}: expected a student of width {self.config.student.width} and backbone "
                f"'{self.config.student.backbone}', got another one. Set student.width and "
                "student.backbone to its own."
            ) from error
        if self.config.student.sides_by_prior and self.config.prior.poses is None:
            self.state.averaged.naming = naming  # else it is learnt from the prior of this run

    def _adopt_backbone(self, weights: Path) -> None:
        rows, _ = self.data.sampler.sample(
            _SETTLED_ON, generator=torch.Generator(self.device).manual_seed(0)
        )
        backbone = self.state.model.backbone
        assert backbone is not None  # the configuration has checked it
        backbone.adopt(weights, self._fetch(rows))
        self.state.averaged.load_state_dict(self.state.model.state_dict())

    def _refuse_nothing_to_learn(self) -> None:
        settings = self.config.student
        has_guesses = (
            self.state.guesses is not None or self.teacher is not None or settings.start is not None
        )
        if self.known is None and not (has_guesses and settings.real):
            raise ConfigError(
                "student.figures: expected something to learn from, got no figures, no painted "
                "frames and no guesses that count. Name a trained run with --teacher, a student "
                "with student.start, or draw figures."
            )

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

    def _guess_if_due(self) -> bool:
        """Guess the points of all training frames where it is time to; False after Ctrl-C."""
        asked = None if self.config.training.supervised else self.rounds.whom_to_ask(self.state)
        if asked is not None:
            found = self.rounds.guess(asked, stopped=lambda: bool(self.stop_reason))
            if found is None:
                return False  # it guesses again when the run is taken up
            self.state.guesses, self.state.averaged.naming = found, self.rounds.naming
        return True

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
