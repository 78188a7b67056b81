"""How plausible a pose is with its joints named as they are, known from the prior alone."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from keypointgan.types import Keypoints


class Plausibility(nn.Module):
    """A pose to a score, in nats up to a constant that all namings of the pose share.

    It sees where the points are relative to their middle, in units of their mean distance from
    it. Knees bend one way, shoulders are above hips of their own side, a nose points ahead: a pose
    whose left and right are exchanged, as a whole or in one pair of joints, is seldom one of the
    prior. It is no part of the paper, whose discriminator judges pictures of the same.

    Args:
        keypoints: Number of keypoints, K in the paper.
        width: Units of each of three hidden layers.
    """

    def __init__(self, *, keypoints: int, width: int = 256) -> None:
        super().__init__()
        sizes = (2 * keypoints, width, width, width)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, poses: Keypoints) -> Float[Tensor, " batch"]:
        """The score of each pose."""
        centred = poses - poses.mean(dim=1, keepdim=True)
        size = centred.norm(dim=-1).mean(dim=1)[:, None, None]
        scores: Tensor = self.layers((centred / size.clamp_min(1e-6)).flatten(1))
        return scores.squeeze(1)
