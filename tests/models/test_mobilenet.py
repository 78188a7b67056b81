"""MobileNetV2 as far as its last block."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, relu6
from torch.testing import assert_close

from keypointgan.errors import CheckpointError
from keypointgan.models.mobilenet import MobileNetV2, Unit
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
    folded: dict[str, Tensor], frames: Tensor, tmp_path: Path
) -> None:
    """On any frames, as the norms use what they were settled on."""
    save_file(folded, tmp_path / "weights.safetensors")
    network = MobileNetV2().eval()
    network.adopt(tmp_path / "weights.safetensors", frames)
    for some in (frames, frames.flip(-1)[:1]):
        for found, wanted in zip(network(some), _plain(folded, some), strict=True):
            assert_close(found, wanted, atol=1e-3, rtol=1e-3)


def test_adopted_weights_keep_their_spread_while_they_are_trained(
    folded: dict[str, Tensor], frames: Tensor, tmp_path: Path
) -> None:
    """The norms of the batch that they were settled on change nothing either."""
    save_file(folded, tmp_path / "weights.safetensors")
    network = MobileNetV2().train()
    network.adopt(tmp_path / "weights.safetensors", frames)
    assert network.training
    found, wanted = network(frames)[0], _plain(folded, frames)[0]
    assert_close(found, wanted, atol=1e-2, rtol=1e-2)


def test_torchvision_s_weights_are_read_too(generator: torch.Generator, tmp_path: Path) -> None:
    """With its batch norms, and frames normalised as it normalises them.

    Frames of one colour have no borders at which paddings would differ but those of the picture.
    """
    stem = nn.Sequential(nn.Conv2d(3, 32, 3, stride=2, bias=False), nn.BatchNorm2d(32), nn.ReLU6())
    block = nn.Sequential(
        nn.Conv2d(32, 32, 3, groups=32, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU6(),
        nn.Conv2d(32, 16, 1, bias=False),
        nn.BatchNorm2d(16),
    )
    theirs = _torchvision(generator)
    for place, name in ((0, "features.0.0"), (1, "features.0.1")):
        theirs |= _filled(stem[place], name, generator)
    names = ("conv.0.0", "conv.0.1", "", "conv.1", "conv.2")
    for layer, name in zip(block, names, strict=True):
        theirs |= _filled(layer, f"features.1.{name}", generator) if name else {}
    torch.save(theirs, tmp_path / "weights.pth")
    frames = torch.rand(4, 3, 1, 1, generator=generator).expand(4, 3, 64, 64)
    network = MobileNetV2().eval()
    network.adopt(tmp_path / "weights.pth", frames * 2 - 1)
    mean, spread = (torch.tensor(each)[:, None, None] for each in (MEAN, SPREAD))
    with torch.no_grad():
        wanted = block.eval()(stem.eval()((frames - mean) / spread))[:, :, 5, 5]
        found = network.blocks[0](network.stem(frames * 2 - 1))[:, :, 5, 5]
    assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    assert float(wanted.std(dim=0).mean()) > 0.01, "they depend on the colour"


def _torchvision(generator: torch.Generator) -> dict[str, Tensor]:
    """Weights of all layers under torchvision's names, batch norms and all."""
    found: dict[str, Tensor] = {}
    for name, module in MobileNetV2().named_modules():
        if not isinstance(module, Unit):
            continue
        conv, norm = _their_names(name)
        found |= _filled(module.conv, conv, generator) | _filled(module.norm, norm, generator)
    return found


def _their_names(name: str) -> tuple[str, str]:
    if name == "stem":
        return "features.0.0", "features.0.1"
    _, index, part = name.split(".")
    first = index == "0"
    place = {"expand": 0, "dw": 0 if first else 1, "project": 1 if first else 2}[part]
    before = f"features.{int(index) + 1}.conv"
    if part == "project":
        return f"{before}.{place}", f"{before}.{place + 1}"
    return f"{before}.{place}.0", f"{before}.{place}.1"


def _filled(layer: nn.Module, name: str, generator: torch.Generator) -> dict[str, Tensor]:
    """A layer with other weights and statistics than at first, and these under a name."""
    with torch.no_grad():
        for key, value in layer.state_dict().items():
            if value.is_floating_point():
                value.normal_(0.0, 0.2, generator=generator)
                if key in ("running_var",) or (key == "weight" and value.ndim == 1):
                    value.abs_().add_(0.5)
    return {f"{name}.{key}": value.clone() for key, value in layer.state_dict().items()}


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
    for name in ("absent.safetensors", "notes.safetensors", "notes.pth"):
        with pytest.raises(CheckpointError, match=r"Set\s+student\.backbone_weights"):
            MobileNetV2().adopt(tmp_path / name, frames)
