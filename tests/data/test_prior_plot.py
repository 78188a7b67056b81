"""A prior is drawn beside frames."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from keypointgan.data.prior_plot import plot_prior
from keypointgan.data.priors import Prior
from keypointgan.skeletons import Skeleton

STICK = Skeleton("stick", ("left", "right", "tip"), (((0,), (2,)), ((1,), (2,))), ((0, 1),))


def test_a_prior_is_drawn_with_frames_on_its_left_in_the_colours_of_the_sides(
    tmp_path: Path, generator: torch.Generator
) -> None:
    """Pure red frames are found in the left half only, the sides' colours in the right half."""
    poses = np.array([[[-1.0, 1.0], [1.0, 1.0], [0.0, -1.0]], [[-1, 0.5], [1, 1], [0, -1]]])
    np.savez(tmp_path / "prior.npz", xy=poses.astype(np.float32))
    prior = Prior.load(
        tmp_path / "prior.npz",
        STICK,
        place="fit",
        extent=0.7,
        centre=(0.0, 0.0),
        scale_jitter=0.0,
        shift_jitter=0.0,
        rotation_jitter=0.0,
        mirror=False,
        azimuth=(0.0, 0.0),
        elevation=(0.0, 0.0),
        field_of_view=38.0,
    )
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    frames[..., 0] = 255
    path = plot_prior(prior, tmp_path / "prior.png", count=4, generator=generator, frames=frames)
    drawn = _read(path)
    left, right = np.split(drawn[:, : drawn.shape[1] // 2 * 2], 2, axis=1)

    def has(half: np.ndarray, colour: str) -> bool:
        wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
        return bool((np.abs(half - wanted).max(axis=-1) < 4).any())

    assert [has(left, "#ff0000"), has(right, "#ff0000")] == [True, False]
    for side in ("left", "right"):
        assert has(right, STICK.colours[side])
        assert not has(left, STICK.colours[side])
    alone = plot_prior(prior, tmp_path / "alone.png", count=4, generator=generator)
    assert _read(alone).shape[1] < 0.6 * drawn.shape[1]


def _read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)
