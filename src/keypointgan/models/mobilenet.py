"""MobileNetV2 as far as its last block: features of a network that has seen a million photographs.

Without its classifier, and with batch norms put back where published weights have them folded into
the convolutions, so that it can be trained further.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import pad

from keypointgan.errors import CheckpointError
from keypointgan.types import Frames

_BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks and first stride [Sandler et al., CVPR 2018, table 2]."""
_STEM = 32
_STAGES = (3, 6, 13, 17)  # blocks before the end of each: a quarter of the size to a 32nd


class MobileNetV2(nn.Module):
    """The blocks of MobileNetV2 (Sandler et al., CVPR 2018), whose features shrink five times.

    Padding is TensorFlow's "SAME", as in the weights that there are.
    """

    channels = (24, 32, 96, 320)
    """Of its features at a quarter, an eighth, a 16th and a 32nd of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, _STEM, 3, stride=2)
        blocks: list[nn.Module] = []
        inputs = _STEM
        for expansion, outputs, count, first in _BLOCKS:
            for index in range(count):
                stride = first if index == 0 else 1
                blocks.append(Block(inputs, outputs, expansion=expansion, stride=stride))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)

    def forward(self, frame: Frames) -> list[Tensor]:
        """The features at a quarter, an eighth, a 16th and a 32nd of the size."""
        features, found = self.stem(frame), []
        for index, block in enumerate(self.blocks, 1):
            features = block(features)
            if index in _STAGES:
                found.append(features)
        return found

    @torch.no_grad()
    def adopt(self, path: Path, frames: Frames) -> None:
        """Take over weights whose batch norms were folded into the convolutions.

        Each batch norm gets the mean and the spread that its channels have on some frames, so that
        at first it changes nothing.

        Args:
            path: Safetensors: `stem`, `blocks.INDEX.expand`, `.dw` and `.project`, each with a
                `weight` and a `bias`; what else is in it is not read.
            frames: Some of those to be trained on.

        Raises:
            CheckpointError: No such file, or not these weights.
        """
        found = _read(path)
        hooks = []
        for name, unit in self._units():
            weight, bias = found.get(f"{name}.weight"), found.get(f"{name}.bias")
            if weight is None or bias is None or weight.shape != unit.conv.weight.shape:
                raise CheckpointError(
                    f"{path}: expected MobileNetV2 of width 1 with a '{name}.weight' of the shape "
                    f"{tuple(unit.conv.weight.shape)} and a bias, got "
                    f"{'none' if weight is None else f'the shape {tuple(weight.shape)}'}. Name "
                    "such a file with student.backbone_weights, or leave it out."
                )
            unit.conv.weight.copy_(weight)
            settle = partial(_settle, unit.norm, bias.to(unit.conv.weight))
            hooks.append(unit.conv.register_forward_hook(settle))
        was_training = self.training
        self.eval()(frames)
        self.train(was_training)
        for hook in hooks:
            hook.remove()

    def _units(self) -> Iterator[tuple[str, "Unit"]]:
        for name, module in self.named_modules():
            if isinstance(module, Unit):
                yield name, module


class Block(nn.Module):
    """Widen by 1×1, filter each channel, narrow by 1×1; added to what came in where it fits."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = Unit(inputs, wide, 1) if expansion > 1 else nn.Identity()
        self.dw = Unit(wide, wide, 3, stride=stride, groups=wide)
        self.project = Unit(wide, outputs, 1, bent=False)
        self.added = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """The features, refined."""
        found = self.project(self.dw(self.expand(features)))
        return features + found if self.added else found


class Unit(nn.Module):
    """A convolution with "SAME" padding, batch norm and, if `bent`, ReLU6."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        bent: bool = True,
    ) -> None:
        super().__init__()
        around = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride=stride, padding=around, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(outputs)
        self.bent = nn.ReLU6(inplace=True) if bent else nn.Identity()
        self.halves = stride == 2

    def forward(self, features: Tensor) -> Tensor:
        """The features, convolved."""
        if self.halves:
            height, width = features.shape[-2:]
            features = pad(features, (width % 2, 1, height % 2, 1))
        return self.bent(self.norm(self.conv(features)))


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path}: expected the weights of MobileNetV2 as safetensors, got {error}. Set "
            "student.backbone_weights to the file, or leave it out."
        ) from error


def _settle(
    norm: nn.BatchNorm2d,
    bias: Float[Tensor, " channel"],
    _conv: nn.Module,
    _inputs: tuple[Tensor, ...],
    output: Tensor,
) -> None:
    """Let the norm add the bias and change nothing else."""
    variance, mean = torch.var_mean(output.float(), dim=(0, 2, 3))
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(mean + bias)
