"""What the loop tells its caller while it works; drawing it is the caller's business."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

Watch = Callable[[int, int], None]
"""Called with how much of a long piece of work is done, and with all of it; may raise to end it."""


@dataclass(frozen=True)
class Progress:
    """Where a phase of a run is.

    Attributes:
        phase: `pretrain` or `train`; of a student also `guess` and `sides`.
        step: Updates done, or frames read.
        steps: All of them, at most.
        frames_per_second: Of late; poses where it learns from those alone.
        seconds_left: Expected time until the phase's limit.
        metrics: The latest figures.
    """

    phase: str
    step: int
    steps: int
    frames_per_second: float
    seconds_left: float
    metrics: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class Listener(Protocol):
    """Somebody who watches a run."""

    def on_progress(self, progress: Progress) -> None:
        """Called at every logged update."""

    def on_message(self, message: str) -> None:
        """Called with a line worth showing, such as a health warning or an evaluation."""


class Silent:
    """A listener that shows nothing."""

    def on_progress(self, progress: Progress) -> None:
        """Ignore it."""

    def on_message(self, message: str) -> None:
        """Ignore it."""
