"""Where animals have been: their middles through time, and the last of them drawn on a frame."""

import math

import numpy as np
from jaxtyping import Float64, UInt8
from numpy import ndarray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from keypointgan.inference.poses import Poses

ANIMAL_COLOURS = ("#ffd21f", "#ff4fa3", "#39e6c8", "#b18cff", "#ff8a3c", "#9be04f")
"""Of the trails and names of animals, in their order; others than those of the sides."""
SMOOTHNESS = 2
"""Pixels drawn for one that is shown, in each direction."""

Picture = UInt8[ndarray, "_height _width 3"]
Path2D = Float64[ndarray, "_frame 2"]


def colour_of(index: int) -> str:
    """Return the colour of an animal by its place among the others."""
    return ANIMAL_COLOURS[index % len(ANIMAL_COLOURS)]


def middles(poses: Poses, joint: str | None = None) -> Path2D:
    """Return where an animal is in each frame: a joint, or the mean of its joints.

    The mean is NaN where less than half of the joints are there, since it would jump.

    Raises:
        SkeletonError: There is no such joint.
    """
    if joint is not None:
        return poses.xy[:, poses.skeleton.index_of(joint)]
    seen = np.isfinite(poses.xy).all(axis=-1)
    counts = seen.sum(axis=1)
    sums = np.where(seen[..., None], poses.xy, 0.0).sum(axis=1)
    enough = counts * 2 >= max(poses.skeleton.num_joints, 1)
    return np.where(enough[:, None], sums / np.maximum(counts, 1)[:, None], np.nan)


def draw_trail(picture: Picture, path: Path2D, colour: str, *, width: float) -> Picture:
    """Return the picture with a path on it that fades towards its beginning.

    Args:
        picture: What to draw on.
        path: Places in its pixels, outer edges, the newest last; the line has a gap where NaN.
        colour: Of the line.
        width: Of the line in pixels.
    """
    steps = np.isfinite(path[:-1]).all(axis=1) & np.isfinite(path[1:]).all(axis=1)
    if not steps.any():
        return picture
    ends = path[np.isfinite(path).all(axis=1)]
    limits = np.array([picture.shape[1], picture.shape[0]])
    low = np.clip(np.floor(ends.min(axis=0) - 2 * width), 0, limits).astype(int)
    high = np.clip(np.ceil(ends.max(axis=0) + 2 * width), 0, limits).astype(int)
    if (high <= low).any():
        return picture
    layer = Image.new("RGBA", tuple((SMOOTHNESS * (high - low)).tolist()))
    draw = ImageDraw.Draw(layer)
    red, green, blue = ImageColor.getrgb(colour)[:3]
    places = (path - low) * SMOOTHNESS
    thick = max(1, round(width * SMOOTHNESS))
    for step in np.flatnonzero(steps).tolist():
        opacity = round(255 * (step + 1) / len(steps))
        ends_of_step = [*places[step].tolist(), *places[step + 1].tolist()]
        draw.line(ends_of_step, fill=(red, green, blue, opacity), width=thick)
    return lay_over(picture, layer.reduce(SMOOTHNESS), left=int(low[0]), top=int(low[1]))


def lay_over(picture: Picture, layer: Image.Image, *, left: int, top: int) -> Picture:
    """Return the picture with a translucent layer over the part of it that begins at (left, top).

    Nothing else of the picture is touched: of a large one, all of it would take far longer.
    """
    drawn = picture.copy()
    part = drawn[top : top + layer.height, left : left + layer.width]
    below = Image.fromarray(part).convert("RGBA")
    below.alpha_composite(layer)
    part[:] = np.asarray(below.convert("RGB"))
    return drawn


def draw_name(
    picture: Picture, name: str, place: Float64[ndarray, "2"], colour: str, *, size: float
) -> Picture:
    """Return the picture with a name centred above a place, moved inside where it sticks out.

    A name that is larger than the picture is left out.
    """
    if not name or not np.isfinite(place).all():
        return picture
    font = ImageFont.load_default(size)
    left, top, right, bottom = (math.floor(each) for each in font.getbbox(name, stroke_width=1))
    wide, high = right - left + 2, bottom - top + 2
    height, width = picture.shape[:2]
    if wide > width or high > height:
        return picture
    x = round(min(max(float(place[0]) - wide / 2, 0.0), width - wide))
    y = round(min(max(float(place[1]) - high, 0.0), height - high))
    drawn = picture.copy()
    on = Image.fromarray(drawn[y : y + high, x : x + wide])
    ImageDraw.Draw(on).text(
        (1 - left, 1 - top), name, fill=colour, font=font, stroke_width=1, stroke_fill="black"
    )
    drawn[y : y + high, x : x + wide] = np.asarray(on)
    return drawn
