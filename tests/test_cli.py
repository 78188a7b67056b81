"""The command line: exit codes, one-line errors, last lines, and what a short run leaves behind."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from keypointgan import __version__
from keypointgan.cli import main
from keypointgan.data.synthetic import write_synthetic, write_synthetic_prior
from keypointgan.recipe import list_recipes, load_config

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
def settings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A run of a few updates of tiny networks on four clips, as arguments."""
    folder = tmp_path_factory.mktemp("data")
    store = write_synthetic(folder / "store", clips=4, frames_per_clip=5, size=64, seed=0)
    prior = write_synthetic_prior(folder / "prior.npz", num_poses=40, seed=0)
    values = (
        f"data.store={store}",
        f"data.validation_labels={store / 'labels.npz'}",
        "data.validation_fraction=0.25",
        f"prior.poses={prior}",
        "model.width=2",
        "pretrain.steps=2",
        "pretrain.batch_size=2",
        "training.steps=2",
        "training.batch_size=2",
        "training.precision=32-true",
        "training.log_every=1",
    )
    return ["--recipe", "demo", *(part for value in values for part in ("--set", value))]


@pytest.fixture(scope="module")
def trained(settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    with pytest.raises(SystemExit) as stop:
        main(["train", "-o", str(folder), *settings])
    assert not stop.value.code
    return folder


def _store(trained: Path) -> Path:
    store = load_config(base=(trained / "config.yaml").read_text(encoding="utf-8")).data.store
    assert store is not None
    return store


def test_help_does_not_wait_for_torch_nor_numpy() -> None:
    """Modules are listed by the interpreter itself, so that no import can hide."""
    command = [sys.executable, "-X", "importtime", "-m", "keypointgan.cli", "train", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "--dry-run" in result.stdout
    assert "keypointgan.errors" in modules
    assert not modules & {"torch", "numpy", "matplotlib", "av", "lightning"}


def test_a_mistake_of_the_user_is_one_line_and_exit_code_1(run: Run, tmp_path: Path) -> None:
    code, output, errors = run("train", "-o", tmp_path / "run", "--recipe", "face_youtube")
    assert code == 1
    assert output == ""
    assert len(errors.splitlines()) == 1
    assert errors.startswith("error: ")
    assert "Did you mean 'faces_youtube'?" in errors


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["evaluate", "absent", "absent"], "absent"),
        (["predict", "absent", "absent.mp4"], "keypointgan train"),
        (["predict", "absent", "absent.mp4", "-o", "poses.xyz"], "ends in .csv, .npz"),
        (["report", "absent"], "config.yaml"),
        (["ingest", "-o", "store"], "neither"),
        (["ingest", "a.mp4", "-o", "store", "--benchmark", "flies"], "both"),
        (["ingest", "-o", "store", "--benchmark", "flies"], "--root"),
        (["ingest", "a.mp4", "-o", "store", "--crop", "1,2,3"], "x0,y0,x1,y1"),
        (["prior", "check"], "prior.poses"),
        (["skeletons", "h36m18"], "h36m17"),
        (["recipes", "nothing"], "recipe"),
        (["convert", "release", ".", "-o", "out"], "G_A"),
        (["train", "-o", "run"], "prior.poses"),
        (["train", "-o", "run", "--supervised"], "data.store"),
        (["train", "-o", "run", "--set", "training.step=3"], "training.steps"),
    ],
)
def test_bad_input_says_what_to_do(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KEYPOINTGAN_DATA", raising=False)
    code, _, errors = run(*arguments)
    assert code == 1
    assert len(errors.splitlines()) == 1
    assert expected in errors
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_the_version_is_told(run: Run) -> None:
    code, out, _ = run("--version")
    assert code == 0
    assert out.split() == ["keypointgan", __version__]


def test_an_unknown_option_is_exit_code_2(run: Run) -> None:
    assert run("train", "--epochs", "3")[0] == 2


def test_training_ends_with_the_path_of_the_run(
    run: Run, settings: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    code, output, errors = run("train", "-o", folder, *settings)
    assert code == 0
    assert output.splitlines()[-1] == str(folder)
    assert "step 2: error" in errors
    assert (folder / "report.html").is_file()
    last = json.loads((folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert {"error", "error_flip_min", "flip_accuracy"} <= set(last)


def test_a_run_goes_on_with_its_own_settings_and_new_limits(run: Run, trained: Path) -> None:
    code, _, _ = run("train", "-o", trained, "--set", "training.steps=3")
    assert code == 0
    steps = [
        json.loads(line)["step"]
        for line in (trained / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        if json.loads(line)["phase"] == "train"
    ]
    assert steps == [1, 2, 3]
    assert "steps: 3" in (trained / "config.yaml").read_text(encoding="utf-8")


def test_a_run_is_not_taken_up_with_other_settings(run: Run, trained: Path) -> None:
    before = (trained / "config.yaml").read_text(encoding="utf-8")
    code, _, errors = run("train", "-o", trained, "--set", "loss.adversarial=5")
    assert code == 1
    assert "loss.adversarial is 3.0, asked for 5.0" in errors
    assert (trained / "config.yaml").read_text(encoding="utf-8") == before


def test_pretraining_alone_is_followed_by_training(
    run: Run, settings: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    assert run("pretrain", "-o", folder, *settings)[0] == 0
    phases = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    assert '"phase": "pretrain"' in phases
    assert '"phase": "train"' not in phases
    assert run("train", "-o", folder)[0] == 0
    assert '"phase": "train"' in (folder / "metrics.jsonl").read_text(encoding="utf-8")


def test_the_twin_learns_from_the_labels_inside_the_store(
    run: Run, settings: list[str], trained: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "twin"
    assert run("train", "-o", folder, "--supervised", *settings)[0] == 0
    assert "loss_labelled" in (folder / "metrics.jsonl").read_text(encoding="utf-8")
    code, output, _ = run("evaluate", trained, _store(trained), "--twin", folder)
    assert code == 0
    assert "supervised twin" in output
    assert json.loads(Path(output.splitlines()[-1]).read_text(encoding="utf-8"))["twin"]


def test_a_dry_run_prints_settings_and_cost_and_leaves_nothing(
    run: Run, settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keypointgan.commands.cost.MEASURED_SECONDS", 0.5)
    code, output, _ = run("train", "-o", tmp_path / "run", "--dry-run", *settings)
    assert code == 0
    resolved, _, cost = output.partition("\nparameters: ")
    assert yaml.safe_load(resolved)["model"]["width"] == 2
    assert "s an update on cpu" in cost
    assert "hours for 2 updates" in cost
    assert not (tmp_path / "run").exists()


def test_evaluation_prints_all_scores_and_writes_them_into_the_run(run: Run, trained: Path) -> None:
    code, output, errors = run("evaluate", trained, _store(trained), "--details")
    assert code == 0, errors
    for name in ("error", "flip-min error", "flip accuracy", "PCK@0.1", "mean pose", "left_wrist"):
        assert name.replace("left_wrist", "l_wrist") in output
    file = Path(output.splitlines()[-1])
    assert file == trained / "evaluations" / "store.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    assert values["evaluation"]["frames"] == 20
    assert values["evaluation"]["baseline"]["raw"]["mean"] > 0


def test_prediction_writes_poses_in_pixels_of_the_source(
    run: Run, trained: Path, tmp_path: Path
) -> None:
    from PIL import Image

    images = tmp_path / "images"
    images.mkdir()
    for number in range(3):
        Image.new("RGB", (100, 80), (40 * number, 90, 10)).save(images / f"{number}.png")
    poses, overlay = tmp_path / "poses.npz", tmp_path / "overlay.mp4"
    code, output, _ = run("predict", trained, images, "-o", poses, "--overlay", overlay)
    assert code == 0
    assert output.splitlines() == [str(overlay), str(poses)]
    xy = np.load(poses)["xy"]
    assert xy.shape == (3, 17, 2)
    # The central square of a frame of 100×80 pixels goes from x = 10 to 90.
    assert xy[..., 0].min() >= 10
    assert xy[..., 0].max() <= 90
    assert overlay.stat().st_size > 0


def test_ingest_reads_a_folder_of_images(run: Run, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "clip").mkdir()
    for number in range(3):
        Image.new("RGB", (40, 30), (90 * number, 0, 0)).save(tmp_path / "clip" / f"{number}.png")
    store = tmp_path / "store"
    code, output, errors = run("ingest", tmp_path / "clip", "-o", store, "--size", 32)
    assert code == 0
    assert output.splitlines()[-1] == str(store)
    assert "1 clip, 3 frames" in errors
    assert "3 in all, 32 px" in run("doctor", store)[1]


def test_a_prior_is_built_drawn_and_checked(
    run: Run, settings: list[str], trained: Path, tmp_path: Path
) -> None:
    poses = load_config(base=(trained / "config.yaml").read_text(encoding="utf-8")).prior.poses
    built, picture = tmp_path / "built.npz", tmp_path / "prior.png"
    code, output, errors = run("prior", "build", poses, "-o", built, "--skeleton", "h36m17")
    assert (code, output, errors) == (0, f"{built}\n", "40 poses\n")
    assert run("prior", "plot", "-o", picture, *settings)[1] == f"{picture}\n"
    code, output, _ = run("prior", "check", *settings)
    assert code == 0
    assert "36 to train with, 4 kept apart, 2D, skeleton h36m17" in output


def test_the_release_becomes_a_checkpoint(run: Run, shared_data: Path, tmp_path: Path) -> None:
    from keypointgan.checkpoint import load_model

    folder = tmp_path / "release"
    code, output, _ = run("convert", "release", shared_data / "release_parity", "-o", folder)
    assert (code, output) == (0, f"{folder}\n")
    loaded = load_model(folder)
    assert loaded.skeleton.name == "h36m32"
    assert loaded.model.align_corners


@pytest.mark.parametrize("name", list_recipes())
def test_a_recipe_says_how_where_how_long_and_how_well(run: Run, name: str) -> None:
    code, output, _ = run("recipes", name)
    assert code == 0
    for what in ("# command:", "# machine:", "# hours:", "# score:"):
        assert what in output
    assert load_config(name).differences(load_config())


def test_skeletons_are_listed_and_described(run: Run) -> None:
    assert "face68" in run("skeletons")[1]
    assert "l_knee" in run("skeletons", "h36m17")[1]


def test_the_doctor_reports_what_a_run_warned_of(run: Run, trained: Path) -> None:
    warning = {"step": 2, "name": "discriminator_won", "message": "Raise the noise."}
    file = trained / "health.jsonl"
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(before + json.dumps(warning) + "\n", encoding="utf-8")
    code, output, _ = run("doctor", trained)
    assert code == 1
    assert "discriminator_won: Raise the noise." in output
