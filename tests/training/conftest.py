"""What the tests of training share."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from keypointgan.config import Config
from keypointgan.skeletons import Skeleton
from keypointgan.training.state import TrainingState

Moved = Callable[[], set[str]]


@pytest.fixture
def state(tiny_config: Callable[..., Config]) -> TrainingState:
    """Fresh networks for frames of 64 pixels."""
    return TrainingState.fresh(tiny_config(), Skeleton.load("h36m17"), device=torch.device("cpu"))


@pytest.fixture
def moved(state: TrainingState) -> Moved:
    """A function that names the networks of which any weight is not as it was."""
    networks: dict[str, nn.Module] = {
        "encoder": state.model.encoder,
        "regressor": state.model.regressor,
        "decoder": state.model.decoder,
        "discriminator": state.discriminator,
    }
    before = {
        name: [weight.detach().clone() for weight in network.parameters()]
        for name, network in networks.items()
    }

    def names() -> set[str]:
        return {
            name
            for name, network in networks.items()
            if not all(map(torch.equal, before[name], network.parameters()))
        }

    return names
