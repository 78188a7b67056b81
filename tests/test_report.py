"""The report: one page about a run, without anything from outside."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keypointgan.errors import CheckpointError
from keypointgan.evaluation.predictions import evaluate_predictions
from keypointgan.recipe import load_config
from keypointgan.report import write_report
from keypointgan.report_curves import draw_curves
from keypointgan.skeletons import Skeleton


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder written by hand: the numbers in it are known."""
    folder = tmp_path / "figures-a"
    (folder / "panels").mkdir(parents=True)
    (folder / "evaluations").mkdir()
    config = load_config(overrides=["loss.adversarial=3", "data.size=64"])
    (folder / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
    lines = [
        {"step": step, "seconds": 6.0 * step, "phase": phase, **figures}
        for step in (100, 200, 300)
        for phase, figures in (
            ("train", {"loss_adversarial": 0.5, "loss_discriminator": 0.1}),
            ("evaluate", {"error": 900 / step, "reconstruction": 5.0}),
        )
    ]
    (folder / "metrics.jsonl").write_text(
        "\n".join(json.dumps(line) for line in lines) + '\n{"step": 301, "sec', encoding="utf-8"
    )
    for step in (100, 200, 300):
        Image.new("RGB", (60, 30), (step % 256, 0, 0)).save(folder / "panels" / f"{step:07d}.png")
    return folder


def _evaluation() -> dict[str, object]:
    """Points that are all 2 % of the side to the right of their labels; the mean pose 4 %."""
    skeleton = Skeleton.load("h36m17")
    labels = np.random.default_rng(0).uniform(-0.5, 0.5, (6, 17, 2))
    evaluation = evaluate_predictions(
        labels + np.array([0.04, 0.0]),
        labels,
        skeleton,
        groups=["a", "a", "b", "b", "c", "c"],
        mean_pose=labels.mean(axis=0),
    )
    return {"step": 300, "evaluation": evaluation.to_dict(), "twin": None}


class _Sources(HTMLParser):
    """Collects whatever a page would load, and checks that its tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attributes if name in {"src", "href"}]
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_loads_nothing_and_is_well_formed(run: Path) -> None:
    page = write_report(run, run / "report.html").read_text(encoding="utf-8")
    parser = _Sources()
    parser.feed(page)
    assert parser.open == []
    assert parser.sources
    assert all(source.startswith("data:image/") for source in parser.sources)
    assert "@import" not in page
    assert "url(" not in page


def test_the_page_tells_how_long_and_with_which_settings(run: Path) -> None:
    """300 updates of 16 frames in 1,800 seconds; two settings differ from the defaults."""
    page = write_report(run, run / "report.html").read_text(encoding="utf-8")
    assert "<h1>figures-a</h1>" in page
    assert "300 updates (4,800 frames seen) in 30 minutes" in page
    assert set(re.findall(r"<code>(.*?)</code>", page)) == {"loss.adversarial", "data.size"}
    assert "3.00</b><span>error on validation" in page  # 900 / 300
    assert "latest panel, step 300" in page
    assert "first panel, step 100" in page
    assert "step 200" not in page


def test_warnings_are_shown_once_each_with_their_advice(run: Path) -> None:
    lines = [
        {"step": step, "name": "discriminator_won", "message": f"Loss < {step}: raise the noise."}
        for step in (100, 300)
    ]
    (run / "health.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines), "utf-8")
    page = write_report(run, run / "report.html").read_text(encoding="utf-8")
    assert page.count('class="warning"') == 1
    assert "discriminator won (2 times, steps 100 to 300)" in page
    assert "Loss &lt; 300: raise the noise." in page


def test_a_run_without_warnings_says_so(run: Path) -> None:
    page = write_report(run, run / "report.html").read_text(encoding="utf-8")
    assert "No health check has warned." in page


def test_scores_stand_beside_the_mean_pose(run: Path) -> None:
    file = run / "evaluations" / "test.json"
    file.write_text(json.dumps(_evaluation()), encoding="utf-8")
    page = write_report(run, run / "report.html").read_text(encoding="utf-8")
    assert "2.00</b><span>error, % of image side (test)" in page
    assert "<td>PCK@0.05</td>" in page
    assert "mean pose" in page


def test_a_run_that_has_just_begun_has_a_report(run: Path) -> None:
    (run / "metrics.jsonl").unlink()
    for panel in (run / "panels").iterdir():
        panel.unlink()
    page = write_report(run, run / "report.html").read_text(encoding="utf-8")
    assert "0 updates" in page
    assert "Curves" not in page


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.yaml"):
        write_report(tmp_path, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_only_curves_with_data_are_drawn() -> None:
    metrics = [
        {"step": step, "phase": "train", "loss_labelled": value}
        for step, value in ((1, 2.0), (2, None), (3, 1.0))
    ]
    drawn = draw_curves(metrics)
    assert list(drawn) == ["Reconstruction"]
    assert drawn["Reconstruction"].lstrip().startswith("<?xml")
