"""Several objects in a frame, found and followed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray
from numpy.testing import assert_allclose
from sticks import LENGTH, SIDE, STICK, BrightFinder, StickFinder, picture, truth

from keypointgan.data.video import write_video
from keypointgan.data.windows import BoxTrack
from keypointgan.errors import ConfigError
from keypointgan.inference import glances, several
from keypointgan.inference.detector import Detector
from keypointgan.inference.places import Places
from keypointgan.inference.poses import Poses

HEIGHT, WIDTH = 160, 420
Middle = tuple[float, float]


@pytest.fixture
def detector() -> Detector:
    return Detector(StickFinder(), skeleton=STICK, size=SIDE, margin=1.5)


def _sticks(*middles: Middle) -> ndarray:
    """A dark frame with a stick at each of these places."""
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for middle in middles:
        frame |= picture(middle, height=HEIGHT, width=WIDTH, length=LENGTH)
    return frame


def _found(
    detector: Detector, source: Path | ndarray, *, objects: int, reframe: bool | None = None
) -> list[Poses]:
    parts = detector.predict_batches(source, objects=objects, reframe=reframe)
    return [Poses.concatenate(animal) for animal in zip(*parts, strict=True)]


def _video(path: Path, frames: Sequence[ndarray], *, fps: float = 10) -> Path:
    write_video(path, frames, fps=fps)
    return path


def test_each_object_of_a_photograph_is_found_from_left_to_right(detector: Detector) -> None:
    middles = [(50.0, 60.0), (200.0, 90.0), (360.0, 50.0)]
    poses = _found(detector, _sticks(*middles)[None], objects=3)
    assert [each.track for each in poses] == ["1", "2", "3"]
    for each, middle in zip(poses, middles, strict=True):
        assert_allclose(each.xy[0], truth(middle), atol=0.6)


def test_who_stands_close_to_somebody_clearer_is_found_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the whole frame is read at first: it shows both, and is read as the brighter one."""
    monkeypatch.setattr(several, "tiles", lambda *_: [])
    monkeypatch.setattr(glances, "tiles", lambda *_: [])
    one, other = (60.0, 60.0), (98.0, 60.0)
    dim = (0.8 * picture(other, height=130, width=130, length=LENGTH)).astype(np.uint8)
    frame = np.maximum(picture(one, height=130, width=130, length=LENGTH), dim)
    detector = Detector(BrightFinder(), skeleton=STICK, size=SIDE, margin=1.5)
    poses = _found(detector, frame[None], objects=2)
    assert len(poses) == 2
    for each, middle in zip(poses, (one, other), strict=True):
        assert_allclose(each.xy[0], truth(middle), atol=1.0)


def test_no_more_are_found_than_there_are(detector: Detector) -> None:
    poses = _found(detector, _sticks((50.0, 60.0), (300.0, 90.0))[None], objects=5)
    assert len(poses) == 2


def test_no_more_are_found_than_were_asked_for(detector: Detector) -> None:
    frame = _sticks((50.0, 60.0), (200.0, 90.0), (360.0, 50.0))
    assert len(_found(detector, frame[None], objects=2)) == 2


def test_where_a_photograph_has_fewer_the_others_have_no_pose(detector: Detector) -> None:
    both = _sticks((50.0, 60.0), (300.0, 90.0))
    one, other = _found(detector, np.stack([both, _sticks((200.0, 80.0))]), objects=2)
    assert_allclose(one.xy, [truth((50.0, 60.0)), truth((200.0, 80.0))], atol=0.6)
    assert_allclose(other.xy[0], truth((300.0, 90.0)), atol=0.6)
    assert np.isnan(other.xy[1]).all()
    assert (other.confidence[1] == 0).all()


def test_each_keeps_its_name_while_it_walks(detector: Detector, tmp_path: Path) -> None:
    """Four seconds, in which both go to the right and end beyond where the other began."""
    ways = [[(x + 3.0 * frame, 80.0) for frame in range(40)] for x in (40.0, 250.0)]
    path = _video(tmp_path / "walk.mp4", [_sticks(*both) for both in zip(*ways, strict=True)])
    found = _found(detector, path, objects=2)
    found.sort(key=lambda each: each.xy[0, 0, 0])
    for each, way in zip(found, ways, strict=True):
        assert_allclose(each.xy, [truth(middle) for middle in way], atol=1.5)


def test_who_comes_later_has_a_pose_from_then_on(detector: Detector, tmp_path: Path) -> None:
    """Frames are looked at five times a second; the second comes with the twelfth look."""
    one, other = (60.0, 80.0), (300.0, 80.0)
    frames = [_sticks(one)] * 22 + [_sticks(one, other)] * 28
    first, second = _found(detector, _video(tmp_path / "later.mp4", frames), objects=2)
    assert_allclose(first.xy, [truth(one)] * 50, atol=1)
    assert np.isnan(second.xy[:22]).all()
    assert_allclose(second.xy[22:], [truth(other)] * 28, atol=1)


def test_who_is_away_for_a_while_comes_back_under_its_name(
    detector: Detector, tmp_path: Path
) -> None:
    one, other = (60.0, 80.0), (300.0, 80.0)
    frames = [_sticks(one, other)] * 20 + [_sticks(one)] * 20 + [_sticks(one, other)] * 20
    found = _found(detector, _video(tmp_path / "away.mp4", frames), objects=2)
    found.sort(key=lambda each: each.xy[0, 0, 0])
    assert_allclose(found[0].xy, [truth(one)] * 60, atol=1)
    assert_allclose(found[1].xy[:19], [truth(other)] * 19, atol=1)
    assert np.isnan(found[1].xy[20:40]).all()
    assert_allclose(found[1].xy[40:], [truth(other)] * 20, atol=1)


def test_who_jumps_aside_is_found_again_at_once(detector: Detector, tmp_path: Path) -> None:
    """From one frame to the next it stands five lengths away; the other stays where it is."""
    still, before, after = (60.0, 80.0), (170.0, 80.0), (370.0, 80.0)
    frames = [_sticks(still, before)] * 20 + [_sticks(still, after)] * 20
    found = _found(detector, _video(tmp_path / "jump.mp4", frames), objects=2)
    found.sort(key=lambda each: each.xy[0, 0, 0])
    assert_allclose(found[0].xy, [truth(still)] * 40, atol=1)
    assert_allclose(found[1].xy[:19], [truth(before)] * 19, atol=1)
    assert_allclose(found[1].xy[20:], [truth(after)] * 20, atol=1)


def test_nothing_is_one_object_without_confidence(detector: Detector) -> None:
    poses = _found(detector, np.zeros((2, HEIGHT, WIDTH, 3), np.uint8), objects=3)
    assert max(each.confidence.max() for each in poses) < 0.2


def test_no_frames_have_no_poses(detector: Detector) -> None:
    (none,) = _found(detector, np.zeros((0, HEIGHT, WIDTH, 3), np.uint8), objects=3)
    assert len(none) == 0


def test_objects_are_not_looked_for_in_boxes_or_without_looking(detector: Detector) -> None:
    frame = _sticks((60.0, 80.0))[None]
    box = BoxTrack("one", np.array([0]), np.array([[60.0, 80.0]]), np.full(1, 60.0))
    places = Places.of_tracks([box])
    with pytest.raises(ConfigError, match="either boxes or 2 objects"):
        detector.look(frame, places, objects=2)
    with pytest.raises(ConfigError, match="--no-reframe"):
        _found(detector, frame, objects=2, reframe=False)
    with pytest.raises(ConfigError, match="at least 1 object, got 0"):
        _found(detector, frame, objects=0)
