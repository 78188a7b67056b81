"""Files that could not be written are refused before the work; what is read is never replaced."""

import errno
import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image

from keypointgan.cli import main
from keypointgan.commands import outputs
from keypointgan.commands.outputs import check_output, check_overlay, check_poses_file
from keypointgan.data.video import write_video
from keypointgan.errors import ExportError, MissingExtraError
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import save_poses
from keypointgan.inference.poses import Poses
from keypointgan.skeletons import Skeleton

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process: exit code and standard error."""

    def call(*arguments: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        return int(stop.value.code or 0), capsys.readouterr().err

    return call


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    write_video(path, [np.full((64, 64, 3), 90, np.uint8)] * 4, 25.0)
    return path


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    """The poses of one body in the four frames of the video."""
    body = Skeleton.load("h36m17")
    xy = np.random.default_rng(0).uniform(10, 50, (4, 17, 2))
    path = tmp_path / "clip.csv"
    save_poses(Poses(xy, np.ones((4, 17)), body, track="Ada"), path)
    return path


def test_a_video_is_not_replaced_by_its_overlay(
    run: Run, video: Path, tracks: Path, tmp_path: Path
) -> None:
    before = video.read_bytes()
    for arguments in (
        ("predict", "humans", video, "-o", tmp_path / "new.csv", "--overlay", video),
        ("draw", tracks, "-o", video, "--video", video),
    ):
        code, errors = run(*arguments)
        assert (code, "one that is read and would be lost" in errors) == (1, True)
    assert video.read_bytes() == before
    assert not (tmp_path / "new.csv").exists()


def test_a_trackers_file_is_not_replaced_by_predictions(
    run: Run, video: Path, tracks: Path
) -> None:
    before = tracks.read_bytes()
    for arguments in (
        ("predict", "humans", video, "--boxes", "{name}.csv", "-o", tracks),
        ("predict", "humans", video, "--boxes", tracks, "-o", tracks),
        ("convert", "poses", tracks, "-o", tracks, "--smooth", "one-euro"),
        ("prior", "build", tracks, "-o", tracks, "--skeleton", "h36m17"),
    ):
        code, errors = run(*arguments)
        assert (code, "one that is read and would be lost" in errors) == (1, True)
    assert tracks.read_bytes() == before


def test_what_cannot_be_written_is_refused_before_the_frames_are_looked_at(
    run: Run, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(*arguments: object, **named: object) -> None:
        raise AssertionError("frames were looked at")

    monkeypatch.setattr(Detector, "predict_batches", look)
    (tmp_path / "images").mkdir()
    for number in range(2):
        Image.new("RGB", (40, 30)).save(tmp_path / "images" / f"{number}.png")
    (tmp_path / "file").touch()
    for source, output, more, expected in (
        (tmp_path / "images", "a.nwb", (), "--fps 30"),
        (video, "a.csv", ("--overlay", tmp_path / "a.png"), "one frame for a picture, got 4"),
        (video, "file/a.csv", (), "file is a file"),
        (video, "images", (), "ends in .csv"),
    ):
        code, errors = run("predict", "humans", source, "-o", tmp_path / output, *more)
        assert (code, expected in errors) == (1, True), errors


@pytest.mark.parametrize(
    ("command", "suffix"),
    [
        (("recommend", "store", "--prior", "prior.npz"), ".yaml"),
        (("evaluate", "humans", "store"), ".json"),
        (("calibrate", "humans", "store"), ".json"),
        (("export", "humans"), ".onnx"),
        (("prior", "build", "prior.npz", "--skeleton", "h36m17"), ".npz"),
        (("prior", "plot"), ".png"),
        (("prior", "check"), ".png"),
        (("report", "run"), ".html"),
        (("benchmarks", "flies", "--prior"), ".npz"),
    ],
)
def test_no_command_works_in_vain(
    run: Run,
    command: tuple[str, ...],
    suffix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is no store and no prior, which would be told if they were looked for first."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / f"there{suffix}").mkdir()
    option = () if command[-1] == "--prior" else ("-o",)
    wrong = [(f"there{suffix}", "got a folder"), (f"file/new{suffix}", "file is a file")]
    if suffix not in {".yaml", ".html"} and command[0] != "evaluate":  # which may be called anyhow
        wrong += [("new", "got 'no suffix'"), ("new.xyz", f"ends in {suffix}")]
    for output, expected in wrong:
        code, errors = run(*command, *option, output)
        assert (code, expected in errors, errors.count("\n")) == (1, True, 1), errors


def test_a_folder_that_may_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.TemporaryFile

    def refuse(*, dir: Path) -> IO[bytes]:  # noqa: A002 - as the standard library calls it
        if dir == tmp_path:
            raise OSError(errno.EROFS, "Read-only file system")
        return make(dir=dir)

    monkeypatch.setattr(outputs, "TemporaryFile", refuse)
    with pytest.raises(
        ExportError, match=f"no file can be made in {tmp_path}: Read-only file system"
    ):
        check_output(tmp_path / "new" / "a.csv")
    (tmp_path / "there").mkdir()
    check_output(tmp_path / "there" / "a.csv")
    assert list((tmp_path / "there").iterdir()) == []
    with pytest.raises(ExportError, match="got a folder"):
        check_output(tmp_path / "there")


def test_a_format_whose_package_is_absent_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"keypointgan\[formats\]"):
        check_poses_file(Path("a.slp"), fps=25)
    check_poses_file(Path("a.csv"), fps=0)


def test_the_packages_asked_for_are_those_the_writers_import() -> None:
    """Where the extra is installed nothing is refused."""
    if importlib.util.find_spec("sleap_io") is None:
        pytest.skip("the extra 'formats' is not installed")
    for name in ("a.slp", "a.h5", "a.nwb"):
        check_poses_file(Path(name), fps=25)
    check_overlay(Path("a.png"), frames=1)
