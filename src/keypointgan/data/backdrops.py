"""What stands behind drawn figures: the surroundings of unlabelled videos, object removed."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from keypointgan.data.dice import Dice

_SIDE = 0.3  # share of a frame's width at either side that rarely shows the object


class Backdrops:
    """Pictures whose middle, where the object was, is filled from either side.

    The fill mirrors each side again and again and fades from one to the other, so the horizon, the
    floor and the light stay where they are.

    Args:
        pictures: Frames or plates with the object in the middle, one a video.
    """

    def __init__(self, pictures: UInt8[Tensor, "picture 3 height width"]) -> None:
        self._pictures = fill_middle(pictures.float() / 255)

    def sample(self, dice: Dice) -> Float[Tensor, "batch 3 height width"]:
        """Random ones in [0, 1], mirrored, enlarged and shifted at random."""
        pictures = self._pictures[dice.index(len(self._pictures))]
        pictures = dice.either(0.5, pictures.flip(-1), pictures)
        share = 1 - 0.35 * dice.uniform(0, 1)
        window = torch.zeros(dice.count, 2, 3, device=pictures.device)
        window[:, 0, 0] = window[:, 1, 1] = share
        window[:, :, 2] = dice.uniform(-1, 1, 2) * (1 - share)[:, None]
        grid = affine_grid(window, list(pictures.shape), align_corners=False)
        return grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def fill_middle(
    pictures: Float[Tensor, "picture 3 height width"],
) -> Float[Tensor, "picture 3 height width"]:
    """Pictures of their left and right sides only."""
    width = pictures.shape[-1]
    side = max(int(width * _SIDE), 1)
    column = torch.arange(width, device=pictures.device)
    left = pictures[..., _there_and_back(column, side)]
    right = pictures[..., width - 1 - _there_and_back(width - 1 - column, side)]
    share = ((column - side) / max(width - 2 * side, 1)).clamp(0, 1)
    return left * (1 - share) + right * share


def _there_and_back(column: Tensor, side: int) -> Tensor:
    place = column % (2 * side)
    return torch.where(place < side, place, 2 * side - 1 - place)
