"""Everything that changes during training, and how it is kept and brought back."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from keypointgan.assemble import (
    assemble_discriminator,
    assemble_model,
    assemble_pool,
    assemble_reconstruction_loss,
)
from keypointgan.config import Config
from keypointgan.errors import CheckpointError
from keypointgan.losses.adversarial import ImagePool
from keypointgan.losses.perceptual import PerceptualLoss
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.skeletons import Skeleton


@dataclass
class TrainingState:
    """The networks, their optimisers and how far they are.

    Attributes:
        model: Encoder, regressor and decoder.
        averaged: A copy with the running mean of the weights; the model itself if there is none.
        discriminator: Judges skeleton images.
        reconstruction_loss: Holds the running balance of its layers.
        pool: Past skeleton images.
        generator_optimizer: Of encoder and decoder (of encoder and regressor in the twin).
        discriminator_optimizer: Of the discriminator.
        regressor_optimizer: Of the regressor.
        step: Updates so far.
        pretrain_step: Updates of the regressor alone, before; -1 once that is over.
        seconds: Wall time spent on them.
        best: Best value of the figure that chooses the best checkpoint.
    """

    model: KeypointGAN
    averaged: KeypointGAN
    discriminator: nn.Module
    reconstruction_loss: PerceptualLoss
    pool: ImagePool
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    regressor_optimizer: Optimizer
    step: int = 0
    pretrain_step: int = 0
    seconds: float = 0.0
    best: float = float("inf")

    @classmethod
    def fresh(cls, config: Config, skeleton: Skeleton, *, device: torch.device) -> "TrainingState":
        """Return new networks; the same for the same seed, whatever ran before."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.training.seed)
            model = assemble_model(config.model, skeleton).to(device)
            discriminator = assemble_discriminator(config).to(device)
            loss = assemble_reconstruction_loss(config).to(device)
        if config.training.channels_last:
            for network in (model, discriminator, loss):
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        settings = config.optimiser

        def adam(weights: Iterable[Tensor], rate: float) -> Adam:
            return Adam(weights, lr=rate, betas=settings.betas)

        rate = settings.learning_rate
        second = model.regressor if config.training.supervised else model.decoder
        return cls(
            model=model,
            averaged=deepcopy(model).eval() if settings.average else model,
            discriminator=discriminator,
            reconstruction_loss=loss,
            pool=assemble_pool(config).to(device),
            generator_optimizer=adam([*model.encoder.parameters(), *second.parameters()], rate),
            discriminator_optimizer=adam(
                discriminator.parameters(), rate * settings.discriminator_rate
            ),
            regressor_optimizer=adam(model.regressor.parameters(), rate * settings.regressor_rate),
        )

    def update_average(self, decay: float) -> None:
        """Move the averaged copy towards the weights; the early ones are forgotten sooner."""
        move_average(self.averaged, self.model, decay, step=self.step)

    def scale_rates(self, factor: float) -> None:
        """Set every optimiser's step size to `factor` times the one it began with."""
        for optimizer in self._optimizers().values():
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                group["lr"] = group["initial_lr"] * factor

    def broken_weight(self) -> str | None:
        """The name of the first weight or running mean that is NaN or infinite, or None."""
        for network in (self.model, self.averaged, self.discriminator):
            for name, value in network.state_dict().items():
                if not bool(value.isfinite().all()):
                    return name
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return tensors and plain values from which training goes on as if it had not stopped."""
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        counts = {name: getattr(self, name) for name in _COUNTS}
        return {**parts, **counts}

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Take over what `state_dict` returned.

        Raises:
            CheckpointError: It belongs to other networks.
        """
        try:
            for name, part in self._parts().items():
                part.load_state_dict(values[name])
            for name in _COUNTS:
                setattr(self, name, values[name])
        except (RuntimeError, KeyError, ValueError) as error:
            raise CheckpointError(
                "The run's checkpoint does not fit the networks of its config.yaml: "
                f"{str(error).splitlines()[0]}. Was config.yaml edited? Start a new run instead."
            ) from error

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {
            "model": self.model,
            "discriminator": self.discriminator,
            "pool": self.pool,
            "scales": _Buffers(self.reconstruction_loss),
        }
        if self.averaged is not self.model:
            parts["averaged"] = self.averaged
        return {**parts, **self._optimizers()}

    def _optimizers(self) -> dict[str, Optimizer]:
        return {
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "regressor_optimizer": self.regressor_optimizer,
        }


@torch.no_grad()
def move_average(averaged: nn.Module, model: nn.Module, decay: float, *, step: int) -> None:
    """Move a running mean of weights towards them; the early ones are forgotten sooner.

    What the mean has beyond the model, a student's naming, stays as it is.
    """
    decay = min(decay, (1 + step) / (10 + step))
    means = averaged.state_dict()
    kept: list[Tensor] = []
    new: list[Tensor] = []
    for name, now in model.state_dict().items():
        old = means[name]
        if old.is_floating_point():
            kept.append(old)
            new.append(now)
        else:
            old.copy_(now)
    torch._foreach_lerp_(kept, new, 1 - decay)


_COUNTS = ("step", "pretrain_step", "seconds", "best")


class _Buffers:
    """The running balance of the reconstruction loss, without the frozen feature network."""

    def __init__(self, loss: PerceptualLoss) -> None:
        self._loss = loss

    def state_dict(self) -> dict[str, Tensor]:
        return {"scales": self._loss.scales, "seen": self._loss.seen}

    def load_state_dict(self, values: dict[str, Tensor]) -> None:
        self._loss.scales.copy_(values["scales"])
        self._loss.seen.copy_(values["seen"])
