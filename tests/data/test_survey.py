"""What a store and a file of poses show, on pictures and poses that are known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.store import Store, StoreWriter
from keypointgan.data.survey import survey_poses, survey_store
from keypointgan.skeletons import Skeleton

Film = Callable[..., Store]


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Writes clips of a white square of `side` of 64 pixels that walks along the middle."""

    def write(
        *, clips: int = 4, frames: int = 24, side: int = 16, sway: bool = False, masks: bool = False
    ) -> Store:
        random = np.random.default_rng(0)
        with StoreWriter(tmp_path / "store", size=64, encoding="raw") as writer:
            for clip in range(clips):
                background = random.integers(0, 120, (64, 64, 3), dtype=np.uint8)
                pictures, shown = [], []
                for frame in range(frames):
                    moved = np.roll(background, 7 * frame, axis=1) if sway else background
                    picture, mask = moved.copy(), np.zeros((64, 64), np.uint8)
                    x, y = int((64 - side) * frame / (frames - 1)), (64 - side) // 2
                    picture[y : y + side, x : x + side] = 255
                    mask[y : y + side, x : x + side] = 255
                    pictures.append(picture)
                    shown.append(mask)
                writer.add_clip(
                    f"clip{clip}",
                    pictures,
                    source="film",
                    fps=20,
                    masks=shown if masks else None,
                )
        return Store.open(tmp_path / "store")

    return write


def test_an_object_before_a_still_camera_is_seen_by_its_motion(film: Film) -> None:
    """A quarter of the frame, in the middle on average; nothing else moves."""
    survey = survey_store(film())
    assert survey.still_camera
    assert survey.objects is not None
    assert survey.objects.seen_by == "motion"
    assert survey.objects.extent == pytest.approx(0.25, abs=0.03)
    assert survey.objects.centre == pytest.approx((0, 0), abs=0.05)
    # Uniform over ±0.75: a standard deviation of 0.43, 0.22 of the frame, in x and none in y.
    assert survey.objects.shift_spread == pytest.approx(0.22 / 2, abs=0.02)
    assert (survey.clips, survey.groups, survey.frames) == (4, 4, 96)


def test_a_moving_camera_hides_the_object_unless_there_are_masks(film: Film) -> None:
    survey = survey_store(film(sway=True))
    assert not survey.still_camera
    assert survey.objects is None


def test_masks_show_the_object_whatever_the_camera_does(film: Film) -> None:
    survey = survey_store(film(sway=True, masks=True, side=32))
    assert survey.objects is not None
    assert survey.objects.seen_by == "masks"
    assert survey.objects.extent == pytest.approx(0.5, abs=0.03)


def test_short_clips_do_not_tell_whether_the_camera_is_still(film: Film) -> None:
    survey = survey_store(film(frames=3))
    assert np.isnan(survey.still)
    assert not survey.still_camera
    assert survey.objects is None
    assert survey.lengths == (3, 3, 3)


def test_frames_of_a_film_are_related_and_photographs_are_not(film: Film, tmp_path: Path) -> None:
    assert not survey_store(film()).unrelated
    random = np.random.default_rng(1)
    with StoreWriter(tmp_path / "album", size=64, encoding="raw") as writer:
        for clip in range(6):
            greys = random.integers(0, 255, (4, 8, 8, 3)).astype(np.uint8)
            photographs = greys.repeat(8, axis=1).repeat(8, axis=2)
            writer.add_clip(f"{clip}", photographs, source="album", fps=0)
    assert survey_store(Store.open(tmp_path / "album")).unrelated


STICK = Skeleton("stick", ("head", "left", "right"), (((0,), (1,)),), pairs=((1, 2),))


def sticks(*, turned: float = 0.0, degrees: float = 0.0, count: int = 400) -> np.ndarray:
    """Upright sticks with a short bar at the foot, some seen from behind, some lying."""
    random = np.random.default_rng(0)
    poses = np.tile(np.array([[0, -1], [0.1, 1], [-0.1, 1]]), (count, 1, 1))
    behind = random.random(count) < turned
    poses[behind] = poses[behind][:, [0, 2, 1]]
    angle = np.radians(random.uniform(-degrees, degrees, count))
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.einsum("pjx,xyp->pjy", poses, rotation).astype(np.float32) * 100


def test_poses_seen_from_one_side_and_from_both_are_told_apart() -> None:
    front = survey_poses(sticks(), STICK, size=None)
    both = survey_poses(sticks(turned=0.3), STICK, size=None)
    assert (front.left_first, front.turned) == (0, False)
    assert both.turned
    assert both.left_first == pytest.approx(0.3, abs=0.08)


def test_animals_seen_from_above_show_one_side_in_whatever_direction_they_lie() -> None:
    """Left and right change places in the image, but head, left and right do not go round."""
    above = survey_poses(sticks(degrees=180), STICK, size=None)
    assert above.left_first == pytest.approx(0.5, abs=0.08)
    assert above.handedness == pytest.approx(1)
    assert not above.turned
    some_below = survey_poses(sticks(turned=0.3, degrees=180), STICK, size=None)
    assert some_below.handedness == pytest.approx(0.4, abs=0.08)
    assert some_below.turned


def test_poses_that_lie_in_every_direction_have_no_upright() -> None:
    """Axes are lines: a stick upside down has the same one."""
    assert survey_poses(sticks(degrees=20), STICK, size=None).uprightness > 0.9
    assert survey_poses(sticks(degrees=180), STICK, size=None).any_orientation


def test_poses_in_3d_are_seen_from_all_sides_and_have_an_upright() -> None:
    points = np.random.default_rng(0).normal(size=(10, 3, 3)).astype(np.float32)
    survey = survey_poses(points, STICK, size=None)
    assert survey.solid
    assert survey.turned
    assert not survey.any_orientation


def test_the_size_of_poses_is_a_share_of_their_frames() -> None:
    """200 pixels high in frames of 400."""
    assert survey_poses(sticks(), STICK, size=400).extent == pytest.approx(0.5)
    assert np.isnan(survey_poses(sticks(), STICK, size=None).extent)
