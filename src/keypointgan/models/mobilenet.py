"""MobileNetV2 as far as its last block: features of a network that has seen a million photographs.

Without its classifier, and with batch norms put back where published weights have them folded into
the convolutions, so that it can be trained further.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from keypointgan.errors import CheckpointError
from keypointgan.ops.imagenet import MEAN, SPREAD, read_weights
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
_EPSILON = 1e-5  # of torchvision's batch norms
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
            path: Safetensors with `stem`, `blocks.INDEX.expand`, `.dw` and `.project`, each with a
                `weight` and a `bias`; or torchvision's state dict, `.pth` or `.safetensors`, whose
                batch norms are folded first. What else is in it is not read.
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
    """The weights in a file, folded and under our names."""
    found = read_weights(
        path,
        name="MobileNetV2",
        otherwise="Set student.backbone_weights to the file, or leave it out.",
    )
    return _folded(found) if "features.0.0.weight" in found else found


def _folded(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of torchvision with batch norms and the normalisation of frames in the convolutions.

    It pads both sides of what it halves, and here only the far ones are padded, so each halving
    looks a pixel further to the lower right than it was learnt for.
    """
    found = {}
    for name, conv, norm in _torchvision_names():
        if not {f"{conv}.weight", f"{norm}.weight", f"{norm}.running_var"} <= weights.keys():
            continue  # told where it is looked for
        spread = (weights[f"{norm}.running_var"] + _EPSILON).sqrt()
        gain = weights[f"{norm}.weight"] / spread
        found[f"{name}.weight"] = weights[f"{conv}.weight"] * gain[:, None, None, None]
        found[f"{name}.bias"] = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
    if "stem.weight" in found:
        stem = found["stem.weight"]
        mean, spread = (stem.new_tensor(each)[:, None, None] for each in (MEAN, SPREAD))
        found["stem.bias"] = found["stem.bias"] + (stem * (0.5 - mean) / spread).sum(dim=(1, 2, 3))
        found["stem.weight"] = stem * 0.5 / spread
    return found


def _torchvision_names() -> Iterator[tuple[str, str, str]]:
    """Our name of each convolution, and torchvision's of it and of its batch norm."""
    yield "stem", "features.0.0", "features.0.1"
    for index in range(_STAGES[-1]):
        before = f"features.{index + 1}.conv"
        parts = ["dw"] if index == 0 else ["expand", "dw"]
        for place, part in enumerate(parts):
            yield f"blocks.{index}.{part}", f"{before}.{place}.0", f"{before}.{place}.1"
        last = len(parts)
        yield f"blocks.{index}.project", f"{before}.{last}", f"{before}.{last + 1}"


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
