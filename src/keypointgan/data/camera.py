"""Pictures as worse cameras and recorders would have kept them.

What videos of other people have and a well-kept collection lacks: a hand that shook, little light,
few pixels, a codec that was short of bits, light from one side. Each is drawn on its own, so that
most pictures have one or two of them, and some have none.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

from keypointgan.data.dice import Dice

Pictures = Float[Tensor, "batch 3 height width"]
"""In [0, 1]."""

_BLOCK = 8  # side of what JPEG and most video codecs quantise at once
_COARSE = 32  # pixels along a side that are left of a coarse picture
_REACH = 0.045  # of the largest blur's kernel, as a share of the side


def add_faults(pictures: Pictures, dice: Dice, *, probability: float) -> Pictures:
    """The pictures with faults of cameras and recorders, each with that probability."""
    if not probability:
        return pictures
    some = math.ceil(probability * dice.count)  # only these are computed
    few = Dice(some, generator=dice.generator)
    for fault in (light_unevenly, blur, coarsen, add_grain, compress):
        chosen = dice.uniform(0, 1).argsort()[:some]
        before = pictures[chosen]
        share = probability * dice.count / some
        pictures = pictures.index_copy(0, chosen, few.either(share, fault(before, few), before))
    return pictures.clamp(0, 1)


def light_unevenly(pictures: Pictures, dice: Dice) -> Pictures:
    """The pictures where light comes from somewhere: parts of them up to twice as bright."""
    fields = interpolate(
        dice.normal(1, 3, 3), size=pictures.shape[-2:], mode="bilinear", align_corners=True
    )
    return pictures * (0.35 * fields).exp()


def blur(pictures: Pictures, dice: Dice) -> Pictures:
    """The pictures out of focus, or taken while the camera moved in any direction."""
    batch, channels, height, width = pictures.shape
    reach = max(1, round(_REACH * width))
    along = dice.uniform(0.15, 0.5) * reach
    across = (along * dice.uniform(0.1, 1.0)).clamp_min(0.3)
    angle = dice.uniform(0, math.pi)
    steps = torch.arange(-reach, reach + 1, device=pictures.device, dtype=pictures.dtype)
    x, y = steps.view(1, 1, -1), steps.view(1, -1, 1)
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    moved = (x * cosine + y * sine) / along[:, None, None]
    aside = (y * cosine - x * sine) / across[:, None, None]
    kernels = (-(moved.square() + aside.square()) / 2).exp()
    kernels = kernels / kernels.sum(dim=(1, 2), keepdim=True)
    padded = pad(pictures, (reach, reach, reach, reach), mode="replicate")
    blurred = conv2d(
        padded.reshape(1, batch * channels, height + 2 * reach, width + 2 * reach),
        kernels.repeat_interleave(channels, dim=0).unsqueeze(1),
        groups=batch * channels,
    )
    return blurred.view(batch, channels, height, width)


def coarsen(pictures: Pictures, dice: Dice) -> Pictures:
    """The pictures enlarged from a few pixels, smoothly or not."""
    size = pictures.shape[-2:]
    factor = max(2, size[-1] // _COARSE)
    few = avg_pool2d(pictures, factor, ceil_mode=True)
    smooth = interpolate(few, size=size, mode="bilinear", align_corners=False)
    return dice.either(0.7, smooth, interpolate(few, size=size, mode="nearest"))


def add_grain(pictures: Pictures, dice: Dice) -> Pictures:
    """The pictures taken with little light: noise in each channel, or the same in all."""
    shape = pictures.shape[-2:]
    grain = dice.either(0.5, dice.normal(3, *shape), dice.normal(1, *shape).expand_as(pictures))
    return pictures + grain * dice.uniform(0.04, 0.16, 1, 1, 1)


def compress(pictures: Pictures, dice: Dice) -> Pictures:
    """The pictures as a codec keeps them: waves in blocks, rounded; colours at half the size.

    Steps grow with the frequency about as in JPEG's table for brightness; they are multiplied by
    0.7 (qualities of about 70) to 5 (10).
    """
    size = pictures.shape[-2:]
    grey = pictures.mean(dim=1, keepdim=True)
    colours = avg_pool2d(pictures - grey, 2, ceil_mode=True)
    strength = (dice.uniform(math.log(0.7), math.log(5.0), 1, 1, 1)).exp()
    colours = _rounded_waves(colours, strength)
    colours = interpolate(colours, size=size, mode="bilinear", align_corners=False)
    return (_rounded_waves(grey, strength) + colours).clamp(0, 1)


def _rounded_waves(
    planes: Float[Tensor, "batch plane height width"], strength: Float[Tensor, "batch 1 1 1"]
) -> Float[Tensor, "batch plane height width"]:
    """The planes with their cosine transform in blocks rounded to steps of some strength."""
    height, width = planes.shape[-2:]
    padded = pad(planes, (0, -width % _BLOCK, 0, -height % _BLOCK), mode="replicate")
    batch, count, rows, columns = padded.shape
    blocks = padded.reshape(batch, count, rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)
    blocks = blocks.transpose(3, 4)
    waves = _waves(planes)
    order = torch.arange(_BLOCK, device=planes.device)
    steps = (10 + 6 * (order[:, None] + order)) / 255 * strength[..., None, None]
    found = waves @ blocks @ waves.T
    kept = waves.T @ ((found / steps).round() * steps) @ waves
    return kept.transpose(3, 4).reshape(batch, count, rows, columns)[..., :height, :width]


def _waves(like: Tensor) -> Float[Tensor, "wave place"]:
    """The orthonormal cosine waves of a block."""
    places = torch.arange(_BLOCK, device=like.device, dtype=like.dtype)
    waves = (math.pi / _BLOCK * (places + 0.5) * places[:, None]).cos() * math.sqrt(2 / _BLOCK)
    waves[0] /= math.sqrt(2)
    return waves
