"""Keypoints as the page shows them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from keypointgan.app.detecting import detect_picture, detect_video, save_poses_file, table_of
from keypointgan.app.models import Models
from keypointgan.data.video import probe, write_video
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import load_poses
from keypointgan.inference.places import Places
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
    drawn, poses = detect_picture(detector, picture, fade=True)
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
    drawn, poses = detect_picture(detector, picture, fade=True, search=search)
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
    _, poses = detect_picture(detector, picture, fade=False)
    table = table_of(poses, 0)
    assert [row[0] for row in table] == list(poses.joints)
    assert table[3][1:] == [
        round(float(value), digits)
        for value, digits in zip([*poses.xy[0, 3], poses.confidence[0, 3]], (1, 1, 2), strict=True)
    ]


def test_every_frame_of_a_video_is_drawn_and_saved(
    detector: Detector, picture: np.ndarray, tmp_path: Path
) -> None:
    video, output = tmp_path / "my film.mp4", tmp_path / "drawn.mp4"
    write_video(video, iter([picture] * 5), 10.0)
    seen: list[tuple[int, int]] = []
    poses = detect_video(
        detector, video, output, fade=False, progress=lambda done, of: seen.append((done, of))
    )
    assert (len(poses), poses.source, seen[-1]) == (5, "my film.mp4", (5, 5))
    assert probe(output).frames == 5
    path = save_poses_file(poses, tmp_path / "files", source=str(video), suffix=".npz")
    assert path.name == "my film_keypoints.npz"
    np.testing.assert_array_equal(load_poses(path)[0].xy, poses.xy)
