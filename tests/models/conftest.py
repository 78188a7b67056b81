"""What the tests of the networks share."""

from collections.abc import Callable

import pytest
import torch
from torch import nn


@pytest.fixture
def enliven(generator: torch.Generator) -> Callable[[nn.Module], nn.Module]:
    """A function that draws weights under which signals keep their size through a network.

    With those that training starts from, outputs in evaluation are near 1e-10: all seem equal.
    """

    def draw(network: nn.Module) -> nn.Module:
        with torch.no_grad():
            for module in network.modules():
                if isinstance(module, nn.Conv2d):
                    spread = (2 / module.weight[0].numel()) ** 0.5
                    module.weight.normal_(0, spread, generator=generator)
        return network.eval()

    return draw
