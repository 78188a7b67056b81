"""Our functions against numbers recorded from the authors' code with random weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from keypointgan.models.decoder import Decoder
from keypointgan.models.encoder import Encoder
from keypointgan.models.keypointgan import KeypointGAN, Reconstruction
from keypointgan.models.regressor import Regressor
from keypointgan.models.release import read_release
from keypointgan.ops.keypoints import soft_argmax
from keypointgan.ops.render import render_skeleton

Recorded = Callable[[str], Tensor]


def _reader(path: Path) -> Recorded:
    if not path.is_file():
        pytest.skip(f"no recorded numbers at {path}")
    arrays = np.load(path)
    return lambda name: torch.from_numpy(arrays[name])


@pytest.fixture(scope="module")
def operators(shared_data: Path) -> Recorded:
    return _reader(shared_data / "release_parity" / "ops.npz")


@pytest.fixture(scope="module")
def networks(shared_data: Path) -> Recorded:
    return _reader(shared_data / "release_parity" / "networks.npz")


@pytest.fixture(scope="module")
def model(shared_data: Path, operators: Recorded) -> KeypointGAN:
    weights = read_release(shared_data / "release_parity")
    sizes = {"channels": weights.channels, "width": weights.width}
    encoder, decoder = Encoder(**sizes), Decoder(**sizes)
    regressor = Regressor(keypoints=weights.keypoints, **sizes)
    encoder.load_state_dict(weights.encoder)
    decoder.load_state_dict(weights.decoder)
    regressor.load_state_dict(weights.regressor)
    links = [((start,), (stop,)) for start, stop in operators("links").tolist()]
    return KeypointGAN(
        encoder=encoder, regressor=regressor, decoder=decoder, links=links, align_corners=True
    ).eval()


@pytest.fixture(scope="module")
def chain(model: KeypointGAN, networks: Recorded) -> Reconstruction:
    with torch.no_grad():
        return model(networks("frame"), networks("reference"))


def _render(operators: Recorded, points: Tensor) -> Tensor:
    links = [(start, stop) for start, stop in operators("links").tolist()]
    sigma = float(operators("sigma"))
    return render_skeleton(points, links, size=(64, 64), sigma=sigma, align_corners=True)


def test_the_renderer_draws_what_the_release_draws(operators: Recorded) -> None:
    assert_close(_render(operators, operators("points")), operators("image"), atol=1e-5, rtol=0)


def test_the_renderer_has_the_gradient_of_the_release(operators: Recorded) -> None:
    """That of the sum of image times image_weight; its float32 errors are 1e-5 of its largest."""
    points = operators("points").requires_grad_()
    (_render(operators, points) * operators("image_weight")).sum().backward()
    assert_close(points.grad, operators("points_grad"), atol=1e-2, rtol=1e-4)


def test_the_soft_argmax_is_that_of_the_release(operators: Recorded) -> None:
    found = soft_argmax(operators("heatmaps"))
    assert_close(found, operators("soft_argmax"), atol=1e-5, rtol=0)


def test_the_encoder_computes_what_the_release_computes(
    model: KeypointGAN, networks: Recorded
) -> None:
    with torch.no_grad():
        assert_close(model.encoder(networks("frame")), networks("G_A"), atol=1e-4, rtol=1e-4)


def test_the_decoder_computes_what_the_release_computes(
    model: KeypointGAN, networks: Recorded
) -> None:
    with torch.no_grad():
        rebuilt = model.decoder(networks("skeleton_image"), networks("reference"))
    assert_close(rebuilt, networks("G_B"), atol=1e-4, rtol=1e-4)


def test_the_regressor_computes_what_the_release_computes(
    model: KeypointGAN, networks: Recorded
) -> None:
    with torch.no_grad():
        heatmaps = model.regressor(networks("skeleton_image"))
    assert_close(heatmaps, networks("regressor"), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("stage", "recorded"),
    [
        ("skeleton_image", "chain_skeleton"),
        ("keypoints", "chain_points"),
        ("rendered", "chain_rendered"),
        ("frame", "chain_reconstruction"),
    ],
)
def test_the_stages_joined_compute_what_the_release_computes(
    chain: Reconstruction, networks: Recorded, stage: str, recorded: str
) -> None:
    assert_close(getattr(chain, stage), networks(recorded), atol=1e-4, rtol=1e-4)
