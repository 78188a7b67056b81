"""What users get wrong, through the command line: one line, exit code 1, nothing lost."""

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from keypointgan.checkpoint import load_model
from keypointgan.cli import main
from keypointgan.data.labels import Labels
from keypointgan.data.store import Store
from keypointgan.data.synthetic import synthetic_clips
from keypointgan.data.video import write_video

Fails = Callable[..., str]
"""Runs the command line, which must fail as it should; returns the line that it prints last."""


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Fails:
    def call(*arguments: object) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        output, errors = capsys.readouterr()
        assert stop.value.code == 1
        assert output == ""
        assert "Traceback" not in errors
        lines = errors.splitlines()
        assert [line.startswith("error: ") for line in lines] == [False] * (len(lines) - 1) + [True]
        return lines[-1]

    return call


@pytest.fixture(scope="module")
def settings(tiny_settings: tuple[str, ...]) -> list[str]:
    return [part for value in tiny_settings for part in ("--set", value)]


@pytest.fixture(scope="module")
def trained(settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two updates."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    short = ["--set", "training.steps=2", "--set", "training.save_every=2"]
    with pytest.raises(SystemExit) as stop:
        main(["train", "-o", str(folder), *settings, *short])
    assert not stop.value.code
    return folder


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A figure that moves for twenty frames."""
    (clip,) = synthetic_clips(1, 20, size=64, seed=0)
    path = tmp_path_factory.mktemp("videos") / "whole.mp4"
    write_video(path, clip.frames, 15.0)
    return path


@pytest.fixture
def truncated(video: Path, tmp_path: Path) -> Path:
    """The first half of a video file, as an interrupted copy leaves it."""
    path = tmp_path / "truncated.mp4"
    content = video.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def _without(settings: list[str], key: str) -> list[str]:
    pairs = zip(settings[::2], settings[1::2], strict=True)
    return [part for pair in pairs if not pair[1].startswith(f"{key}=") for part in pair]


def test_a_missing_video(fails: Fails, trained: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.mp4"
    assert "absent.mp4" in fails("ingest", absent, "-o", tmp_path / "store")
    assert "absent.mp4" in fails("predict", trained, absent, "-o", tmp_path / "poses.csv")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_truncated_video(fails: Fails, trained: Path, truncated: Path, tmp_path: Path) -> None:
    assert "truncated.mp4" in fails("ingest", truncated, "-o", tmp_path / "store")
    assert "truncated.mp4" in fails("predict", trained, truncated, "-o", tmp_path / "poses.csv")
    assert not (tmp_path / "poses.csv").exists()


def test_a_truncated_video_costs_no_other(
    capsys: pytest.CaptureFixture[str], video: Path, truncated: Path, tmp_path: Path
) -> None:
    """It is skipped, and said to be."""
    with pytest.raises(SystemExit) as stop:
        main(["ingest", str(video), str(truncated), "-o", str(tmp_path / "store"), "--size", "64"])
    assert stop.value.code == 3
    assert "skipped" in capsys.readouterr().err
    store = Store.open(tmp_path / "store")
    assert [clip.frames for clip in store.clips] == [20]


def test_a_clip_of_one_frame(fails: Fails, video: Path, tmp_path: Path) -> None:
    (clip,) = synthetic_clips(1, 1, size=64, seed=0)
    write_video(tmp_path / "one.mp4", clip.frames, 15.0)
    message = fails("ingest", tmp_path / "one.mp4", "-o", tmp_path / "store")
    assert "one.mp4" in message


def test_clips_shorter_than_the_gap(fails: Fails, settings: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    message = fails("train", "-o", run, *settings, "--set", "data.gap=[10, 20]")
    assert "at least 10 frames apart" in message
    assert "data.gap" in message
    assert not run.exists()


def test_a_prior_of_another_number_of_joints(
    fails: Fails, settings: list[str], tmp_path: Path
) -> None:
    poses = tmp_path / "poses.npz"
    np.savez(poses, xy=np.random.default_rng(0).uniform(0, 128, (30, 13, 2)), size=128)
    run = tmp_path / "run"
    given = _without(settings, "prior.poses")
    message = fails("train", "-o", run, *given, "--set", f"prior.poses={poses}")
    assert "expected poses of shape (pose, 17, 2), got (30, 13, 2)" in message
    assert not run.exists()


def test_a_prior_with_missing_points(
    fails: Fails, settings: list[str], tiny_prior: Path, tmp_path: Path
) -> None:
    with np.load(tiny_prior) as file:
        values = dict(file)
    values["xy"][3, 5] = np.nan
    np.savez(tmp_path / "poses.npz", **values)
    run = tmp_path / "run"
    given = _without(settings, "prior.poses")
    message = fails("train", "-o", run, *given, "--set", f"prior.poses={tmp_path / 'poses.npz'}")
    assert "1 of 60" in message
    assert "--drop-incomplete" in message
    assert not run.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("training:\n  step: 5\n", "unknown setting 'training.step'. Did you mean 'training.step"),
        ("training:\n  steps: 5\n  seed: 1\n  steps: 6\n", "'steps' again in line 4"),
        ("training:\n  steps: many\n", "training.steps"),
        ("training: [1\n", "expected YAML"),
        ("5\n", "expected sections of settings"),
    ],
)
def test_a_recipe_that_is_wrong(fails: Fails, tmp_path: Path, text: str, expected: str) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(text, encoding="utf-8")
    message = fails("train", "-o", tmp_path / "run", "--recipe", recipe)
    assert expected in message
    assert "recipe.yaml" in message
    assert not (tmp_path / "run").exists()


def test_a_regressor_of_another_skeleton(
    fails: Fails, settings: list[str], trained: Path, tmp_path: Path
) -> None:
    poses = tmp_path / "poses.npz"
    np.savez(poses, xy=np.random.default_rng(0).uniform(0, 128, (30, 13, 2)), size=128)
    message = fails(
        "train",
        "-o",
        tmp_path / "run",
        *_without(settings, "prior.poses"),
        *("--set", f"prior.poses={poses}"),
        *("--set", "model.skeleton=penn13"),
        *("--set", f"pretrain.regressor={trained}"),
    )
    assert "'penn13' (13 joints), got one of 'h36m17' (17)" in message


def test_labels_of_another_skeleton(
    fails: Fails, trained: Path, tiny_store: Path, tmp_path: Path
) -> None:
    clip = Store.open(tiny_store).clips[0].name
    labels = tmp_path / "labels.npz"
    Labels(
        xy=np.zeros((1, 2, 2), np.float32),
        clip=(clip,),
        frame=np.zeros(1, np.int64),
        action=None,
        joints=("wing", "tail"),
    ).save(labels)
    message = fails("evaluate", trained, tiny_store, "--labels", labels)
    assert "wing, tail" in message


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_damaged_checkpoint(fails: Fails, trained: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for file in (trained / "checkpoints" / "last").iterdir():
        content = file.read_bytes()
        (folder / file.name).write_bytes(content[:200] if file.name == name else content)
    assert name in fails("predict", folder, "absent.mp4", "-o", tmp_path / "poses.csv")


def test_a_full_disk_while_training(
    fails: Fails,
    settings: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fourth checkpoint does not fit; the third is there, and the run goes on from it.

    The first two are of pre-training.
    """
    from safetensors.torch import save_file

    written = []

    def fill(weights: dict, path: Path) -> None:
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        save_file(weights, path)

    monkeypatch.setattr("keypointgan.checkpoint.save_file", fill)
    run = tmp_path / "run"
    often = ("--set", "training.save_every=2", "--set", "training.evaluate_every=50")
    message = fails("train", "-o", run, *settings, *often)
    assert "no space left on the disk" in message
    assert "The one before it is kept" in message
    assert load_model(run).step == 2
    monkeypatch.undo()
    with pytest.raises(SystemExit) as stop:
        main(["train", "-o", str(run)])
    assert not stop.value.code
    assert load_model(run / "checkpoints" / "last").step == 6


def test_a_full_disk_while_metrics_are_written(
    fails: Fails,
    settings: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "metrics.jsonl")

    monkeypatch.setattr("keypointgan.training.journal.Journal.write", full)
    message = fails("train", "-o", tmp_path / "run", *settings)
    assert message == "error: metrics.jsonl: cannot be written (No space left on device)."


def test_a_full_disk_while_ingesting(
    fails: Fails, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was complete stays; the same command goes on when there is room."""
    store = tmp_path / "store"

    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("keypointgan.data.parts.encode_frame", full)
    assert "make room" in fails("ingest", video, "-o", store, "--size", "64")
    monkeypatch.undo()
    with pytest.raises(SystemExit) as stop:
        main(["ingest", str(video), "-o", str(store), "--size", "64"])
    assert not stop.value.code
    assert Store.open(store).num_frames == 20
