"""The whole method learns: synthetic videos and unpaired poses, no label seen in training."""

import csv
from pathlib import Path

import pytest

from keypointgan.commands.demo import run_demo
from keypointgan.data.video import probe


@pytest.mark.slow
def test_a_short_demo_halves_the_error_of_the_mean_pose(tmp_path: Path) -> None:
    """800 updates of the method and 500 of its student, fewer than two slow cores have time for."""
    said: list[str] = []
    report, scored = run_demo(
        tmp_path,
        minutes=40.0,
        say=said.append,
        overrides=["training.steps=800", "student.steps=500"],
    )
    evaluation = scored.evaluation
    assert evaluation.baseline is not None
    assert evaluation.flip_min is not None
    assert evaluation.raw.mean < 0.5 * evaluation.baseline.raw.mean
    assert evaluation.flip_min.mean <= evaluation.raw.mean
    assert report == tmp_path / "run" / "report.html"
    page = report.read_text(encoding="utf-8")
    assert f"{evaluation.raw.mean:.2f}</b><span>error" in page
    assert "test frames" in page
    with (tmp_path / "video.csv").open(newline="", encoding="utf-8") as file:
        assert sum(1 for _ in csv.reader(file)) >= 90
    assert probe(tmp_path / "overlay.mp4").frames == 90
    assert sum(line.endswith(" s") for line in said) == 8, "every step and the sum say their time"
