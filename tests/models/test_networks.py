import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from keypointgan.models.decoder import CompactDecoder, Decoder
from keypointgan.models.discriminator import Discriminator
from keypointgan.models.encoder import CompactEncoder, Encoder
from keypointgan.models.regressor import CompactRegressor, Regressor

Enliven = Callable[[nn.Module], nn.Module]

ENCODERS = [Encoder, CompactEncoder]
DECODERS = [Decoder, CompactDecoder]
REGRESSORS = [Regressor, CompactRegressor]


def _images(generator: torch.Generator, channels: int, *, size: tuple[int, int]) -> Tensor:
    return torch.rand(3, channels, *size, generator=generator) * 2 - 1


def _parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize("size", [(64, 64), (96, 48)])
@pytest.mark.parametrize("kind", ENCODERS)
def test_a_skeleton_image_has_the_size_of_its_frame(
    generator: torch.Generator, kind: type[Any], size: tuple[int, int]
) -> None:
    skeleton = kind(channels=3, width=4)(_images(generator, 3, size=size))
    assert skeleton.shape == (3, 3, *size)


@pytest.mark.parametrize("size", [(64, 64), (96, 48)])
@pytest.mark.parametrize("kind", DECODERS)
def test_a_rebuilt_frame_has_the_size_of_its_reference(
    generator: torch.Generator, kind: type[Any], size: tuple[int, int]
) -> None:
    rendered, reference = (_images(generator, count, size=size) for count in (2, 3))
    assert kind(channels=2, width=4)(rendered, reference).shape == (3, 3, *size)


@pytest.mark.parametrize(("size", "cells"), [((64, 64), (8, 8)), ((96, 48), (12, 6))])
@pytest.mark.parametrize("kind", REGRESSORS)
def test_heatmaps_have_an_eighth_of_the_size(
    generator: torch.Generator, kind: type[Any], size: tuple[int, int], cells: tuple[int, int]
) -> None:
    heatmaps = kind(keypoints=5, channels=2, width=4)(_images(generator, 2, size=size))
    assert heatmaps.shape == (3, 5, *cells)


def test_patches_of_the_discriminators_are_those_of_the_release(
    generator: torch.Generator,
) -> None:
    """14, 6 and 2 a side at 128 pixels, as its recorded scores have."""
    scores = Discriminator(width=4)(_images(generator, 1, size=(128, 128)))
    assert [tuple(each.shape) for each in scores] == [
        (3, 1, 14, 14),
        (3, 1, 6, 6),
        (3, 1, 2, 2),
    ]


def test_the_discriminators_judge_smaller_pictures_at_fewer_scales(
    generator: torch.Generator,
) -> None:
    scores = Discriminator(width=4, channels=3, scales=2)(_images(generator, 3, size=(64, 64)))
    assert [tuple(each.shape[2:]) for each in scores] == [(6, 6), (2, 2)]


@pytest.mark.parametrize(
    ("network", "channels"),
    [
        (Encoder(width=4), (3,)),
        (CompactEncoder(width=4), (3,)),
        (Decoder(width=4), (1, 3)),
        (CompactDecoder(width=4), (1, 3)),
        (Regressor(keypoints=5, width=4), (1,)),
        (CompactRegressor(keypoints=5, width=4), (1,)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_in_evaluation_each_image_is_treated_alone(
    generator: torch.Generator, enliven: Enliven, network: nn.Module, channels: tuple[int, ...]
) -> None:
    enliven(network)
    inputs = [_images(generator, count, size=(64, 64)) for count in channels]
    with torch.no_grad():
        together = network(*inputs)
        alone = [network(*(image[[row]] for image in inputs)) for row in range(3)]
    assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-4)
    assert (together[0] - together[1]).abs().max() > 0.01


def test_the_discriminators_treat_each_image_alone(
    generator: torch.Generator, enliven: Enliven
) -> None:
    network, images = enliven(Discriminator(width=4)), _images(generator, 1, size=(128, 128))
    with torch.no_grad():
        together, first = network(images), network(images[:1])
    for all_scores, scores in zip(together, first, strict=True):
        assert_close(all_scores[:1], scores, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("release", "compact"),
    [
        (Encoder(), CompactEncoder()),
        (Decoder(), CompactDecoder()),
    ],
    ids=["encoder", "decoder"],
)
def test_the_compact_networks_have_one_convolution_at_full_size_at_most(
    generator: torch.Generator, release: nn.Module, compact: nn.Module
) -> None:
    """The release's have several, at both ends; the compact encoder's draws the skeleton image."""

    def at_full_size(network: nn.Module) -> int:
        sizes = []
        hooks = [
            module.register_forward_hook(lambda _, __, output: sizes.append(output.shape[-1]))
            for module in network.modules()
            if isinstance(module, nn.Conv2d)
        ]
        frame = torch.zeros(1, 3, 64, 64)
        inputs = (frame,) if "Encoder" in type(network).__name__ else (frame[:, :1], frame)
        with torch.no_grad():
            network.eval()(*inputs)
        for hook in hooks:
            hook.remove()
        return sizes.count(64)

    assert at_full_size(release) > 2
    assert at_full_size(compact) <= 1


def test_the_networks_have_the_number_of_weights_of_the_release() -> None:
    """Counted in the state dicts of its checkpoints: G_A, G_B and the regressor of 32 points."""
    counts = [_parameters(net) for net in (Encoder(), Decoder(), Regressor(keypoints=32))]
    assert counts == [3_124_801, 4_825_635, 1_181_184]


def test_weights_are_drawn_with_the_spread_of_the_release() -> None:
    """N(0, 0.02): within 2 % over the 590,000 weights of the widest layer; biases are zero."""
    encoder, regressor = Encoder(), Regressor(keypoints=4)
    weight = encoder.down.stages[3][1][0].weight
    assert_close(weight.std(), torch.tensor(0.02), rtol=0.02, atol=0)
    assert_close(weight.mean(), torch.tensor(0.0), rtol=0, atol=2e-4)
    assert_close(regressor.out.bias, torch.zeros(4))


def test_a_convolution_has_a_bias_unless_batch_norm_follows() -> None:
    for network, biased in ((Encoder(width=4), False), (Regressor(keypoints=5, width=4), True)):
        blocks = [
            block[0]
            for stage in network.down.stages
            for block in stage
            if isinstance(block, nn.Sequential)
        ]
        assert [block.bias is not None for block in blocks] == [biased] * 8


def test_instance_norm_learns_and_remembers_nothing() -> None:
    regressor = Regressor(keypoints=5, width=4)
    norms = [module for module in regressor.modules() if isinstance(module, nn.InstanceNorm2d)]
    assert len(norms) == 8
    assert not [*itertools.chain.from_iterable(norm.state_dict() for norm in norms)]


def test_spectral_norm_bounds_each_convolution() -> None:
    """After some power iterations the largest singular value of each weight matrix is 1."""
    network = Discriminator(width=4, scales=1, spectral_norm=True)
    for _ in range(30):
        network(torch.zeros(1, 1, 32, 32))
    network.eval()
    largest = [
        torch.linalg.matrix_norm(module.weight.flatten(1), ord=2).detach()
        for module in network.modules()
        if isinstance(module, nn.Conv2d)
    ]
    assert_close(torch.stack(largest), torch.ones(5), rtol=0.05, atol=0)
