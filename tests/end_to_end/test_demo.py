"""The whole method learns: synthetic videos and unpaired poses, no label seen in training."""

import csv
import json
from pathlib import Path

import pytest

from keypointgan.commands.demo import run_demo
from keypointgan.data.video import probe


@pytest.mark.slow
def test_the_demo_learns_to_half_of_the_mean_pose_error(tmp_path: Path) -> None:
    """The mean pose is 6.9 % of the image side away; four minutes bring the detector below half."""
    said: list[str] = []
    report, scored = run_demo(tmp_path, minutes=4.0, say=said.append)
    evaluation = scored.evaluation
    assert evaluation.baseline is not None
    assert evaluation.flip_min is not None
    assert 6 < evaluation.baseline.raw.mean < 8
    assert evaluation.raw.mean < evaluation.baseline.raw.mean / 2
    assert evaluation.flip_min.mean <= evaluation.raw.mean
    assert report == tmp_path / "run" / "report.html"
    page = report.read_text(encoding="utf-8")
    assert f"{evaluation.raw.mean:.2f}</b><span>error" in page
    assert "test frames" in page
    with (tmp_path / "video.csv").open(newline="", encoding="utf-8") as file:
        assert sum(1 for _ in csv.reader(file)) >= 90
    assert probe(tmp_path / "overlay.mp4").frames == 90
    assert sum(line.endswith(" s") for line in said) == 7, "every step and the sum say their time"
    metrics = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(metrics[-1])["seconds"] < 4.5 * 60
