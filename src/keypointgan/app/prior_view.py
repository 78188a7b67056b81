"""Random poses of a prior beside frames, as training would see them."""

from pathlib import Path

import numpy as np
import torch

from keypointgan.assemble import assemble_prior
from keypointgan.config import Config
from keypointgan.data.prior_plot import plot_prior
from keypointgan.data.store import Store
from keypointgan.errors import ConfigError
from keypointgan.recipe import load_config
from keypointgan.skeletons import Skeleton
from keypointgan.types import FrameArray


def config_of_file(poses: Path, *, skeleton: str, place: str) -> Config:
    """The default settings with the poses in that file.

    Raises:
        ConfigError: There is no such skeleton or placement.
    """
    settings = [f"prior.poses={poses}", f"model.skeleton={skeleton}", f"prior.place={place}"]
    return load_config(None, settings)


def draw_prior(config: Config, output: Path, *, count: int, seed: int) -> Path:
    """Draw random poses of a run's prior beside random frames of its videos; return `output`.

    Frames are left out where the store is not on this machine.

    Raises:
        ConfigError: The settings name no prior, as those of models that come with the package.
        PriorError: Its file cannot be used.
    """
    if config.prior.poses is None:
        raise ConfigError(
            "Expected a model with the file of its prior, but this one comes without. Upload "
            "poses instead: choose 'of a file'."
        )
    training, _ = assemble_prior(config, Skeleton.load(config.model.skeleton))
    return plot_prior(
        training,
        output,
        count=count,
        generator=torch.Generator().manual_seed(seed),
        frames=_frames(config, count=count, seed=seed),
    )


def _frames(config: Config, *, count: int, seed: int) -> FrameArray | None:
    if config.data.store is None or not config.data.store.is_dir():
        return None
    store = Store.open(config.data.store)
    generator = np.random.default_rng(seed)
    rows = generator.choice(store.num_frames, size=min(count, store.num_frames), replace=False)
    return store.frames(sorted(rows.tolist()))
