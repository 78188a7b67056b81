"""Layers of features, the weights they are read from, and what happens without them."""

from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.testing import assert_close

from keypointgan.errors import CheckpointError
from keypointgan.losses.features import Pyramid, SqueezeNet, Vgg19


@pytest.fixture(scope="module")
def squeezenet(shared_data: Path) -> SqueezeNet:
    file = shared_data / "perceptual" / "squeezenet1_0_deepcompressed_fp16.safetensors"
    if not file.is_file():
        pytest.skip(f"no weights of SqueezeNet at {file}")
    return SqueezeNet(file)


def test_a_pyramid_holds_the_frame_and_the_means_of_its_squares() -> None:
    frame = torch.arange(16.0).view(1, 1, 4, 4).expand(1, 3, 4, 4)
    full, half, quarter = Pyramid(scales=3)(frame)
    assert_close(full, frame)
    assert_close(half[0, 2], torch.tensor([[2.5, 4.5], [10.5, 12.5]]))
    assert_close(quarter[0, 1], torch.tensor([[7.5]]))


def test_squeezenet_has_the_layers_of_its_paper(squeezenet: SqueezeNet) -> None:
    """Iandola et al. 2016, table 1; a 7×7 stem of stride 2, pools of 3×3 and stride 2, ceiled."""
    layers = squeezenet(torch.zeros(2, 3, 128, 128))
    assert [tuple(layer.shape[1:]) for layer in layers] == [
        (3, 128, 128),
        (96, 61, 61),
        (256, 30, 30),
        (512, 15, 15),
        (512, 7, 7),
    ]


def test_squeezenet_takes_the_smallest_frames(squeezenet: SqueezeNet) -> None:
    assert [layer.shape[-1] for layer in squeezenet(torch.zeros(1, 3, 64, 64))] == [
        64,
        29,
        14,
        7,
        3,
    ]


def test_squeezenet_tells_frames_apart(squeezenet: SqueezeNet, generator: torch.Generator) -> None:
    """Weights that were read under wrong names would leave layers dead."""
    frames = torch.rand(2, 3, 64, 64, generator=generator) * 2 - 1
    for layer in squeezenet(frames):
        assert (layer[0] - layer[1]).abs().mean() > 0.01
        assert layer.isfinite().all()


def test_gradient_reaches_the_frame_and_no_weight(
    squeezenet: SqueezeNet, generator: torch.Generator
) -> None:
    frame = (torch.rand(1, 3, 64, 64, generator=generator) * 2 - 1).requires_grad_()
    squeezenet(frame)[-1].sum().backward()
    assert frame.grad is not None
    assert frame.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in squeezenet.parameters())
    assert not any(weight.requires_grad for weight in squeezenet.parameters())


def test_absent_weights_name_the_setting_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"absent\.pth.*loss\.features_weights.*pyramid"):
        SqueezeNet(tmp_path / "absent.pth")


def test_the_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file({"features.0.weight": torch.zeros(96, 3, 7, 7)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match=r"SqueezeNet.*missing, 'features\.0\.bias' first"):
        SqueezeNet(tmp_path / "other.safetensors")


def test_weights_of_other_shapes_are_refused(tmp_path: Path, squeezenet: SqueezeNet) -> None:
    weights = {k: v for k, v in squeezenet.state_dict().items() if k.startswith("features")}
    weights["features.0.weight"] = torch.zeros(64, 3, 3, 3)  # as of SqueezeNet 1.1
    save_file(weights, tmp_path / "newer.safetensors")
    with pytest.raises(
        CheckpointError, match=r"SqueezeNet.*'features\.0\.weight'.*\(96, 3, 7, 7\)"
    ):
        SqueezeNet(tmp_path / "newer.safetensors")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file_of_weights_is_named(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"cut{suffix}"
    file.write_bytes(b"\x80\x02 not weights")
    with pytest.raises(CheckpointError, match=f"cut{suffix}.*SqueezeNet.*cannot be read"):
        SqueezeNet(file)


def test_vgg_offline_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with (
        torch.device("meta"),  # the weights themselves are not needed
        pytest.raises(CheckpointError, match=r"no route to host.*loss\.features_weights.*pyramid"),
    ):
        Vgg19()


def test_vgg_reads_the_six_layers_of_the_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Input and conv1_2 to conv5_2; with zero weights and biases of 1 every one is 1."""
    monkeypatch.setattr("keypointgan.losses.features._VGG_CHANNELS", ((4, 4), (6, 6), (8,) * 4))
    channels = (3, 4, 4, 6, 6, 8, 8, 8, 8)
    places = (0, 2, 5, 7, 10, 12, 14, 16)  # torchvision's, with ReLU and pools between
    weights = {}
    for place, inputs, outputs in zip(places, channels, channels[1:], strict=False):
        weights[f"features.{place}.weight"] = torch.zeros(outputs, inputs, 3, 3)
        weights[f"features.{place}.bias"] = torch.ones(outputs)
    save_file(weights, tmp_path / "vgg.safetensors")
    network = Vgg19(tmp_path / "vgg.safetensors")
    frame = torch.zeros(1, 3, 16, 16)
    layers = network(frame)
    assert [tuple(layer.shape[1:]) for layer in layers] == [
        (3, 16, 16),
        (4, 16, 16),
        (6, 8, 8),
        (8, 4, 4),
    ]
    assert_close(layers[0], frame)
    for layer in layers[1:]:
        assert_close(layer, torch.ones_like(layer))
    assert all(
        isinstance(module, nn.Conv2d | nn.ReLU | nn.MaxPool2d) for module in network.features
    )
