"""Poses drawn on their frames: for a look at the result, for videos and for reports."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image, ImageColor, ImageDraw

from keypointgan.data.video import RGBFrame, probe, read_frames, write_video
from keypointgan.errors import ExportError
from keypointgan.inference.poses import Poses
from keypointgan.skeletons import LinkEnd, Skeleton

LINE_WIDTH = 0.011
"""Of a link, as a share of the shorter side of the frame."""
LEAST_WIDTH = 0.75
"""Of a link in pixels, so that it can be seen on the smallest frames."""
MANY_JOINTS = 32
"""With more joints than this, as in a face, lines and points are drawn half as large."""
LEAST_OPACITY = 0.25
"""Of a keypoint with confidence 0, so that it can still be seen."""
SHADOW_OPACITY = 0.5
"""Of the dark rim that sets links off from a background of their own colour."""
SMOOTHNESS = 4
"""Pixels drawn for one that is shown, in each direction."""
STILL_FPS = 10.0
"""Frames a second of the video of a folder of images, which has none."""

Colour = tuple[int, int, int, int]
Drawing = UInt8[ndarray, "drawn_height drawn_width 3"]
"""An RGB picture, maybe larger than the frame it was drawn on."""


def draw_pose(
    frame: RGBFrame,
    xy: Float[ndarray, "keypoint 2"],
    skeleton: Skeleton,
    *,
    confidence: Float[ndarray, " keypoint"] | None = None,
    scale: int = 1,
) -> Drawing:
    """The frame with a pose on it: links and joints in the colour of their side.

    Args:
        frame: RGB frame.
        xy: Keypoints in pixels of the frame, outer edges; what is NaN is left out.
        skeleton: The links and the colours.
        confidence: Shown as opacity; opaque without.
        scale: Enlarge the frame this many times first, for small frames.
    """
    height, width = frame.shape[:2]
    if scale > 1:
        enlarged = (width * scale, height * scale)
        frame = np.asarray(Image.fromarray(frame).resize(enlarged, Image.Resampling.BICUBIC))
    points = np.where(np.isfinite(xy).all(axis=-1, keepdims=True), xy * float(scale), np.nan)
    if np.isnan(points).all():
        return frame
    thickness = LINE_WIDTH * min(frame.shape[:2])
    thickness = max(thickness / (2 if skeleton.num_joints > MANY_JOINTS else 1), LEAST_WIDTH)
    window = _window(points, margin=4 * thickness, frame=frame)
    if window is None:
        return frame
    left, top, right, bottom = window
    layer = Image.new("RGBA", ((right - left) * SMOOTHNESS, (bottom - top) * SMOOTHNESS))
    _draw(
        ImageDraw.Draw(layer),
        (points - [left, top]) * SMOOTHNESS,
        skeleton,
        confidence if confidence is not None else np.ones(len(points)),
        width=thickness * SMOOTHNESS,
    )
    picture = Image.fromarray(frame).convert("RGBA")
    picture.alpha_composite(layer.reduce(SMOOTHNESS), (left, top))
    return np.asarray(picture.convert("RGB"))


def draw_sheet(
    frames: Sequence[RGBFrame], poses: Poses, *, columns: int = 4, scale: int = 1
) -> Drawing:
    """One picture of several frames with their poses, row by row, for reports.

    Args:
        frames: Frames of one size.
        poses: The poses of these frames.
        columns: Frames in a row.
        scale: As in `draw_pose`.

    Raises:
        ExportError: There are no frames, or not as many as poses.
    """
    if not frames or len(frames) != len(poses):
        raise ExportError(f"Expected a frame for each of {len(poses)} poses, got {len(frames)}.")
    drawn = [
        draw_pose(frame, xy, poses.skeleton, confidence=confidence, scale=scale)
        for frame, xy, confidence in zip(frames, poses.xy, poses.confidence, strict=True)
    ]
    columns = min(columns, len(drawn))
    drawn += [np.full_like(drawn[0], 255)] * (-len(drawn) % columns)
    rows = [np.concatenate(drawn[i : i + columns], axis=1) for i in range(0, len(drawn), columns)]
    return np.concatenate(rows)


def write_overlay(
    poses: Poses | Sequence[Poses],
    video: str | Path,
    output: str | Path,
    *,
    scale: int | None = None,
) -> None:
    """Write the video with the poses drawn on it.

    Args:
        poses: The poses of all frames of the video, or those of each of several animals.
        video: The video, or the folder of images, that they were found in.
        output: The video to write, such as `overlay.mp4`.
        scale: Enlarge the frames this many times; as much as brings the shorter side to about 384
            pixels if not given.

    Raises:
        ExportError: The video has more or fewer frames than there are poses.
        VideoError: The video cannot be read, or the output not be written.
    """
    info = probe(video)
    if scale is None:
        scale = max(1, round(384 / min(info.height, info.width)))
    every = [poses] if isinstance(poses, Poses) else list(poses)
    fps = every[0].fps or info.fps or STILL_FPS
    write_video(output, _drawn(every, Path(video), scale=scale), fps)


def _drawn(poses: Sequence[Poses], video: Path, *, scale: int) -> Iterator[Drawing]:
    count = len(poses[0])
    for number, frame in zip_longest(range(count), read_frames(video)):
        if frame is None or number is None:
            raise ExportError(
                f"{video}: expected a pose for each frame, got {count} poses and "
                f"{'fewer' if frame is None else 'more'} frames. Are they of another video?"
            )
        for place, animal in enumerate(poses):
            frame = draw_pose(
                frame,
                animal.xy[number] * (scale if place else 1),
                animal.skeleton,
                confidence=animal.confidence[number],
                scale=1 if place else scale,
            )
        yield frame


def _window(
    points: Float[ndarray, "keypoint 2"], *, margin: float, frame: RGBFrame
) -> tuple[int, int, int, int] | None:
    """The part of the frame that the pose covers, or None where it lies outside."""
    left, top = np.maximum(np.floor(np.nanmin(points, axis=0) - margin), 0).astype(int).tolist()
    limits = [frame.shape[1], frame.shape[0]]
    ends = np.minimum(np.ceil(np.nanmax(points, axis=0) + margin), limits)
    right, bottom = ends.astype(int).tolist()
    return (left, top, right, bottom) if left < right and top < bottom else None


def _draw(
    draw: ImageDraw.ImageDraw,
    points: Float[ndarray, "keypoint 2"],
    skeleton: Skeleton,
    confidence: Float[ndarray, " keypoint"],
    *,
    width: float,
) -> None:
    """Draw dark rims first, then the links, then the joints.

    Shapes replace what they cover instead of mixing with it, so that crossings do not darken.
    """
    links = [
        (_end(points, link[0]), _end(points, link[1]), side, _least(confidence, link))
        for link, side in zip(skeleton.links, skeleton.link_sides, strict=True)
    ]
    links = [link for link in links if np.isfinite([link[0], link[1]]).all()]
    joints = [
        (point, side, sureness)
        for point, side, sureness in zip(points, skeleton.joint_sides, confidence, strict=True)
        if np.isfinite(point).all()
    ]
    links.sort(key=lambda link: link[3])  # the surest on top
    rim = max(0.35 * width, SMOOTHNESS * 0.5)
    for start, stop, _, sureness in links:
        shadow = (0, 0, 0, round(255 * SHADOW_OPACITY * _opacity(sureness)))
        _line(draw, start, stop, shadow, width=width + 2 * rim)
    for point, _, sureness in joints:
        shadow = (0, 0, 0, round(255 * SHADOW_OPACITY * _opacity(sureness)))
        _disc(draw, point, shadow, radius=0.9 * width + rim)
    for start, stop, side, sureness in links:
        _line(draw, start, stop, _colour(skeleton.colours[side], sureness), width=width)
    for point, side, sureness in joints:
        _disc(draw, point, _colour(skeleton.colours[side], sureness), radius=0.9 * width)


def _end(points: Float[ndarray, "keypoint 2"], end: LinkEnd) -> Float[ndarray, "2"]:
    return points[list(end)].mean(axis=0)


def _least(confidence: Float[ndarray, " keypoint"], link: tuple[LinkEnd, LinkEnd]) -> float:
    return float(min(confidence[joint] for end in link for joint in end))


def _opacity(confidence: float) -> float:
    return LEAST_OPACITY + (1 - LEAST_OPACITY) * min(max(confidence, 0.0), 1.0)


def _colour(hex_colour: str, confidence: float) -> Colour:
    red, green, blue = ImageColor.getrgb(hex_colour)[:3]
    return (red, green, blue, round(255 * _opacity(confidence)))


def _line(
    draw: ImageDraw.ImageDraw, start: ndarray, stop: ndarray, colour: Colour, *, width: float
) -> None:
    """A line with round ends."""
    odd = max(1, round(width)) | 1  # Pillow draws lines of an even width half a pixel off
    draw.line([*start, *stop], fill=colour, width=odd)
    for end in (start, stop):
        _disc(draw, end, colour, radius=width / 2)


def _disc(draw: ImageDraw.ImageDraw, centre: ndarray, colour: Colour, *, radius: float) -> None:
    x, y, reach = round(centre[0] - 0.5), round(centre[1] - 0.5), round(radius - 0.5)
    draw.ellipse([x - reach, y - reach, x + reach, y + reach], fill=colour)  # inclusive indices
