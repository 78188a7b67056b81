"""What people see while a command works: bars on a terminal, now and then a line elsewhere."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

LINES_EVERY = 20.0
"""Seconds between two lines of progress where there is no terminal."""

_SHOWN = {
    "loss_reconstruction": "rebuilt",
    "loss_adversarial": "adversarial",
    "loss_discriminator": "discriminator",
    "loss_regressor_prior": "regressor",
    "loss_labelled": "labelled",
}


@runtime_checkable
class TrainingProgress(Protocol):
    """What a trainer reports; `training.progress.Progress`, which this module need not load."""

    @property
    def phase(self) -> str: ...
    @property
    def step(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def frames_per_second(self) -> float: ...
    @property
    def seconds_left(self) -> float: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...


def errors_console() -> Console:
    """Return the console of progress and messages: standard error."""
    return Console(stderr=True, soft_wrap=True)


def tables_console() -> Console:
    """Return the console of results: standard output, wide enough for tables in a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def duration(seconds: float) -> str:
    """Return a time for people: `2:05:07`, `1:30`."""
    text = str(timedelta(seconds=max(0, round(seconds))))
    return text.removeprefix("0:")


class TrainingView:
    """A listener of a training run that shows a bar for the phase at hand.

    A context manager; the bar goes away when it is left.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or errors_console()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task: TaskID | None = None
        self._phase = ""
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def on_progress(self, progress: TrainingProgress) -> None:
        """Move the bar, or write a line if it is time for one."""
        pace = (
            f"{progress.frames_per_second:.0f} frames/s, {duration(progress.seconds_left)} left"
            f"{_losses(progress.metrics)}"
        )
        if self.console.is_terminal:
            if progress.phase != self._phase:
                self._next_phase(progress)
            assert self._task is not None  # set by the first report of a phase
            self._progress.update(self._task, completed=progress.step, pace=pace)
        elif time.monotonic() - self._last_line >= LINES_EVERY:
            self._last_line = time.monotonic()
            self.console.print(f"{progress.phase} {progress.step}/{progress.steps}: {pace}")

    def on_message(self, message: str) -> None:
        """Write the line above the bar; warnings in yellow."""
        warning = message.startswith("warning")
        self.console.print(escape(message), style="yellow" if warning else None, highlight=False)

    def _next_phase(self, progress: TrainingProgress) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._phase = progress.phase
        self._task = self._progress.add_task(progress.phase, total=progress.steps, pace="")


@contextmanager
def counting(title: str, console: Console | None = None) -> Iterator["Counter"]:
    """Show a bar for work that counts, such as frames; the value is called with done and all."""
    console = console or errors_console()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        yield Counter(progress, progress.add_task(title, total=None, pace=""), title)


class Counter:
    """Moves a bar, or writes a line now and then; readers of data call it with done and all."""

    def __init__(self, progress: Progress, task: TaskID, title: str) -> None:
        self._progress, self._task, self._title = progress, task, title
        self._started = self._last_line = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        rate = done / max(now - self._started, 1e-3)
        pace = f"{rate:.0f}/s, {duration((total - done) / max(rate, 1e-3))} left"
        console = self._progress.console
        if console.is_terminal:
            self._progress.update(self._task, completed=done, total=total, pace=pace)
        elif now - self._last_line >= LINES_EVERY:
            self._last_line = now
            console.print(f"{self._title} {done}/{total}: {pace}", markup=False, highlight=False)


def _losses(metrics: Mapping[str, float]) -> str:
    parts = [f"{word} {metrics[name]:.3f}" for name, word in _SHOWN.items() if name in metrics]
    return f" ({', '.join(parts)})" if parts else ""
