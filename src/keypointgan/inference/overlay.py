"""Poses drawn on their frames: for a look at the result, for videos and for reports."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64, UInt8
from numpy import ndarray
from PIL import Image, ImageColor, ImageDraw

from keypointgan.data.video import RGBFrame, probe, read_frames, write_video
from keypointgan.data.whole_files import whole_file
from keypointgan.errors import ExportError
from keypointgan.inference.poses import Poses
from keypointgan.inference.trails import colour_of, draw_name, draw_trail, lay_over, middles
from keypointgan.skeletons import LinkEnd, Skeleton
from keypointgan.wording import counted

LINE_WIDTH = 0.011
"""Of a link, as a share of the shorter side of the frame; of twice the pose where that is less."""
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
NAME_SIZE, NAME_GAP = 0.028, 0.015
"""Of an animal's name, and of the gap below it, as shares of the shorter side."""
LEAST_NAME_SIZE = 10.0
"""In pixels."""
STILL_FPS = 10.0
"""Frames a second of the video of a folder of images, which has none."""

VIDEOS = frozenset({".mp4", ".mov", ".mkv"})
"""Files that an overlay can be, and ..."""
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
"""... those it can be for a single picture."""

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
    thickness: float | None = None,
) -> Drawing:
    """The frame with a pose on it: links and joints in the colour of their side.

    Args:
        frame: RGB frame.
        xy: Keypoints in pixels of the frame, outer edges; what is NaN is left out.
        skeleton: The links and the colours.
        confidence: Shown as opacity; opaque without.
        scale: Enlarge the frame this many times first, for small frames.
        thickness: Of the links, in pixels of the drawing; as fits frame and pose if not given.
    """
    frame = _enlarged(frame, scale)
    points = np.where(np.isfinite(xy).all(axis=-1, keepdims=True), xy * float(scale), np.nan)
    if np.isnan(points).all():
        return frame
    if thickness is None:
        sides = np.nanmax(points, axis=0) - np.nanmin(points, axis=0)
        thickness = _thickness(float(sides.max()), min(frame.shape[:2]), skeleton)
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
    return lay_over(frame, layer.reduce(SMOOTHNESS), left=left, top=top)


def draw_animals(
    frame: RGBFrame,
    poses: Sequence[Poses],
    number: int,
    *,
    scale: int = 1,
    trail: int = 0,
    thicknesses: Sequence[float | None] = (),
) -> Drawing:
    """The frame with all animals on it: skeletons by side, trails and names by animal.

    Args:
        frame: RGB frame.
        poses: Those of each animal; names are drawn where there are several.
        number: Which frame of the poses it is.
        scale: As in `draw_pose`.
        trail: Over how many frames back the middle of each animal is followed by a line.
        thicknesses: Of each animal's links; as fits its pose if not given.
    """
    drawn: Drawing = _enlarged(frame, scale)
    shorter = min(drawn.shape[:2])
    if trail:
        past = slice(max(number - trail, 0), number + 1)
        for index, animal in enumerate(poses):
            path = middles(frames_of(animal, past))
            width = max(LEAST_WIDTH, LINE_WIDTH * shorter / 2)
            drawn = draw_trail(drawn, path * scale, colour_of(index), width=width)
    for animal, thickness in zip_longest(poses, thicknesses):
        drawn = draw_pose(
            drawn,
            animal.xy[number] * scale,
            animal.skeleton,
            confidence=animal.confidence[number],
            thickness=thickness,
        )
    for index, animal in enumerate(poses if len(poses) > 1 else ()):
        xy = animal.xy[number][np.isfinite(animal.xy[number]).all(axis=-1)] * scale
        if len(xy):
            above = np.array([xy[:, 0].mean(), xy[:, 1].min() - NAME_GAP * shorter])
            size = max(NAME_SIZE * shorter, LEAST_NAME_SIZE)
            drawn = draw_name(drawn, animal.track, above, colour_of(index), size=size)
    return drawn


def write_overlay(
    poses: Poses | Sequence[Poses],
    video: str | Path,
    output: str | Path,
    *,
    scale: int | None = None,
    trail: int = 0,
) -> None:
    """Write the video with the poses drawn on it.

    Args:
        poses: The poses of all frames of the video, or those of each of several animals.
        video: The video, or the folder of images, that they were found in.
        output: The video to write, such as `overlay.mp4`; for one frame also a picture.
        scale: Enlarge the frames this many times; as much as brings the shorter side to about 384
            pixels if not given.
        trail: As in `draw_animals`.

    Raises:
        ExportError: The video has more or fewer frames than there are poses, more than one for
            a picture, or the output cannot be written.
        VideoError: The video cannot be read.
    """
    output = Path(output)
    info = probe(video)
    if scale is None:
        scale = max(1, round(384 / min(info.height, info.width)))
    every = [poses] if isinstance(poses, Poses) else list(poses)
    drawn = _drawn(every, Path(video), scale=scale, trail=trail)
    if output.suffix.lower() not in PICTURES:
        write_video(output, drawn, every[0].fps or info.fps or STILL_FPS)
        return
    if len(every[0]) != 1:
        raise ExportError(
            f"Expected one frame for the picture '{output}', got {len(every[0])} from {video}. "
            "Name a video, such as overlay.mp4."
        )
    for picture in drawn:
        with whole_file(output) as beside:
            Image.fromarray(picture).save(beside, quality=95)


def _drawn(poses: Sequence[Poses], video: Path, *, scale: int, trail: int) -> Iterator[Drawing]:
    count = len(poses[0])
    thicknesses: list[float | None] = []
    for number, frame in zip_longest(range(count), read_frames(video)):
        if frame is None or number is None:
            raise ExportError(
                f"{video}: expected a pose for each frame, got {counted(count, 'pose')} and "
                f"{'fewer' if frame is None else 'more'} frames. Are they of another video?"
            )
        if not number:  # one for the whole video, so that lines do not flicker
            shorter = scale * min(frame.shape[:2])
            thicknesses = [
                _thickness(scale * _body_size(animal), shorter, animal.skeleton) for animal in poses
            ]
        yield draw_animals(frame, poses, number, scale=scale, trail=trail, thicknesses=thicknesses)


def _thickness(body: float, shorter: float, skeleton: Skeleton) -> float:
    """Of the links of a body of this size in a frame of that shorter side, all in pixels."""
    thickness = LINE_WIDTH * (min(shorter, 2 * body) if body > 0 else shorter)
    return max(thickness / (2 if skeleton.num_joints > MANY_JOINTS else 1), LEAST_WIDTH)


def _body_size(poses: Poses) -> float:
    """The longer side of the median pose; 0 without any."""
    seen = poses.xy[np.isfinite(poses.xy).all(axis=-1).any(axis=1)]
    if not len(seen):
        return 0.0
    return float(np.median((np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1)).max(axis=1)))


def frames_of(poses: Poses, chosen: slice | Int64[ndarray, " frame"]) -> Poses:
    """The poses of some frames only."""
    return replace(
        poses,
        xy=poses.xy[chosen],
        confidence=poses.confidence[chosen],
        raw=None,
        evidence=None,
        peaks=None,
        turns=None,
    )


def _enlarged(frame: RGBFrame, scale: int) -> Drawing:
    if scale == 1:
        return frame
    height, width = frame.shape[:2]
    size = (width * scale, height * scale)
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC))


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
