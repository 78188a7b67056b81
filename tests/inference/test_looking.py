"""Objects that are found anywhere in a frame, before they are read."""

from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray
from numpy.testing import assert_allclose, assert_array_equal
from sticks import LENGTH, SIDE, STICK, NearFinder, StickFinder, UprightFinder, picture, truth

from keypointgan.data.video import write_video
from keypointgan.data.windows import BoxTrack
from keypointgan.inference.detector import Detector
from keypointgan.inference.places import Places


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


@pytest.mark.parametrize("middle", [(50.0, 330.0), (205.0, 190.0)])
def test_a_small_animal_is_found_in_a_large_arena(middle: tuple[float, float]) -> None:
    """It is a tenth as long as the frame: in the frame as a whole nothing is to be seen."""
    frame = picture(middle, height=400, width=400, length=LENGTH)
    detector = Detector(NearFinder(), skeleton=STICK, size=SIDE, margin=1.5)
    poses = detector.predict(frame[None])
    assert_allclose(poses.xy[0], truth(middle), atol=0.5)
    assert poses.confidence.min() > 0.95


@pytest.mark.parametrize(("side", "read"), [(54, 54 + 36), (52, 54)])
def test_parts_of_few_pixels_are_not_read(side: int, read: int) -> None:
    """In parts of 0.3 of 52 pixels the model, which takes 32, would see less than 16 of them.

    It reads the whole and 9 parts of 0.6, each again around what it saw, and all ten in three
    turns, of which 4 again.
    """
    finder = NearFinder()
    detector = Detector(finder, skeleton=STICK, size=SIDE, margin=1.5)
    detector.look(np.zeros((1, side, side, 3), np.uint8))
    assert finder.seen == read


def test_who_is_followed_surely_is_not_searched_again(detector: Detector, tmp_path: Path) -> None:
    """64 looks: one of them in two boxes, and around what is seen there."""
    path = tmp_path / "still.mp4"
    write_video(path, [picture((60.0, 60.0), height=120, width=300, length=LENGTH)] * 64, fps=5)
    model = detector.model
    assert isinstance(model, StickFinder)
    detector.look(path)
    assert model.seen == 4 + 63


def _turned(points: ndarray, turn: int, *, height: int, width: int) -> ndarray:
    """Where points of a frame are after quarter turns of it to the left."""
    for _ in range(turn):
        points = np.stack([points[..., 1], width - points[..., 0]], axis=-1)
        height, width = width, height
    return points


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_who_lies_is_found_in_the_turned_picture(turn: int) -> None:
    """Its points are those of the picture as it came, not as it was turned."""
    middle = (225.0, 60.0)
    frame = np.rot90(picture(middle, height=120, width=330, length=LENGTH), turn)
    detector = Detector(UprightFinder(otherwise=0.3), skeleton=STICK, size=SIDE, margin=1.5)
    poses = detector.predict(frame[None].copy())
    expected = _turned(truth(middle), turn, height=120, width=330)
    assert_allclose(poses.xy[0], expected, atol=0.5)
    assert poses.confidence.min() > 0.95
    assert_array_equal(detector.look(frame[None].copy()).turns, [-turn % 4])


@pytest.mark.parametrize(
    ("upright", "clarity", "turned"), [(0.65, 0.8, [0]), (0.4, 0.8, [2]), (0.1, 0.45, [0])]
)
def test_the_turned_picture_must_be_much_clearer_and_clear(
    upright: float, clarity: float, turned: list[int]
) -> None:
    """A stick upside down: as it comes it is read as surely as `upright`, turned as `clarity`."""
    frame = np.rot90(picture((80.0, 60.0), height=120, width=160, length=LENGTH), 2).copy()
    finder = UprightFinder(otherwise=upright / clarity, clarity=clarity)
    detector = Detector(finder, skeleton=STICK, size=SIDE, margin=1.5)
    assert_array_equal(detector.look(frame[None]).turns, turned)


def test_who_lies_down_in_a_video_is_read_on(tmp_path: Path) -> None:
    """It stands for three seconds and lies for four."""
    middle = (60.0, 60.0)
    standing = picture(middle, height=120, width=120, length=LENGTH)
    path = tmp_path / "down.mp4"
    write_video(path, [standing] * 30 + [np.rot90(standing).copy()] * 40, fps=10)
    detector = Detector(UprightFinder(otherwise=0.3), skeleton=STICK, size=SIDE, margin=1.5)
    poses = detector.predict(path)
    lying = _turned(truth(middle), 1, height=120, width=120)
    assert_allclose(poses.xy[:28], [truth(middle)] * 28, atol=1)
    assert_allclose(poses.xy[32:], [lying] * 38, atol=1)
    assert poses.confidence[32:].min() > 0.9


def test_frames_without_anything_have_a_pose_without_confidence(detector: Detector) -> None:
    poses = detector.predict(np.zeros((2, 90, 160, 3), np.uint8))
    assert np.isfinite(poses.xy).all()
    assert poses.confidence.max() < 0.2


def test_no_frames_are_no_poses(detector: Detector) -> None:
    assert len(detector.predict(np.zeros((0, 90, 160, 3), np.uint8))) == 0
