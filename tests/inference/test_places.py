"""Several animals in a video, and poses that are written while they are found."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from keypointgan.data.windows import BoxTrack
from keypointgan.errors import DataError, ExportError
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import load_poses
from keypointgan.inference.places import Places
from keypointgan.inference.streamed import write_csv_parts
from keypointgan.models.keypointgan import Detection
from keypointgan.skeletons import Skeleton

POINT = Skeleton(name="point", joints=("middle",), links=(), pairs=())


class LightFinder:
    """Finds the middle of the light."""

    def detect(self, frame: torch.Tensor) -> Detection:
        light = ((frame + 1) / 2).mean(dim=1).clamp(min=0.02) - 0.02 + 1e-9
        weights = light / light.sum(dim=(-2, -1), keepdim=True)
        places = (torch.arange(frame.shape[-1]) * 2 + 1) / frame.shape[-1] - 1
        x, y = ((weights.sum(dim=axis) * places).sum(-1) for axis in (-2, -1))
        keypoints = torch.stack([x, y], dim=-1)[:, None]
        return Detection(keypoints, torch.full((len(frame), 1), 0.5), frame)


FIRST = np.stack([20.0 + np.arange(12), np.full(12, 30.0)], axis=1)
SECOND = np.stack([np.full(12, 90.0), 80.0 - np.arange(12)], axis=1)


@pytest.fixture
def frames() -> np.ndarray:
    """Black frames with two discs of radius 5, one that goes right and one that goes up."""
    rows, columns = np.mgrid[:100, :120] + 0.5
    pictures = np.zeros((12, 100, 120, 3), np.uint8)
    for number, picture in enumerate(pictures):
        for x, y in (FIRST[number], SECOND[number]):
            picture[(columns - x) ** 2 + (rows - y) ** 2 < 25] = 255
    return pictures


@pytest.fixture
def places() -> Places:
    """The first is seen in all frames, the second in frames 2 to 5 and 8 to 9."""
    seen = np.array([2, 3, 4, 5, 8, 9])
    first = BoxTrack("ann", np.arange(12), FIRST, np.full(12, 10.0))
    second = BoxTrack('bob, the "fly"', seen, SECOND[seen], np.full(6, 10.0))
    return Places.of_tracks([first, second], margin=3.0)


@pytest.fixture
def detector() -> Detector:
    return Detector(LightFinder(), skeleton=POINT, size=32)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_each_animal_has_poses_of_its_own_and_nan_where_it_is_not(
    detector: Detector, frames: np.ndarray, places: Places, batch_size: int
) -> None:
    ann, bob = detector.predict_tracks(frames, places, batch_size=batch_size)
    assert (ann.track, bob.track) == places.names
    assert_allclose(ann.xy[:, 0], FIRST, atol=0.3)
    seen = [2, 3, 4, 5, 8, 9]
    assert_allclose(bob.xy[seen, 0], SECOND[seen], atol=0.3)
    unseen = np.setdiff1d(np.arange(12), seen)
    assert np.isnan(bob.xy[unseen]).all()
    assert_array_equal(bob.confidence[unseen], 0)


def test_boxes_beyond_the_last_frame_are_of_another_video(
    detector: Detector, frames: np.ndarray, places: Places
) -> None:
    with pytest.raises(DataError, match="frames 0 to 9, got one of frame 11"):
        detector.predict_tracks(frames[:10], places)


def test_boxes_outside_of_the_frame_are_of_another_video(
    detector: Detector, frames: np.ndarray
) -> None:
    track = BoxTrack("", np.arange(12), FIRST + 500, np.full(12, 10.0))
    with pytest.raises(DataError, match="inside a frame of 120×100 pixels"):
        detector.predict_tracks(frames, Places.of_tracks([track]))


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_a_file_that_is_written_part_by_part_holds_the_same(
    detector: Detector, frames: np.ndarray, places: Places, tmp_path: Path, batch_size: int
) -> None:
    """An animal has lines from the first to the last frame in which it is seen."""
    path = tmp_path / "poses.csv"
    parts = detector.predict_batches(frames, places, batch_size=batch_size)
    write_csv_parts(parts, path, places=places)
    for found, expected in zip(
        load_poses(path), detector.predict_tracks(frames, places), strict=True
    ):
        assert found.track == expected.track
        assert_allclose(found.xy, expected.xy, atol=1e-4)
        assert_allclose(found.confidence, expected.confidence, atol=1e-4)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 12 + 8
    assert not path.with_name("poses.csv.part").exists()


def test_one_animal_has_a_line_for_each_frame(
    detector: Detector, frames: np.ndarray, tmp_path: Path
) -> None:
    boxes = np.full((12, 4), np.nan)
    boxes[4:6] = [10, 20, 40, 50]
    places = Places.of_boxes(boxes)
    path = tmp_path / "poses.csv"
    write_csv_parts(detector.predict_batches(frames, places, batch_size=5), path, places=places)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "frame,middle_x,middle_y,middle_confidence"
    assert [line.split(",")[0] for line in lines[1:]] == [str(number) for number in range(12)]
    assert lines[1] == "0,,,0.0000"


def test_what_breaks_off_leaves_no_file(
    detector: Detector, frames: np.ndarray, tmp_path: Path
) -> None:
    def broken() -> object:
        yield from detector.predict_batches(frames[:3])
        raise DataError("the end is missing")

    with pytest.raises(DataError, match="the end is missing"):
        write_csv_parts(broken(), tmp_path / "poses.csv")
    with pytest.raises(ExportError, match="cannot be written"):
        write_csv_parts(detector.predict_batches(frames), tmp_path / "absent" / "poses.csv")
    assert list(tmp_path.iterdir()) == []
