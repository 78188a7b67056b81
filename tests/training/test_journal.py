"""What a run writes down survives a kill and a resumption."""

import json
from pathlib import Path

import pytest
import torch

from keypointgan.training.journal import Journal, read_metrics, write_environment


def _journal(run: Path, *, step: int = 0, pretrain_step: int = -1) -> Journal:
    return Journal(run, step=step, pretrain_step=pretrain_step, tensorboard=False)


def _steps(run: Path) -> list[tuple[str, int]]:
    return [(line["phase"], line["step"]) for line in read_metrics(run)]


def test_a_line_holds_step_time_phase_and_figures(tmp_path: Path) -> None:
    numbers = _journal(tmp_path).write("train", 3, 1.2345, {"loss": torch.tensor(0.5), "rate": 2})
    assert numbers == {"loss": 0.5, "rate": 2.0}
    assert read_metrics(tmp_path) == [
        {"step": 3, "seconds": 1.23, "phase": "train", "loss": 0.5, "rate": 2.0}
    ]


def test_a_figure_that_is_no_number_is_null_in_the_file(tmp_path: Path) -> None:
    """NaN is no JSON; the caller gets it all the same, to act on it."""
    numbers = _journal(tmp_path).write("train", 1, 0.0, {"loss": float("nan")})
    assert numbers["loss"] != numbers["loss"]
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text(encoding="utf-8")
    assert read_metrics(tmp_path)[0]["loss"] is None


def test_a_run_without_metrics_has_none(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == []


def test_lines_after_the_resumed_step_are_dropped(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    journal.write("pretrain", 9, 0.0, {})
    for step in (2, 4):
        journal.write("train", step, 0.0, {})
        journal.write("evaluate", step, 0.0, {})
    _journal(tmp_path, step=2)
    assert _steps(tmp_path) == [("pretrain", 9), ("train", 2), ("evaluate", 2)]


def test_lines_of_a_pretraining_that_starts_over_are_dropped(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    for step in (2, 4, 6):
        journal.write("pretrain", step, 0.0, {})
    _journal(tmp_path, pretrain_step=4)
    assert _steps(tmp_path) == [("pretrain", 2), ("pretrain", 4)]
    _journal(tmp_path, pretrain_step=0)
    assert _steps(tmp_path) == []


def test_a_line_that_a_kill_cut_off_is_left_out_and_later_removed(tmp_path: Path) -> None:
    _journal(tmp_path).write("train", 1, 0.0, {"loss": 1.0})
    file = tmp_path / "metrics.jsonl"
    with file.open("a", encoding="utf-8") as opened:
        opened.write('{"step": 2, "seconds": 1.0, "pha')
    assert _steps(tmp_path) == [("train", 1)]
    _journal(tmp_path, step=5).write("train", 2, 0.0, {})
    assert _steps(tmp_path) == [("train", 1), ("train", 2)]
    assert all(json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())


def test_a_line_that_lacks_only_its_end_does_not_swallow_the_next(tmp_path: Path) -> None:
    """A kill between the line and its newline."""
    _journal(tmp_path).write("train", 1, 0.0, {})
    file = tmp_path / "metrics.jsonl"
    file.write_text(file.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    _journal(tmp_path, step=1).write("train", 2, 0.0, {})
    assert _steps(tmp_path) == [("train", 1), ("train", 2)]


def test_warnings_are_lines_of_their_own(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    journal.warn(7, "discriminator_won", "Raise the noise.")
    journal.warn(8, "gradient_explodes", "Lower the rate.")
    lines = (tmp_path / "health.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["name"] for line in lines] == [
        "discriminator_won",
        "gradient_explodes",
    ]


def test_tensorboard_events_lie_in_the_run(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is an optional package")
    journal = Journal(tmp_path)
    journal.write("train", 1, 0.0, {"loss": 1.0})
    journal.close()
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_the_machine_is_written_down(tmp_path: Path) -> None:
    write_environment(tmp_path, device=torch.device("cpu"))
    values = json.loads((tmp_path / "environment.json").read_text(encoding="utf-8"))
    assert values["device"] == "cpu"
    assert values["packages"]["torch"].startswith(torch.__version__.split("+")[0])
