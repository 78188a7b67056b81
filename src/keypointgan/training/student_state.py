"""What changes while a student learns, and how it is kept and brought back."""

from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import Optimizer

from keypointgan.models.student import Student, completed
from keypointgan.training.guesses import Guesses


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
        self.model.load_state_dict(completed(values["model"]))
        self.averaged.load_state_dict(completed(values["averaged"]))
        self.optimizer.load_state_dict(values["optimizer"])
        self.step, self.seconds, self.best = (values[name] for name in ("step", "seconds", "best"))
        if values["guesses"] is not None:
            self.guesses = Guesses(**{k: v.to(device) for k, v in values["guesses"].items()})
