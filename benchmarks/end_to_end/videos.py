"""Films of two balls before a wall, with the noise of a camera, and a model without skill."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from keypointgan.assemble import assemble_model
from keypointgan.checkpoint import save_checkpoint
from keypointgan.data.video import write_video
from keypointgan.recipe import load_config
from keypointgan.skeletons import Skeleton

FPS = 30.0
_CYCLE = 60  # frames after which balls and noise repeat


def write_film(path: Path, count: int, *, height: int, width: int) -> Path:
    """Write a film of `count` frames; encoded as cameras do, it has about 0.1 bits a pixel."""
    cycle = list(_frames(height, width))
    frames = (cycle[number % _CYCLE] for number in range(count))
    write_video(path, frames, FPS, rate_factor=23)
    return path


def write_boxes(film: Path, count: int, *, animals: int, height: int, width: int) -> None:
    """Write the boxes of the balls beside the film."""
    lines = ["frame,track,x0,y0,x1,y1"]
    for number in range(count):
        for animal in range(animals):
            x, y, radius = _ball(number % _CYCLE, animal, height, width)
            box = (x - radius, y - radius, x + radius, y + radius)
            lines.append(f"{number},{animal}," + ",".join(f"{value:.1f}" for value in box))
    film.with_suffix(".csv").write_text("\n".join(lines), encoding="utf-8")


def write_copies(film: Path, count: int) -> list[Path]:
    """Write a film several times, each with other empty boxes at its end: ingest skips copies."""
    content = film.read_bytes()
    paths = [film.with_stem(f"{film.stem}_copy{number}") for number in range(count)]
    for number, path in enumerate(paths, 1):
        path.write_bytes(content + b"\0\0\0\x08free" * number)
    return paths


def write_model(folder: Path, *, preset: str) -> Path:
    """Write a model with random weights: as fast as one with skill."""
    torch.manual_seed(0)
    config = load_config(overrides=[f"model.preset={preset}", "data.size=128"])
    skeleton = Skeleton.load("h36m17")
    model = assemble_model(config.model, skeleton)
    save_checkpoint(folder, model, config=config, skeleton=skeleton, step=0, metrics={})
    return folder


def _frames(height: int, width: int) -> Iterator[np.ndarray]:
    generator = np.random.default_rng(0)
    wall = generator.integers(60, 160, (height // 8, width // 8, 1), np.uint8)
    wall = np.repeat(np.repeat(np.repeat(wall, 8, 0), 8, 1), 3, 2).astype(np.float32)
    rows, columns = np.mgrid[:height, :width]
    for number in range(_CYCLE):
        noise = generator.standard_normal((height, width, 1), np.float32) * 3
        frame = wall + noise
        for animal in range(2):
            x, y, radius = _ball(number, animal, height, width)
            frame[(columns - x) ** 2 + (rows - y) ** 2 < radius**2] = 230
        yield frame.clip(0, 255).astype(np.uint8)


def _ball(number: int, animal: int, height: int, width: int) -> tuple[float, float, float]:
    angle = 2 * np.pi * (number / _CYCLE + animal / 2)
    radius = height / 8
    return width / 2 + 2 * radius * np.cos(angle), height / 2 + 2 * radius * np.sin(angle), radius
