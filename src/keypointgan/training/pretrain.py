"""The regressor η alone, on drawn poses of the prior: before anything else, until it reads them.

The release ships only the result of this phase (a checkpoint called 580000); METHOD 3 has the loss,
‖η(β(p̄)) − p̄‖². Without it η gives the encoder no useful gradient.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import Adam

from keypointgan.checkpoint import load_model, method_of
from keypointgan.data.priors import Prior
from keypointgan.errors import CheckpointError
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.ops.keypoints import soft_argmax
from keypointgan.settings import PretrainConfig
from keypointgan.skeletons import Skeleton
from keypointgan.training.step import Engine, regressor_step
from keypointgan.wording import counted

_HELD_OUT_POSES = 512
_REPORT_EVERY = 50


@dataclass(frozen=True)
class PretrainReport:
    """Where the phase is.

    Attributes:
        step: Updates done.
        loss: Mean squared error of the coordinates in the last update.
        error: Mean error on held-out poses, % of the image side; None between evaluations.
        finished: Why the phase ends here, or None.
    """

    step: int
    loss: float
    error: float | None
    finished: str | None


class Pretraining:
    """The phase, which can be left and taken up again.

    Args:
        model: Its regressor learns.
        prior: Poses to learn from.
        held_out: Poses to measure the error on.
        settings: When to stop, among others.
        size: Side of the drawings, pixels.
        seed: Of the poses drawn.
        device: Where.
        engine: How updates are carried out.
    """

    def __init__(
        self,
        model: KeypointGAN,
        prior: Prior,
        held_out: Prior,
        *,
        settings: PretrainConfig,
        size: int,
        seed: int,
        device: torch.device,
        engine: Engine,
    ) -> None:
        self.model, self.prior, self.held_out = model, prior, held_out
        self.settings, self.size, self.seed = settings, size, seed
        self.device, self.engine = device, engine
        self.optimizer = Adam(model.regressor.parameters(), lr=settings.learning_rate)
        self.step = 0
        self.best = math.inf
        self.since_best = 0

    def run(self) -> Iterator[PretrainReport]:
        """Go on until the regressor reads held-out poses well; yields now and then.

        It stops at the target error, when the error has not improved for `patience` evaluations,
        or at the step limit; `finished` of the last report says which.
        """
        settings = self.settings
        generator = torch.Generator(self.device)
        finished = None
        while finished is None and self.step < settings.steps:
            share = self.step / settings.steps
            for group in self.optimizer.param_groups:
                group["lr"] = settings.learning_rate * (1 + math.cos(math.pi * share)) / 2
            self.step += 1
            generator.manual_seed(self.seed * 1_000_003 + self.step)
            pose = self.prior.sample(settings.batch_size, generator=generator, device=self.device)
            drawn = self.model.draw(pose, size=(self.size, self.size))
            losses = regressor_step(
                self.model, self.optimizer, pose=pose, drawn=drawn, engine=self.engine
            )
            evaluate = self.step % settings.evaluate_every == 0 or self.step == settings.steps
            if evaluate or self.step % _REPORT_EVERY == 0:
                error = self.held_out_error() if evaluate else None
                finished = self._reason_to_stop(error)
                yield PretrainReport(
                    self.step, float(losses["loss_regressor_prior"]), error, finished
                )

    @torch.no_grad()
    def held_out_error(self) -> float:
        """Mean error of η on drawn held-out poses, in % of the image side."""
        generator = torch.Generator(self.device).manual_seed(0)
        poses = self.held_out.sample(_HELD_OUT_POSES, generator=generator, device=self.device)
        errors = []
        for pose in poses.split(64):
            with self.engine.autocast():
                drawn = self.model.draw(pose, size=(self.size, self.size))
                read = soft_argmax(self.model.regressor(drawn))
            errors.append((read - pose).norm(dim=-1).mean(-1))
        return 50 * float(torch.cat(errors).mean())

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "best": self.best,
            "since_best": self.since_best,
        }

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.optimizer.load_state_dict(values["optimizer"])
        self.step, self.best = values["step"], values["best"]
        self.since_best = values["since_best"]

    def _reason_to_stop(self, error: float | None) -> str | None:
        if error is None:
            return None
        self.since_best = 0 if error < 0.98 * self.best else self.since_best + 1
        self.best = min(self.best, error)
        if error <= self.settings.target:
            return f"reached the target of {self.settings.target} %"
        if self.since_best >= self.settings.patience:
            return f"no better for {counted(self.since_best, 'evaluation')}"
        if self.step == self.settings.steps:
            return f"did {counted(self.settings.steps, 'update')}"
        return None


def take_regressor(model: KeypointGAN, run: Path, skeleton: Skeleton) -> int:
    """Copy the regressor of another run (`keypointgan pretrain`) into `model`.

    Returns:
        For how many updates it has learnt from the pictures of that run's encoder, 0 if it knows
        poses alone.

    Raises:
        CheckpointError: There is no checkpoint, or its regressor reads another skeleton or has
            other layers.
    """
    loaded = load_model(run)
    if loaded.skeleton.joints != skeleton.joints:
        raise CheckpointError(
            f"{run}: expected a regressor of the skeleton '{skeleton.name}' "
            f"({skeleton.num_joints} joints), got one of '{loaded.skeleton.name}' "
            f"({loaded.skeleton.num_joints}). Pre-train one for this skeleton."
        )
    try:
        model.regressor.load_state_dict(method_of(loaded, where=run).regressor.state_dict())
    except RuntimeError as error:
        raise CheckpointError(
            f"{run}: the regressor has other layers than the settings ask for; pre-train with "
            "the same model.preset, model.width and model.sides."
        ) from error
    with_encoder = loaded.config.loss.regressor_cycle > 0 or loaded.config.training.supervised
    return loaded.step if with_encoder else 0
