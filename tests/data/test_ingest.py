import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keypointgan.data.ingest import ingest
from keypointgan.data.parts import Part
from keypointgan.data.sources import name_clips
from keypointgan.data.store import Store, StoreWriter
from keypointgan.data.video import write_video
from keypointgan.errors import StoreError


def video(path: Path, *, count: int = 4, value: int = 100, width: int = 48) -> Path:
    """A video whose left and right quarters are black and whose middle is of one grey.

    The last row tells the path, so that no two videos are copies of each other.
    """
    frame = np.zeros((32, width, 3), np.uint8)
    frame[:, width // 4 : -width // 4] = value
    frame[-1] = np.frombuffer(hashlib.sha256(str(path).encode()).digest()[:3], np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, [frame] * count, 10)
    return path


def images(folder: Path, *, count: int = 3, value: int = 100) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (20, 20), (value + number,) * 3).save(folder / f"{number}.png")
    return folder


def names(store: Path) -> list[str]:
    return [clip.name for clip in Store.open(store).clips]


def test_the_central_square_is_kept_and_shrunk(tmp_path: Path) -> None:
    """48×32: columns 8 to 40 are kept, of which 12 to 36 are grey: 4 of 32 black on each side."""
    video(tmp_path / "a.mp4")
    summary = ingest(tmp_path / "a.mp4", tmp_path / "store", size=16, encoding="raw")
    store = Store.open(tmp_path / "store")
    assert (summary.clips, summary.frames, summary.skipped) == (1, 4, ())
    assert store.clips[0].crop == (8, 0, 40, 32)
    assert store.clips[0].fps == 10
    row = store.frames([3])[0, 8, :, 1].astype(int)
    assert row[[0, 15]].max() < 30
    assert np.abs(row[3:13] - 100).max() < 12


def test_a_box_and_the_whole_frame_are_other_crops(tmp_path: Path) -> None:
    video(tmp_path / "a.mp4")
    ingest(
        tmp_path / "a.mp4", tmp_path / "box", size=16, encoding="raw", crop={"a": (14, 2, 34, 22)}
    )
    assert np.abs(Store.open(tmp_path / "box").frames([0]).astype(int) - 100).max() < 12
    ingest(tmp_path / "a.mp4", tmp_path / "all", size=16, encoding="raw", crop="none")
    store = Store.open(tmp_path / "all")
    assert store.clips[0].crop == (0, 0, 48, 32)
    assert store.frames([0])[0, :-1, :3].max() < 30
    with pytest.raises(StoreError, match="a box for every clip"):
        ingest(tmp_path / "a.mp4", tmp_path / "none", size=16, crop={"b": (0, 0, 9, 9)})


def test_a_box_beyond_the_frame_repeats_the_border(tmp_path: Path) -> None:
    video(tmp_path / "a.mp4")
    ingest(tmp_path / "a.mp4", tmp_path / "s", size=16, encoding="raw", crop=(16, -40, 32, -24))
    assert np.abs(Store.open(tmp_path / "s").frames([0]).astype(int) - 100).max() < 12


def test_folders_stand_for_the_videos_and_image_folders_in_them(tmp_path: Path) -> None:
    video(tmp_path / "in" / "b.mp4")
    video(tmp_path / "in" / "a.mp4")
    images(tmp_path / "in" / "walk")
    video(tmp_path / "in" / "deep" / "c.mp4")
    (tmp_path / "in" / "notes.txt").write_text("no source")
    ingest(tmp_path / "in", tmp_path / "store", size=16)
    assert names(tmp_path / "store") == ["a", "b", "c", "walk"]


def test_a_folder_of_images_is_one_clip_and_a_pattern_many(tmp_path: Path) -> None:
    images(tmp_path / "walk")
    ingest(tmp_path / "walk", tmp_path / "store", size=20, encoding="raw")
    store = Store.open(tmp_path / "store")
    np.testing.assert_array_equal(store.frames([0, 1, 2])[:, 0, 0, 0], [100, 101, 102])
    for number in (1, 2, 10):
        video(tmp_path / f"take{number}.mp4")
    ingest(str(tmp_path / "take*.mp4"), tmp_path / "takes", size=16)
    assert names(tmp_path / "takes") == ["take1", "take2", "take10"]


def test_a_source_that_cannot_be_used_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty").mkdir()
    short = video(tmp_path / "short.mp4", count=1)
    photo = images(tmp_path / "photos", count=1) / "0.png"
    good = video(tmp_path / "good.mp4")
    sources = [tmp_path / "text.mp4", short, photo, tmp_path / "empty", tmp_path / "absent.mp4"]
    summary = ingest([*sources, good, str(tmp_path / "*.avi")], tmp_path / "store", size=16)
    assert names(tmp_path / "store") == ["good"]
    reasons = dict(summary.skipped)
    assert "FFmpeg can read" in reasons[str(tmp_path / "text.mp4")]
    assert "at least two frames" in reasons[str(short)]
    assert "a single image" in reasons[str(photo)]
    assert "without videos or images" in reasons[str(tmp_path / "empty")]
    assert "no such file" in reasons[str(tmp_path / "absent.mp4")]
    assert "no file matches" in reasons[str(tmp_path / "*.avi")]
    assert len(reasons) == 6


def test_nothing_usable_is_one_error_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"at least one video.*no such file"):
        ingest(tmp_path / "absent.mp4", tmp_path / "store", size=16)
    with pytest.raises(StoreError, match="no sources"):
        ingest([], tmp_path / "store", size=16)


def test_masks_are_found_beside_their_videos(tmp_path: Path) -> None:
    """The mask video is white where the video is grey; its border falls on the crop alike."""
    video(tmp_path / "in" / "a.mp4")
    video(tmp_path / "in" / "a.mask.mp4", value=255)
    ingest(tmp_path / "in", tmp_path / "store", size=16, encoding="raw")
    store = Store.open(tmp_path / "store")
    assert names(tmp_path / "store") == ["a"]
    expected = np.zeros(16, np.uint8)
    expected[2:14] = 255
    np.testing.assert_array_equal(store.masks([2])[0, 5], expected)
    ingest(tmp_path / "in", tmp_path / "unmasked", size=16, encoding="raw", masks=None)
    assert not Store.open(tmp_path / "unmasked").has_masks
    assert names(tmp_path / "unmasked") == ["a"]


def test_a_source_without_its_mask_or_with_a_wrong_one_is_skipped(tmp_path: Path) -> None:
    video(tmp_path / "in" / "a.mp4")
    video(tmp_path / "in" / "a.mask.mp4", value=255)
    video(tmp_path / "in" / "b.mp4")
    video(tmp_path / "in" / "c.mp4")
    video(tmp_path / "in" / "c.mask.mp4", width=64)
    video(tmp_path / "in" / "d.mp4")
    video(tmp_path / "in" / "d.mask.mp4", count=3)
    summary = ingest(tmp_path / "in", tmp_path / "store", size=16)
    assert names(tmp_path / "store") == ["a"]
    reasons = {Path(source).stem: reason for source, reason in summary.skipped}
    assert "this one has none" in reasons["b"]
    assert "a mask of 48×32 pixels" in reasons["c"]
    assert "got 3 masks and more frames" in reasons["d"]


def test_equal_names_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = [Path(name) for name in ("/x/a/1.mp4", "/x/b/1.mp4", "/x/b/2.mp4", "/x/b/2.avi")]
    assert list(name_clips(paths).values()) == ["a/1", "b/1", "2.mp4", "2.avi"]
    video(tmp_path / "one" / "1.mp4")
    video(tmp_path / "two" / "1.mp4")
    ingest(tmp_path, tmp_path / "store", size=16)
    assert names(tmp_path / "store") == ["one/1", "two/1"]


def test_a_second_run_adds_only_what_is_new(tmp_path: Path) -> None:
    video(tmp_path / "one" / "1.mp4")
    first = ingest(tmp_path / "one", tmp_path / "store", size=16)
    video(tmp_path / "two" / "1.mp4", count=6)
    seen: list[tuple[int, int]] = []
    second = ingest(
        [tmp_path / "one", tmp_path / "two"],
        tmp_path / "store",
        size=16,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (first.clips, second.clips, second.frames) == (1, 2, 10)
    assert names(tmp_path / "store") == ["1", "two/1"]
    assert seen == [(done, 6) for done in range(1, 7)]


def test_a_full_disk_stops_the_ingest_with_the_clips_before_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video(tmp_path / "in" / "a.mp4")
    video(tmp_path / "in" / "b.mp4")
    move = StoreWriter._move

    def full(self: StoreWriter, part: Part) -> int:
        if self.clips:
            raise OSError("No space left on device")
        return move(self, part)

    monkeypatch.setattr(StoreWriter, "_move", full)
    with pytest.raises(StoreError, match=r"No space left.*run the same command again"):
        ingest(tmp_path / "in", tmp_path / "store", size=16)
    assert names(tmp_path / "store") == ["a"]
    monkeypatch.undo()
    assert ingest(tmp_path / "in", tmp_path / "store", size=16).clips == 2
