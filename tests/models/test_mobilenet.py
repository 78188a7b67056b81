"""MobileNetV2 as far as its last block."""

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, relu6
from torch.testing import assert_close

from keypointgan.errors import CheckpointError
from keypointgan.models.mobilenet import MobileNetV2
from keypointgan.ops.imagenet import MEAN, SPREAD

_STRIDES = {0: 1, 1: 2, 2: 1, 3: 2, 6: 2, 13: 2}


@pytest.fixture
def folded(generator: torch.Generator) -> dict[str, Tensor]:
    """Weights without batch norms, as they are published."""
    found = {}
    for name, module in MobileNetV2().named_modules():
        if isinstance(module, nn.Conv2d):
            unit, shape = name.removesuffix(".conv"), module.weight.shape
            spread = (2 / shape[1:].numel()) ** 0.5
            found[f"{unit}.weight"] = torch.randn(*shape, generator=generator) * spread
            found[f"{unit}.bias"] = torch.randn(shape[0], generator=generator) * 0.3
    return found


@pytest.fixture
def weights(folded: dict[str, Tensor], tmp_path: Path) -> Path:
    """The file that they are in."""
    save_file(folded, tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


@pytest.fixture
def frames(generator: torch.Generator) -> Tensor:
    return torch.rand(6, 3, 64, 64, generator=generator) * 2 - 1


def _plain(weights: dict[str, Tensor], features: Tensor) -> list[Tensor]:
    """The network without batch norms, written out: what the weights were published for."""

    def convolve(name: str, inputs: Tensor, *, stride: int = 1, bent: bool = True) -> Tensor:
        weight = weights[f"{name}.weight"]
        kernel = weight.shape[-1]
        around = (0, 1, 0, 1) if stride == 2 else (kernel // 2,) * 4
        groups = inputs.shape[1] if weight.shape[1] == 1 else 1
        found = conv2d(
            pad(inputs, around), weight, weights[f"{name}.bias"], stride=stride, groups=groups
        )
        return relu6(found) if bent else found

    features, outputs = convolve("stem", features, stride=2), []
    for index in range(17):
        inputs = features
        if index:
            features = convolve(f"blocks.{index}.expand", features)
        features = convolve(f"blocks.{index}.dw", features, stride=_STRIDES.get(index, 1))
        features = convolve(f"blocks.{index}.project", features, bent=False)
        if features.shape == inputs.shape:
            features = features + inputs
        outputs.append(features)
    return [outputs[index] for index in (2, 5, 12, 16)]


def test_features_shrink_from_a_quarter_to_a_thirty_second(frames: Tensor) -> None:
    found = MobileNetV2().eval()(frames)
    assert [tuple(features.shape[1:]) for features in found] == [
        (24, 16, 16),
        (32, 8, 8),
        (96, 4, 4),
        (320, 2, 2),
    ]


def test_adopted_weights_give_what_they_gave_without_batch_norms(
    folded: dict[str, Tensor], weights: Path, frames: Tensor
) -> None:
    """On any frames, as the norms use what they were settled on."""
    network = MobileNetV2().eval()
    network.adopt(weights, frames)
    for some in (frames, frames.flip(-1)[:1]):
        for found, wanted in zip(network(some), _plain(folded, some), strict=True):
            assert_close(found, wanted, atol=1e-3, rtol=1e-3)


def test_adopted_weights_keep_their_spread_while_they_are_trained(
    folded: dict[str, Tensor], weights: Path, frames: Tensor
) -> None:
    """The norms of the batch that they were settled on change nothing either."""
    network = MobileNetV2().train()
    network.adopt(weights, frames)
    assert network.training
    found, wanted = network(frames)[0], _plain(folded, frames)[0]
    assert_close(found, wanted, atol=1e-2, rtol=1e-2)


def test_torchvision_s_weights_are_read_too(
    frames: Tensor, generator: torch.Generator, tmp_path: Path
) -> None:
    """Batch norms, names and the normalisation of frames are theirs; padding is ours."""
    theirs = _Torchvision().train()
    with torch.no_grad():
        for norm in theirs.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.weight.copy_(torch.rand(norm.weight.shape, generator=generator) + 0.5)
                norm.bias.copy_(torch.rand(norm.bias.shape, generator=generator))
                norm.momentum = 1.0
        theirs(frames)  # its running means are those of the frames
    theirs.eval()
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    network = MobileNetV2().eval()
    network.adopt(tmp_path / "weights.pth", frames)
    with torch.no_grad():
        wanted = theirs(frames)
        for found, features in zip(network(frames), wanted, strict=True):
            assert_close(found, features, atol=1e-3, rtol=1e-3)
    assert float(wanted[-1].std(dim=0).mean()) > 0.1, "they depend on the frame"


class _Torchvision(nn.Module):
    """Modules that lie as in torchvision, so that weights have its names; padded as ours."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolved(3, 32, 3, stride=2)]
        inputs = 32
        for expansion, outputs, count, first in (
            *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
            *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
        ):
            for index in range(count):
                layers.append(_Inverted(inputs, outputs, expansion, first if index == 0 else 1))
                inputs = outputs
        self.features = nn.Sequential(*layers)

    def forward(self, frame: Tensor) -> list[Tensor]:
        mean, spread = (torch.tensor(each)[:, None, None] for each in (MEAN, SPREAD))
        features = pad(frame, (0, 1, 0, 1))  # where the stem looks over the edge is mid-grey
        found = []
        for layer in self.features:
            if layer is self.features[0]:
                features = nn.Sequential(*layer[1:])(((features + 1) / 2 - mean) / spread)
            else:
                features = layer(features)
            found.append(features)
        return [found[index] for index in (3, 6, 13, 17)]


class _Inverted(nn.Module):
    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        widening = [_convolved(inputs, wide, 1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *widening,
            _convolved(wide, wide, 3, stride=stride, groups=wide),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.added = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        found = self.conv(features)
        return features + found if self.added else found


def _convolved(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    around = (0, 1, 0, 1) if stride == 2 else (kernel // 2,) * 4
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, groups=groups, bias=False)
    layers = {"0": conv, "1": nn.BatchNorm2d(outputs), "2": nn.ReLU6()}
    return nn.Sequential(OrderedDict({"around": nn.ZeroPad2d(around)} | layers))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stem.weight": torch.zeros(16, 3, 3, 3)}, r"'stem\.weight' of the shape \(32, 3, 3, 3\)"),
        ({"blocks.4.dw.bias": None}, r"expected MobileNetV2 of width 1 with a 'blocks\.4\.dw"),
    ],
)
def test_other_weights_are_refused(
    folded: dict[str, Tensor],
    frames: Tensor,
    tmp_path: Path,
    change: dict[str, Tensor | None],
    message: str,
) -> None:
    kept = {key: value for key, value in (folded | change).items() if value is not None}
    save_file(kept, tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match=message):
        MobileNetV2().adopt(tmp_path / "weights.safetensors", frames)


def test_what_is_no_file_of_weights_is_refused(frames: Tensor, tmp_path: Path) -> None:
    (tmp_path / "notes.safetensors").write_text("no weights", encoding="utf-8")
    (tmp_path / "notes.pth").write_text("no weights", encoding="utf-8")
    torch.save([1, 2], tmp_path / "list.pth")
    for name, message in (
        ("absent.safetensors", r"found no file\. Set student\.backbone_weights"),
        ("notes.safetensors", "MobileNetV2, got a file that cannot be read"),
        ("notes.pth", "MobileNetV2, got a file that cannot be read"),
        ("list.pth", "expected a state dict of MobileNetV2, got a list"),
    ):
        with pytest.raises(CheckpointError, match=message):
            MobileNetV2().adopt(tmp_path / name, frames)
