"""What "the same frame" is judged by: features of an ImageNet network, or multi-scale pixels.

All are frozen and take frames in [-1, 1].
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d

from keypointgan.errors import CheckpointError
from keypointgan.ops.imagenet import MEAN, SPREAD, read_weights
from keypointgan.types import Frames

_VGG_CHANNELS = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512))
_VGG_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
_VGG_SHA256_PREFIX = "dcbb9e9d"
_FIRE_SHAPES = {3: (96, 16, 64), 4: (128, 16, 64), 5: (128, 32, 128), 7: (256, 32, 128)}
_FIRE_SHAPES |= {8: (256, 48, 192), 9: (384, 48, 192), 10: (384, 64, 256), 12: (512, 64, 256)}


class Pyramid(nn.Module):
    """The frame itself at several scales, each half of the one before; needs no weights.

    Args:
        scales: Number of scales.
    """

    def __init__(self, *, scales: int = 4) -> None:
        super().__init__()
        self.scales = scales

    def forward(self, frame: Frames) -> list[Tensor]:
        """The frame at 1, 1/2, 1/4 ... of its size."""
        layers = [frame]
        for _ in range(self.scales - 1):
            layers.append(avg_pool2d(layers[-1], 2))
        return layers


class _ImageNetFeatures(nn.Module):
    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor(SPREAD).view(1, 3, 1, 1))

    def _normalised(self, frame: Frames) -> Tensor:
        return ((frame + 1) / 2 - self.mean) / self.spread

    def _freeze(self) -> None:
        self.requires_grad_(False).eval()


class Vgg19(_ImageNetFeatures):
    """VGG-19 at the input, conv1_2, 2_2, 3_2, 4_2 and 5_2 [release].

    Args:
        weights: torchvision's state dict, `.pth` or `.safetensors`; downloaded (548 MB, checked
            against its checksum) and kept in torch's cache if absent.

    Raises:
        CheckpointError: No download and no file, or not VGG-19's weights.
    """

    def __init__(self, weights: Path | None = None) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self._taps = set()
        inputs = 3
        for stage in _VGG_CHANNELS:
            for index, outputs in enumerate(stage):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
                inputs = outputs
                if index == 1:
                    self._taps.add(len(layers) - 1)
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers[:-1])
        _load_features(self, weights or _downloaded_vgg(), name="VGG-19")
        self._freeze()

    def forward(self, frame: Frames) -> list[Tensor]:
        """The six layers, the input first."""
        layers = [frame]
        features = self._normalised(frame)
        for index, layer in enumerate(self.features):
            features = layer(features)
            if index in self._taps:
                layers.append(features)
        return layers


class SqueezeNet(_ImageNetFeatures):
    """SqueezeNet 1.0 at the input, the stem and the end of each of its pooling stages.

    A fifteenth of VGG-19's arithmetic, and small enough to lie beside a data set.

    Args:
        weights: A state dict under torchvision's names, `.pth` or `.safetensors`.

    Raises:
        CheckpointError: No such file, or not SqueezeNet's weights.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        modules: dict[str, nn.Module] = {"0": nn.Conv2d(3, 96, 7, stride=2)}
        modules |= {str(index): _Fire(*shape) for index, shape in _FIRE_SHAPES.items()}
        self.features = nn.ModuleDict(modules)
        _load_features(self, weights, name="SqueezeNet")
        self._freeze()

    def forward(self, frame: Frames) -> list[Tensor]:
        """The five layers, the input first."""
        layers = [frame, torch.relu(self.features["0"](self._normalised(frame)))]
        features = layers[-1]
        for stage in ((3, 4, 5), (7, 8, 9, 10), (12,)):
            if stage != (12,) or features.shape[-1] >= 3:
                features = max_pool2d(features, 3, stride=2, ceil_mode=True)
            for index in stage:
                features = self.features[str(index)](features)
            layers.append(features)
        return layers


class _Fire(nn.Module):
    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        squeezed = torch.relu(self.squeeze(features))
        return torch.relu(torch.cat([self.expand1x1(squeezed), self.expand3x3(squeezed)], dim=1))


def _load_features(network: nn.Module, path: Path, *, name: str) -> None:
    """Load the convolutions that `network` has from a file that may hold more."""
    weights = read_weights(
        path,
        name=name,
        otherwise="Set loss.features_weights to the file, or loss.features to 'pyramid', which "
        "needs none.",
    )
    wanted = {k: value for k, value in network.state_dict().items() if k.startswith("features.")}
    found = {key: value.float() for key, value in weights.items() if key in wanted}
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        raise CheckpointError(
            f"{path}: expected the weights of {name} under torchvision's names; "
            f"{len(missing)} are missing, '{missing[0]}' first."
        )
    for key, value in found.items():
        if value.shape != wanted[key].shape:
            raise CheckpointError(
                f"{path}: expected the weights of {name}, whose '{key}' has the shape "
                f"{tuple(wanted[key].shape)}, got {tuple(value.shape)}: another version of it."
            )
    network.load_state_dict(found, strict=False)


def _downloaded_vgg() -> Path:
    """The path of VGG-19's weights in torch's cache, fetched on first use."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / "vgg19-dcbb9e9d.pth"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(_VGG_URL, str(path), hash_prefix=_VGG_SHA256_PREFIX)
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"VGG-19's weights could not be downloaded from {_VGG_URL} ({error}). Fetch the file "
            "elsewhere and set loss.features_weights to it, or set loss.features to 'pyramid' or "
            "'squeezenet'."
        ) from error
    return path
