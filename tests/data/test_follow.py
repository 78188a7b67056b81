"""Clips that follow animals, whatever file says where they are."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from keypointgan.data.boxes import read_boxes
from keypointgan.data.ingest import ingest
from keypointgan.data.plans import Follow
from keypointgan.data.store import Store
from keypointgan.data.video import write_video
from keypointgan.data.windows import BoxTrack, follow
from keypointgan.errors import DataError, StoreError

FRAMES = 40
LEFT = np.stack([20 + np.arange(FRAMES), np.full(FRAMES, 30)], axis=1)
RIGHT = np.stack([np.full(FRAMES, 100), 90 - np.arange(FRAMES)], axis=1)


def scene(number: int) -> np.ndarray:
    """Two bright squares of 16 pixels, one that goes right and one that goes up."""
    frame = np.full((128, 128, 3), 30, np.uint8)
    for (x, y), value in ((LEFT[number], 220), (RIGHT[number], 150)):
        frame[y - 8 : y + 8, x - 8 : x + 8] = value
    return frame


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "two animals.mp4"
    write_video(path, [scene(number) for number in range(FRAMES)], 25, rate_factor=8)
    return path


def write_boxes(path: Path, *, frames: range = range(FRAMES), names: str = "") -> Path:
    lines = ["frame,track,x0,y0,x1,y1"]
    for number in frames:
        for name, (x, y) in (("left", LEFT[number]), ("right", RIGHT[number])):
            lines.append(f"{number},{name}{names},{x - 8},{y - 8},{x + 8},{y + 8}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_each_animal_is_a_clip_that_stays_in_its_middle(video: Path, tmp_path: Path) -> None:
    """A side of 32 around 16: the middle half is bright, in every frame."""
    boxes = write_boxes(tmp_path / "boxes.csv")
    follow_them = Follow(str(boxes), margin=2.0)
    ingest(video, tmp_path / "store", size=32, encoding="raw", crop=follow_them)
    store = Store.open(tmp_path / "store")
    assert [clip.name for clip in store.clips] == ["two animals/left", "two animals/right"]
    assert {clip.group for clip in store.clips} == {"two animals"}
    for clip, value in zip(store.clips, (220, 150), strict=True):
        frames = store.frames(clip.start + np.arange(clip.frames)).astype(int)
        assert np.abs(frames[:, 10:22, 10:22] - value).max() < 25
        assert np.abs(frames[:, :6] - 30).max() < 40
    assert_allclose(store.boxes([3]), [[23 - 16, 30 - 16, 23 + 16, 30 + 16]])


def test_a_clip_starts_where_its_animal_appears(video: Path, tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "boxes.csv", frames=range(7, 20))
    ingest(video, tmp_path / "store", size=32, encoding="raw", crop=Follow(str(boxes), margin=2))
    store = Store.open(tmp_path / "store")
    assert [(clip.first, clip.frames) for clip in store.clips] == [(7, 13), (7, 13)]
    (middle,) = store.frames([0])[:, 10:22, 10:22].astype(int)
    assert np.abs(middle - 220).max() < 25


def test_short_gaps_are_crossed_on_a_straight_line_and_long_ones_end_a_clip() -> None:
    seen = np.array([0, 1, 2, 5, 6, 50, 51])
    middles = np.stack([seen * 10.0, seen * 0.0], axis=1)
    track = BoxTrack("fly", seen, middles, np.full(len(seen), 10.0))
    first, second = follow(track, margin=1.0, max_gap=5)
    assert (first.name, first.first, first.stop) == ("fly", 0, 7)
    assert_allclose(first.squares[:, 0] + 5, np.arange(7) * 10)
    assert (second.name, second.first, second.stop) == ("fly@50", 50, 52)


def test_the_scale_stays_unless_it_is_to_follow_the_animal() -> None:
    track = BoxTrack("", np.arange(3), np.zeros((3, 2)), np.array([10.0, 20.0, 40.0]))
    assert_allclose(np.diff(track.squares(margin=1.5)[:, ::2]).ravel(), [30, 30, 30])
    followed = track.squares(margin=1.5, follow_size=True)
    assert_allclose(np.diff(followed[:, ::2]).ravel(), [15, 30, 60])


def test_a_second_run_reads_only_what_is_missing(video: Path, tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "boxes.csv")
    crop = Follow(str(boxes))
    ingest(video, tmp_path / "store", size=32, crop=crop)
    seen: list[int] = []
    again = ingest(
        video, tmp_path / "store", size=32, crop=crop, progress=lambda done, _: seen.append(done)
    )
    assert (again.clips, again.frames, seen) == (2, 80, [])


def test_poses_of_other_tools_say_where_animals_are(shared_data: Path, tmp_path: Path) -> None:
    """The middle of a fly lies within its points, and its length is that of a fly: 99 pixels."""
    pytest.importorskip("sleap_io")
    (male, female) = read_boxes(shared_data / "flies" / "clip.slp").tracks["clip"]
    assert {male.name, female.name} == {"male", "female"}
    assert_array_equal(male.frames, np.arange(1500))
    assert 80 < np.median(male.lengths) < 120


@pytest.mark.parametrize("kind", ["xywh", "coco", "deeplabcut", "named"])
def test_files_of_boxes_say_the_same(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("boxes.json" if kind == "coco" else "boxes.csv")
    if kind == "xywh":
        path.write_text("frame_id,left,top,w,h,id\n4,10,20,30,40,a\n5,11,20,30,40,a\n")
    elif kind == "named":
        path.write_text(
            "video,frame,x0,y0,x1,y1,track\nC:\\films\\one.mp4,4,10,20,40,60,a\none.avi,5,11,20,41,60,a\n"
        )
    elif kind == "coco":
        images = [{"id": 7 + n, "file_name": f"{n}.png", "frame_id": n} for n in range(6)]
        boxes = [
            {"image_id": 11, "category_id": 1, "bbox": [10, 20, 30, 40], "track_id": "a"},
            {"image_id": 12, "category_id": 1, "bbox": [11, 20, 30, 40], "track_id": "a"},
        ]
        path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": []}))
    else:  # points in the corners of a box with a diagonal of 40; 0 is the middle of a pixel
        path.write_text(
            "scorer,me,me,me,me,me,me\n"
            "individuals,a,a,a,a,a,a\n"
            "bodyparts,nose,nose,nose,tail,tail,tail\n"
            "coords,x,y,likelihood,x,y,likelihood\n"
            "4,12.5,23.5,1,36.5,55.5,1\n"
            "5,13.5,23.5,1,37.5,55.5,1\n"
        )
    (track,) = read_boxes(path).of(Path("one.mp4"), alone=True)
    assert track.name == "a"
    assert_array_equal(track.frames, [4, 5])
    assert_allclose(track.centres, [[25, 40], [26, 40]])
    assert_allclose(track.lengths, [40, 40])


def test_coco_images_are_found_by_their_names(tmp_path: Path) -> None:
    """In the file the images come in another order than in the folder."""
    folder = tmp_path / "walk"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (40, 40)).save(folder / f"{number}.png")
    images = [{"id": n, "file_name": f"images/{n}.png"} for n in (2, 0, 1)]
    boxes = [{"image_id": n, "bbox": [n, 0, 10, 10]} for n in (0, 1, 2)]
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({"images": images, "annotations": boxes}))
    (track,) = read_boxes(path).of(folder, alone=True)
    assert_array_equal(track.frames, [0, 1, 2])
    assert_allclose(track.centres[:, 0], [5, 6, 7])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frame,x0,y0\n", "expected the columns frame, x0, y0, x1, y1"),
        ("", "got nothing"),
        ("frame,x0,y0,x1,y1\n", "at least one animal, got none"),
        ("frame,x0,y0,x1,y1\n0,1,2,3,many\n", "line 2: expected numbers"),
        ("frame,x0,y0,x1,y1\n0,1,2\n", "line 2: expected numbers"),
        ("frame,x0,y0,x1,y1\n0,9,2,3,4\n", "line 2: expected a box with x0 < x1"),
        ("frame,x0,y0,x1,y1\n-1,1,2,3,4\n", "the number of a frame, from 0, got -1"),
        ("frame,x0,y0,x1,y1\n0,1,2,3,4\n0,1,2,3,4\n", "got several in frame 0"),
    ],
)
def test_wrong_files_of_boxes_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_boxes(tmp_path / "boxes.csv")


def test_boxes_of_another_video_are_refused(video: Path, tmp_path: Path) -> None:
    """One that is shorter than the boxes say, and two videos for one file without names."""
    boxes = write_boxes(tmp_path / "boxes.csv")
    short = tmp_path / "short.mp4"
    write_video(short, [scene(number) for number in range(20)], 25)
    with pytest.raises(StoreError, match="expected 40 frames, as there are boxes, got 20"):
        ingest(short, tmp_path / "store", size=32, crop=Follow(str(boxes)))
    with pytest.raises(StoreError, match=r"Name a file for each video with '\{name\}'"):
        ingest([video, short], tmp_path / "store", size=32, crop=Follow(str(boxes)))
    assert not (tmp_path / "store").exists()


def test_a_file_for_each_video_lies_beside_it(video: Path, tmp_path: Path) -> None:
    write_boxes(tmp_path / "two animals.csv")
    other = tmp_path / "other.mp4"
    write_video(other, [scene(number) for number in range(20)], 25)
    summary = ingest([video, other], tmp_path / "store", size=32, crop=Follow("{name}.csv"))
    assert summary.clips == 2
    ((source, reason),) = summary.skipped
    assert source == str(other)
    assert "other.csv: expected a file of boxes" in reason


def test_boxes_outside_of_the_frame_are_refused(video: Path, tmp_path: Path) -> None:
    """As `predict` refuses them: a clip would show the frame's repeated border."""
    boxes = tmp_path / "boxes.csv"
    rows = ["0,30,30,50,50", "1,30,30,50,50", "2,5000,30,5020,50"]
    boxes.write_text("\n".join(["frame,x0,y0,x1,y1", *rows]), encoding="utf-8")
    with pytest.raises(
        StoreError, match=r"a frame of 128×128 pixels, got one .* for frame 2\. Are"
    ):
        ingest(video, tmp_path / "store", size=32, crop=Follow(str(boxes)))
