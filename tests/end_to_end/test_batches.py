"""Many files at once through the command line: one that is bad costs no other, and is told."""

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keypointgan.cli import main
from keypointgan.data.store import Store
from keypointgan.data.synthetic import synthetic_clips
from keypointgan.data.video import write_video
from keypointgan.errors import ExportError
from keypointgan.inference.formats import load_poses

Run = Callable[..., tuple[int, list[str], list[str]]]
"""Runs the command line: exit code, lines of standard output, lines of standard error.

Without those that say how unsure the model is, which has learnt nothing.
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, list[str], list[str]]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        output, errors = capsys.readouterr()
        assert "Traceback" not in errors
        told = [line for line in errors.splitlines() if "mean confidence" not in line]
        return int(stop.value.code or 0), output.splitlines(), told

    return call


@pytest.fixture(scope="module")
def model(tiny_settings: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two updates."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    short = ("training.steps=2", "training.save_every=2")
    values = [part for value in (*tiny_settings, *short) for part in ("--set", value)]
    with pytest.raises(SystemExit) as stop:
        main(["train", "-o", str(folder), *values])
    assert not stop.value.code
    return folder


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Two good videos, one of them with a name of many letters, and four files that are none."""
    folder = tmp_path / "my films"
    folder.mkdir()
    for seed, name in enumerate(("good", "läuft 走る")):
        (clip,) = synthetic_clips(1, 12, size=64, seed=seed)
        write_video(folder / f"{name}.mp4", clip.frames, 15.0)
    whole = (folder / "good.mp4").read_bytes()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "zero bytes.mp4").touch()
    (folder / "text.mp4").write_text("Dear diary, this is no video.\n" * 30)
    (folder / "wrong.avi").write_bytes(b"\x00\xff" * 500)
    return folder


BAD = {
    "truncated.mp4": "truncated or something else",
    "zero bytes.mp4": "an empty file (0 bytes)",
    "text.mp4": "expected a video that FFmpeg can read",
    "wrong.avi": "expected a video that FFmpeg can read",
}


def _check_told(errors: list[str], folder: Path) -> None:
    told = [line for line in errors if line.startswith("skipped ")]
    assert len(told) == len(BAD)
    for name, reason in BAD.items():
        (line,) = [line for line in told if line.startswith(f"skipped {folder / name}: ")]
        assert reason in line


def test_ingest_takes_the_good_and_names_the_bad(run: Run, films: Path, tmp_path: Path) -> None:
    code, output, errors = run("ingest", films, "-o", tmp_path / "store", "--size", 32)
    assert code == 3
    assert output == [str(tmp_path / "store")]
    assert "2 clips, 24 frames" in errors
    _check_told(errors, films)
    assert {clip.name for clip in Store.open(tmp_path / "store").clips} == {"good", "läuft 走る"}


def test_predict_takes_the_good_and_names_the_bad(
    run: Run, films: Path, model: Path, tmp_path: Path
) -> None:
    code, output, errors = run("predict", model, films, "-o", tmp_path / "out" / "{name}.csv")
    assert code == 3
    _check_told(errors, films)
    assert set(output) == {str(tmp_path / "out" / f"{name}.csv") for name in ("good", "läuft 走る")}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "good.csv",
        "läuft 走る.csv",
    ]
    (poses,) = load_poses(tmp_path / "out" / "läuft 走る.csv")
    assert len(poses) == 12


def test_nothing_but_bad_files_is_an_error(
    run: Run, films: Path, model: Path, tmp_path: Path
) -> None:
    bad = [films / name for name in BAD]
    code, output, errors = run("predict", model, *bad, "-o", tmp_path / "out" / "{name}.csv")
    assert (code, output) == (1, [])
    _check_told(errors, films)
    assert errors[-1] == "error: Expected videos or images, none of 4 could be used."
    code, output, errors = run("ingest", *bad, "-o", tmp_path / "store")
    assert (code, output, len(errors)) == (1, [], 1)
    assert not (tmp_path / "store").exists()


def test_each_animal_of_a_video_gets_its_poses_and_is_drawn(
    run: Run, films: Path, model: Path, tmp_path: Path
) -> None:
    lines = ["frame,track,x0,y0,x1,y1"]
    lines += [
        f"{number},{name},{x},8,{x + 24},56"
        for number in range(12)
        for name, x in (("left", 4), ("right", 34))
    ]
    (films / "good.csv").write_text("\n".join(lines))
    output, overlay = tmp_path / "{name}.npz", tmp_path / "{name} drawn.mp4"
    code, written, _ = run(
        *("predict", model, films / "good.mp4", "--boxes", "{name}.csv", "-o", output),
        *("--smooth", "savitzky-golay", "--overlay", overlay),
    )
    assert code == 0
    assert written == [str(tmp_path / "good drawn.mp4"), str(tmp_path / "good.npz")]
    left, right = load_poses(tmp_path / "good.npz")
    assert (left.track, right.track, len(left)) == ("left", "right", 12)
    assert left.raw is not None
    # The squares have sides of 1.3 × 48 around x = 16 and x = 46.
    assert -15.2 <= left.raw[..., 0].min() <= left.raw[..., 0].max() <= 47.2
    assert 14.8 <= right.raw[..., 0].min() <= right.raw[..., 0].max() <= 77.2


def test_images_are_one_source_each_and_a_pattern_or_a_folder_one_together(
    run: Run, model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "walk"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (80, 60), (60 * number, 90, 10)).save(folder / f"{number}.png")
    for source in (folder, folder / "*.png"):
        code, _, _ = run("predict", model, source, "-o", tmp_path / "{name}.csv")
        assert code == 0
        (poses,) = load_poses(tmp_path / "walk.csv")
        assert len(poses) == 3
        (tmp_path / "walk.csv").unlink()
    code, written, _ = run(
        "predict", model, folder / "0.png", folder / "2.png", "-o", tmp_path / "{name}.csv"
    )
    assert (code, len(written)) == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-o", "poses.csv"], "Put their names into it, such as 'folder/{name}.csv'"),
        (["--overlay", "drawn.mp4"], "such as 'folder/{name}.mp4'"),
        (["--overlay", "{name}.txt"], "an overlay .mp4, .mov or .mkv"),
        (["--margin", "2"], "Expected --boxes with --margin"),
        (["--boxes", "absent.csv"], "absent.csv: expected a file of boxes"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_before_work_begins(
    run: Run,
    films: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output, errors = run("predict", model, films, *arguments)
    assert (code, output) == (1, [])
    assert expected in errors[-1]
    assert [path.name for path in tmp_path.iterdir()] == [films.name]


def test_a_folder_that_may_not_be_written_ends_the_prediction(
    run: Run, films: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    code, _, errors = run("predict", model, films, "-o", tmp_path / "file" / "{name}.csv")
    assert code == 1
    assert "cannot be written" in errors[-1]
    assert "is a file" in errors[-1]
    make = Path.open

    def refuse(self: Path, *arguments: object, **options: object) -> object:
        if self.name.endswith(".part.csv"):
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return make(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    code, _, errors = run("predict", model, films / "good.mp4", "-o", tmp_path / "a.csv")
    assert code == 1
    assert errors[-1] == f"error: {tmp_path / 'a.csv'}: cannot be written (Permission denied)."


def test_a_full_disk_ends_the_prediction_without_half_a_file(
    run: Run, films: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("keypointgan.inference.streamed.write_rows", full)
    code, output, errors = run("predict", model, films / "good.mp4", "-o", tmp_path / "a.csv")
    assert (code, output) == (1, [])
    assert "cannot be written (No space left on device)" in errors[-1]
    assert not list(tmp_path.glob("a.csv*"))


@pytest.fixture
def three(films: Path) -> list[Path]:
    """Three good videos, in the order in which they are named."""
    whole = (films / "good.mp4").read_bytes()
    for name in ("b", "c"):
        (films / f"{name}.mp4").write_bytes(whole + b"\0\0\0\x08free" * ord(name))  # no copies
    return [films / f"{name}.mp4" for name in ("good", "b", "c")]


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_a_disk_that_fills_up_ends_the_batch_and_keeps_what_is_complete(
    run: Run,
    three: list[Path],
    films: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    rename = Path.replace

    def fill(self: Path, target: Path) -> Path:
        if target.name.startswith("b."):
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fill)
    out = tmp_path / "out"
    code, output, errors = run(
        "predict", model, films / "text.mp4", *three, "-o", out / f"{{name}}.{suffix}"
    )
    assert code == 1
    assert output == [str(out / f"good.{suffix}")]
    assert [path.name for path in out.iterdir()] == [f"good.{suffix}"]
    assert len(load_poses(out / f"good.{suffix}")[0]) == 12
    assert errors[0].startswith(f"skipped {films / 'text.mp4'}: ")
    assert errors[1:] == [
        f"error: {out / f'b.{suffix}'}: cannot be written (No space left on device). The files of "
        f"1 source are complete. Make room and run the command again for {three[1]} and the 1 "
        "source after it."
    ]


def test_a_file_that_cannot_be_written_costs_no_other(
    run: Run, three: list[Path], model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "b.csv").mkdir(parents=True)
    (out / "c").touch()
    code, output, errors = run("predict", model, *three, "-o", out / "{name}.csv")
    assert (code, output) == (3, [str(out / "good.csv"), str(out / "c.csv")])
    assert errors == [
        f"skipped {three[1]}: {out / 'b.csv'}: expected a file to write, got a folder. Add a name."
    ]
    code, output, errors = run("predict", model, *three[1:], "-o", out / "{name}" / "poses.csv")
    assert (code, output) == (3, [str(out / "b" / "poses.csv")])
    assert errors == [
        f"skipped {three[2]}: {out / 'c' / 'poses.csv'}: cannot be written ({out / 'c'} is a "
        "file). Choose another folder."
    ]


def test_poses_are_kept_where_their_overlay_does_not_fit(
    run: Run, three: list[Path], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        error = OSError(errno.ENOSPC, "No space left on device")
        raise ExportError(f"{path}: cannot be written ({error.strerror}).") from error

    monkeypatch.setattr("keypointgan.inference.overlay.write_video", full)
    poses, overlay = tmp_path / "{name}.csv", tmp_path / "{name} drawn.mp4"
    code, _, errors = run("predict", model, *three, "-o", poses, "--overlay", overlay)
    assert code == 1
    assert errors == [
        f"error: {tmp_path / 'good drawn.mp4'}: cannot be written (No space left on device). The "
        f"poses are in {tmp_path / 'good.csv'}. Make room and run the command again for "
        f"{three[0]} and the 2 sources after it."
    ]
    assert len(load_poses(tmp_path / "good.csv")[0]) == 12


def test_boxes_of_another_video_leave_no_store(run: Run, films: Path, tmp_path: Path) -> None:
    lines = ["frame,x0,y0,x1,y1", *(f"{number},4,4,60,60" for number in range(500))]
    (tmp_path / "boxes.csv").write_text("\n".join(lines))
    code, _, errors = run(
        *("ingest", films / "good.mp4", "-o", tmp_path / "store"),
        *("--boxes", tmp_path / "boxes.csv"),
    )
    assert code == 1
    assert "expected 500 frames, as there are boxes, got 12" in errors[-1]
    assert not (tmp_path / "store").exists()


def test_plates_are_asked_for_by_name(run: Run, tmp_path: Path) -> None:
    frames = [np.full((48, 48, 3), 40, np.uint8) for _ in range(20)]
    for number, frame in enumerate(frames):
        frame[10:20, 2 * number : 2 * number + 8] = 220
    write_video(tmp_path / "a.mp4", frames, 25)
    code, _, _ = run(
        "ingest", tmp_path / "a.mp4", "-o", tmp_path / "store", "--size", 48, "--masks", "plate"
    )
    assert code == 0
    share = (Store.open(tmp_path / "store").masks(np.arange(20)) > 0).mean()
    assert 0.02 < share < 0.08
