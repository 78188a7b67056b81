"""A run of a few updates, with everything that a run has."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from keypointgan.config import Config


@pytest.fixture(scope="session")
def tiny_run(
    tiny_config: "Callable[..., Config]", tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run with checkpoints, metrics and panels; its prior and store are on the disk."""
    from keypointgan.commands.runs import train

    run = tmp_path_factory.mktemp("runs") / "tiny"
    train(run, tiny_config("training.panels=2", "model.background=plate"))
    return run
