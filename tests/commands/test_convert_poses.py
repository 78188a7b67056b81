"""`keypointgan convert poses`: what it writes, what it says, and how it refuses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from keypointgan.cli import main
from keypointgan.commands.poses import convert_poses
from keypointgan.data.video import write_video
from keypointgan.errors import DataError
from keypointgan.inference.formats import load_poses, save_poses
from keypointgan.inference.poses import Poses
from keypointgan.skeletons import Skeleton

BODY = Skeleton.load("h36m17")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["convert", "poses", *map(str, arguments)])
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def poses_file(tmp_path: Path) -> Path:
    """Two people in six frames of 64 x 48 pixels; four points are lost, three lie outside."""
    xy = np.random.default_rng(0).uniform(1, 47, (2, 6, 17, 2))
    xy[0, 0, :4] = np.nan
    xy[1, 5, :3] = [-2.0, 20.0]
    confidence = np.where(np.isnan(xy[..., 0]), 0.0, 0.75)
    people = [
        Poses(xy[index], confidence[index], BODY, track=name)
        for index, name in enumerate(("Ada", "Zoë"))
    ]
    save_poses(people, tmp_path / "people in a room.csv")
    return tmp_path / "people in a room.csv"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    write_video(tmp_path / "room.mp4", [np.zeros((48, 64, 3), np.uint8)] * 6, 20.0)
    return tmp_path / "room.mp4"


def test_a_file_becomes_another_and_the_summary_says_what_is_in_it(
    run: Run, poses_file: Path, video: Path, tmp_path: Path
) -> None:
    output = tmp_path / "new folder" / "people.json"
    code, out, err = run(poses_file, "-o", output, "--video", video, "--skeleton", "h36m17")
    assert (code, out) == (0, f"{output}\n")
    assert "note: 4 of 204 points missing (2.0 %)" in err
    assert "note: kept 3 points outside of the image" in err
    assert "2 animals (Ada, Zoë), 6 frames, 17 joints" in err
    ours, again = load_poses(poses_file), load_poses(output)
    assert (again[0].fps, again[0].size, again[0].source) == (20.0, (48, 64), str(video))
    for before, after in zip(ours, again, strict=True):
        assert_allclose(after.xy, before.xy, atol=1e-4)


def test_one_animal_is_taken_and_smoothed(run: Run, poses_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "zoe.npz"
    code, _, err = run(
        poses_file, "-o", output, "--track", "Zoë", "--smooth", "one-euro", "--fps", 20
    )
    assert code == 0, err
    (again,) = load_poses(output)
    raw = load_poses(poses_file)[1].xy
    assert again.track == "Zoë"
    assert again.raw is not None
    assert_allclose(again.raw, raw)
    assert np.abs(np.diff(again.xy, axis=0)).mean() < np.abs(np.diff(raw, axis=0)).mean()


def test_joints_are_mapped_and_those_that_lack_are_left_empty(
    run: Run, poses_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "arm.yaml").write_text(
        "name: arm\njoints: [shoulder, elbow, thumb]\nlinks: [[shoulder, elbow]]\n"
    )
    arguments = (poses_file, "-o", tmp_path / "arm.csv", "--skeleton", tmp_path / "arm.yaml")
    maps = ("--map", "shoulder=l_shoulder", "--joint", "elbow=l_elbow")
    code, _, err = run(*arguments, *maps)
    assert code == 1
    assert "thumb is not among the file's: pelvis" in err
    code, _, err = run(*arguments, *maps, "--partial")
    assert code == 0
    assert "note: joints that the file lacks are empty: thumb" in err
    ours, again = load_poses(poses_file)[0], load_poses(tmp_path / "arm.csv")[0]
    assert_allclose(again.xy[:, 0], ours.xy[:, BODY.index_of("l_shoulder")], atol=1e-4)
    assert np.isnan(again.xy[:, 2]).all()


def test_what_cannot_be_done_is_said_in_one_line(
    run: Run, poses_file: Path, video: Path, tmp_path: Path
) -> None:
    (tmp_path / "video.csv").write_bytes(b"")
    longer = Poses(np.zeros((9, 17, 2)), np.ones((9, 17)), BODY)
    save_poses(longer, tmp_path / "longer.csv")
    for arguments, message in (
        ((poses_file, "-o", tmp_path / "a.mat"), "expected a file that ends in .csv, .npz"),
        ((poses_file, "-o", tmp_path / "a"), "got 'no suffix'"),
        ((video, "-o", tmp_path / "a.csv"), "expected a file of poses (.csv"),
        ((tmp_path / "no.csv", "-o", tmp_path / "a.csv"), "found none"),
        ((tmp_path / "video.csv", "-o", tmp_path / "a.csv"), "got nothing"),
        ((poses_file, "-o", tmp_path / "a.csv", "--track", "Bob"), "animal 'Bob', got Ada, Zoë"),
        ((poses_file, "-o", tmp_path / "a.csv", "--partial"), "expected a skeleton"),
        ((poses_file, "-o", tmp_path / "a.csv", "--smooth", "one-euro"), "Images have no frame"),
        ((poses_file, "-o", poses_file / "a.csv"), "cannot be written"),
        (
            (tmp_path / "longer.csv", "-o", tmp_path / "a.csv", "--video", video),
            "poses of the 6 frames of",
        ),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (1, ""), arguments
        assert message.lower() in err.lower()
        assert err.count("\n") == 1
    assert not (tmp_path / "a.csv").exists()


def test_a_video_does_not_fit_poses_of_two_videos(tmp_path: Path, video: Path) -> None:
    pytest.importorskip("sleap_io")
    both = [Poses(np.zeros((2, 17, 2)), np.ones((2, 17)), BODY, source=name) for name in "ab"]
    save_poses(both, tmp_path / "both.slp")
    with pytest.raises(DataError, match="poses of one video with"):
        convert_poses(tmp_path / "both.slp", tmp_path / "one.npz", video=video)
