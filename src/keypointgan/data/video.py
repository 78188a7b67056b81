"""Videos, folders of images and single images as RGB frames; the only user of the codec.

Frames are read one after the other from the start, because only that finds the same frame under
the same number in every file: timestamps of variable rate, and keyframes, decide where a seek ends.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from keypointgan.data.images import (
    IMAGE_SUFFIXES,
    RGBFrame,
    check_file,
    is_image,
    is_pattern,
    list_images,
    natural_order,
    read_image,
)
from keypointgan.data.whole_files import whole_file
from keypointgan.errors import ExportError, VideoError
from keypointgan.wording import counted

__all__ = [
    "IMAGE_SUFFIXES",
    "RGBFrame",
    "VideoInfo",
    "is_image",
    "is_video",
    "list_images",
    "natural_order",
    "probe",
    "read_frames",
    "read_image",
    "read_video",
    "sample_frames",
    "write_video",
]

VIDEO_SUFFIXES = frozenset(
    {".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv"}
    | {".ts", ".webm", ".wmv", ".3gp", ".asf", ".f4v", ".m2ts", ".m2v", ".mxf", ".nut", ".vob"}
    | {".264", ".265", ".h264", ".h265", ".hevc", ".mjpeg", ".mjpg", ".y4m"}
)


@dataclass(frozen=True)
class VideoInfo:
    """What a video says about itself, as it is shown (rotation applied).

    Attributes:
        frames: Number of frames; counted where the file does not tell.
        width: Width in pixels.
        height: Height in pixels.
        fps: Frames per second on average; 0 for images.
    """

    frames: int
    width: int
    height: int
    fps: float


def probe(path: str | Path) -> VideoInfo:
    """Return the number and size of the frames of a video, an image, a folder or a pattern.

    Raises:
        VideoError: There is nothing there that can be read.
    """
    path = Path(path)
    if _is_images(path):
        images = list_images(path)
        height, width, _ = read_image(images[0]).shape
        return VideoInfo(len(images), width, height, 0.0)
    height, width, _ = next(read_video(path)).shape
    with _opened(path) as (container, stream):
        fps = stream.average_rate or stream.guessed_rate or 0
        frames = stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
    return VideoInfo(frames, width, height, float(fps))


def read_video(
    path: str | Path,
    *,
    start: int = 0,
    stop: int | None = None,
    reduce: int = 1,
    threads: int = 0,
) -> Iterator[RGBFrame]:
    """Yield frames `start` to `stop` (exclusive) of a video, rotated as it is to be shown.

    Args:
        path: The file.
        start: Number of the first frame, from 0.
        stop: Number of the frame after the last one; None for all.
        reduce: Shrink frames about this many times, by averaging: much faster than to shrink
            them afterwards.
        threads: How many the decoder may use; 0 for one a core.

    Raises:
        VideoError: The file is missing, empty, no video, or ends before its last frame.
    """
    path = Path(path)
    if start < 0 or (stop is not None and stop < start):
        raise VideoError(f"{path}: expected 0 ≤ start ≤ stop, got start {start}, stop {stop}.")
    count, end, size = 0, Fraction(0), (0, 0)
    with _opened(path, threads=threads) as (container, stream):
        try:
            for frame in container.decode(stream):
                if stop is not None and count >= stop:
                    return
                count += 1
                if frame.pts is not None and frame.time_base is not None:
                    end = (frame.pts + (frame.duration or 0)) * frame.time_base
                size = size if count > 1 else (frame.width, frame.height)
                if (frame.width, frame.height) != size:
                    raise VideoError(
                        f"{path}: expected frames of one size, {size[0]}×{size[1]}, but frame "
                        f"{count - 1} has {frame.width}×{frame.height}. Encode the video again "
                        "with one size, such as with ffmpeg -i IN -vf scale=WIDTH:HEIGHT OUT.mp4."
                    )
                if count > start:
                    yield _upright(frame, reduce=reduce)
        except (av.FFmpegError, EOFError) as error:
            raise VideoError(
                f"{path}: expected a whole video, but frame {count} cannot be decoded "
                f"({_reason(error)}) after {counted(count, 'frame')}. The file is damaged or "
                "truncated: copy it again."
            ) from error
        if _ends_early(container, stream, count=count, end=end):
            raise VideoError(
                f"{path}: expected {stream.frames or 'more'} frames, but the file ends after "
                f"{counted(count, 'frame')}. It is truncated: copy it again."
            )
    if not count:
        raise VideoError(f"{path}: expected a video with frames, found none (0 frames were read).")


def read_frames(
    path: str | Path, *, reduce: int = 1, threads: int = 0, one_size: bool = True
) -> Iterator[RGBFrame]:
    """Yield the frames of a video, of the images in a folder or of a pattern, or of one image.

    Args:
        path: The file, the folder, or a pattern such as `frames/*.png`.
        reduce: As in `read_video`; images keep their size.
        threads: As in `read_video`.
        one_size: Refuse images of different sizes.

    Raises:
        VideoError: There is nothing there that can be read, or images differ in size.
    """
    path = Path(path)
    if _is_images(path):
        return _read_images(list_images(path), one_size=one_size)
    return read_video(path, reduce=reduce, threads=threads)


def sample_frames(path: str | Path, count: int, *, reduce: int = 1) -> list[RGBFrame]:
    """Return about `count` frames, evenly spread over a video or a folder, without reading all.

    Which frames these are is not exact; they may be half as many.

    Raises:
        VideoError: There is nothing there that can be read.
    """
    path = Path(path)
    if _is_images(path):
        images = list_images(path)
        chosen = np.linspace(0, len(images) - 1, min(count, len(images))).round().astype(int)
        return list(_read_images([images[place] for place in chosen], one_size=True))
    frames = list(_key_frames(path, count, reduce=reduce))
    if 2 * len(frames) < count:  # a short video, or one that cannot be searched
        step = max(1, probe(path).frames // count)
        every = enumerate(read_video(path, reduce=reduce))
        frames = [frame for number, frame in every if number % step == step // 2][:count]
    return frames


def write_video(
    path: str | Path, frames: Iterable[RGBFrame], fps: float, *, rate_factor: int = 18
) -> None:
    """Write frames as an H.264 video that every player shows.

    Players want an even width and height, so an odd one repeats its last column or row.

    Args:
        path: Where to; .mp4, .mov or .mkv. Written beside and renamed when it is complete.
        frames: RGB frames of one size.
        fps: Frames per second.
        rate_factor: H.264's constant rate factor: 18 looks like the source, 28 is small.

    Raises:
        VideoError: There are no frames, or they differ in size.
        ExportError: The file cannot be written.
    """
    path = Path(path)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise VideoError(f"{path}: expected at least one frame to write, got none.")
    if fps <= 0:
        raise VideoError(f"{path}: expected a positive number of frames per second, got {fps}.")
    height, width, _ = first.shape
    try:
        with whole_file(path) as beside, av.open(str(beside), "w") as container:
            stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(10_000))
            stream.width, stream.height = width + width % 2, height + height % 2
            stream.pix_fmt = "yuv420p"
            stream.options = {"crf": str(rate_factor), "preset": "fast"}
            for frame in chain([first], frames):
                if frame.shape != first.shape:
                    raise VideoError(
                        f"{path}: expected frames of one size, {width}×{height}, got "
                        f"{frame.shape[1]}×{frame.shape[0]}."
                    )
                even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
                picture = VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
    except (av.FFmpegError, ValueError) as error:
        raise ExportError(f"{path}: cannot be written ({_reason(error)}).") from error


def has_decoder(codec: str) -> bool:
    """Whether videos of that codec, such as `h264` or `av1`, can be read here."""
    return codec in av.codecs_available


def is_video(path: Path) -> bool:
    """Whether the name is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def _is_images(path: Path) -> bool:
    return path.is_dir() or is_image(path) or is_pattern(path)


def _read_images(images: list[Path], *, one_size: bool) -> Iterator[RGBFrame]:
    shape = None
    for path in images:
        frame = read_image(path)
        shape = shape or frame.shape
        if one_size and frame.shape != shape:
            raise VideoError(
                f"{path}: expected {shape[1]}×{shape[0]} pixels as in {images[0].name}, got "
                f"{frame.shape[1]}×{frame.shape[0]}. The images of a folder are frames of one "
                "video; put images of another size into another folder."
            )
        yield frame


def _key_frames(path: Path, count: int, *, reduce: int) -> Iterator[RGBFrame]:
    """The frames nearest before evenly spread times that are decoded without any other frame.

    Fewer where such frames are rare, or the file cannot be searched.
    """
    with _opened(path) as (container, stream):
        base, duration = stream.time_base, stream.duration
        if base is None or (duration is None and container.duration is None):
            return
        if duration is None:
            duration = int(Fraction(container.duration or 0, av.time_base) / base)
        last = None
        try:
            for number in range(count):
                wanted = (stream.start_time or 0) + duration * (2 * number + 1) // (2 * count)
                container.seek(wanted, stream=stream)
                frame = next(container.decode(stream), None)
                if frame is None or frame.pts is None:
                    return
                if frame.pts != last:
                    last = frame.pts
                    yield _upright(frame, reduce=reduce)
        except (av.FFmpegError, EOFError):
            return


@contextmanager
def _opened(path: Path, *, threads: int = 0) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first video stream."""
    check_file(path)
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            f"{path}: expected a video that FFmpeg can read, but it cannot be opened "
            f"({_reason(error)}); 0 frames were read. The file is truncated or something else."
        ) from error
    with container:
        if not container.streams.video:
            raise VideoError(
                f"{path}: expected a video, found a file without a video stream "
                f"({len(container.streams)} other streams, such as sound)."
            )
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        yield container, stream


def _reason(error: Exception) -> str:
    """What went wrong in words, without the number and the file's name that FFmpeg adds."""
    return getattr(error, "strerror", None) or str(error)


def _ends_early(
    container: InputContainer, stream: VideoStream, *, count: int, end: Fraction
) -> bool:
    """Whether the file stops well before the time that it claims to last.

    Fewer frames than claimed are no proof: an edit list hides frames of an intact video.
    """
    if stream.frames and count >= stream.frames:
        return False
    rate = stream.average_rate or stream.guessed_rate
    if not rate or not count:
        return False
    if stream.duration is not None and stream.time_base is not None:
        claimed = ((stream.start_time or 0) + stream.duration) * stream.time_base
        return claimed - end > 2 / rate
    if container.duration is None or len(container.streams) > 1:
        return False  # sound may last longer than the pictures
    claimed = Fraction((container.start_time or 0) + container.duration, av.time_base)
    return claimed - end > max(2 / rate, Fraction(1, 2))


def _upright(frame: VideoFrame, *, reduce: int) -> RGBFrame:
    """The picture of a frame, turned as its display matrix says (counter-clockwise degrees)."""
    if reduce > 1:
        picture = frame.reformat(
            width=max(1, round(frame.width / reduce)),
            height=max(1, round(frame.height / reduce)),
            format="rgb24",
            interpolation="AREA",
        ).to_ndarray()
    else:
        picture = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture
