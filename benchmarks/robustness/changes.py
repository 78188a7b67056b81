"""Pictures changed as they differ from one collection to another, and where their points go.

None of it is the code that changes views in training (`data.views`, `data.camera`): Pillow blurs,
shrinks, compresses and rotates here.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from PIL import Image, ImageFilter

Change = Callable[[ndarray], ndarray]
"""Takes and gives one picture, uint8 (side, side, 3)."""


@dataclass(frozen=True)
class Changed:
    """A change of pictures.

    Attributes:
        picture: What becomes of one picture.
        points: What becomes of its points (..., 2), pixels, given the side.
    """

    picture: Change
    points: Callable[[ndarray, int], ndarray] = lambda points, _: points


def _light(change: Callable[[ndarray], ndarray]) -> Changed:
    def picture(pixels: ndarray) -> ndarray:
        shown = change(pixels.astype(np.float64) / 255)
        return (shown.clip(0, 1) * 255).round().astype(np.uint8)

    return Changed(picture)


def _noise(strength: float) -> Changed:
    random = np.random.default_rng(0)
    return _light(lambda x: x + random.normal(0, strength, x.shape))


def _grey(pixels: ndarray) -> ndarray:
    return pixels.mean(axis=-1, keepdims=True).repeat(3, axis=-1)


def _shrunk(factor: int) -> Changed:
    def picture(pixels: ndarray) -> ndarray:
        whole = Image.fromarray(pixels)
        few = whole.resize((whole.width // factor, whole.height // factor), Image.Resampling.BOX)
        return np.asarray(few.resize(whole.size, Image.Resampling.BICUBIC))

    return Changed(picture)


def _blurred(radius: float) -> Changed:
    blur = ImageFilter.GaussianBlur(radius)
    return Changed(lambda pixels: np.asarray(Image.fromarray(pixels).filter(blur)))


def _moved(length: int) -> Changed:
    """Taken while the camera moved sideways by so many pixels."""

    def picture(pixels: ndarray) -> ndarray:
        side = pixels.shape[1]
        wide = np.pad(pixels.astype(np.float64), ((0, 0), (length // 2,) * 2, (0, 0)), mode="edge")
        mean = sum(wide[:, start : start + side] for start in range(length)) / length
        return np.round(mean).astype(np.uint8)

    return Changed(picture)


def _compressed(quality: int) -> Changed:
    def picture(pixels: ndarray) -> ndarray:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return Changed(picture)


def _rotated(degrees: float) -> Changed:
    """To the left; the outermost pixels continue beyond the border."""

    def picture(pixels: ndarray) -> ndarray:
        side = pixels.shape[0]
        wide = np.pad(pixels, ((side // 2,) * 2, (side // 2,) * 2, (0, 0)), mode="edge")
        turned = Image.fromarray(wide).rotate(degrees, Image.Resampling.BILINEAR)
        return np.asarray(turned)[side // 2 : side // 2 + side, side // 2 : side // 2 + side]

    def points(known: ndarray, side: int) -> ndarray:
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        x, y = np.moveaxis(known - side / 2, -1, 0)
        return np.stack([cosine * x + sine * y, cosine * y - sine * x], axis=-1) + side / 2

    return Changed(picture, points)


def _cut_off(share: float) -> Changed:
    """Moved down, so that this share of the picture is lost below."""

    def picture(pixels: ndarray) -> ndarray:
        rows = int(share * len(pixels))
        return np.concatenate([pixels[:1].repeat(rows, axis=0), pixels[:-rows]])

    return Changed(picture, lambda known, side: known + np.array([0, int(share * side)]))


def _close_up(share: float) -> Changed:
    """The middle of the upper part, enlarged: this share of the width and of the height."""

    def picture(pixels: ndarray) -> ndarray:
        side = len(pixels)
        left = side * (1 - share) / 2
        part = (left, 0.0, side - left, side * share)
        whole = Image.fromarray(pixels)
        return np.asarray(whole.resize(whole.size, Image.Resampling.BICUBIC, box=part))

    return Changed(
        picture, lambda known, side: (known - np.array([side * (1 - share) / 2, 0])) / share
    )


CHANGES = {
    "as it comes": Changed(lambda pixels: pixels),
    "dark (0.35 times the light)": _light(lambda x: x * 0.35),
    "bright (1.7)": _light(lambda x: x * 1.7),
    "gamma 2.2": _light(lambda x: x**2.2),
    "gamma 0.45": _light(lambda x: x**0.45),
    "contrast 0.35": _light(lambda x: 0.5 + (x - 0.5) * 0.35),
    "grey": _light(_grey),
    "bright and dark exchanged": _light(lambda x: 1 - x),
    "warm light": _light(lambda x: x * [1.15, 1.0, 0.6]),
    "noise 0.08": _noise(0.08),
    "noise 0.15": _noise(0.15),
    "a quarter of the pixels a side": _shrunk(4),
    "blur of 2 pixels": _blurred(2.0),
    "moved by 9 pixels": _moved(9),
    "JPEG of quality 15": _compressed(15),
    "turned by 15 degrees": _rotated(15),
    "turned by 30 degrees": _rotated(30),
    "turned by 45 degrees": _rotated(45),
    "turned by 90 degrees": _rotated(90),
    "turned by 180 degrees": _rotated(180),
    "a quarter cut off below": _cut_off(0.25),
    "four tenths cut off below": _cut_off(0.4),
    "close up, 0.7 of the sides": _close_up(0.7),
    "close up, 0.55": _close_up(0.55),
}
"""What is done to the frames, by name."""
