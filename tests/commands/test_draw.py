"""`keypointgan draw` writes what its options ask for, and refuses what does not fit."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.cli import main
from keypointgan.data.video import probe, write_video
from keypointgan.inference.formats import save_poses
from keypointgan.inference.poses import Poses
from keypointgan.skeletons import Skeleton


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["draw", *map(str, arguments)])
    return int(stop.value.code or 0)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Poses of two people and their video of six frames."""
    xy = np.random.default_rng(0).uniform(5, 60, (2, 6, 17, 2))
    body = Skeleton.load("h36m17")
    people = [Poses(xy[i], np.ones((6, 17)), body, track=name) for i, name in enumerate("ab")]
    save_poses(people, tmp_path / "poses.csv")
    write_video(tmp_path / "video.mp4", [np.zeros((64, 64, 3), np.uint8)] * 6, 10.0)
    return tmp_path / "poses.csv", tmp_path / "video.mp4"


def test_the_suffix_and_the_video_say_what_to_draw(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    poses, video = files
    folder = tmp_path / "new"
    common = ("--video", video, "--skeleton", "h36m17")
    assert run(poses, "-o", folder / "overlay.mp4", *common, "--trail", 3) == 0
    assert capsys.readouterr().out == f"{folder / 'overlay.mp4'}\n"
    assert probe(folder / "overlay.mp4").frames == 6
    assert run(poses, "-o", folder / "sheet.png", *common) == 0
    assert run(poses, "-o", folder / "path.svg", "--joint", "nose") == 0
    assert run(poses, "-o", folder / "over.png", "--kind", "path", *common) == 0
    assert run(poses, "-o", folder / "speed.pdf", "--kind", "speed", *common) == 0
    assert len(list(folder.iterdir())) == 5


def test_what_does_not_fit_is_refused(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    poses, video = files
    for arguments, message in (
        (("-o", tmp_path / "a.mp4"), "Expected --video for 'overlay'"),
        (("-o", tmp_path / "a.txt"), "for 'path', got"),
        (("-o", tmp_path / "a.png", "--kind", "overlay", "--video", video), ".mkv, .mov, .mp4"),
        (("-o", tmp_path / "a.png", "--joint", "tail"), "no joint 'tail'"),
    ):
        assert run(poses, *arguments) == 1
        assert message in capsys.readouterr().err


def test_joints_with_other_names_are_mapped_as_the_error_says(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    poses, video = files
    poses.write_text(poses.read_text().replace("l_knee", "LeftLeg"))
    arguments = (poses, "-o", tmp_path / "sheet.png", "--video", video)
    assert run(*arguments, "--skeleton", "h36m17") == 1
    assert "l_knee is not among the file's" in capsys.readouterr().err
    assert run(*arguments, "--skeleton", "h36m17", "--map", "l_knee=LeftLeg") == 0
    assert run(*arguments, "--map", "l_knee=LeftLeg") == 1
    assert "Expected --skeleton with --map" in capsys.readouterr().err


def test_poses_of_which_all_points_are_missing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty picture would look like a success."""
    body = Skeleton.load("h36m17")
    save_poses(Poses(np.full((3, 17, 2), np.nan), np.zeros((3, 17)), body), tmp_path / "none.csv")
    assert run(tmp_path / "none.csv", "-o", tmp_path / "path.svg") == 1
    assert "expected points to draw, got 3 frames without any" in capsys.readouterr().err
    assert not (tmp_path / "path.svg").exists()
