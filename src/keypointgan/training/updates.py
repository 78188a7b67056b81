"""One update of all networks on one batch: of the method, or of its supervised twin."""

from dataclasses import replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from keypointgan.assemble import TrainingData, assemble_figures, labels_of
from keypointgan.config import Config
from keypointgan.data.figures import FigureSource
from keypointgan.data.pairs import draw_pair
from keypointgan.data.priors import Prior
from keypointgan.data.views import MovedFrames, move_frames
from keypointgan.errors import ConfigError
from keypointgan.skeletons import Skeleton
from keypointgan.training.schedule import insistence_on_sides, is_alone
from keypointgan.training.state import TrainingState
from keypointgan.training.step import (
    Engine,
    discriminator_step,
    figure_step,
    generator_step,
    instance_noise,
    labelled_step,
    regressor_step,
)
from keypointgan.types import Frames


@runtime_checkable
class Update(Protocol):
    """One update of a state; all randomness comes from the generator."""

    def __call__(self, state: TrainingState, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the networks; returns the losses and gradient norms by name."""


class UnlabelledUpdate:
    """The method: encoder and decoder, then discriminator, then regressor (METHOD 3).

    Where the settings ask for drawn figures, the encoder learns from them too: alone in the first
    updates, then beside the method.

    Args:
        config: Weights of the losses, augmentation, batch size.
        data: The unlabelled videos.
        prior: The unpaired poses.
        engine: How updates are carried out.
    """

    def __init__(self, config: Config, *, data: TrainingData, prior: Prior, engine: Engine) -> None:
        self.config, self.data, self.prior, self.engine = config, data, prior, engine
        self.figures: FigureSource | None = None
        if config.figures.alone or config.figures.weight:
            self.figures = assemble_figures(config, data, prior)

    def __call__(self, state: TrainingState, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Update the networks on pairs of frames, poses of the prior and drawn figures."""
        settings = self.config.figures
        alone = is_alone(self.config, step=state.step)
        losses = {} if alone else self._update_all(state, generator=generator)
        if self.figures is not None and (alone or settings.weight):
            weight = 1.0 if alone else settings.weight
            losses |= self._update_on_figures(
                self.figures, state, weight=weight, generator=generator
            )
        return losses

    def _update_on_figures(
        self,
        figures: FigureSource,
        state: TrainingState,
        *,
        weight: float,
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        settings = self.config.figures
        batch = figures.sample(settings.batch_size, generator=generator)
        return figure_step(
            state.model,
            state.generator_optimizer,
            frame=in_layout(batch.frame, channels_last=self.config.training.channels_last),
            pose=batch.keypoints,
            mirror=self.prior.skeleton.mirror,
            points_weight=weight * settings.points,
            image_weight=weight * settings.image,
            insistence=insistence_on_sides(self.config, step=state.step),
            engine=self.engine,
        )

    def _update_all(self, state: TrainingState, *, generator: torch.Generator) -> dict[str, Tensor]:
        config, engine = self.config, self.engine
        batch, size = config.training.batch_size, config.data.size
        pair = draw_pair(
            self.data.bank,
            self.data.sampler,
            batch,
            generator=generator,
            mirror=config.data.mirror,
            colour_jitter=config.data.colour_jitter,
            warp=config.data.warp,
        )
        pose = self.prior.sample(batch, generator=generator, device=self.data.bank.device)
        drawn = state.model.draw(pose, size=(size, size))
        noise = instance_noise(config.loss.discriminator_noise, generator=generator)
        frame = in_layout(pair.frame, channels_last=config.training.channels_last)
        moved = None
        if config.equivariance.weight:
            moved = self._move(frame, generator=generator)
        update = generator_step(
            state.model,
            state.discriminator,
            state.reconstruction_loss,
            state.generator_optimizer,
            frame=frame,
            reference=in_layout(pair.reference, channels_last=config.training.channels_last),
            reconstruction_weight=config.loss.reconstruction,
            adversarial_weight=config.loss.adversarial,
            background=pair.background,
            noise=noise,
            moved=moved,
            equivariance_weight=config.equivariance.weight,
            engine=engine,
        )
        encoded = update.rebuilt.skeleton_image
        discriminator_losses = discriminator_step(
            state.discriminator,
            state.discriminator_optimizer,
            real=drawn,
            fake=state.pool.exchange(encoded, generator=generator),
            noise=noise,
            penalty_weight=config.loss.discriminator_r1,
            engine=engine,
        )
        regressor_losses = regressor_step(
            state.model,
            state.regressor_optimizer,
            pose=pose,
            drawn=drawn,
            encoded=encoded,
            prior_weight=config.loss.regressor_prior,
            cycle_weight=config.loss.regressor_cycle,
            engine=engine,
        )
        return {**update.losses, **discriminator_losses, **regressor_losses}

    def _move(self, frame: Frames, *, generator: torch.Generator) -> MovedFrames:
        settings = self.config.equivariance
        moved = move_frames(
            frame,
            rotation=settings.rotation,
            scale=settings.scale,
            shift=settings.shift,
            light=settings.light,
            order=self.prior.skeleton.mirror if self.config.data.mirror else None,
            generator=generator,
        )
        channels_last = self.config.training.channels_last
        return replace(moved, frame=in_layout(moved.frame, channels_last=channels_last))


class LabelledUpdate:
    """The supervised twin: encoder and regressor learn the labels of the training frames.

    Args:
        config: Where the labels are, how many of them to use, batch size.
        data: The frames.
        skeleton: The joints, in order.
        engine: How updates are carried out.

    Raises:
        ConfigError: The settings name no labels.
        LabelError: The labels do not belong to the frames.
    """

    def __init__(
        self, config: Config, *, data: TrainingData, skeleton: Skeleton, engine: Engine
    ) -> None:
        settings = config.training
        if settings.supervised_labels is None:
            raise ConfigError("training.supervised_labels: expected a file of labels, got none.")
        labels, rows = labels_of(
            settings.supervised_labels, data.bank.store, data.training_clips, skeleton
        )
        order = torch.arange(len(rows))
        if settings.supervised_limit:
            shuffle = torch.Generator().manual_seed(settings.seed)
            order = torch.randperm(len(rows), generator=shuffle)[: settings.supervised_limit]
        self.points = torch.from_numpy(labels.xy)[order].to(data.bank.device)
        self.rows = rows[order].to(data.bank.device)
        self.mirrors = list(skeleton.mirror)
        self.config, self.data, self.engine = config, data, engine

    def __call__(self, state: TrainingState, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Update encoder and regressor on labelled frames, mirrored if the settings say so."""
        settings, device = self.config.training, self.data.bank.device
        count = settings.batch_size
        chosen = torch.randint(len(self.rows), (count,), generator=generator, device=device)
        frame, points = self.data.bank.fetch(self.rows[chosen]), self.points[chosen]
        if self.config.data.mirror:
            flip = torch.rand(count, 1, 1, generator=generator, device=device) < 0.5
            mirrored = points[:, self.mirrors] * points.new_tensor([-1.0, 1.0])
            points = torch.where(flip, mirrored, points)
            frame = torch.where(flip.unsqueeze(-1), frame.flip(-1), frame)
        return labelled_step(
            state.model,
            state.generator_optimizer,
            frame=in_layout(frame, channels_last=settings.channels_last),
            labels=points,
            engine=self.engine,
        )


def in_layout(frames: Tensor, *, channels_last: bool) -> Tensor:
    """The frames in the memory layout of the networks."""
    return frames.contiguous(memory_format=torch.channels_last) if channels_last else frames
