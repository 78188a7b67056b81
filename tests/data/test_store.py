import errno
import io
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.store import Store, StoreWriter, load_frames, load_masks
from keypointgan.errors import StoreError
from keypointgan.types import FrameArray


def noise(count: int, size: int = 16) -> FrameArray:
    return np.random.default_rng(7).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def half_masks(count: int, size: int) -> np.ndarray:
    """The object fills the left `index + 1` columns of mask `index`."""
    masks = np.zeros((count, size, size), np.uint8)
    for index in range(count):
        masks[index, :, : index + 1] = 255
    return masks


def test_a_raw_store_returns_the_very_frames_in_any_order(tmp_path: Path) -> None:
    frames = noise(7)
    with StoreWriter(tmp_path / "store", size=16, encoding="raw") as writer:
        writer.add_clip("one", frames[:3], source="one.mp4", fps=25, crop=(0, 0, 32, 32))
        writer.add_clip("two", frames[3:], source="two.mp4", fps=15, group="somebody")
    store = Store.open(tmp_path / "store")
    rows = [6, 0, 3, 3]
    np.testing.assert_array_equal(store.frames(rows), frames[rows])
    assert (store.num_frames, store.size, store.has_masks) == (7, 16, False)
    assert store.row("two", 2) == 5
    assert [clip.group for clip in store.clips] == ["one", "somebody"]
    assert store.clips[0].crop == (0, 0, 32, 32)


@pytest.mark.parametrize(("encoding", "tolerance"), [("jpeg", 6), ("webp", 10)])
def test_an_encoded_store_returns_nearly_the_frames(
    tmp_path: Path, smooth_frames: FrameArray, encoding: str, tolerance: int
) -> None:
    with StoreWriter(tmp_path, size=16, encoding=encoding, quality=95) as writer:
        writer.add_clip("one", smooth_frames[:4], source="a", fps=25)
        writer.add_clip("two", smooth_frames[4:], source="b", fps=25)
    rows = np.array([8, 1, 4, 0, 7, 3, 2, 5, 6] * 3)
    found = Store.open(tmp_path).frames(rows).astype(int)
    assert np.abs(found - smooth_frames[rows]).max() <= tolerance


@pytest.mark.parametrize("encoding", ["jpeg", "raw"])
def test_masks_come_back_exactly_at_a_size_that_is_no_multiple_of_eight(
    tmp_path: Path, encoding: str
) -> None:
    masks = half_masks(5, 13)
    with StoreWriter(tmp_path, size=13, encoding=encoding) as writer:
        writer.add_clip("one", noise(5, 13), source="a", fps=25, masks=masks)
    store = Store.open(tmp_path)
    assert store.has_masks
    np.testing.assert_array_equal(store.masks([4, 0, 2]), masks[[4, 0, 2]])


def test_asking_a_store_without_masks_for_masks_is_refused(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, size=16, encoding="raw") as writer:
        writer.add_clip("one", noise(2), source="a", fps=25)
    with pytest.raises(StoreError, match=r"expected a store with masks.*NAME\.mask\.mp4"):
        Store.open(tmp_path).masks([0])


def test_a_clip_with_and_one_without_masks_do_not_mix(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, size=16, encoding="raw") as writer:
        writer.add_clip("one", noise(2), source="a", fps=25, masks=half_masks(2, 16))
        with pytest.raises(StoreError, match="expected a mask"):
            writer.add_clip("two", noise(2), source="b", fps=25)
        with pytest.raises(StoreError, match="got 3 masks for 2 frames"):
            writer.add_clip("two", noise(2), source="b", fps=25, masks=half_masks(3, 16))
    assert [clip.name for clip in Store.open(tmp_path).clips] == ["one"]


def test_a_clip_of_one_frame_is_refused_and_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, size=16, encoding="raw") as writer:
        writer.add_clip("one", noise(3), source="a", fps=25)
        with pytest.raises(StoreError, match=r"expected at least two frames.*got 1"):
            writer.add_clip("short", noise(1), source="b", fps=25)
        writer.add_clip("two", noise(2) // 2, source="c", fps=25)
    store = Store.open(tmp_path)
    assert [clip.name for clip in store.clips] == ["one", "two"]
    np.testing.assert_array_equal(store.frames([3, 4]), noise(2) // 2)


def test_a_writer_goes_on_where_an_earlier_one_stopped(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, size=16) as writer:
        writer.add_clip("one", noise(3), source="a", fps=25)

    def never() -> Iterator[np.ndarray]:
        raise AssertionError("a complete clip is not read again")
        yield

    with StoreWriter(tmp_path, size=16) as writer:
        assert writer.has_clip("one")
        writer.add_clip("one", never(), source="a", fps=25)
        writer.add_clip("two", noise(2), source="b", fps=25)
    assert [(clip.name, clip.start) for clip in Store.open(tmp_path).clips] == [
        ("one", 0),
        ("two", 3),
    ]


@pytest.mark.parametrize("encoding", ["jpeg", "raw"])
def test_a_writer_that_was_killed_in_a_clip_costs_only_that_clip(
    tmp_path: Path, encoding: str
) -> None:
    with StoreWriter(tmp_path, size=16, encoding=encoding) as writer:
        writer.add_clip("one", noise(3), source="a", fps=25)
    before = Store.open(tmp_path).frames([0, 1, 2])
    for file in tmp_path.glob("*.bin"):
        with file.open("ab") as data:
            data.write(b"half a frame")
    (tmp_path / "index.json.part").write_text("{")
    np.testing.assert_array_equal(Store.open(tmp_path).frames([0, 1, 2]), before)
    with StoreWriter(tmp_path, size=16, encoding=encoding) as writer:
        writer.add_clip("two", noise(3), source="a", fps=25)
    store = Store.open(tmp_path)
    np.testing.assert_array_equal(store.frames(range(6)), np.concatenate([before, before]))


def test_an_exception_among_the_frames_keeps_the_clips_before(tmp_path: Path) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from noise(2)
        raise KeyboardInterrupt

    def write() -> None:
        with StoreWriter(tmp_path, size=16) as writer:
            writer.add_clip("one", noise(3), source="a", fps=25)
            writer.add_clip("two", broken(), source="b", fps=25)

    with pytest.raises(KeyboardInterrupt):
        write()
    assert Store.open(tmp_path).num_frames == 3


def test_a_full_disk_is_reported_and_the_store_stays_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    with StoreWriter(tmp_path, size=16) as writer:
        writer.add_clip("one", noise(3), source="a", fps=25)
        monkeypatch.setattr("keypointgan.data.store_writer.encode_frame", full)
        with pytest.raises(StoreError, match=r"No space left.*run the same command again"):
            writer.add_clip("two", noise(3), source="b", fps=25)
    assert [clip.name for clip in Store.open(tmp_path).clips] == ["one"]


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    with (
        StoreWriter(tmp_path, size=16) as writer,
        pytest.raises(StoreError, match=r"shape \(16, 16, 3\), got uint8 of \(12, 12, 3\)"),
    ):
        writer.add_clip("one", noise(2, 12), source="a", fps=25)


def test_a_store_of_another_size_or_encoding_is_not_added_to(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, size=16) as writer:
        writer.add_clip("one", noise(2), source="a", fps=25)
    with pytest.raises(StoreError, match=r"\(32, 'jpeg', 90\), found one of \(16, 'jpeg', 90\)"):
        StoreWriter(tmp_path, size=32)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(StoreError, match="expected a new folder or a store"):
        StoreWriter(tmp_path / "other", size=16)
    with pytest.raises(StoreError, match="an encoding of jpeg, webp, raw"):
        StoreWriter(tmp_path / "new", size=16, encoding="png")


def test_what_is_no_store_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such folder"):
        Store.open(tmp_path / "absent")
    with pytest.raises(StoreError, match="none in this folder"):
        Store.open(tmp_path)
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(StoreError, match="cannot be understood"):
        Store.open(tmp_path)
    (tmp_path / "index.json").write_text(json.dumps({"version": 99}))
    with pytest.raises(StoreError, match="expected version 1 of the store, got 99"):
        Store.open(tmp_path)


def test_a_store_that_lost_bytes_is_refused(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, size=16, encoding="raw") as writer:
        writer.add_clip("one", noise(2), source="a", fps=25)
    (tmp_path / "frames.bin").write_bytes(b"short")
    with pytest.raises(StoreError, match="expected at least 1536 bytes, found 5"):
        Store.open(tmp_path)


def test_an_empty_store_is_refused(tmp_path: Path) -> None:
    index = {"version": 1, "size": 16, "encoding": "raw", "quality": 90, "masks": False}
    (tmp_path / "index.json").write_text(json.dumps({**index, "clips": []}))
    with pytest.raises(StoreError, match="found an empty one"):
        Store.open(tmp_path)


def test_unknown_clips_and_frames_are_named(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, size=16, encoding="raw") as writer:
        writer.add_clip("dancing", noise(2), source="a", fps=25)
    store = Store.open(tmp_path)
    with pytest.raises(StoreError, match="Did you mean 'dancing'"):
        store.row("dancin", 0)
    with pytest.raises(StoreError, match="between 0 and 1, got 2"):
        store.row("dancing", 2)
    with pytest.raises(IndexError, match="rows are 0 to 1"):
        store.frames([2])


def test_a_store_survives_the_way_to_a_worker(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, size=16, encoding="raw") as writer:
        writer.add_clip("one", noise(2), source="a", fps=25)
    copy = pickle.loads(pickle.dumps(Store.open(tmp_path)))
    np.testing.assert_array_equal(copy.frames([1, 0]), noise(2)[::-1])


def test_loading_at_half_the_size_averages_blocks_of_four(tmp_path: Path) -> None:
    frames = noise(3)
    with StoreWriter(tmp_path, size=16, encoding="raw") as writer:
        writer.add_clip("one", frames, source="a", fps=25, masks=half_masks(3, 16))
    store = Store.open(tmp_path)
    seen: list[tuple[int, int]] = []
    small = load_frames(store, size=8, progress=lambda done, total: seen.append((done, total)))
    blocks = frames.reshape(3, 8, 2, 8, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(small, blocks, atol=1)  # rounded once a direction
    assert seen[-1] == (3, 3)
    np.testing.assert_array_equal(load_frames(store), frames.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(load_masks(store, size=8)[:, 0, 0, 0], [128, 255, 255])
    assert load_masks(store).shape == (3, 1, 16, 16)


def test_memory_of_one_encoded_frame_is_read_not_the_whole_store(tmp_path: Path) -> None:
    """The bytes between two offsets are one JPEG file."""
    with StoreWriter(tmp_path, size=16) as writer:
        writer.add_clip("one", noise(4), source="a", fps=25)
    offsets = np.fromfile(tmp_path / "offsets.bin", "<i8")
    data = io.BytesIO((tmp_path / "frames.bin").read_bytes()[offsets[1] : offsets[2]])
    assert data.getvalue().startswith(b"\xff\xd8")
    assert data.getvalue().endswith(b"\xff\xd9")
