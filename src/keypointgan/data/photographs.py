"""Pictures as old films, interviews and streams show them: blurred, tinted, grey, noisy."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

from keypointgan.data.dice import Dice

Pictures = Float[Tensor, "batch 3 size size"]


def photograph(picture: Pictures, dice: Dice) -> Pictures:
    """The pictures, in [0, 1], each as by another camera.

    Blur goes from none to that of a picture enlarged three times; a tenth are grey.
    """
    size = picture.shape[-1]
    picture = _gamma(picture, dice)
    coarse = picture
    for part in (2, 3):
        small = avg_pool2d(picture, part, ceil_mode=True)
        enlarged = interpolate(small, size=(size, size), mode="bilinear", align_corners=False)
        chance = 0.25 if part == 2 else 0.10
        coarse = dice.either(chance, enlarged, coarse)
    kernel = picture.new_tensor([0.25, 0.5, 0.25])
    kernel = (kernel[:, None] * kernel).expand(3, 1, 3, 3)
    blurred = conv2d(pad(coarse, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    picture = coarse + (blurred - coarse) * _each(dice.uniform(-0.4, 1.0))
    mean = picture.mean(dim=(2, 3), keepdim=True)
    picture = (picture - mean) * _each(dice.uniform(0.75, 1.35)) + mean
    picture = picture * _each(dice.uniform(0.7, 1.3)) * (1 + 0.08 * dice.normal(3, 1, 1))
    picture = picture + _each(0.05 * dice.normal()) + 0.02 * dice.normal(3, 1, 1)
    grey = (picture * picture.new_tensor([0.3, 0.6, 0.1])[:, None, None]).sum(dim=1, keepdim=True)
    colour = dice.either(0.1, 0 * dice.uniform(0, 1), dice.uniform(0.4, 1.25))
    picture = grey + (picture - grey) * _each(colour)
    return (picture + _noise(dice, size)).clamp(0, 1)


def _gamma(picture: Pictures, dice: Dice) -> Pictures:
    power = (0.25 * dice.normal()).exp()
    return picture.clamp(1e-4, 1) ** _each(power)


def _noise(dice: Dice, size: int) -> Pictures:
    """Grain of each pixel, and blotches as a strong compression leaves them."""
    fine = dice.normal(3, size, size) * _each(dice.uniform(0, 0.02))
    blocks = interpolate(dice.normal(3, size // 4, size // 4), size=(size, size), mode="nearest")
    return fine + blocks * _each(dice.uniform(0, 0.012))


def _each(values: Float[Tensor, " batch"]) -> Float[Tensor, "batch 1 1 1"]:
    return values[:, None, None, None]
