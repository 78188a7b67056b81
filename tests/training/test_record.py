"""What is written and told, and by whom."""

from collections.abc import Callable
from pathlib import Path

import torch

from keypointgan.config import Config
from keypointgan.training.health import HealthWarning
from keypointgan.training.journal import read_metrics
from keypointgan.training.process import Clock
from keypointgan.training.progress import Progress
from keypointgan.training.record import Record
from keypointgan.training.state import TrainingState


class _Listener:
    def __init__(self) -> None:
        self.messages: list[str] = []
        self.progress: list[Progress] = []

    def on_progress(self, progress: Progress) -> None:
        self.progress.append(progress)

    def on_message(self, message: str) -> None:
        self.messages.append(message)


def _record(run: Path, config: Config, state: TrainingState, *, first: bool) -> Record:
    return Record(run, config, state, device=torch.device("cpu"), listener=_Listener(), first=first)


def test_only_the_first_process_writes(
    state: TrainingState, tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    for first in (False, True):
        record = _record(tmp_path / str(first), tiny_config(), state, first=first)
        assert record.write("train", 1, {"loss": torch.tensor(0.5)}) == {"loss": 0.5}
        record.warn(HealthWarning("stuck", "It is stuck."))
        record.close()
        assert (tmp_path / str(first)).exists() == first
    assert [line["loss"] for line in read_metrics(tmp_path / "True")] == [0.5]
    assert "stuck" in (tmp_path / "True" / "health.jsonl").read_text(encoding="utf-8")


def test_the_time_left_ends_with_the_wall_time(
    state: TrainingState, tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    """A minute in all, of which 45 seconds are over."""
    config = tiny_config("training.steps=1000000", "training.minutes=1")
    record = _record(tmp_path, config, state, first=True)
    state.step, state.seconds = 3, 45.0
    record.tell_progress(Clock(2), {})
    assert isinstance(record.listener, _Listener)
    assert record.listener.progress[0].seconds_left == 15.0
    record.close()


def test_scores_are_told_in_one_line(
    state: TrainingState, tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    record = _record(tmp_path, tiny_config(), state, first=True)
    state.step = 7
    record.tell_scores({"flip_accuracy": 97.5, "spread": 1.0, "error": 3.14159})
    assert isinstance(record.listener, _Listener)
    record.tell_scores({})
    assert record.listener.messages == ["step 7: error 3.14, flip_accuracy 97.50"]
    record.close()
