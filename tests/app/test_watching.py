"""A run as people who watch it see it."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from keypointgan.app.watching import QUIET_AFTER, curves_of, newest_panel, stamp_of, summarise
from keypointgan.errors import CheckpointError


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the run, cut off after three of six updates and without warnings."""
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    (folder / "health.jsonl").unlink(missing_ok=True)
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if json.loads(line)["step"] <= 3]
    (folder / "metrics.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    return folder


def test_a_run_that_writes_is_training(run: Path) -> None:
    summary = summarise(run)
    assert "Training" in summary
    assert "update 3 of 6" in summary
    assert "No health check has warned" in summary


def test_a_run_that_is_silent_is_not_running(run: Path) -> None:
    long_ago = time.time() - QUIET_AFTER - 3600
    for file in (run / "metrics.jsonl", *(run / "panels").iterdir()):
        os.utime(file, (long_ago, long_ago))
    assert "Not running for 62 minutes" in summarise(run)


def test_a_run_at_its_last_update_is_finished(tiny_run: Path) -> None:
    assert "<b>Finished</b>" in summarise(tiny_run)


def test_a_new_line_changes_the_stamp_and_an_unfinished_one_is_left_out(run: Path) -> None:
    before = stamp_of(run)
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 4, "seconds": 9.0, "phase": "train", "loss_rec')
    os.utime(run / "metrics.jsonl", (before + 5, before + 5))
    assert stamp_of(run) == before + 5
    assert "update 3 of 6" in summarise(run)


def test_the_latest_warning_of_each_kind_is_shown_escaped(run: Path) -> None:
    lines = [
        {"step": 1, "name": "discriminator_won", "message": "first"},
        {"step": 2, "name": "discriminator_won", "message": "Raise <b>noise</b>."},
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    (run / "health.jsonl").write_text(text + '\n{"step": 3, "na', encoding="utf-8")
    summary = summarise(run)
    assert "discriminator won" in summary
    assert "Raise &lt;b&gt;noise" in summary
    assert "first" not in summary


def test_curves_and_the_newest_panel_are_those_of_the_run(run: Path) -> None:
    assert 'alt="Reconstruction"' in curves_of(run)
    panel = newest_panel(run)
    assert panel is not None
    assert int(panel.stem) == 6


def test_a_run_that_has_only_begun_says_so(run: Path) -> None:
    (run / "metrics.jsonl").unlink()
    shutil.rmtree(run / "panels")
    assert "not written anything yet" in summarise(run)
    assert curves_of(run) == ""
    assert newest_panel(run) is None


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="keypointgan train"):
        summarise(tmp_path)
