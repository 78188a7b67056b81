"""What is said about poses that are written."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from keypointgan.cli import main
from keypointgan.commands.predicting import Written
from keypointgan.inference.detector import Detector
from keypointgan.models.keypointgan import Detection
from keypointgan.skeletons import Skeleton

PAIR = Skeleton(name="pair", joints=("one", "other"), links=(((0,), (1,)),), pairs=())


class Finder:
    """Finds the middle of each frame, always as sure as it is told."""

    def __init__(self, confidence: tuple[float, float]) -> None:
        self.confidence = confidence

    def detect(self, frame: torch.Tensor) -> Detection:
        points = torch.zeros(len(frame), 2, 2)
        return Detection(points, torch.tensor(self.confidence).expand(len(frame), 2), None)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
    return path


def _warnings(
    confidence: tuple[float, float],
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> list[str]:
    detector = Detector(Finder(confidence), skeleton=PAIR, size=16)
    monkeypatch.setattr(Detector, "load", lambda *_, **__: detector)
    with pytest.raises(SystemExit) as stop:
        main(["predict", "any", *arguments])
    assert not stop.value.code
    return [line for line in capsys.readouterr().err.splitlines() if "warning" in line]


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_a_model_that_finds_nothing_says_so(
    picture: Path,
    suffix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The file is written all the same; the warning has the mean of both joints."""
    output = tmp_path / f"poses.{suffix}"
    arguments = [str(picture), "-o", str(output)]
    (line,) = _warnings((0.2, 0.5), arguments, monkeypatch, capsys)
    assert line.startswith("warning: picture.png: mean confidence 0.35")
    assert "--boxes" in line
    assert output.is_file()
    assert not _warnings((0.2, 0.9), arguments, monkeypatch, capsys)


def test_who_has_given_boxes_is_not_told_to_give_them(
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("frame,x0,y0,x1,y1\n0,2,2,12,12\n")
    arguments = [str(picture), "-o", str(tmp_path / "poses.csv"), "--boxes", str(boxes)]
    (line,) = _warnings((0.1, 0.1), arguments, monkeypatch, capsys)
    assert "--boxes" not in line


def test_several_objects_are_written_with_their_tracks(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every part of the picture has the object in its middle: they differ from part to part."""
    output = tmp_path / "poses.csv"
    detector = Detector(Finder((0.9, 0.9)), skeleton=PAIR, size=16)
    monkeypatch.setattr(Detector, "load", lambda *_, **__: detector)
    with pytest.raises(SystemExit) as stop:
        main(["predict", "any", str(picture), "-o", str(output), "--objects", "2"])
    assert not stop.value.code
    header, *lines = output.read_text().splitlines()
    assert header.split(",")[:2] == ["frame", "track"]
    assert [line.split(",")[:2] for line in lines] == [["0", "1"], ["0", "2"]]


def test_objects_are_not_looked_for_beside_boxes(
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("frame,x0,y0,x1,y1\n0,2,2,12,12\n")
    detector = Detector(Finder((0.9, 0.9)), skeleton=PAIR, size=16)
    monkeypatch.setattr(Detector, "load", lambda *_, **__: detector)
    with pytest.raises(SystemExit) as stop:
        main(["predict", "any", str(picture), "--boxes", str(boxes), "--objects", "2"])
    assert stop.value.code
    assert "either --boxes or --objects" in capsys.readouterr().err


def test_no_poses_at_all_are_not_doubtful() -> None:
    """An animal that is in no frame has no confidence to speak of."""
    assert not Written([], math.nan).doubtful
