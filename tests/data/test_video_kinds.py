"""Every kind of video that people have: containers, pixel formats, rates, sizes, rotations."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from keypointgan.data.ingest import ingest
from keypointgan.data.store import Store
from keypointgan.data.video import probe, read_video, sample_frames, write_video
from keypointgan.errors import VideoError


def bar(number: int, *, height: int = 48, width: int = 64) -> np.ndarray:
    """A dark frame with a bright bar of four columns that starts at column 2 × number."""
    frame = np.full((height, width, 3), 16, np.uint8)
    frame[:, 2 * number : 2 * number + 4] = 235
    return frame


def place(frame: np.ndarray) -> float:
    """The number that a frame of `bar` tells, at any size."""
    light = frame.astype(float).mean(axis=(0, 2))
    light = np.clip(light - 60, 0, None)
    middle = (light * (np.arange(len(light)) + 0.5)).sum() / light.sum()
    return (middle / len(light) * 64 - 2) / 2


def encode(
    path: Path,
    *,
    codec: str,
    pixels: str,
    count: int = 12,
    times: list[int] | None = None,
    height: int = 48,
    width: int = 64,
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        base = Fraction(1, 1000 if times else 25)
        stream.codec_context.time_base = base
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(bar(number, height=height, width=width), "rgb24")
            frame = frame.reformat(format=pixels)
            frame.pts = times[number] if times else number
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


KINDS = [
    ("avi", "mpeg4", "yuv420p"),
    ("avi", "mjpeg", "yuvj422p"),
    ("mov", "libx264", "yuv422p10le"),
    ("mkv", "ffv1", "gray"),
    ("mkv", "ffv1", "gray16le"),
    ("mkv", "ffv1", "yuva420p"),
    ("mkv", "ffv1", "bgr0"),
    ("mkv", "libx265", "yuv420p"),
    ("webm", "libvpx-vp9", "yuv444p"),
    ("ts", "mpeg2video", "yuv420p"),
    ("wmv", "wmv2", "yuv420p"),
    ("gif", "gif", "bgr8"),
]


@pytest.mark.parametrize(("suffix", "codec", "pixels"), KINDS)
def test_frame_k_of_the_clip_is_frame_k_of_the_video(
    tmp_path: Path, suffix: str, codec: str, pixels: str
) -> None:
    """Whatever the container, the codec and the pixel format; the bar says which frame it is."""
    path = encode(tmp_path / f"a.{suffix}", codec=codec, pixels=pixels)
    ingest(path, tmp_path / "store", size=16, encoding="raw", crop="none")
    store = Store.open(tmp_path / "store")
    assert store.clips[0].frames == 12
    found = [place(frame) for frame in store.frames(np.arange(12))]
    np.testing.assert_allclose(found, np.arange(12), atol=0.3)


def test_a_variable_rate_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """Pauses of a second are no frames, and frames a millisecond apart are two."""
    times = [0, 1, 40, 1040, 1041, 2000, 2001, 2002, 2100, 5000, 5040, 5041]
    for suffix, codec in (("mkv", "ffv1"), ("mp4", "libx264")):
        path = encode(tmp_path / f"a.{suffix}", codec=codec, pixels="yuv420p", times=times)
        found = [place(frame) for frame in read_video(path)]
        np.testing.assert_allclose(found, np.arange(12), atol=0.3)


@pytest.mark.parametrize(("height", "width"), [(47, 63), (33, 64), (16, 200)])
def test_odd_and_long_sizes_are_cut_where_they_should(
    tmp_path: Path, height: int, width: int
) -> None:
    path = encode(tmp_path / "a.mkv", codec="ffv1", pixels="yuv444p", height=height, width=width)
    assert (probe(path).height, probe(path).width) == (height, width)
    ingest(path, tmp_path / "store", size=16, encoding="raw")
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    assert Store.open(tmp_path / "store").clips[0].crop == (left, top, left + side, top + side)


def test_sixteen_bits_of_grey_keep_the_high_ones(tmp_path: Path) -> None:
    values = np.full((32, 32), 0x8040, np.uint16)
    with av.open(str(tmp_path / "deep.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "gray16le"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(values, "gray16le")))
        container.mux(stream.encode(None))
    (frame,) = read_video(tmp_path / "deep.mkv")
    assert np.abs(frame.astype(int) - 0x80).max() <= 1


@pytest.mark.parametrize("reduce", [2, 3])
def test_reduced_frames_show_the_same_places(tmp_path: Path, reduce: int) -> None:
    path = encode(tmp_path / "a.mkv", codec="ffv1", pixels="yuv420p")
    frames = list(read_video(path, reduce=reduce))
    assert frames[0].shape == (round(48 / reduce), round(64 / reduce), 3)
    np.testing.assert_allclose([place(frame) for frame in frames], np.arange(12), atol=0.1)


def test_a_size_that_changes_on_the_way_is_refused(tmp_path: Path) -> None:
    first = encode(tmp_path / "a.ts", codec="mpeg2video", pixels="yuv420p")
    second = encode(tmp_path / "b.ts", codec="mpeg2video", pixels="yuv420p", height=64)
    (tmp_path / "both.ts").write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(VideoError, match=r"frames of one size, 64×48, but frame 1[12] has 64×64"):
        list(read_video(tmp_path / "both.ts"))


@pytest.mark.parametrize(("count", "suffix"), [(200, "mp4"), (200, "mkv"), (7, "mp4")])
def test_samples_are_spread_evenly(tmp_path: Path, count: int, suffix: str) -> None:
    frames = [np.full((32, 32, 3), 20 + number, np.uint8) for number in range(count)]
    write_video(tmp_path / f"a.{suffix}", frames, 25)
    found = [frame.mean() - 20 for frame in sample_frames(tmp_path / f"a.{suffix}", 10)]
    assert 5 <= len(found) <= 10
    gaps = np.diff([0, *found, count])
    assert gaps.min() >= -2
    assert gaps.max() <= 0.2 * count + 2
