import struct
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from keypointgan.data.video import (
    VideoInfo,
    list_images,
    probe,
    read_frames,
    read_image,
    read_video,
    write_video,
)
from keypointgan.errors import ExportError, VideoError


def grey_frames(count: int, *, height: int = 32, width: int = 48) -> list[np.ndarray]:
    """Frame i is grey of value 20 + 8 i, so that a decoded frame tells its number."""
    return [np.full((height, width, 3), 20 + 8 * i, np.uint8) for i in range(count)]


def numbers(frames: object) -> list[int]:
    return [round((float(frame.mean()) - 20) / 8) for frame in frames]


def patch_rotation(path: Path) -> None:
    """Ask players to turn the picture by 90° clockwise, as a phone held upright does.

    The matrix (a b u, c d v, x y w) of the track header in 16.16 and 2.30 fixed point.
    """
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    matrix = (0, 65536, 0, -65536, 0, 0, 32 << 16, 0, 1 << 30)
    data[place : place + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    write_video(tmp_path / "grey.mp4", grey_frames(24), 25)
    return tmp_path / "grey.mp4"


def test_a_written_video_reads_back_frame_by_frame(video: Path) -> None:
    assert numbers(read_video(video)) == list(range(24))
    assert probe(video) == VideoInfo(frames=24, width=48, height=32, fps=25.0)


def test_start_and_stop_count_frames_exactly(video: Path) -> None:
    assert numbers(read_video(video, start=5, stop=9)) == [5, 6, 7, 8]
    assert numbers(read_video(video, start=22)) == [22, 23]
    assert numbers(read_video(video, start=7, stop=7)) == []
    with pytest.raises(VideoError, match="expected 0 ≤ start ≤ stop, got start 3, stop 2"):
        next(read_video(video, start=3, stop=2))


def test_a_colour_survives_the_codec(tmp_path: Path) -> None:
    colour = np.array([200, 60, 30], np.uint8)
    write_video(tmp_path / "a.mp4", [np.tile(colour, (32, 32, 1))] * 3, 10)
    found = np.stack(list(read_video(tmp_path / "a.mp4"))).reshape(-1, 3).astype(int)
    assert np.abs(found - colour).max() <= 6


def test_a_fractional_frame_rate_and_odd_sizes_are_kept(tmp_path: Path) -> None:
    """An odd side gains one repeated column or row."""
    write_video(tmp_path / "a.mp4", grey_frames(3, height=31, width=45), 30000 / 1001)
    info = probe(tmp_path / "a.mp4")
    assert (info.width, info.height) == (46, 32)
    assert info.fps == pytest.approx(29.97, abs=1e-3)


def test_a_container_that_does_not_count_its_frames_is_counted(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mkv", grey_frames(11), 25)
    assert probe(tmp_path / "a.mkv").frames == 11


def test_a_phone_video_is_turned_upright(tmp_path: Path) -> None:
    """Clockwise by 90°: what was left (bright) is now on top."""
    frame = np.zeros((32, 48, 3), np.uint8)
    frame[:, :24] = 220
    write_video(tmp_path / "phone.mp4", [frame] * 3, 25)
    patch_rotation(tmp_path / "phone.mp4")
    upright = next(read_video(tmp_path / "phone.mp4"))
    assert upright.shape == (48, 32, 3)
    assert upright[:20].mean() > 200
    assert upright[28:].mean() < 20
    assert probe(tmp_path / "phone.mp4").height == 48


def test_a_missing_or_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="found no such file"):
        next(read_video(tmp_path / "absent.mp4"))
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(VideoError, match=r"empty file \(0 bytes\)"):
        probe(tmp_path / "empty.mp4")


def test_a_text_file_with_the_name_of_a_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("This is not a video.\n" * 50)
    with pytest.raises(VideoError, match="expected a video that FFmpeg can read"):
        next(read_video(tmp_path / "text.mp4"))


def test_a_sound_file_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="without a video stream"):
        next(read_video(tmp_path / "sound.wav"))


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_a_truncated_video_says_how_many_frames_were_read(tmp_path: Path, share: float) -> None:
    """Its index comes first (as on the web), so that it opens; the frames end early."""
    noise = np.random.default_rng(3).integers(0, 256, (90, 64, 64, 3), dtype=np.uint8)
    for suffix in ("mp4", "mkv"):
        write_video(tmp_path / f"whole.{suffix}", noise, 25)
    _index_first(tmp_path / "whole.mp4", tmp_path / "first.mp4")
    for whole in (tmp_path / "first.mp4", tmp_path / "whole.mkv"):
        cut = tmp_path / f"cut{whole.suffix}"
        cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
        seen: list[np.ndarray] = []
        with pytest.raises(VideoError) as caught:
            seen.extend(read_video(cut))
        assert f"after {len(seen)} frame" in str(caught.value)
        assert 0.3 * 90 < len(seen) < 0.85 * 90


def test_a_video_cut_before_its_index_is_refused(video: Path) -> None:
    video.write_bytes(video.read_bytes()[:-200])
    with pytest.raises(VideoError, match="0 frames were read"):
        next(read_video(video))


def test_images_of_a_folder_come_in_natural_order(tmp_path: Path) -> None:
    for number, frame in enumerate(grey_frames(12)):
        Image.fromarray(frame).save(tmp_path / f"frame{number}.png")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "._frame3.png").write_text("what another system leaves behind")
    assert numbers(read_frames(tmp_path)) == list(range(12))
    assert probe(tmp_path) == VideoInfo(frames=12, width=48, height=32, fps=0.0)
    assert [path.name for path in list_images(tmp_path)][9:] == [
        "frame9.png",
        "frame10.png",
        "frame11.png",
    ]


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(VideoError, match="found none among its 1 entry"):
        read_frames(tmp_path)


def test_images_of_different_sizes_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6)).save(tmp_path / "1.png")
    Image.new("RGB", (9, 6)).save(tmp_path / "2.png")
    with pytest.raises(VideoError, match=r"2\.png: expected 8×6 pixels as in 1\.png, got 9×6"):
        list(read_frames(tmp_path))


def test_a_single_image_is_one_upright_frame(tmp_path: Path) -> None:
    """EXIF orientation 6: the camera was turned; rows of the file are columns to be shown."""
    image = Image.new("RGB", (8, 6))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "photo.jpg", exif=exif)
    (frame,) = read_frames(tmp_path / "photo.jpg")
    assert frame.shape == (8, 6, 3)


def test_sixteen_bit_images_keep_their_range(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 0x8040, np.uint16)).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png"), np.full((4, 4, 3), 0x80))


def test_a_broken_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_text("no image")
    with pytest.raises(VideoError, match="expected an image"):
        list(read_frames(tmp_path))


def test_writing_nothing_or_frames_of_two_sizes_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="at least one frame"):
        write_video(tmp_path / "a.mp4", [], 25)
    with pytest.raises(VideoError, match="one size, 48×32, got 32×32"):
        write_video(tmp_path / "a.mp4", [*grey_frames(1), *grey_frames(1, width=32)], 25)
    with pytest.raises(ExportError, match="cannot be written"):
        write_video(tmp_path / "absent" / "a.mp4", grey_frames(1), 25)
    assert list(tmp_path.iterdir()) == []


def _index_first(source: Path, target: Path) -> None:
    with (
        av.open(str(source)) as read,
        av.open(str(target), "w", options={"movflags": "faststart"}) as written,
    ):
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                written.mux(packet)
