"""Keypoints as the page shows them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sticks import LENGTH, SIDE, STICK, StickFinder, truth
from sticks import picture as draw_stick

from keypointgan.app.detecting import detect_picture, detect_video, save_poses_file, table_of
from keypointgan.app.models import Models
from keypointgan.data.video import probe, write_video
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import load_poses
from keypointgan.inference.places import Places
from keypointgan.inference.poses import Poses
from keypointgan.models.keypointgan import Detection
from keypointgan.skeletons import Skeleton


@pytest.fixture(scope="module")
def detector(tiny_run: Path) -> Detector:
    return Models([tiny_run], device="cpu").get(str(tiny_run)).detector


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 256, (64, 96, 3), np.uint8)


def test_a_picture_has_the_detectors_keypoints_and_dark_margins(
    detector: Detector, picture: np.ndarray
) -> None:
    """64×96 is enlarged eight times; 16 columns on each side lie outside of the central square."""
    drawn, (poses,) = detect_picture(detector, picture, fade=True)
    np.testing.assert_array_equal(poses.xy, detector.predict(picture[None]).xy)
    assert drawn.shape == (512, 768, 3)
    assert drawn[:, :120].mean() < 0.6 * drawn[:, 200:560].mean()
    assert picture.min() >= 60, "the picture itself is not darkened"


class _Always:
    """Finds two points in the middle of whatever it sees."""

    def detect(self, frame: torch.Tensor) -> Detection:
        points = torch.tensor([[-0.4, 0.0], [0.4, 0.0]]).expand(len(frame), 2, 2)
        return Detection(points, torch.full((len(frame), 2), 0.95), None)


@pytest.mark.parametrize("search", [True, False])
def test_what_a_detector_with_a_margin_did_not_read_is_dark(
    picture: np.ndarray, search: bool
) -> None:
    """Anywhere or near the middle, it finds something; a square around that is not dark."""
    stick = Skeleton(name="stick", joints=("a", "b"), links=(((0,), (1,)),), pairs=())
    detector = Detector(_Always(), skeleton=stick, size=32, margin=1.5)
    drawn, (poses,) = detect_picture(detector, picture, fade=True, search=search)
    middle = None if search else Places.of_boxes(np.array([[16.0, 0.0, 80.0, 64.0]]))
    places = detector.look(picture[None], middle)
    (found,) = detector.predict_tracks(picture[None], places)
    np.testing.assert_array_equal(poses.xy, found.xy)
    x0, y0, x1, y1 = (places.squares[0] * 8).round().astype(int)
    read = np.zeros(drawn.shape[:2], bool)
    read[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    assert 0.02 < read.mean() < 0.5
    assert drawn[~read].mean() < 0.7 * drawn[read].mean()


def test_the_table_has_a_row_for_each_joint_in_pixels(
    detector: Detector, picture: np.ndarray
) -> None:
    _, (poses,) = detect_picture(detector, picture, fade=False)
    table = table_of([poses], 0)
    assert [row[1] for row in table] == list(poses.joints)
    assert [row[0] for row in table] == [1] * len(table)
    assert table[3][2:] == [
        round(float(value), digits)
        for value, digits in zip([*poses.xy[0, 3], poses.confidence[0, 3]], (1, 1, 2), strict=True)
    ]


def test_every_frame_of_a_video_is_drawn_and_saved(
    detector: Detector, picture: np.ndarray, tmp_path: Path
) -> None:
    video, output = tmp_path / "my film.mp4", tmp_path / "drawn.mp4"
    write_video(video, iter([picture] * 5), 10.0)
    seen: list[tuple[int, int]] = []
    (poses,) = detect_video(
        detector, video, output, fade=False, progress=lambda done, of: seen.append((done, of))
    )
    assert (len(poses), poses.source, seen[-1]) == (5, "my film.mp4", (5, 5))
    assert probe(output).frames == 5
    path = save_poses_file([poses], tmp_path / "files", source=str(video), suffix=".npz")
    assert path.name == "my film_keypoints.npz"
    np.testing.assert_array_equal(load_poses(path)[0].xy, poses.xy)


def test_each_object_of_a_picture_has_its_square_and_its_rows() -> None:
    """Two sticks of 40 pixels in squares of 60, on a ground of brightness 20."""
    middles = [(40.0, 60.0), (240.0, 60.0)]
    sticks = [draw_stick(middle, height=120, width=280, length=LENGTH) for middle in middles]
    frame = np.maximum(np.maximum(*sticks), 20)
    detector = Detector(StickFinder(), skeleton=STICK, size=SIDE, margin=1.5)
    drawn, poses = detect_picture(detector, frame, fade=False, objects=2)
    for track, middle in zip(poses, middles, strict=True):
        np.testing.assert_allclose(track.xy[0], truth(middle), atol=1)
    rows = table_of(poses, 0)
    assert [row[:2] for row in rows] == [[1, "one"], [1, "other"], [2, "one"], [2, "other"]]
    line = drawn[:: drawn.shape[0] // 120, :: drawn.shape[1] // 280][60, :, 2]
    read = [(line[x] == 20, line[x] < 12) for x in (4, 16, 64, 76, 140, 204, 216, 264, 276)]
    assert [bright for bright, _ in read] == [False, True, True] + [False] * 3 + [True, True, False]
    assert all(bright != dark for bright, dark in read)


def test_an_object_that_is_not_in_a_frame_has_no_rows() -> None:
    there, gone = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    gone[1] = np.nan
    poses = [Poses(xy=xy, confidence=np.ones((2, 2)), skeleton=STICK) for xy in (there, gone)]
    assert [row[0] for row in table_of(poses, 0)] == [1, 1, 2, 2]
    assert [row[0] for row in table_of(poses, 1)] == [1, 1]


def test_each_object_of_a_video_has_its_track_in_the_file(tmp_path: Path) -> None:
    middles = [(40.0, 60.0), (240.0, 60.0)]
    frame = sum(draw_stick(middle, height=120, width=280, length=LENGTH) for middle in middles)
    video = tmp_path / "two.mp4"
    write_video(video, iter([frame] * 5), 10.0)
    detector = Detector(StickFinder(), skeleton=STICK, size=SIDE, margin=1.5)
    poses = detect_video(detector, video, tmp_path / "drawn.mp4", fade=True, objects=2)
    assert [(track.track, len(track)) for track in poses] == [("1", 5), ("2", 5)]
    path = save_poses_file(poses, tmp_path / "files", source=str(video), suffix=".csv")
    assert len(load_poses(path)) == 2
