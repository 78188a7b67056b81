"""Videos, folders of images and single images as RGB frames; the only user of the codec.

Frames are read one after the other from the start, because only that finds the same frame under
the same number in every file: timestamps of variable rate, and keyframes, decide where a seek ends.
"""

import re
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
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image, ImageOps

from keypointgan.errors import VideoError

RGBFrame = UInt8[ndarray, "height width 3"]
"""One frame, 0 to 255."""

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
VIDEO_SUFFIXES = frozenset(
    {".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv"}
    | {".ts", ".webm", ".wmv"}
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
    """Return the number and size of the frames of a video, an image or a folder of images.

    Raises:
        VideoError: There is nothing there that can be read.
    """
    path = Path(path)
    if path.is_dir() or is_image(path):
        images = list_images(path) if path.is_dir() else [path]
        height, width, _ = read_image(images[0]).shape
        return VideoInfo(len(images), width, height, 0.0)
    height, width, _ = next(read_video(path)).shape
    with _opened(path) as (container, stream):
        fps = stream.average_rate or stream.guessed_rate or 0
        frames = stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
    return VideoInfo(frames, width, height, float(fps))


def read_video(path: str | Path, *, start: int = 0, stop: int | None = None) -> Iterator[RGBFrame]:
    """Yield frames `start` to `stop` (exclusive) of a video, rotated as it is to be shown.

    Raises:
        VideoError: The file is missing, empty, no video, or ends before its last frame.
    """
    path = Path(path)
    if start < 0 or (stop is not None and stop < start):
        raise VideoError(f"{path}: expected 0 ≤ start ≤ stop, got start {start}, stop {stop}.")
    count, end = 0, Fraction(0)
    with _opened(path) as (container, stream):
        try:
            for frame in container.decode(stream):
                if stop is not None and count >= stop:
                    return
                count += 1
                if frame.pts is not None and frame.time_base is not None:
                    end = (frame.pts + (frame.duration or 0)) * frame.time_base
                if count > start:
                    yield _upright(frame)
        except (av.FFmpegError, EOFError) as error:
            raise VideoError(
                f"{path}: expected a whole video, but frame {count} cannot be decoded ({error}); "
                f"{count} frames were read. The file is damaged or truncated: copy it again."
            ) from error
        if _ends_early(container, stream, count=count, end=end):
            raise VideoError(
                f"{path}: expected {stream.frames or 'more'} frames, but the file ends after "
                f"{count} frames were read. It is truncated: copy it again."
            )
    if not count:
        raise VideoError(f"{path}: expected a video with frames, found none (0 frames were read).")


def read_frames(path: str | Path) -> Iterator[RGBFrame]:
    """Yield the frames of a video, of a folder of images in natural order, or of one image.

    Raises:
        VideoError: There is nothing there that can be read, or images differ in size.
    """
    path = Path(path)
    if path.is_dir():
        return _read_images(list_images(path))
    return iter([read_image(path)]) if is_image(path) else read_video(path)


def read_image(path: str | Path) -> RGBFrame:
    """Return one image as RGB, rotated as it is to be shown; 16-bit grey keeps its high byte.

    Raises:
        VideoError: The file is missing, empty or no image.
    """
    path = Path(path)
    _check_file(path)
    try:
        with Image.open(path) as image:
            if image.mode.startswith("I;16"):
                grey = (np.asarray(image, np.uint16) >> 8).astype(np.uint8)
                return np.repeat(grey[..., None], 3, axis=-1)
            return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise VideoError(
            f"{path}: expected an image ({', '.join(sorted(IMAGE_SUFFIXES))}), but it cannot be "
            f"read ({error}). The file is damaged or something else."
        ) from error


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
        VideoError: There are no frames, they differ in size, or the file cannot be written.
    """
    path = Path(path)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise VideoError(f"{path}: expected at least one frame to write, got none.")
    if fps <= 0:
        raise VideoError(f"{path}: expected a positive number of frames per second, got {fps}.")
    height, width, _ = first.shape
    beside = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        with av.open(str(beside), "w") as container:
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
        beside.replace(path)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{path}: the video cannot be written ({error}).") from error
    finally:
        beside.unlink(missing_ok=True)


def is_image(path: Path) -> bool:
    """Whether the name is that of an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_video(path: Path) -> bool:
    """Whether the name is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def natural_order(path: Path) -> list[tuple[int, str]]:
    """A sort key under which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def list_images(folder: Path) -> list[Path]:
    """Return the images of a folder in natural order.

    Raises:
        VideoError: There are none.
    """
    images = [file for file in folder.iterdir() if is_image(file) and not file.name.startswith(".")]
    if not images:
        raise VideoError(
            f"{folder}: expected a folder with images ({', '.join(sorted(IMAGE_SUFFIXES))}), "
            f"found none among its {sum(1 for _ in folder.iterdir())} entries."
        )
    return sorted(images, key=natural_order)


def _read_images(images: list[Path]) -> Iterator[RGBFrame]:
    shape = None
    for path in images:
        frame = read_image(path)
        shape = shape or frame.shape
        if frame.shape != shape:
            raise VideoError(
                f"{path}: expected {shape[1]}×{shape[0]} pixels as in {images[0].name}, got "
                f"{frame.shape[1]}×{frame.shape[0]}. The images of a folder are frames of one "
                "video; put images of another size into another folder."
            )
        yield frame


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first video stream."""
    _check_file(path)
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            f"{path}: expected a video that FFmpeg can read, but it cannot be opened "
            f"({error}); 0 frames were read. The file is truncated or something else."
        ) from error
    with container:
        if not container.streams.video:
            raise VideoError(
                f"{path}: expected a video, found a file without a video stream "
                f"({len(container.streams)} other streams, such as sound)."
            )
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        yield container, stream


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise VideoError(f"{path}: expected a video or an image, found no such file.")
    if not path.stat().st_size:
        raise VideoError(
            f"{path}: expected a video or an image, found an empty file (0 bytes). "
            "Copy or download it again."
        )


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


def _upright(frame: VideoFrame) -> RGBFrame:
    """The picture of a frame, turned as its display matrix says (counter-clockwise degrees)."""
    picture = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture
