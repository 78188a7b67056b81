"""Sheets of frames with poses on them, and files of few bytes."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from frames import TestFrames
from PIL import Image, ImageDraw, ImageFont

from keypointgan.inference.overlay import draw_pose

TILE, WIDE_TILE = 128, 296
GAP, MARGIN = 4, 18
COLOURS = (256, 192, 128, 96, 64, 48, 32)


def write_quality(found: TestFrames, rows: Mapping[str, Sequence[int]]) -> Image.Image:
    """A row a share of the errors; in it pairs of a frame: what was found, and the label."""
    pairs = max(len(row) for row in rows.values())
    pitch = 2 * TILE + 3 * GAP
    sheet = Image.new("RGB", (pairs * pitch - 2 * GAP, len(rows) * (TILE + MARGIN)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for line, (title, row) in enumerate(rows.items()):
        top = line * (TILE + MARGIN)
        for column, index in enumerate(row):
            left = column * pitch
            error = f"found, {found.errors[index]:.1f} % off"
            text = f"{title}: {error}" if not column else error
            draw.text((left + 1, top + 2), text, fill="black", font=font)
            draw.text((left + TILE + GAP + 30, top + 2), "label", fill="black", font=font)
            for place, points in enumerate((found.predicted[index], found.labels[index])):
                tile = _tile(found, index, points, side=TILE)
                sheet.paste(tile, (left + place * (TILE + GAP), top + MARGIN - 2))
    return sheet


def write_overview(every: Mapping[str, tuple[TestFrames, Sequence[int]]]) -> Image.Image:
    """A column a data set, with what was found in its frames."""
    lines = max(len(chosen) for _, chosen in every.values())
    pitch = WIDE_TILE + GAP
    size = (len(every) * pitch - GAP, lines * pitch - GAP + MARGIN)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, (name, (found, chosen)) in enumerate(every.items()):
        draw.text((column * pitch + 2, 0), name.replace("-", " "), fill="black", font=font)
        for line, index in enumerate(chosen):
            tile = _tile(found, index, found.predicted[index], side=WIDE_TILE)
            sheet.paste(tile, (column * pitch, MARGIN + line * pitch))
    return sheet


def save(sheet: Image.Image, path: Path, *, limit: int) -> None:
    """Write a PNG of at most `limit` bytes, with as many colours as that allows."""
    content = b""
    for colours in COLOURS:
        buffer = BytesIO()
        reduced = sheet.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        reduced.save(buffer, "PNG", optimize=True)
        content = buffer.getvalue()
        if len(content) <= limit:
            break
    path.write_bytes(content)


def _tile(found: TestFrames, index: int, points: np.ndarray, *, side: int) -> Image.Image:
    frame = found.frame(index)
    pixels = (points + 1) / 2 * frame.shape[0]
    drawn = draw_pose(frame, pixels, found.skeleton, scale=3, thickness=_thickness(found))
    return Image.fromarray(drawn).resize((side, side), Image.Resampling.LANCZOS)


def _thickness(found: TestFrames) -> float:
    return 2.0 if found.skeleton.num_joints > 32 else 4.0
