"""The method as its release does it, written plainly: what our speed is compared with.

Written by us from the paper and from what is known of the release: every link of the skeleton is
drawn in (batch, link, height, width) tensors that the backward pass keeps, and all arithmetic is in
float32. The networks are ours in the release's shapes, so that only the rest is compared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adam, Optimizer

from keypointgan.skeletons import Link


@dataclass(frozen=True)
class Plain:
    """Four networks, three optimisers, and the skeleton between them."""

    encoder: nn.Module
    regressor: nn.Module
    decoder: nn.Module
    discriminator: nn.Module
    features: Callable[[Tensor], list[Tensor]]
    links: Sequence[Link]
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    regressor_optimizer: Optimizer

    @classmethod
    def around(
        cls,
        encoder: nn.Module,
        regressor: nn.Module,
        decoder: nn.Module,
        discriminator: nn.Module,
        *,
        features: Callable[[Tensor], list[Tensor]],
        links: Sequence[Link],
    ) -> "Plain":
        """The networks with the release's optimisers."""
        adam = {"lr": 2e-4, "betas": (0.5, 0.999)}
        return cls(
            encoder=encoder,
            regressor=regressor,
            decoder=decoder,
            discriminator=discriminator,
            features=features,
            links=links,
            generator_optimizer=Adam([*encoder.parameters(), *decoder.parameters()], **adam),
            discriminator_optimizer=Adam(discriminator.parameters(), **adam),
            regressor_optimizer=Adam(regressor.parameters(), **adam),
        )


def render_every_link(
    keypoints: Tensor, links: Sequence[Link], *, size: int, sigma: float = 0.2
) -> Tensor:
    """The skeleton drawn in [0, 1], each link in an image of its own, then their maximum."""
    start, stop = (
        torch.stack([keypoints[:, list(link[side])].mean(1) for link in links], dim=1)
        for side in (0, 1)
    )
    centres = (2 * torch.arange(size, device=keypoints.device) + 1) / size - 1
    (start_x, start_y), (along_x, along_y) = (
        end[:, :, None, None].unbind(-1) for end in (start, stop - start)
    )
    offset_x, offset_y = centres - start_x, centres[:, None] - start_y
    length = (along_x.square() + along_y.square()).clamp_min(1e-12)
    place = ((offset_x * along_x + offset_y * along_y) / length).clamp(0, 1)
    off_x, off_y = offset_x - place * along_x, offset_y - place * along_y
    distance = (off_x.square() + off_y.square() + 1e-6).sqrt()
    return (-distance / sigma**2).exp().amax(1, keepdim=True)


def locate(heatmaps: Tensor) -> Tensor:
    """The soft-argmax of each axis."""
    places = [torch.linspace(-1, 1, side, device=heatmaps.device) for side in heatmaps.shape[2:]]
    x = (heatmaps.mean(2).softmax(-1) * places[1]).sum(-1)
    y = (heatmaps.mean(3).softmax(-1) * places[0]).sum(-1)
    return torch.stack([x, y], dim=-1)


def generator_update(plain: Plain, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of encoder and decoder, after their update, and the encoder's skeleton images."""
    plain.regressor.requires_grad_(False)
    plain.discriminator.requires_grad_(False)
    skeleton = plain.encoder(frame)
    keypoints = locate(plain.regressor(skeleton))
    rebuilt = plain.decoder(_draw(plain, keypoints, size=frame.shape[-1]), reference)
    layers = zip(plain.features(rebuilt), plain.features(frame), strict=True)
    distances = torch.stack([(ours - theirs).abs().mean() for ours, theirs in layers])
    reconstruction = (distances / distances.detach()).mean()  # the first step's running means
    scores = plain.discriminator(skeleton)
    adversarial = torch.stack([(score - 1).square().mean() for score in scores]).mean()
    loss = _update(10 * reconstruction + 10 * adversarial, plain.generator_optimizer)
    plain.regressor.requires_grad_(True)
    plain.discriminator.requires_grad_(True)
    return loss, skeleton.detach()


def discriminator_update(plain: Plain, encoded: Tensor, drawn: Tensor) -> Tensor:
    """The loss of the discriminator, after its update."""
    real = torch.stack([(s - 1).square().mean() for s in plain.discriminator(drawn)]).mean()
    fake = torch.stack([s.square().mean() for s in plain.discriminator(encoded)]).mean()
    return _update(real / 2 + fake / 2, plain.discriminator_optimizer)


def regressor_update(plain: Plain, encoded: Tensor, drawn: Tensor, pose: Tensor) -> Tensor:
    """The loss of the regressor, after its update."""
    prior = (locate(plain.regressor(drawn)) - pose).square().mean()
    keypoints = locate(plain.regressor(encoded))
    cycle = (_draw(plain, keypoints, size=encoded.shape[-1]) - encoded).square().mean()
    return _update(0.9 * prior + 0.1 * cycle, plain.regressor_optimizer)


def train_step(
    plain: Plain, frame: Tensor, reference: Tensor, pose: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One update of each network; the losses of generator, discriminator and regressor."""
    drawn = _draw(plain, pose, size=frame.shape[-1])
    generator_loss, encoded = generator_update(plain, frame, reference)
    discriminator_loss = discriminator_update(plain, encoded, drawn)
    return generator_loss, discriminator_loss, regressor_update(plain, encoded, drawn, pose)


def _draw(plain: Plain, keypoints: Tensor, *, size: int) -> Tensor:
    return 2 * render_every_link(keypoints, plain.links, size=size) - 1


def _update(loss: Tensor, optimizer: Optimizer) -> Tensor:
    optimizer.zero_grad()
    loss.backward()
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    clip_grad_norm_(weights, 1.0)
    optimizer.step()
    return loss.detach()
