import errno
import hashlib
import tracemalloc
from collections.abc import Iterator
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


@pytest.mark.parametrize("suffix", [".H264", ".3gp", ".m2ts", ".mxf", ".vob", ".asf"])
def test_cameras_and_recorders_name_videos_otherwise(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "in").mkdir()
    content = video(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "in" / f"a{suffix}").write_bytes(content)
    assert ingest(tmp_path / "in", tmp_path / "store", size=16).frames == 4


def test_files_of_unknown_kind_in_a_folder_are_left_alone_and_named(tmp_path: Path) -> None:
    """Files that belong to videos, such as poses, are not: nobody takes them for videos."""
    content = video(tmp_path / "in" / "a.mp4").read_bytes()
    for name in ("b.tracks.csv", "b.slp", "LICENSE", ".hidden", "a.mask.mp4"):
        (tmp_path / "in" / name).touch()
    assert ingest(tmp_path / "in", tmp_path / "store", size=16, masks=None).notes == ()
    (tmp_path / "in" / "take1.dat").write_bytes(content)
    (tmp_path / "in" / "take2.dat").write_bytes(content)
    (note,) = ingest(tmp_path / "in", tmp_path / "store", size=16, masks=None).notes
    assert note.startswith("2 files that are not called like videos, such as ")
    assert "take1.dat" in note
    (tmp_path / "in" / "a.mp4").unlink()
    with pytest.raises(StoreError, match=r"without videos or images \(2 files .*take1\.dat: name"):
        ingest(tmp_path / "in", tmp_path / "other", size=16)


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


def test_the_reason_why_nothing_was_used_names_each_file_once(tmp_path: Path) -> None:
    sources = [tmp_path / f"text{number}.mp4" for number in range(5)]
    for source in sources:
        source.write_text(f"no video, {source.name}")
    with pytest.raises(StoreError) as refused:
        ingest(sources, tmp_path / "store", size=16)
    message = str(refused.value)
    assert [message.count(source.name) for source in sources] == [1, 1, 1, 0, 0]
    assert "none of 5 could be used" in message
    assert "and 2 more" in message
    assert "Errno" not in message


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


def test_a_pattern_of_images_is_one_clip(tmp_path: Path) -> None:
    images(tmp_path / "walk", count=12)
    ingest(str(tmp_path / "walk" / "*.png"), tmp_path / "store", size=20, encoding="raw")
    store = Store.open(tmp_path / "store")
    assert [(clip.name, clip.frames) for clip in store.clips] == [("walk", 12)]
    assert store.frames([10])[0, 0, 0, 0] == 110
    again = ingest(str(tmp_path / "walk" / "*.png"), tmp_path / "store", size=20, encoding="raw")
    assert again.clips == 1


def test_names_with_spaces_and_letters_of_any_language_are_kept(tmp_path: Path) -> None:
    for name in ("ein Läufer.mp4", "走る 人.mp4", "[brackets] & 'quotes'.mp4", "#1?.mp4"):
        video(tmp_path / "in" / name)
    assert ingest(tmp_path / "in", tmp_path / "store", size=16).clips == 4
    assert set(names(tmp_path / "store")) == {
        "ein Läufer",
        "走る 人",
        "[brackets] & 'quotes'",
        "#1?",
    }
    again = ingest(tmp_path / "in" / "[brackets] & 'quotes'.mp4", tmp_path / "one", size=16)
    assert again.clips == 1


def test_copies_and_repetitions_count_once(tmp_path: Path) -> None:
    first = video(tmp_path / "in" / "a.mp4")
    (tmp_path / "in" / "copy of a.mp4").write_bytes(first.read_bytes())
    video(tmp_path / "in" / "b.mp4")
    (tmp_path / "in" / "link.mp4").symlink_to(first)
    repeated = [first, str(first), tmp_path / "in" / ".." / "in" / "a.mp4", tmp_path / "in"]
    summary = ingest(repeated, tmp_path / "store", size=16)
    assert names(tmp_path / "store") == ["a", "b"]
    assert summary.skipped == ((str(tmp_path / "in" / "copy of a.mp4"), f"a copy of {first}"),)


def test_a_folder_called_like_a_video_is_a_folder(tmp_path: Path) -> None:
    images(tmp_path / "in" / "walk.mp4")
    video(tmp_path / "in" / "b.mp4")
    assert ingest(tmp_path / "in", tmp_path / "store", size=16).clips == 2


def test_a_video_with_the_suffix_of_another_format_is_read(tmp_path: Path) -> None:
    """What counts is the content: an .avi that is an .mp4."""
    (tmp_path / "a.avi").write_bytes(video(tmp_path / "a.mp4").read_bytes())
    assert ingest(tmp_path / "a.avi", tmp_path / "store", size=16).frames == 4


def test_nothing_usable_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    cut = video(tmp_path / "cut.mkv", count=40)
    cut.write_bytes(cut.read_bytes()[:-300])
    for source in ("text.mp4", "cut.mkv", "absent.mp4"):
        with pytest.raises(StoreError):
            ingest(tmp_path / source, tmp_path / "new" / "folder" / "store", size=16)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.mkv", "text.mp4"]


def test_a_store_of_earlier_clips_survives_sources_that_cannot_be_used(tmp_path: Path) -> None:
    ingest(video(tmp_path / "a.mp4"), tmp_path / "store", size=16)
    (tmp_path / "text.mp4").write_text("no video")
    summary = ingest(tmp_path / "text.mp4", tmp_path / "store", size=16)
    assert (summary.clips, len(summary.skipped)) == (1, 1)
    assert names(tmp_path / "store") == ["a"]


def test_a_folder_that_may_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir

    def refuse(self: Path, *arguments: object, **options: object) -> None:
        if self.name == "store":
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        make(self, *arguments, **options)

    source = video(tmp_path / "a.mp4")
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match=r"store: cannot write a store here .*Permission denied"):
        ingest(source, tmp_path / "store", size=16)
    with pytest.raises(StoreError, match="cannot write a store here"):
        ingest(source, source / "store", size=16)


def test_a_folder_that_may_not_be_read_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video(tmp_path / "in" / "a.mp4")
    (tmp_path / "in" / "private").mkdir()
    entries = Path.iterdir

    def refuse(self: Path) -> Iterator[Path]:
        if self.name == "private":
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return entries(self)

    monkeypatch.setattr(Path, "iterdir", refuse)
    summary = ingest(tmp_path / "in", tmp_path / "store", size=16)
    expected = "cannot be listed (Permission denied)"
    assert summary.skipped == ((str(tmp_path / "in" / "private"), expected),)
    assert names(tmp_path / "store") == ["a"]


def test_a_full_disk_while_a_clip_is_encoded_ends_all_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abcdef":
        video(tmp_path / "in" / f"{name}.mp4")

    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("keypointgan.data.parts.encode_frame", full)
    with pytest.raises(StoreError, match=r"cannot write a clip.*No space left.*make room"):
        ingest(tmp_path / "in", tmp_path / "store", size=16, jobs=3)
    assert not (tmp_path / "store").exists()


def test_several_videos_at_once_give_the_same_store(tmp_path: Path) -> None:
    for number in range(7):
        video(tmp_path / "in" / f"{number}.mp4", count=4 + number)
    for jobs in (1, 4):
        ingest(tmp_path / "in", tmp_path / f"store{jobs}", size=16, jobs=jobs)
    for file in ("frames.bin", "offsets.bin", "boxes.bin", "index.json"):
        one, four = (tmp_path / f"store{jobs}" / file for jobs in (1, 4))
        assert one.read_bytes() == four.read_bytes()
    assert not (tmp_path / "store4" / "parts").exists()


def test_the_memory_does_not_grow_with_the_length_of_a_video(tmp_path: Path) -> None:
    """Twenty times as many frames, at most a tenth more of what Python and NumPy hold at once."""
    peaks = []
    for count in (60, 1200):
        path = tmp_path / f"{count}.mp4"
        frames = (np.full((48, 48, 3), n % 200, np.uint8) for n in range(count))
        write_video(path, frames, 25)
        ingest(path, tmp_path / "warm", size=16)
        tracemalloc.start()
        ingest(path, tmp_path / f"store{count}", size=16)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 30_000
