"""The convolution blocks that all networks are built from."""

from collections.abc import Iterable
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import interpolate

Norm = Literal["batch", "instance", "none"]


def conv_block(
    inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, norm: Norm = "batch"
) -> nn.Sequential:
    """A convolution, its normalisation and ReLU [release, `models/networks.py`].

    The convolution has no bias under batch norm, which has its own, and one otherwise. Instance
    norm has neither weights nor running statistics.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=norm != "batch")
    ]
    if norm == "batch":
        layers.append(nn.BatchNorm2d(outputs))
    elif norm == "instance":
        layers.append(nn.InstanceNorm2d(outputs))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


def double(features: Tensor) -> Tensor:
    """The feature map at twice the height and width, interpolated."""
    return interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)


def initialise(network: nn.Module, *, spread: float = 0.02) -> None:
    """Draw the convolutions' weights from N(0, spread) and the norms' from N(1, spread) [release].

    Biases start at zero.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0.0, spread)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, spread)
            nn.init.zeros_(module.bias)


class DownwardStages(nn.Module):
    """From an image to features at an eighth of its size, keeping every stage.

    A 7×7 stem and a convolution at full size, then three times a stride-2 convolution to twice the
    channels and a convolution [release].

    Args:
        inputs: Channels of the image.
        width: Channels of the first stage.
        norm: Normalisation in every block.
    """

    def __init__(self, *, inputs: int, width: int, norm: Norm) -> None:
        super().__init__()
        stages = [
            nn.Sequential(
                conv_block(inputs, width, 7, norm=norm), conv_block(width, width, norm=norm)
            )
        ]
        stages += [_halving(width * 2**stage, norm=norm) for stage in range(3)]
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The features of the four stages, at 1, 1/2, 1/4 and 1/8 of the size."""
        return _through(self.stages, image)


class CompactStages(nn.Module):
    """From an image to features at a sixteenth of its size, none at full resolution.

    A stride-2 stem, then three times a stride-2 convolution to twice the channels and a
    convolution.

    Args:
        inputs: Channels of the image.
        width: Channels of the first stage.
        depth: Stride-2 convolutions after the stem.
        norm: Normalisation in every block.
    """

    def __init__(self, *, inputs: int, width: int, depth: int = 3, norm: Norm) -> None:
        super().__init__()
        stages = [conv_block(inputs, width, 5, stride=2, norm=norm)]
        stages += [_halving(width * 2**stage, norm=norm) for stage in range(depth)]
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The features of the stages, at 1/2, 1/4, 1/8 ... of the size."""
        return _through(self.stages, image)


def _halving(channels: int, *, norm: Norm) -> nn.Sequential:
    """A stride-2 convolution to twice the channels, and another."""
    return nn.Sequential(
        conv_block(channels, 2 * channels, stride=2, norm=norm),
        conv_block(2 * channels, 2 * channels, norm=norm),
    )


def _through(stages: Iterable[nn.Module], image: Tensor) -> list[Tensor]:
    """What comes out of each stage, one after the other."""
    features = []
    for stage in stages:
        image = stage(image)
        features.append(image)
    return features
