"""Images, folders of images and patterns such as `frames/*.png`: the frames of one video."""

import re
from glob import glob, has_magic
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image, ImageOps

from keypointgan.errors import VideoError
from keypointgan.wording import counted

RGBFrame = UInt8[ndarray, "height width 3"]
"""One frame, 0 to 255."""

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def read_image(path: str | Path) -> RGBFrame:
    """Return one image as RGB, rotated as it is to be shown; 16-bit grey keeps its high byte.

    Raises:
        VideoError: The file is missing, empty or no image.
    """
    path = Path(path)
    check_file(path)
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


def is_image(path: Path) -> bool:
    """Whether the name is that of an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_pattern(path: str | Path) -> bool:
    """Whether `*`, `?` or `[` in a path that does not exist stand for other names."""
    return has_magic(str(path)) and not Path(path).exists()


def matches(pattern: str | Path) -> list[Path]:
    """Return what a pattern matches, in natural order; `**` stands for any folders."""
    # Path.glob takes no absolute patterns
    found = glob(str(pattern), recursive=True)  # noqa: PTH207 - see above
    return sorted(map(Path, found), key=lambda path: [natural_order(Path(p)) for p in path.parts])


def natural_order(path: Path) -> list[tuple[int, str]]:
    """A sort key under which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def list_images(source: Path) -> list[Path]:
    """Return an image, those of a folder, or those of a pattern, in natural order.

    Raises:
        VideoError: There are none.
    """
    if is_pattern(source):
        entries = matches(source)
        what = "a pattern that matches images"
    elif not source.is_dir():
        return [source]
    else:
        entries = sorted(source.iterdir(), key=natural_order)
        what = "a folder with images"
    images = [file for file in entries if is_image(file) and not file.name.startswith(".")]
    if not images:
        raise VideoError(
            f"{source}: expected {what} ({', '.join(sorted(IMAGE_SUFFIXES))}), found none among "
            f"its {counted(len(entries), 'entry', 'entries')}."
        )
    return images


def check_file(path: Path) -> None:
    """Refuse a path without a file, and an empty file.

    Raises:
        VideoError: It is one of these.
    """
    if not path.is_file():
        raise VideoError(f"{path}: expected a video or an image, found no such file.")
    if not path.stat().st_size:
        raise VideoError(
            f"{path}: expected a video or an image, found an empty file (0 bytes). "
            "Copy or download it again."
        )
