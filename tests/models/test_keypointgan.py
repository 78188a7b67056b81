from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from keypointgan.models.decoder import CompactDecoder
from keypointgan.models.encoder import CompactEncoder
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.models.regressor import CompactRegressor

Enliven = Callable[[nn.Module], nn.Module]

LINKS = (((0,), (1,)), ((1,), (2,)), ((0, 2), (3,)))


class _Fixed(nn.Module):
    """Stands for a network whose output does not depend on its input."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output

    def forward(self, image: Tensor) -> Tensor:
        return self.output.expand(len(image), *self.output.shape[1:])


def _model(
    *, regressor: nn.Module | None = None, groups: tuple[int, ...] | None = None
) -> KeypointGAN:
    channels = 1 if groups is None else max(groups) + 1
    return KeypointGAN(
        encoder=CompactEncoder(channels=channels, width=4),
        regressor=regressor or CompactRegressor(keypoints=4, channels=channels, width=4),
        decoder=CompactDecoder(channels=channels, width=4),
        links=LINKS,
        groups=groups,
    ).eval()


def _frames(generator: torch.Generator, *, batch: int = 2) -> Tensor:
    return torch.rand(batch, 3, 64, 64, generator=generator) * 2 - 1


def test_a_skeleton_image_runs_from_dark_to_bright() -> None:
    """A link through the middle row: 2·1 - 1 on it, 2·exp(-0.75 / 0.2²) - 1 far from it."""
    bar = torch.tensor([[[-1.0, 0.25], [1.0, 0.25], [0.0, 0.25], [0.0, 0.25]]])
    image = _model().draw(bar, size=(4, 4))
    assert_close(image[0, 0, 2], torch.ones(4), atol=0.06, rtol=0)
    assert_close(image[0, 0, 0], torch.full((4,), -1.0), atol=1e-4, rtol=0)


def test_groups_of_links_are_drawn_in_their_channels() -> None:
    points = torch.tensor([[[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [0.0, 0.9]]])
    apart = _model(groups=(0, 1, 2)).draw(points, size=(16, 16))
    together = _model().draw(points, size=(16, 16))
    assert apart.shape == (1, 3, 16, 16)
    assert_close(apart.amax(1, keepdim=True), together)


def test_the_decoder_sees_of_the_frame_only_its_keypoints(
    generator: torch.Generator, enliven: Enliven
) -> None:
    """With the same keypoints read from both, two frames are rebuilt alike."""
    fixed = _Fixed(torch.randn(1, 4, 8, 8, generator=generator))
    model = enliven(_model(regressor=fixed))
    frames, reference = _frames(generator), _frames(generator, batch=1)
    with torch.no_grad():
        rebuilt = model(frames, reference.expand(2, -1, -1, -1))
    assert (rebuilt.skeleton_image[0] - rebuilt.skeleton_image[1]).abs().max() > 0.01
    assert_close(rebuilt.frame[0], rebuilt.frame[1])


def test_the_rebuilt_frame_depends_on_the_reference(
    generator: torch.Generator, enliven: Enliven
) -> None:
    model = enliven(_model())
    frame = _frames(generator, batch=1).expand(2, -1, -1, -1)
    with torch.no_grad():
        rebuilt = model(frame, _frames(generator))
    assert (rebuilt.frame[0] - rebuilt.frame[1]).abs().max() > 0.01


def test_the_reconstruction_teaches_every_network(
    generator: torch.Generator, enliven: Enliven
) -> None:
    """Through the drawing of the keypoints the gradient reaches the first layer of the encoder."""
    model = enliven(_model())
    model(_frames(generator), _frames(generator)).frame.square().mean().backward()
    for network in (model.encoder, model.regressor, model.decoder):
        first = next(network.parameters())
        assert first.grad is not None
        assert first.grad.abs().max() > 0


def test_what_is_detected_is_what_is_drawn(generator: torch.Generator, enliven: Enliven) -> None:
    model, frames = enliven(_model()), _frames(generator)
    with torch.no_grad():
        rebuilt, detection = model(frames, frames), model.detect(frames)
    assert_close(detection.keypoints, rebuilt.keypoints)
    assert_close(model.draw(detection.keypoints, size=(64, 64)), rebuilt.rendered)
    assert_close(detection.skeleton_image, rebuilt.skeleton_image)


@pytest.mark.parametrize(("drawn", "sure"), [(-1.0, 0.0), (1.0, 1.0)])
def test_confidence_is_what_the_encoder_drew(drawn: float, sure: float) -> None:
    model = _model()
    model.encoder = _Fixed(torch.full((1, 1, 64, 64), drawn))
    detection = model.detect(torch.zeros(1, 3, 64, 64))
    assert_close(detection.confidence, torch.full((1, 4), sure))
