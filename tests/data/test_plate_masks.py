"""Masks that are what differs from the background of a still camera."""

from pathlib import Path

import numpy as np
import pytest

from keypointgan.data.ingest import ingest
from keypointgan.data.plans import PLATE, Follow
from keypointgan.data.store import Store
from keypointgan.data.video import write_video


def film(path: Path, *, moving: bool = True, count: int = 60) -> Path:
    """A bright ball of radius 8 before a textured wall; it moves, or stands still at first."""
    generator = np.random.default_rng(0)
    wall = np.repeat(np.repeat(generator.integers(40, 120, (12, 16, 3)), 8, 0), 8, 1)
    rows, columns = np.mgrid[:96, :128]
    frames = []
    for number in range(count):
        x = 20 + number * 88 / count if moving or number > 0.8 * count else 20
        noisy = wall + generator.normal(0, 2, wall.shape)
        noisy[(rows - 48) ** 2 + (columns - x) ** 2 < 64] = 230
        frames.append(noisy.clip(0, 255).astype(np.uint8))
    write_video(path, frames, 25)
    return path


def test_the_moving_ball_is_the_mask(tmp_path: Path) -> None:
    """Its area is 201 pixels of 128 × 96, and the mask's border lies within two pixels of it."""
    film(tmp_path / "a.mp4")
    summary = ingest(
        tmp_path / "a.mp4", tmp_path / "s", size=96, encoding="raw", crop="none", masks=PLATE
    )
    assert summary.notes == ()
    store = Store.open(tmp_path / "s")
    masks = store.masks(np.arange(60)) > 0
    rows, columns = np.mgrid[:96, :96] + 0.5
    for number in range(0, 60, 7):
        x = (20 + number * 88 / 60) * 96 / 128
        distance = np.hypot((columns - x) * 128 / 96, rows - 48)
        assert masks[number][distance < 6].all()
        assert masks[number][distance > 12].mean() < 0.001


def test_a_ball_that_stands_still_vanishes_and_people_are_told(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", moving=False)
    summary = ingest(tmp_path / "a.mp4", tmp_path / "s", size=96, masks=PLATE)
    (note,) = summary.notes
    assert "clip 'a': the mask shows no object in" in note
    assert "it stands still there" in note


def test_a_square_that_follows_the_ball_has_its_part_of_the_plate(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4")
    lines = ["frame,x0,y0,x1,y1"]
    for number in range(60):
        x = 20 + number * 88 / 60
        lines.append(f"{number},{x - 8},40,{x + 8},56")
    (tmp_path / "a.csv").write_text("\n".join(lines))
    crop = Follow("{name}.csv", margin=2)
    ingest(tmp_path / "a.mp4", tmp_path / "s", size=32, crop=crop, masks=PLATE)
    masks = Store.open(tmp_path / "s").masks(np.arange(60)) > 0
    assert masks[:, 10:22, 10:22].all(axis=(1, 2)).mean() > 0.95
    assert masks[:, :4].mean() < 0.02


def test_two_frames_are_too_few_for_a_plate(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", count=2)
    with pytest.raises(Exception, match="at least three frames to tell the background"):
        ingest(tmp_path / "a.mp4", tmp_path / "s", size=32, masks=PLATE)
