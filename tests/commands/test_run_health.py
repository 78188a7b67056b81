"""A run's health in words, from metrics written by hand."""

import json
from pathlib import Path

import pytest

from keypointgan.commands.findings import Finding
from keypointgan.commands.run_health import examine_run
from keypointgan.recipe import load_config

GOOD = {
    "regressor_error": 1.0,
    "motion_keypoints": 6.0,
    "motion_prior": 10.0,
    "prior_distance": 2.2,
    "prior_distance_held_out": 2.0,
    "on_motion": 3.0,
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    settings = load_config(None, ["training.steps=1000", "training.batch_size=10"])
    (tmp_path / "config.yaml").write_text(settings.to_yaml(), encoding="utf-8")
    return tmp_path


def write(run: Path, *lines: dict[str, float | str]) -> dict[str, Finding]:
    """Write metrics and return what is found, by name."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run / "metrics.jsonl").write_text(text, encoding="utf-8")
    return {finding.what.removeprefix(f"{run}: "): finding for finding in examine_run(run)}


def evaluations(errors: list[float], **changed: float) -> list[dict[str, float | str]]:
    return [
        {"phase": "evaluate", "step": 100 * number, "seconds": 10.0, "error": error}
        | GOOD
        | changed
        for number, error in enumerate(errors, start=1)
    ]


def test_pace_and_time_left_come_from_the_training_lines(run: Path) -> None:
    """500 updates of 10 frames in 50 s: 100 frames/s; 400 updates more take 40 s."""
    lines = [{"phase": "train", "step": step, "seconds": step / 10} for step in (100, 600)]
    found = write(run, *lines)["progress"].found
    assert found.startswith("update 600 of 1,000 (60 %), 100 frames/s, 0.0 hours to go")


def test_a_healthy_run_has_no_problem(run: Path) -> None:
    found = write(run, *evaluations([9.0, 7.0, 6.0, 5.0, 4.5]))
    assert all(finding.good for name, finding in found.items() if name != "progress")
    assert "still falls" in found["learning"].found


@pytest.mark.parametrize(
    ("errors", "good", "words"),
    [
        ([9.0, 5.0, 4.0, 4.0, 4.0, 4.0], True, "level now"),
        ([9.0, 9.1, 9.0, 8.95], False, "has not fallen"),
        ([9.0, 5.0, 4.0, 6.0, 7.0], False, "up from its best of 4.00"),
    ],
)
def test_learning_is_told_by_its_curve(
    run: Path, errors: list[float], good: bool, words: str
) -> None:
    learning = write(run, *evaluations(errors))["learning"]
    assert learning.good is good
    assert words in learning.found


@pytest.mark.parametrize(
    ("name", "changed", "good"),
    [
        ("regressor", {"regressor_error": 5.0}, False),
        ("regressor", {"regressor_error": 3.0}, None),
        ("movement", {"motion_keypoints": 0.1}, False),
        ("likeness to the prior", {"prior_distance": 3.5}, None),
        ("likeness to the prior", {"prior_distance": 8.0}, False),
        ("place", {"on_motion": 0.9}, None),
    ],
)
def test_each_figure_that_is_off_is_named(
    run: Path, name: str, changed: dict[str, float], good: bool | None
) -> None:
    assert write(run, *evaluations([9.0, 5.0], **changed))[name].good is good


@pytest.mark.parametrize(
    ("discriminator", "encoder", "good"), [(0.01, 0.95, False), (0.1, 0.6, True)]
)
def test_the_winner_of_the_adversaries_is_told(
    run: Path, discriminator: float, encoder: float, good: bool
) -> None:
    line: dict[str, float | str] = {
        "phase": "train",
        "step": 50,
        "seconds": 1.0,
        "loss_discriminator": discriminator,
        "loss_adversarial": encoder,
    }
    assert write(run, line)["adversaries"].good is good


def test_a_warning_that_has_not_come_again_is_no_problem(run: Path) -> None:
    warnings = [
        {"step": 100, "name": "regressor_drifted", "message": "It has drifted."},
        {"step": 500, "name": "discriminator_won", "message": "Raise the noise."},
    ]
    text = "\n".join(json.dumps(line) for line in warnings)
    (run / "health.jsonl").write_text(text + '\n{"step": 6', encoding="utf-8")
    found = write(run, *evaluations([9.0] * 5))
    assert found[f"{run}, step 100"].good is None
    assert found[f"{run}, step 500"].good is False


def test_a_run_without_metrics_has_only_begun(run: Path) -> None:
    assert examine_run(run)[0].found == "nothing has been written yet"


def _student(points: list[float], trust: list[float] | None = None) -> list[dict[str, float | str]]:
    lines: list[dict[str, float | str]] = [
        {
            "phase": "train",
            "step": 50 * number,
            "seconds": 10.0 * number,
            "loss_student": 2.0,
            "loss_figure_points": off,
        }
        for number, off in enumerate(points, start=1)
    ]
    for line, weight in zip(lines, trust or [], strict=False):
        line |= {"trust": weight, "loss_real_points": 0.04}
    return lines


def test_a_student_that_learns_from_figures_and_trusts_its_guesses_is_healthy(run: Path) -> None:
    """0.5 of a side of two units is 25 % of it; figures of the method are none of a student."""
    found = write(run, *_student([0.5] * 5 + [0.05] * 20, [0.6] * 25))
    assert found["figures"].good
    assert "25.0 % of the image side off at first, 2.5 % now" in found["figures"].found
    assert found["guesses"].good
    assert "counts 60 % on average; views of the frames are 2.0 %" in found["guesses"].found
    of_the_method = [{**line, "loss_student": None} for line in _student([0.5] * 5)]
    assert not write(run, *of_the_method).keys() & {"figures", "guesses"}  # type: ignore[arg-type]


def test_a_student_that_does_not_learn_from_figures_is_a_problem(run: Path) -> None:
    assert write(run, *_student([0.5] * 120))["figures"].good is False
    assert write(run, *_student([0.5] * 20))["figures"].good is None, "it has hardly begun"


def test_guesses_that_hardly_count_are_doubtful(run: Path) -> None:
    assert write(run, *_student([0.1] * 20, [0.1] * 20))["guesses"].good is None


def test_a_student_s_step_size_is_named_where_its_error_rises(run: Path) -> None:
    found = write(run, *_student([0.1] * 4), *evaluations([5.0, 4.0, 8.0, 9.0]))
    assert "lower student.learning_rate" in found["learning"].found
