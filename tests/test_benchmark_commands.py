"""A researcher's way: a data set in KEYPOINTGAN_DATA, store, prior, training, scores."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keypointgan.cli import main

scipy_io = pytest.importorskip("scipy.io")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def penn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six videos of three frames with random points; the last two are for testing."""
    random = np.random.default_rng(0)
    root = tmp_path / "data" / "penn_action"
    (root / "labels").mkdir(parents=True)
    for number in range(1, 7):
        (root / "frames" / f"{number:04d}").mkdir(parents=True)
        for frame in range(1, 4):
            picture = random.integers(0, 255, (60, 80, 3), dtype=np.uint8)
            Image.fromarray(picture).save(root / f"frames/{number:04d}/{frame:06d}.jpg")
        labels = {
            "x": random.uniform(25, 55, (3, 13)),
            "y": random.uniform(15, 45, (3, 13)),
            "visibility": np.ones((3, 13)),
            "bbox": np.tile([20.0, 10, 60, 50], (3, 1)),
            "train": 1 if number <= 4 else -1,
            "action": "bowl" if number % 2 else "squat",
        }
        scipy_io.savemat(root / f"labels/{number:04d}.mat", labels)
    monkeypatch.setenv("KEYPOINTGAN_DATA", str(tmp_path / "data"))
    return root


def test_a_data_set_is_read_learnt_from_and_scored_as_its_paper_does(
    run: Run, penn: Path, tmp_path: Path
) -> None:
    for split in ("train", "test"):
        command = ("ingest", "--benchmark", "penn_action", "--split", split, "--size", "64")
        assert run(*command, "-o", tmp_path / split)[0] == 0
    code, output, errors = run("benchmarks", "penn_action", "--prior", tmp_path / "prior.npz")
    assert (code, output.strip()) == (0, str(tmp_path / "prior.npz"))
    assert "6 poses" in errors
    settings = (
        f"data.store={tmp_path / 'train'}",
        "data.validation_fraction=0",
        f"prior.poses={tmp_path / 'prior.npz'}",
        "prior.place=as_is",
        "model.skeleton=penn13",
        "model.width=2",
        "model.background=reference",
        "pretrain.steps=2",
        "training.steps=2",
        "training.precision=32-true",
    )
    overrides = [part for setting in settings for part in ("--set", setting)]
    assert run("train", "-o", tmp_path / "run", "--recipe", "demo", *overrides)[0] == 0
    code, output, _ = run(
        "evaluate", tmp_path / "run", tmp_path / "test", "--fit-on", tmp_path / "train",
        "-o", tmp_path / "scores.json", "--device", "cpu",
    )  # fmt: skip
    assert code == 0
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))["evaluation"]
    assert scores["protocol"] == "penn_action"
    assert scores["actions"] == 2
    assert [score["name"] for score in scores["pck"]] == ["PCK@0.1", "PCK@0.2"]
    assert "longer side of the box" in scores["pck"][0]["unit"]
    assert scores["regressed"] is not None


def test_the_list_names_every_data_set_and_one_says_everything_about_itself(run: Run) -> None:
    code, output, _ = run("benchmarks")
    assert code == 0
    assert "faces_voxceleb2" in output
    code, output, _ = run("benchmarks", "human36m")
    assert code == 0
    assert "ground_truth_bb" in output
    assert "**Licence.** For academic use" in output
    assert run("benchmarks", "human36")[0] == 1
    assert run("benchmarks", "--prior", "prior.npz")[0] == 1
