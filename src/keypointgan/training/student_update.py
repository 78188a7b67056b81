"""One update of a student: on frames whose points are known, and on real ones."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from keypointgan.assemble import TrainingData
from keypointgan.config import Config
from keypointgan.data.views import ViewRange, draw_views
from keypointgan.losses.student import student_loss
from keypointgan.models.student import Student
from keypointgan.training.guesses import Guesses
from keypointgan.training.known_frames import KnownFrames
from keypointgan.training.schedule import student_rate
from keypointgan.training.state import move_average
from keypointgan.training.step import Engine
from keypointgan.training.student_state import StudentState
from keypointgan.training.updates import in_layout
from keypointgan.types import Confidence, Frames, Keypoints, Rows


class StudentUpdate:
    """Views of figures with their points, and of real frames with what they are guessed to show.

    Args:
        config: Weights of the losses, strength of the views, batch size.
        data: The unlabelled videos.
        known: Frames whose points are known; none where only guesses or labels teach.
        mirror: For each joint the one on the other side.
        engine: How updates are carried out.
    """

    def __init__(
        self,
        config: Config,
        *,
        data: TrainingData,
        known: KnownFrames | None,
        mirror: Sequence[int],
        engine: Engine,
    ) -> None:
        self.config, self.data, self.known = config, data, known
        self.mirror, self.engine = mirror, engine

    def __call__(self, state: StudentState, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the student; returns the losses and the gradient's norm by name."""
        settings = self.config.student
        rate = student_rate(self.config, step=state.step, seconds=state.seconds)
        for group in state.optimizer.param_groups:
            group["lr"] = settings.learning_rate * rate
        losses: dict[str, Tensor] = {}
        total = torch.zeros((), device=generator.device)
        if self.known is not None:
            batch = self.known.sample(state.step, generator=generator)
            with statistics_kept(state.model):
                loss, terms = self._loss(
                    state.model, batch.frame, batch.keypoints, generator=generator
                )
            total = total + loss
            losses |= {f"loss_figure_{name}": value for name, value in terms.items()}
        rows, points, weight = self._real_rows(state.guesses, generator=generator)
        frames = self.data.bank.fetch(rows)
        if points is None:
            with torch.no_grad(), self.engine.autocast():  # statistics of real frames
                seen, _ = self._view(frames, None, generator=generator)
                state.model(seen)
        else:
            loss, terms = self._loss(
                state.model, frames, points, weight=weight, generator=generator
            )
            total = total + settings.real * loss
            losses |= {f"loss_real_{name}": value for name, value in terms.items()}
            assert weight is not None  # as there are points
            losses["trust"] = weight.mean()
        losses["norm_student"] = self.engine.update(total, state.optimizer)
        losses["loss_student"] = total.detach()
        move_average(state.averaged, state.model, settings.average, step=state.step)
        return losses

    def _real_rows(
        self, guesses: Guesses | None, *, generator: torch.Generator
    ) -> tuple[Rows, Keypoints | None, Confidence | None]:
        count = self.config.student.batch_size
        if guesses is None:
            rows, _ = self.data.sampler.sample(count, generator=generator)
            return rows, None, None
        place = torch.randint(
            len(guesses.rows), (count,), generator=generator, device=generator.device
        )
        return guesses.rows[place], guesses.points[place], guesses.weight[place]

    def _loss(
        self,
        model: Student,
        frames: Frames,
        points: Keypoints,
        *,
        weight: Confidence | None = None,
        generator: torch.Generator,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        settings = self.config.student
        frames, target = self._view(frames, points, generator=generator)
        assert target is not None  # as there are points
        with self.engine.autocast():
            heatmaps, log_error = model(frames)
        if weight is None:
            weight = target.new_ones(target.shape[:2])
        terms = student_loss(heatmaps, log_error, target=target, weight=weight)
        loss = (
            settings.heatmaps * terms.heatmaps
            + settings.points * terms.points
            + settings.error * terms.error
        )
        return loss, {name: value.detach() for name, value in vars(terms).items()}

    def _view(
        self, frames: Frames, points: Keypoints | None, *, generator: torch.Generator
    ) -> tuple[Frames, Keypoints | None]:
        settings = self.config.student
        views = ViewRange(
            rotation=settings.rotation,
            scale=settings.scale,
            shift=settings.shift,
            light=settings.light,
            hidden=settings.hidden,
            camera=settings.camera,
            inverted=settings.inverted,
            bystanders=0.0 if points is None else settings.bystanders,
            close_ups=0.0 if points is None else settings.close_ups,
            mirror=self.mirror if self.config.data.mirror and points is not None else None,
        )
        known = frames.new_zeros(len(frames), 1, 2) if points is None else points
        frames, moved = draw_views(frames, known, views, generator=generator)
        frames = in_layout(frames, channels_last=self.config.training.channels_last)
        return frames, None if points is None else moved


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
