"""Random numbers for a batch, all from one generator."""

import torch
from jaxtyping import Float
from torch import Tensor

Values = Float[Tensor, "batch ..."]
"""One number, vector or picture for each figure."""


class Dice:
    """Draws one value (or vector) for each figure of a batch, on the generator's device.

    Args:
        count: Figures in the batch.
        generator: Source of everything random.
    """

    def __init__(self, count: int, *, generator: torch.Generator) -> None:
        self.count, self.generator, self.device = count, generator, generator.device

    def uniform(self, low: float, high: float, *shape: int) -> Values:
        """Numbers between `low` and `high`, (batch, *shape)."""
        numbers = torch.rand(self.count, *shape, generator=self.generator, device=self.device)
        return numbers * (high - low) + low

    def normal(self, *shape: int) -> Values:
        """Standard normal numbers, (batch, *shape)."""
        return torch.randn(self.count, *shape, generator=self.generator, device=self.device)

    def index(self, size: int) -> Tensor:
        """Integers below `size`, (batch,)."""
        return torch.randint(size, (self.count,), generator=self.generator, device=self.device)

    def either(self, probability: float, first: Values, second: Values) -> Values:
        """`first` with that probability, else `second`, for each figure."""
        chosen = self.uniform(0, 1) < probability
        return torch.where(chosen.view(-1, *[1] * (first.ndim - 1)), first, second)

    def colours(self) -> Float[Tensor, "batch 3"]:
        """Colours of all hues, more dull than vivid, dark to bright, in [0, 1]."""
        hue, dullness, brightness = self.uniform(0, 1), self.uniform(0, 1), self.uniform(0, 1)
        saturation = 0.9 * dullness**1.3
        value = 0.03 + 0.92 * brightness**0.8
        turned = (hue[:, None] * 6 + hue.new_tensor([0.0, 4.0, 2.0])) % 6
        pure = ((turned - 3).abs() - 1).clamp(0, 1)
        return value[:, None] * (1 - saturation[:, None] * (1 - pure))
