"""The reconstruction loss: distances of feature layers, balanced by their own running means."""

from typing import Literal

import torch
from torch import Tensor, nn

from keypointgan.types import Frames, Scalar


class PerceptualLoss(nn.Module):
    """‖Γ(x̂) − Γ(x)‖, each layer divided by the running mean of its own distance [release].

    So each layer weighs alike however large its features are. The running means are updated by
    each call in training mode and saved with the weights.

    Args:
        features: Γ, a frozen network from frames to a list of layers.
        layers: Number of layers that `features` returns.
        momentum: Of the running means; 0.99 in the release.
        distance: `squared` as in the paper, or `absolute`, which suits plain pixels.
    """

    scales: Tensor
    seen: Tensor

    def __init__(
        self,
        features: nn.Module,
        *,
        layers: int,
        momentum: float = 0.99,
        distance: Literal["squared", "absolute"] = "squared",
    ) -> None:
        super().__init__()
        self.features = features
        self.momentum = momentum
        self.distance = distance
        self.register_buffer("scales", torch.ones(layers))
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, rebuilt: Frames, frame: Frames) -> Scalar:
        """The balanced distance; near 1 at any stage of training, by construction."""
        distances = self.layer_distances(rebuilt, frame)
        if self.training:
            self._update(distances.detach())
        return (distances / self.scales).mean()

    def layer_distances(self, rebuilt: Frames, frame: Frames) -> Tensor:
        """The distance at each layer, not balanced; what to watch while the loss stays near 1."""
        with torch.no_grad():
            wanted = self.features(frame)
        per_layer = []
        for ours, theirs in zip(self.features(rebuilt), wanted, strict=True):
            offset = ours.float() - theirs.float()
            per_layer.append(
                offset.square().mean() if self.distance == "squared" else offset.abs().mean()
            )
        return torch.stack(per_layer)

    @torch.no_grad()
    def _update(self, distances: Tensor) -> None:
        momentum = torch.where(self.seen > 0, self.momentum, 0.0)
        self.scales.copy_(momentum * self.scales + (1 - momentum) * distances.clamp_min(1e-8))
        self.seen.fill_(1)
