"""When a student's training frames are guessed, by whom, and what the prior says to it."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from keypointgan.assemble import assemble_prior
from keypointgan.config import Config
from keypointgan.data.index import Clip
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.models.naming import Naming
from keypointgan.models.student import Student
from keypointgan.ops.shapes import match_mean_shape
from keypointgan.skeletons import Skeleton
from keypointgan.training.guesses import Guesses, guess
from keypointgan.training.naming import learn_naming
from keypointgan.training.progress import Listener, Progress, Watch
from keypointgan.training.schedule import share_done
from keypointgan.training.student_state import StudentState
from keypointgan.types import Frames, Rows

_PROGRESS_SECONDS = 0.5
_SHAPES = 4096  # poses of the prior whose mean shape is taken


class GuessRounds:
    """Guesses the points of all training frames, now and then.

    Args:
        config: All settings, `Config.for_student`.
        clips: Whose frames.
        fetch: The frames of rows.
        skeleton: Of the run.
        teacher: Who guesses first; None if there is none.
        device: Where the models are.
        autocast: A context of lower precision.
        listener: Who watches.
        committee: Students that read along in each round, `student.committee`.
        naming: What names sides by the prior, where a run is taken up that has learnt it.
    """

    def __init__(
        self,
        config: Config,
        *,
        clips: Sequence[Clip],
        fetch: Callable[[Rows], Frames],
        skeleton: Skeleton,
        teacher: KeypointGAN | Student | None,
        device: torch.device,
        autocast: Callable[[], Any],
        listener: Listener,
        committee: Sequence[Student] = (),
        naming: Naming | None = None,
    ) -> None:
        self.config, self.clips, self.fetch = config, clips, fetch
        self.skeleton, self.teacher, self.device = skeleton, teacher, device
        self.autocast, self.listener = autocast, listener
        self.committee, self.naming = committee, naming

    def whom_to_ask(self, state: StudentState) -> Student | KeypointGAN | None:
        """Who guesses before the next update; None where it is not time."""
        settings = self.config.student
        if not settings.real:
            return None
        first = state.guesses is None
        if first and self.teacher is not None:
            return self.teacher
        if first and settings.start is not None:
            return state.averaged
        if not state.step or state.step % settings.guess_every:
            return None
        done = share_done(self.config, step=state.step, seconds=state.seconds)
        return state.averaged if done >= settings.alone else None

    def guess(self, model: Student | KeypointGAN, *, stopped: Callable[[], bool]) -> Guesses | None:
        """What a model finds in all frames, and how far that counts.

        Args:
            model: In evaluation mode.
            stopped: Whether to leave off, asked again and again.

        Returns:
            None if it was to leave off.
        """
        try:
            return self._guess(model, stopped)
        except _LeftOffError:
            return None

    def _guess(self, model: Student | KeypointGAN, stopped: Callable[[], bool]) -> Guesses:
        settings, order = self.config.student, self.skeleton.mirror
        naming = self._learnt_naming(stopped) if settings.sides_by_prior else None
        found = guess(
            model,
            self.clips,
            self.fetch,
            order=order,
            device=self.device,
            autocast=self.autocast,
            committee=self.committee,
            naming=naming,
            margin=settings.margin,
            progress=self._watch("guess", stopped),
        )
        points = found.points
        if settings.match_prior:
            prior, _ = assemble_prior(self.config, self.skeleton)
            generator = torch.Generator(self.device).manual_seed(self.config.training.seed)
            known = prior.sample(_SHAPES, generator=generator, device=self.device)
            points = match_mean_shape(points, known, order=order)
        return Guesses(found.rows, points, found.weight**settings.doubt)

    def _learnt_naming(self, stopped: Callable[[], bool]) -> Naming:
        """What names sides by the prior: learnt once, the same whenever the run is taken up."""
        if self.naming is None:
            prior, _ = assemble_prior(self.config, self.skeleton)
            self.naming = learn_naming(
                prior,
                seed=self.config.training.seed,
                device=self.device,
                progress=self._watch("sides", stopped),
            )
        return self.naming

    def _watch(self, phase: str, stopped: Callable[[], bool]) -> Watch:
        """What tells the listener how far a phase is, and leaves off where that is asked."""
        started = shown = time.monotonic()

        def watch(done: int, total: int) -> None:
            nonlocal shown
            if stopped():
                raise _LeftOffError
            now = time.monotonic()
            if now - shown > _PROGRESS_SECONDS:
                shown, rate = now, done / (now - started)
                left = (total - done) / rate
                self.listener.on_progress(Progress(phase, done, total, rate, left))

        return watch


class _LeftOffError(Exception):
    """Ends a long piece of work from inside of it."""
