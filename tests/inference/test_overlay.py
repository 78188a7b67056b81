"""Drawings: at the right place, in the right colour, and only there."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from keypointgan.data.labels import Labels
from keypointgan.data.video import probe, read_video, write_video
from keypointgan.errors import ExportError
from keypointgan.inference.overlay import draw_animals, draw_pose, write_overlay
from keypointgan.inference.poses import Poses
from keypointgan.inference.sheets import draw_sheet, write_sheet
from keypointgan.inference.trails import ANIMAL_COLOURS, middles
from keypointgan.skeletons import Skeleton

STICK = Skeleton(
    name="stick",
    joints=("tip", "left_end", "right_end"),
    links=(((0,), (1,)), ((0,), (2,))),
    pairs=((1, 2),),
    colours={"left": "#ff0000", "right": "#0000ff", "middle": "#00ff00"},
)
POSE = np.array([[200.0, 80.0], [80.0, 320.0], [320.0, 320.0]])
GREY = np.full((400, 400, 3), 128, np.uint8)


def test_links_and_joints_have_the_colour_of_their_side() -> None:
    drawn = draw_pose(GREY, POSE, STICK)
    assert_array_equal(drawn[200, 140], [255, 0, 0])  # half way along the left link
    assert_array_equal(drawn[200, 260], [0, 0, 255])
    assert_array_equal(drawn[80, 200], [0, 255, 0])
    assert_array_equal(drawn[320, 80], [255, 0, 0])


def test_a_point_is_drawn_around_its_place() -> None:
    """A joint alone: the centre of what changed is the joint, to the step of the drawing."""
    dot = Skeleton(name="dot", joints=("dot",), links=())
    for x, y in ((130.5, 240.5), (361.0, 122.25)):
        change = np.abs(draw_pose(GREY, np.array([[x, y]]), dot).astype(int) - 128).sum(-1)
        rows, columns = np.mgrid[:400, :400] + 0.5
        centre = (change * columns).sum() / change.sum(), (change * rows).sum() / change.sum()
        assert_allclose(centre, (x, y), atol=0.15)


def test_the_rest_of_the_frame_stays_as_it_was() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    drawn = draw_pose(noise, POSE, STICK)
    changed = (drawn != noise).any(-1)
    assert 0.01 < changed.mean() < 0.1
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 70
    assert rows.max() <= 330
    assert columns.min() >= 70
    assert columns.max() <= 330


def test_edges_are_smooth() -> None:
    drawn = draw_pose(np.zeros((400, 400, 3), np.uint8), POSE, STICK)
    assert len(np.unique(drawn[..., 0])) > 5


def test_confidence_is_opacity() -> None:
    """At confidence 0 a quarter of the colour shows: 0.25 * 255 + 0.75 * 128."""
    drawn = draw_pose(GREY, POSE, STICK, confidence=np.array([1.0, 0.0, 1.0]))
    assert_allclose(drawn[320, 80], [160, 96, 96], atol=2)
    assert_allclose(drawn[200, 140], [160, 96, 96], atol=2)  # as sure as its less sure end
    assert_array_equal(drawn[320, 320], [0, 0, 255])


def test_missing_points_and_their_links_are_left_out() -> None:
    holes = POSE.copy()
    holes[1, 0] = np.nan
    drawn = draw_pose(GREY, holes, STICK)
    assert_array_equal(drawn[:, :185], GREY[:, :185])
    assert_array_equal(drawn[200, 260], [0, 0, 255])
    assert_array_equal(draw_pose(GREY, np.full((3, 2), np.nan), STICK), GREY)


def test_a_pose_outside_of_the_frame_is_cut_off() -> None:
    assert_array_equal(draw_pose(GREY, POSE + 600, STICK), GREY)
    drawn = draw_pose(GREY, POSE + np.array([160.0, 0.0]), STICK)
    assert_array_equal(drawn[80, 360], [0, 255, 0])


def test_an_enlarged_frame_has_the_pose_at_the_same_place() -> None:
    drawn = draw_pose(GREY[::4, ::4], POSE / 4, STICK, scale=4)
    assert drawn.shape == (400, 400, 3)
    assert_array_equal(drawn[200, 140], [255, 0, 0])
    assert_array_equal(drawn[80, 200], [0, 255, 0])


def test_lines_grow_with_the_frame() -> None:
    small = (draw_pose(GREY, POSE, STICK) != GREY).any(-1).mean()
    large_frame = np.full((800, 800, 3), 128, np.uint8)
    large = (draw_pose(large_frame, POSE * 2, STICK) != large_frame).any(-1).mean()
    assert_allclose(large, small, rtol=0.1)


def test_an_end_between_joints_is_at_their_mean() -> None:
    skeleton = Skeleton(
        name="y", joints=("a", "b", "c"), links=(((0,), (1, 2)),), colours=STICK.colours
    )
    drawn = draw_pose(GREY, POSE, skeleton)
    assert_array_equal(drawn[200, 200], [0, 255, 0])


def test_a_sheet_shows_frames_row_by_row() -> None:
    poses = Poses(np.stack([POSE, POSE + 20, POSE - 20]), np.ones((3, 3)), STICK)
    sheet = draw_sheet([GREY] * 3, poses, columns=2)
    assert sheet.shape == (800, 800, 3)
    assert_array_equal(sheet[80, 200], [0, 255, 0])
    assert_array_equal(sheet[100, 620], [0, 255, 0])
    assert_array_equal(sheet[460, 180], [0, 255, 0])
    assert (sheet[400:, 400:] == 255).all()
    with pytest.raises(ExportError, match="each of 3 poses, got 2"):
        draw_sheet([GREY] * 2, poses)


def test_a_video_is_written_enlarged_at_its_own_rate(tmp_path: Path) -> None:
    write_video(tmp_path / "grey.mp4", [GREY[::4, ::4]] * 6, 12.5)
    poses = Poses(np.tile(POSE / 4, (6, 1, 1)), np.ones((6, 3)), STICK, fps=12.5)
    write_overlay(poses, tmp_path / "grey.mp4", tmp_path / "overlay.mp4")
    info = probe(tmp_path / "overlay.mp4")
    assert (info.frames, info.height, info.width, info.fps) == (6, 400, 400, 12.5)
    frame = list(read_video(tmp_path / "overlay.mp4"))[-1].astype(int)
    assert frame[200, 140, 0] - frame[200, 140, 2] > 100  # red, as far as the codec lets it


def test_a_folder_of_images_becomes_a_video(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(GREY).save(folder / f"{number}.png")
    poses = Poses(np.tile(POSE, (3, 1, 1)), np.ones((3, 3)), STICK)
    write_overlay(poses, folder, tmp_path / "overlay.mp4", scale=1)
    info = probe(tmp_path / "overlay.mp4")
    assert (info.frames, info.height, info.fps) == (3, 400, 10.0)


@pytest.mark.parametrize(("count", "message"), [(5, "5 poses and more"), (7, "7 poses and fewer")])
def test_poses_of_another_video_are_refused(tmp_path: Path, count: int, message: str) -> None:
    write_video(tmp_path / "grey.mp4", [GREY] * 6, 10)
    poses = Poses(np.tile(POSE, (count, 1, 1)), np.ones((count, 3)), STICK)
    with pytest.raises(ExportError, match=message):
        write_overlay(poses, tmp_path / "grey.mp4", tmp_path / "overlay.mp4")
    assert not (tmp_path / "overlay.mp4").exists()


def test_labels_of_a_real_clip_lie_on_the_person(shared_data: Path) -> None:
    """Along the drawn body, colours of the frame differ from those of the background nearby."""
    labels = Labels.load(shared_data / "humans_rendered" / "test_labels.npz")
    name = labels.clip[0]
    rows = [row for row, clip in enumerate(labels.clip) if clip == name]
    frames = list(read_video(shared_data / "humans_rendered" / "test" / f"{name}.mp4"))
    skeleton = Skeleton.load("h36m17")
    xy = (labels.xy[rows].astype(float) + 1) * 64
    still = np.median(np.stack(frames), axis=0)
    moving = np.abs(np.stack(frames) - still).sum(-1) > 60
    drawn = np.stack(
        [draw_pose(frame, points, skeleton) for frame, points in zip(frames, xy, strict=True)]
    )
    changed = (drawn != np.stack(frames)).any(-1)
    assert changed[moving].mean() > 5 * changed[~moving].mean()


def make_animals(frames: int = 6) -> list[Poses]:
    """Two sticks in 200 x 200: one walks 10 pixels a frame to the right, the other rests."""
    shape = np.array([[0.0, -15.0], [-10.0, 15.0], [10.0, 15.0]])
    walk = np.stack([np.arange(frames) * 10.0 + 40, np.full(frames, 60.0)], axis=-1)
    rest = np.full((frames, 2), 150.0)
    return [
        Poses(shape + place[:, None], np.ones((frames, 3)), STICK, fps=10.0, track=name)
        for name, place in (("walker", walk), ("rester", rest))
    ]


def count_colour(picture: np.ndarray, colour: str) -> int:
    """Pixels that are nearly of a colour."""
    from PIL import ImageColor

    distance = np.abs(picture.astype(int) - ImageColor.getrgb(colour)[:3]).max(axis=-1)
    return int((distance < 40).sum())


def test_a_trail_follows_the_middle_and_fades_towards_its_beginning() -> None:
    black = np.zeros((200, 200, 3), np.uint8)
    (animal, _) = make_animals()
    far = Poses(animal.xy + np.array([0, 60]), animal.confidence, STICK)  # its middle is at y = 125
    plain = draw_animals(black, [far], 5)
    drawn = draw_animals(black, [far], 5, trail=5)
    assert drawn[125, 60].max() > drawn[125, 45].max() > 0
    assert plain[125, 60].max() == 0
    short = draw_animals(black, [far], 5, trail=2)
    assert short[125, 60].max() == 0  # where it was three frames before


def test_several_animals_have_names_in_colours_of_their_own() -> None:
    black = np.zeros((200, 200, 3), np.uint8)
    animals = make_animals()
    drawn = draw_animals(black, animals, 0)
    for colour in ANIMAL_COLOURS[:2]:
        assert count_colour(drawn, colour) > 10
    alone = draw_animals(black, animals[:1], 0)
    assert count_colour(alone, ANIMAL_COLOURS[0]) == 0


def test_an_animal_that_is_not_seen_leaves_its_place_empty() -> None:
    animals = make_animals()
    animals[1].xy[2] = np.nan
    grey = np.full((200, 200, 3), 128, np.uint8)
    drawn = draw_animals(grey, animals, 2)
    assert_array_equal(drawn[120:180, 120:180], grey[120:180, 120:180])


def test_lines_of_a_small_animal_are_thin() -> None:
    frame = np.zeros((1000, 1000, 3), np.uint8)
    small = draw_pose(frame, POSE / 10, STICK)
    assert 40 < (small.any(-1)).sum() < 500
    large = draw_pose(frame, POSE, STICK)
    assert large.any(-1).sum() > 25 * small.any(-1).sum()


def test_the_middle_of_half_a_body_is_not_told() -> None:
    (animal, _) = make_animals()
    animal.xy[1, 0] = np.nan
    animal.xy[2, :2] = np.nan
    places = middles(animal)
    assert_allclose(places[0], [40, 65])
    assert_allclose(places[1], [50, 75])
    assert np.isnan(places[2]).all()
    assert_array_equal(middles(animal, "left_end"), animal.xy[:, 1])


def test_a_contact_sheet_zooms_in_on_the_animals(tmp_path: Path) -> None:
    frames = [np.full((200, 200, 3), 30, np.uint8)] * 6
    write_video(tmp_path / "a.mp4", frames, 10.0)
    (animal, _) = make_animals()
    write_sheet(animal, tmp_path / "a.mp4", tmp_path / "a.png", count=4, columns=2, width=400)
    sheet = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert sheet.shape[1] <= 400
    reddish = (sheet[..., 0] > 150) & (sheet[..., 2] < 90)
    assert 0.005 < reddish.mean() < 0.2  # the stick fills its square, which the frame does not
    longer = Poses(np.zeros((9, 3, 2)), np.ones((9, 3)), STICK)
    with pytest.raises(ExportError, match="a frame for each of 9 poses, got fewer"):
        write_sheet(longer, tmp_path / "a.mp4", tmp_path / "b.png")


def _poses_of(count: int) -> Poses:
    return Poses(
        xy=np.repeat(POSE[None], count, axis=0),
        confidence=np.ones((count, 3)),
        skeleton=STICK,
        source="picture.png",
    )


def test_the_overlay_of_a_picture_can_be_a_picture(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "picture.png")
    write_overlay(_poses_of(1), tmp_path / "picture.png", tmp_path / "overlay.png")
    assert_array_equal(
        np.asarray(Image.open(tmp_path / "overlay.png")), draw_pose(GREY, POSE, STICK)
    )


def test_the_overlay_of_several_frames_cannot_be_a_picture(tmp_path: Path) -> None:
    for number in range(2):
        Image.fromarray(GREY).save(tmp_path / f"{number}.png")
    with pytest.raises(ExportError, match=r"one frame for the picture .*, got 2"):
        write_overlay(_poses_of(2), tmp_path, tmp_path / "overlay.png")
    assert not (tmp_path / "overlay.png").exists()
