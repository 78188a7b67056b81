"""Objects that are found anywhere in a frame, before they are read."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy import ndarray
from numpy.testing import assert_allclose

from keypointgan.data.video import write_video
from keypointgan.data.windows import BoxTrack
from keypointgan.inference.detector import Detector
from keypointgan.inference.places import Places
from keypointgan.models.keypointgan import Detection
from keypointgan.skeletons import Skeleton

STICK = Skeleton(name="stick", joints=("one", "other"), links=(((0,), (1,)),), pairs=())
SIDE = 32
LENGTH = 40.0
"""Distance of the red dot from the green one, in pixels of the frames."""


class StickFinder:
    """Finds a red and a green dot; sure of them if they are both there and fill its frame.

    Where they are much larger or smaller than it is used to it finds them too near to the middle of
    the frame, and is unsure. Without one of them it points at the middle.
    """

    def __init__(self) -> None:
        self.seen = 0

    def detect(self, frame: torch.Tensor) -> Detection:
        self.seen += len(frame)
        light = ((frame[:, :2] + 1) / 2 - 0.1).clamp(min=0)
        there = light.amax(dim=(2, 3)) > 0.2
        weights = light / light.sum(dim=(2, 3), keepdim=True).clamp_min(1e-6)
        places = (torch.arange(frame.shape[-1]) * 2 + 1) / frame.shape[-1] - 1
        points = torch.stack(
            [(weights.sum(dim=2) * places).sum(-1), (weights.sum(dim=3) * places).sum(-1)], dim=-1
        )
        length = (points[:, 0] - points[:, 1]).norm(dim=-1) / 2  # of the side
        used = (length.clamp_min(1e-3) * 1.5).log().abs()  # to two thirds of it
        bright = (1.4 * light.amax(dim=(1, 2, 3))).clamp(max=1)
        sure = torch.where(there.all(dim=1), bright * (-used / 4).exp(), 0.1)
        points = points * (1 - 0.15 * (used > 0.4))[:, None, None]
        return Detection(points, sure[:, None].expand(-1, 2), None)


def picture(middle: tuple[float, float], *, height: int, width: int, length: float) -> ndarray:
    """A dark frame with a red dot above a green one."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    frame = np.zeros((height, width, 3))
    for channel, sign in ((0, -1), (1, 1)):
        y = middle[1] + sign * length / 2
        squared = (columns - middle[0]) ** 2 + (rows - y) ** 2
        frame[..., channel] = np.exp(-squared / (2 * (0.08 * length) ** 2))
    return (frame * 255).round().astype(np.uint8)


def truth(middle: tuple[float, float], length: float = LENGTH) -> ndarray:
    x, y = middle
    return np.array([[x, y - length / 2], [x, y + length / 2]])


@pytest.fixture
def detector() -> Detector:
    return Detector(StickFinder(), skeleton=STICK, size=SIDE, margin=1.5)


@pytest.mark.parametrize(
    "middle", [(80.0, 60.0), (30.0, 30.0), (140.0, 90.0), (225.0, 60.0), (300.0, 85.0)]
)
def test_an_object_is_found_anywhere_in_a_wide_picture(
    detector: Detector, middle: tuple[float, float]
) -> None:
    """It is small, at one side: in the middle of the frame there may be nothing at all."""
    frame = picture(middle, height=120, width=330, length=LENGTH)
    poses = detector.predict(frame[None])
    assert_allclose(poses.xy[0], truth(middle), atol=0.5)
    assert poses.confidence.min() > 0.95
    (box,) = detector.look(frame[None]).squares
    side = 1.5 * LENGTH
    assert_allclose(box, [*np.subtract(middle, side / 2), *np.add(middle, side / 2)], atol=8)


def test_each_image_is_looked_at_by_itself(detector: Detector) -> None:
    """Near and far objects one after the other, as in a folder of photographs."""
    shown = [((60.0, 60.0), 80.0), ((200.0, 90.0), 30.0), ((120.0, 50.0), 60.0)]
    frames = [picture(m, height=120, width=240, length=size) for m, size in shown]
    poses = detector.predict(np.stack(frames))
    assert_allclose(poses.xy, [truth(m, size) for m, size in shown], atol=0.6)


def test_without_a_margin_or_with_boxes_frames_are_read_as_they_come(detector: Detector) -> None:
    middle = (200.0, 60.0)
    frames = picture(middle, height=120, width=240, length=LENGTH)[None]
    plain = Detector(detector.model, skeleton=STICK, size=SIDE)
    box = np.array([[140.0, 0.0, 240.0, 120.0]])
    read = plain.predict(frames, boxes=box).xy
    assert np.abs(read - truth(middle)).max() > 2  # it looks too small there
    assert_allclose(detector.predict(frames, boxes=box).xy, read)
    assert_allclose(detector.predict(frames, boxes=box, reframe=True).xy[0], truth(middle), atol=1)
    assert np.abs(detector.predict(frames, reframe=False).xy - truth(middle)).max() > 20
    assert_allclose(plain.predict(frames, reframe=True).xy[0], truth(middle), atol=0.5)


def test_animals_with_places_are_framed_anew_each(detector: Detector) -> None:
    """Boxes that are too wide; one animal is away in the second image, and stays away."""
    middles = (60.0, 60.0), (180.0, 60.0)
    both = sum(picture(m, height=120, width=240, length=LENGTH) for m in middles)
    frames = np.stack([both, picture(middles[0], height=120, width=240, length=LENGTH)])
    places = Places.of_tracks(
        [
            BoxTrack("one", np.array([0, 1]), np.array([middles[0]] * 2), np.full(2, 110.0)),
            BoxTrack("other", np.array([0]), np.array([middles[1]]), np.full(1, 110.0)),
        ],
        margin=1.0,
    )
    one, other = detector.predict_tracks(frames, places, reframe=True)
    assert (one.track, other.track) == ("one", "other")
    assert_allclose(one.xy, [truth(middles[0])] * 2, atol=0.6)
    assert_allclose(other.xy[0], truth(middles[1]), atol=0.6)
    assert np.isnan(other.xy[1]).all()


@pytest.fixture
def walk(tmp_path: Path) -> tuple[Path, ndarray]:
    """Two seconds of a video in which a stick crosses a wide frame, and where it is."""
    middles = [(30.0 + 4 * frame, 60.0) for frame in range(60)]
    frames = [picture(m, height=120, width=300, length=LENGTH) for m in middles]
    path = tmp_path / "walk.mp4"
    write_video(path, frames, fps=30)
    return path, np.stack([truth(m) for m in middles])


def test_who_crosses_a_video_is_followed(detector: Detector, walk: tuple[Path, ndarray]) -> None:
    path, points = walk
    assert_allclose(detector.predict(path).xy, points, atol=1.0)


def test_few_frames_of_a_video_are_looked_at(
    detector: Detector, walk: tuple[Path, ndarray]
) -> None:
    """Eleven of sixty: one in two boxes and around what is seen there, ten once."""
    model = detector.model
    assert isinstance(model, StickFinder)
    assert len(detector.look(walk[0]).frames) == 60
    assert model.seen == 4 + 10


@pytest.mark.parametrize(("brightness", "kept"), [(1.0, True), (0.7, False)])
def test_one_of_two_is_not_left_for_the_other_unless_that_is_much_clearer(
    detector: Detector, tmp_path: Path, brightness: float, kept: bool
) -> None:
    """After four seconds another comes in at the other end, as bright or brighter."""
    one, other = (50.0, 120.0), (400.0, 120.0)
    dim = (brightness * picture(one, height=240, width=456, length=LENGTH)).astype(np.uint8)
    both = dim + picture(other, height=240, width=456, length=LENGTH)
    path = tmp_path / "two.mp4"
    write_video(path, [dim] * 20 + [both] * 32, fps=5)
    xy = detector.predict(path).xy
    assert_allclose(xy[:16], [truth(one)] * 16, atol=1.0)
    assert_allclose(xy[36:], [truth(one if kept else other)] * 16, atol=1.0)


def test_what_was_lost_is_searched_again(detector: Detector, tmp_path: Path) -> None:
    """A cut: from one frame to the next it stands at the other end."""
    middles = [(40.0, 60.0)] * 30 + [(260.0, 60.0)] * 30
    path = tmp_path / "cut.mp4"
    write_video(path, [picture(m, height=120, width=300, length=LENGTH) for m in middles], fps=15)
    poses = detector.predict(path)
    points = np.stack([truth(m) for m in middles])
    assert_allclose(
        np.delete(poses.xy, np.s_[26:34], 0), np.delete(points, np.s_[26:34], 0), atol=1
    )


def test_progress_counts_looks_and_frames_up_to_their_sum(
    detector: Detector, walk: tuple[Path, ndarray]
) -> None:
    told: list[tuple[int, int]] = []
    detector.predict(
        walk[0], batch_size=16, progress=lambda done, total: told.append((done, total))
    )
    done, totals = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert set(totals) == {71}
    assert (done[0], done[-1]) == (11, 71)


def test_frames_without_anything_have_a_pose_without_confidence(detector: Detector) -> None:
    poses = detector.predict(np.zeros((2, 90, 160, 3), np.uint8))
    assert np.isfinite(poses.xy).all()
    assert poses.confidence.max() < 0.2


def test_no_frames_are_no_poses(detector: Detector) -> None:
    assert len(detector.predict(np.zeros((0, 90, 160, 3), np.uint8))) == 0
