"""A student from the command line to all that a trained detector is used for."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from keypointgan.app.models import Models
from keypointgan.app.swapping import swap
from keypointgan.app.watching import curves_of, newest_panel, summarise
from keypointgan.assemble import assemble_naming
from keypointgan.checkpoint import load_model, save_checkpoint
from keypointgan.cli import main
from keypointgan.data.video import write_video
from keypointgan.errors import CheckpointError
from keypointgan.inference.detector import Detector
from keypointgan.inference.poses import Poses
from keypointgan.models.student import Student
from keypointgan.recipe import load_config

Run = Callable[..., tuple[int, str, str]]
"""Runs the command line in this process: exit code, standard output, standard error."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def settings(
    tiny_settings: tuple[str, ...], tiny_store: Path, tiny_prior_in_space: Path
) -> list[str]:
    """Of a student of few channels and four updates, as arguments."""
    kept = [part for part in tiny_settings if "steps" not in part and "batch" not in part]
    values = (
        *kept,
        f"data.validation_labels={tiny_store / 'labels.npz'}",
        f"prior.poses={tiny_prior_in_space}",
        "prior.place=body",
        "student.width=4",
        "student.steps=4",
        "student.batch_size=4",
        "student.figures=2",
        "student.guess_every=1",
        "training.evaluate_every=2",
        "training.panels=2",
    )
    return [part for value in values for part in ("--set", value)]


@pytest.fixture(scope="module")
def student(settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "student"
    with pytest.raises(SystemExit) as stop:
        main(["distill", "-o", str(folder), *settings])
    assert not stop.value.code
    return folder


def test_a_run_is_taken_up_with_its_own_settings(student: Path, run: Run) -> None:
    """More updates are `student.steps`; those of 'train' are refused by name."""
    code, _, errors = run("distill", "-o", student, "--set", "training.steps=9")
    assert code == 1
    assert "training.steps: expected student.steps for a student" in errors
    code, _, errors = run("distill", "-o", student, "--set", "student.width=8")
    assert code == 1
    assert "student.width is 4, asked for 8" in errors
    code, output, errors = run("distill", "-o", student, "--set", "student.steps=5")
    assert (code, output.splitlines()[-1]) == (0, str(student))
    assert "Done: 5 updates" in errors
    config = load_config(base=(student / "config.yaml").read_text(encoding="utf-8"))
    assert (config.training.steps, config.student.steps) == (5, 5)


def test_keypoints_are_found_and_scored(
    student: Path, tiny_store: Path, run: Run, tmp_path: Path
) -> None:
    from PIL import Image

    picture, poses = tmp_path / "picture.png", tmp_path / "poses.csv"
    Image.fromarray(np.full((80, 60, 3), 99, np.uint8)).save(picture)
    assert run("predict", student, picture, "-o", poses)[:2] == (0, f"{poses}\n")
    names, values = poses.read_text(encoding="utf-8").splitlines()
    assert len(names.split(",")) == len(values.split(",")) == 1 + 3 * 17
    scores = tmp_path / "scores.json"
    assert run("evaluate", student, tiny_store, "-o", scores, "--flip-average")[0] == 0
    averaged = scores.read_text()
    assert run("evaluate", student, tiny_store, "-o", scores)[0] == 0
    assert scores.read_text() != averaged
    assert json.loads(scores.read_text(encoding="utf-8"))["evaluation"]["frames"] == 36


def test_it_computes_in_float32_where_bfloat16_is_only_emulated(
    student: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says it once for two sources, and not a second time through the detector."""
    from PIL import Image

    monkeypatch.setattr("keypointgan.hardware.has_bfloat16", lambda device: False)
    for name in ("a.png", "b.png"):
        Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / name)
    options = ("-o", tmp_path / "{name}.csv", "--bfloat16", "--device", "cpu")
    code, _, errors = run("predict", student, tmp_path / "a.png", tmp_path / "b.png", *options)
    assert code == 0
    assert errors.count("This CPU has no bfloat16 units") == 1


def test_its_report_shows_its_own_curves(student: Path) -> None:
    text = (student / "report.html").read_text(encoding="utf-8")
    for part in (
        "student, skeleton h36m17",
        "Guessed frames",
        "Heatmaps",
        "Drawn figures",
        "panel",
    ):
        assert part in text


def test_the_doctor_describes_it(student: Path, run: Run) -> None:
    code, output, _ = run("doctor", student)
    assert code == 0
    assert "h36m17, 64 px, best of step" in output
    assert "training.precision" in output


def test_the_page_shows_its_training_and_its_keypoints(student: Path) -> None:
    assert "<b>Finished</b>" in summarise(student)
    assert "error on validation clips" in summarise(student)
    assert "Guessed frames" in curves_of(student)
    assert newest_panel(student) is not None
    ready = Models([student], device="cpu").get(str(student))
    poses = ready.detector.predict(np.zeros((1, 64, 64, 3), np.uint8))
    assert poses.xy.shape == (1, 17, 2)


def test_the_page_says_why_it_swaps_nothing(student: Path) -> None:
    ready = Models([student], device="cpu").get(str(student))
    grey = np.full((64, 64, 3), 128, np.uint8)
    with pytest.raises(CheckpointError, match=r"student: expected encoder.*got a student"):
        swap(ready, pose=grey, appearance=grey)


def test_it_is_loaded_as_any_detector_is(student: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 90, 70, 3), np.uint8)
    detector = Detector.load(student, device="cpu")
    poses = detector.predict(frames, flip_average=True)
    assert ((poses.confidence >= 0) & (poses.confidence <= 1)).all()
    assert (poses.xy > -1).all()
    assert (poses.xy < 81).all()


def test_calibration_is_written_into_the_checkpoint(
    run: Run, student: Path, tiny_store: Path, tmp_path: Path
) -> None:
    code, out, _ = run("calibrate", student, tiny_store, "-o", tmp_path / "found.json")
    assert code == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert out.split()[-1] == str(tmp_path / "found.json")
    assert (tmp_path / "found.png").is_file()
    measured = run("calibrate", student, tiny_store, "-o", tmp_path / "b.json", "--measure-only")
    assert measured[0] == 0
    again = json.loads((tmp_path / "b.json").read_text())
    assert again["before"]["gap"] == pytest.approx(found["after"]["gap"], abs=1e-6)


def test_sides_of_a_video_are_named_whatever_the_file(
    student: Path, run: Run, tmp_path: Path
) -> None:
    """A CSV file, which is written while frames are read, and one of the whole; not an image."""
    from PIL import Image

    loaded = load_model(student)
    assert isinstance(loaded.model, Student)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        loaded.model.naming = assemble_naming(loaded.skeleton)
    named, config = tmp_path / "named", loaded.config
    save_checkpoint(
        named, loaded.model, config=config, skeleton=loaded.skeleton, step=1, metrics={}
    )
    frames = np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), np.uint8)
    video, picture = tmp_path / "video.mp4", tmp_path / "picture.png"
    write_video(video, frames, 25.0)
    Image.fromarray(frames[0]).save(picture)
    found = {}
    for source, suffix, options in (
        (video, "csv", ("--batch-size", "2")),
        (video, "npz", ()),
        (video, "csv", ("--no-name-sides",)),
        (picture, "csv", ()),
        (picture, "csv", ("--no-name-sides",)),
    ):
        output = tmp_path / f"poses.{suffix}"
        assert run("predict", named, source, "-o", output, *options)[0] == 0
        found[source.name, suffix, options] = Poses.load(output, skeleton=loaded.skeleton).xy
    streamed, whole, read, image, image_read = found.values()
    np.testing.assert_allclose(streamed, whole, atol=1e-3)
    assert np.abs(streamed - read).max() > 1
    np.testing.assert_array_equal(image, image_read)
    code, _, errors = run("predict", student, video, "-o", tmp_path / "no.csv", "--name-sides")
    assert code == 1
    assert "Expected a model that can name left and right along a video" in errors
    assert not (tmp_path / "no.csv").exists()
