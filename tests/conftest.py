"""What all tests share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import jaxtyping
import pytest
import runtime_types
import torch
from hypothesis import settings

jaxtyping.install_import_hook("keypointgan", f"{runtime_types.__name__}.check")
"""Shapes and types are checked at every call, in tests only; before keypointgan is imported."""

settings.register_profile("same in every run", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("same in every run")

_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _WORKERS > 1:  # each worker, and what it starts, on its share of the cores
    torch.set_num_threads(max(1, torch.get_num_threads() // _WORKERS))
    os.environ["OMP_NUM_THREADS"] = str(torch.get_num_threads())

if TYPE_CHECKING:
    from keypointgan.config import Config

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole demo goes first: the other workers do the rest while one of them is at it."""
    items.sort(key=lambda item: item.path.name != "test_demo.py")


@pytest.fixture
def generator() -> torch.Generator:
    """A source of random numbers that gives the same ones in every run."""
    return torch.Generator().manual_seed(20200614)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("KEYPOINTGAN_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "humans_rendered").is_dir():
        pytest.skip(f"no real data at {folder}; set KEYPOINTGAN_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six clips of six frames of synthetic figures, 64 pixels wide, with their labels inside."""
    from keypointgan.data.synthetic import write_synthetic

    folder = tmp_path_factory.mktemp("tiny") / "store"
    return write_synthetic(folder, clips=6, frames_per_clip=6, size=64, seed=0)


@pytest.fixture(scope="session")
def tiny_prior(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty poses of other figures."""
    from keypointgan.data.synthetic import write_synthetic_prior

    return write_synthetic_prior(
        tmp_path_factory.mktemp("tiny") / "prior.npz", num_poses=60, seed=0
    )


@pytest.fixture(scope="session")
def tiny_prior_in_space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty 3D poses of twenty figures, in metres."""
    import numpy as np

    from keypointgan.data.synthetic_figure import JOINTS, random_motion

    motion = random_motion(np.random.default_rng(0), figures=20, frames=2, stride=50.0)
    path = tmp_path_factory.mktemp("tiny") / "prior_in_space.npz"
    np.savez(path, xyz=motion.joints.reshape(-1, 17, 3).astype("float32"), joints=np.array(JOINTS))
    return path


@pytest.fixture(scope="session")
def tiny_settings(tiny_store: Path, tiny_prior: Path) -> tuple[str, ...]:
    """A run of a few updates of small networks, as `key=value` settings; one clip is kept apart."""
    return (
        f"data.store={tiny_store}",
        "data.size=64",
        "data.validation_fraction=0.15",
        f"prior.poses={tiny_prior}",
        "prior.place=as_is",
        "model.preset=compact",
        "model.width=16",
        "loss.pool=3",
        "pretrain.steps=4",
        "pretrain.batch_size=4",
        "pretrain.evaluate_every=2",
        "training.steps=6",
        "training.batch_size=2",
        "training.device=cpu",
        "training.log_every=1",
        "training.evaluate_every=3",
        "training.panels=0",
    )


@pytest.fixture(scope="session")
def tiny_config(tiny_settings: tuple[str, ...]) -> "Callable[..., Config]":
    """A function that returns the settings of such a run, with more `key=value` settings."""
    from keypointgan.recipe import load_config

    return lambda *more: load_config(None, [*tiny_settings, *more])
