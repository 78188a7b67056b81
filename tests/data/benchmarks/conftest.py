"""Small copies of the layouts of public data sets."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keypointgan.data.benchmarks.registry import ingest_benchmark
from keypointgan.data.labels import Labels
from keypointgan.data.store import Store
from keypointgan.data.video import write_video

Ingest = Callable[..., tuple[Store, Labels]]


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    """Writes a split into a raw store, and opens it and its labels."""

    def call(name: str, root: Path, split: str, *, size: int = 64) -> tuple[Store, Labels]:
        output = tmp_path / "stores" / f"{name}_{split}"
        ingest_benchmark(name, root, output, split=split, size=size, encoding="raw")
        return Store.open(output), Labels.load(output / "labels.npz")

    return call


@pytest.fixture
def photograph() -> Callable[..., None]:
    """Writes a picture that is black but for a white block of 5×5 pixels around a pixel."""

    def write(path: Path, *, width: int, height: int, column: int, row: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.zeros((height, width, 3), np.uint8)
        picture[row - 2 : row + 3, column - 2 : column + 3] = 255
        Image.fromarray(picture).save(path, quality=95)

    return write


@pytest.fixture
def film() -> Callable[..., None]:
    """Writes a video of `count` frames, frame i of an even grey of about 10 + 10 i."""

    def write(path: Path, *, count: int, side: int = 64) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        greys = 10 + 10 * np.arange(count)
        frames = np.broadcast_to(greys[:, None, None, None], (count, side, side, 3))
        write_video(path, frames.astype(np.uint8), fps=25)

    return write
