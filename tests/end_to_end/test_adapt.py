"""A student is taken on to other videos from the command line."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from keypointgan.assemble import assemble_model, assemble_student
from keypointgan.checkpoint import load_model, save_checkpoint
from keypointgan.cli import main
from keypointgan.commands.adapting import _stretches, _write_places, settings_of
from keypointgan.config import Config
from keypointgan.data.store import Store
from keypointgan.data.synthetic import synthetic_clips
from keypointgan.data.video import write_video
from keypointgan.data.windows import BoxTrack
from keypointgan.errors import DataError
from keypointgan.inference.places import Places
from keypointgan.skeletons import Skeleton

MakeConfig = Callable[..., Config]
H36M = Skeleton.load("h36m17")
FEW = ("--set", "student.steps=2", "--set", "student.batch_size=4", "--set", "training.device=cpu")


def _call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def student(tiny_config: MakeConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a student that names sides, with fresh weights."""
    config = tiny_config("student.width=4", "student.margin=1.3").for_student()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = assemble_student(config, H36M, named=True)
    folder = tmp_path_factory.mktemp("student")
    save_checkpoint(folder, model.eval(), config=config, skeleton=H36M, step=1, metrics={})
    return folder


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine frames of a synthetic figure."""
    path = tmp_path_factory.mktemp("videos") / "a clip.mp4"
    clip = next(synthetic_clips(1, 9, size=96, seed=0))
    write_video(path, iter(clip.frames), 25.0)
    return path


def test_a_student_learns_from_a_video_alone(
    student: Path, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It keeps what names its sides, and shows what became of the keypoints."""
    run = tmp_path / "run"
    assert _call("adapt", student, video, "-o", run, *FEW) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [str(run)]
    for part in ("1 clip, 9 frames to learn from", "Done: 2 updates", "Keypoints moved by"):
        assert part in captured.err
    found, before = load_model(run).model.state_dict(), load_model(student).model.state_dict()
    assert found.keys() == before.keys()
    same = {name: torch.equal(found[name], before[name]) for name in before}
    assert all(value for name, value in same.items() if name.startswith("naming."))
    assert not all(value for name, value in same.items() if not name.startswith("naming."))
    with Image.open(run / "figures" / "before and after.png") as picture:
        assert picture.size == (6 * 2 * 64, 16 + 2 * 64)
    assert "before and after" in (run / "report.html").read_text(encoding="utf-8")
    assert _call("predict", run, video, "-o", tmp_path / "out.csv") == 0


def test_it_goes_on_where_it_stopped(student: Path, video: Path, tmp_path: Path) -> None:
    """The video is neither looked at nor read again."""
    moved, run = tmp_path / "clip.mp4", tmp_path / "run"
    moved.write_bytes(video.read_bytes())
    assert _call("adapt", student, moved, "-o", run, *FEW) == 0
    places = next((run / "places").iterdir())
    text = places.read_text(encoding="utf-8")
    store = (run / "frames" / "frames.bin").read_bytes()
    assert _call("adapt", student, moved, "-o", run, *FEW, "--set", "student.steps=3") == 0
    assert load_model(run).step == 3
    assert places.read_text(encoding="utf-8") == text
    assert (run / "frames" / "frames.bin").read_bytes() == store


def test_squares_of_given_boxes_are_learnt_from(student: Path, video: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.csv"
    lines = [f"{frame},10,20,70,60,{track}" for track in "ab" for frame in range(9)]
    boxes.write_text("\n".join(["frame,x0,y0,x1,y1,track", *lines]), encoding="utf-8")
    run = tmp_path / "run"
    assert _call("adapt", student, video, "-o", run, *FEW, "--boxes", boxes) == 0
    assert [clip.frames for clip in Store.open(run / "frames").clips] == [9, 9]
    places = (run / "places" / "a clip.csv").read_text(encoding="utf-8")
    assert "0,1.0,1.0,79.0,79.0,a" in places  # 1.3 times 60, about (40, 40)


def test_what_cannot_be_read_is_named_and_the_rest_is_learnt_from(
    student: Path, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    run = tmp_path / "run"
    assert _call("adapt", student, broken, "-o", run, *FEW) == 1
    assert "Expected a video that can be learnt from" in capsys.readouterr().err
    assert _call("adapt", student, broken, video, "-o", run, *FEW) == 3
    assert f"skipped {broken}" in capsys.readouterr().err
    assert load_model(run).step == 2


def test_a_model_of_the_method_is_refused(
    tiny_config: MakeConfig, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny_config()
    model = assemble_model(config.model, H36M).eval()
    save_checkpoint(tmp_path / "m", model, config=config, skeleton=H36M, step=1, metrics={})
    assert _call("adapt", tmp_path / "m", video, "-o", tmp_path / "run") == 1
    assert "expected a student to go on from" in capsys.readouterr().err


def test_boxes_and_objects_to_look_for_are_refused(
    student: Path, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--boxes", "boxes.csv", "--objects", 2)
    assert _call("adapt", student, video, "-o", tmp_path / "run", *options) == 1
    assert "either --boxes or --objects 2" in capsys.readouterr().err


def test_a_skeleton_of_the_users_comes_along(student: Path, tmp_path: Path) -> None:
    """Its file may not be there any more; the checkpoint knows what was in it."""
    loaded = load_model(student)
    config = loaded.config.model_copy(
        update={"model": loaded.config.model.model_copy(update={"skeleton": "gone.yaml"})}
    )
    _, values = settings_of(
        replace(loaded, config=config), tmp_path, start=student, minutes=1, overrides=()
    )
    assert f'model.skeleton="{tmp_path / "skeleton.yaml"}"' in values
    assert Skeleton.load(tmp_path / "skeleton.yaml") == H36M


def test_so_many_squares_are_kept_of_all_animals_together(tmp_path: Path) -> None:
    every, ones = np.arange(1000), np.ones(1000)
    tracks = [BoxTrack(name, every, np.full((1000, 2), 50.0), 20 * ones) for name in "ab"]
    _write_places(Places.of_tracks(tracks), tmp_path / "places.csv", most=400)
    assert len((tmp_path / "places.csv").read_text(encoding="utf-8").splitlines()) == 1 + 400


def test_a_video_without_an_object_is_said_to_be_one(tmp_path: Path) -> None:
    nowhere = Places.of_boxes(np.full((3, 4), np.nan))
    with pytest.raises(DataError, match="found none"):
        _write_places(nowhere, tmp_path / "places.csv", most=10)


def test_of_a_long_video_two_stretches_are_learnt_from() -> None:
    wanted = [*range(100), *range(500, 600)]
    np.testing.assert_array_equal(_stretches(1000, 200), wanted)


@pytest.mark.parametrize(
    ("total", "most", "count"),
    [
        (500, 500, 500),
        (1000, 50, 100),  # one stretch at least
        (1000, 900, 1000),  # with 11 frames between stretches they would be one clip
    ],
)
def test_frames_are_left_out_where_stretches_stay_apart(total: int, most: int, count: int) -> None:
    np.testing.assert_array_equal(_stretches(total, most), np.arange(count))
