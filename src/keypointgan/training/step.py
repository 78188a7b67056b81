"""One update of each network, and who learns from which graph.

Three separate graphs, one optimiser each [release, `models/keypoint_gan_model.py`]:

- Φ and Ψ learn from the reconstruction and the adversarial loss, through η and D, which are frozen
  but differentiable;
- D learns from skeleton images without a graph;
- η learns from the prior and from encoded skeleton images without a graph.

The release carries one graph over `optimizer.step()`, which current PyTorch refuses; its
mathematics are kept, its control flow is not.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from keypointgan.data.views import MovedFrames
from keypointgan.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty
from keypointgan.losses.perceptual import PerceptualLoss
from keypointgan.losses.pose import (
    cycle_loss,
    equivariance_loss,
    forgiving_keypoint_loss,
    keypoint_loss,
    labelled_keypoint_loss,
)
from keypointgan.models.keypointgan import KeypointGAN, Reconstruction
from keypointgan.ops.keypoints import soft_argmax
from keypointgan.types import Frames, Keypoints, Scalar, SkeletonImages


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Let no gradient reach the weights of these networks; it passes through them all the same."""
    weights = [weight for network in networks for weight in network.parameters()]
    learning = [weight.requires_grad for weight in weights]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight, flag in zip(weights, learning, strict=True):
            weight.requires_grad_(flag)


@dataclass(frozen=True)
class Engine:
    """How an update is carried out on this machine: precision, clipping, several processes.

    Attributes:
        clip: Largest norm of a network group's gradient.
        autocast: A context in which the networks run in lower precision.
        synchronise: Averages the gradients over processes, before they are clipped.
    """

    clip: float = 1.0
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext
    synchronise: Callable[[Iterable[Tensor]], None] = field(default=lambda _: None)

    def update(self, loss: Scalar, optimizer: Optimizer) -> Scalar:
        """Step down the gradient of `loss`; returns the gradient's norm before clipping."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        self.synchronise(weights)
        norm = clip_grad_norm_(weights, self.clip)
        optimizer.step()
        return norm.detach()


@dataclass(frozen=True)
class GeneratorUpdate:
    """What the update of encoder and decoder leaves behind.

    Attributes:
        rebuilt: The stages' outputs, without a graph.
        losses: The loss terms and the gradient's norm, by name.
    """

    rebuilt: Reconstruction
    losses: dict[str, Scalar]


def generator_step(
    model: KeypointGAN,
    discriminator: nn.Module,
    reconstruction_loss: PerceptualLoss,
    optimizer: Optimizer,
    *,
    frame: Frames,
    reference: Frames,
    reconstruction_weight: float,
    adversarial_weight: float,
    background: Frames | None = None,
    noise: Callable[[SkeletonImages], SkeletonImages] = lambda image: image,
    moved: MovedFrames | None = None,
    equivariance_weight: float = 0.0,
    engine: Engine,
) -> GeneratorUpdate:
    """Teach encoder and decoder to rebuild the frame through a skeleton like those of the prior.

    Args:
        model: Encoder and decoder learn; the regressor does not.
        discriminator: Judges the skeleton images; does not learn here.
        reconstruction_loss: What "the same frame" means.
        optimizer: Of encoder and decoder.
        frame: Frames to rebuild.
        reference: Other frames of the same videos.
        reconstruction_weight: Weight of the reconstruction loss.
        adversarial_weight: Weight of the adversarial loss.
        background: Plates of the clips, if the decoder keeps them.
        noise: What the discriminator's input goes through.
        moved: The frames moved, if their points have to move likewise.
        equivariance_weight: Weight of the distance between these and those.
        engine: How updates are carried out.
    """
    losses: dict[str, Scalar] = {}
    with frozen(model.regressor, discriminator):
        with engine.autocast():
            rebuilt = model(frame, reference, background)
            reconstruction = reconstruction_loss(rebuilt.frame.float(), frame)
            scores = discriminator(noise(rebuilt.skeleton_image))
        adversarial = generator_loss(scores)
        loss = reconstruction_weight * reconstruction + adversarial_weight * adversarial
        if moved is not None:
            with engine.autocast():
                read = soft_argmax(model.regressor(model.encoder(moved.frame)))
            equivariance = equivariance_loss(read, moved.move(rebuilt.keypoints))
            loss = loss + equivariance_weight * equivariance
            losses["loss_equivariance"] = equivariance.detach()
        norm = engine.update(loss, optimizer)
    return GeneratorUpdate(
        Reconstruction(
            rebuilt.skeleton_image.detach().float(),
            rebuilt.keypoints.detach(),
            rebuilt.rendered.detach(),
            rebuilt.frame.detach().float(),
        ),
        {
            "loss_generator": loss.detach(),
            "loss_reconstruction": reconstruction.detach(),
            "loss_adversarial": adversarial.detach(),
            **losses,
            "norm_generator": norm,
        },
    )


def discriminator_step(
    discriminator: nn.Module,
    optimizer: Optimizer,
    *,
    real: SkeletonImages,
    fake: SkeletonImages,
    noise: Callable[[SkeletonImages], SkeletonImages] = lambda image: image,
    penalty_weight: float = 0.0,
    engine: Engine,
) -> dict[str, Scalar]:
    """Teach the discriminator to tell drawn poses (`real`) from what the encoder drew (`fake`).

    `fake` is detached here, so no gradient reaches the encoder, whatever the caller passes.
    """
    with engine.autocast():
        loss = discriminator_loss(
            discriminator(noise(real.detach())), discriminator(noise(fake.detach()))
        )
    told_apart = loss.detach()
    if penalty_weight:
        # The compiled network has no second derivative, so its plain forward is called.
        loss = loss + penalty_weight / 2 * gradient_penalty(discriminator.forward, real)
    norm = engine.update(loss, optimizer)
    return {"loss_discriminator": told_apart, "norm_discriminator": norm}


def regressor_step(
    model: KeypointGAN,
    optimizer: Optimizer,
    *,
    pose: Keypoints,
    drawn: SkeletonImages,
    encoded: SkeletonImages | None = None,
    prior_weight: float = 1.0,
    cycle_weight: float = 0.0,
    engine: Engine,
) -> dict[str, Scalar]:
    """Teach the regressor to read drawn prior poses and, if given, the encoder's skeletons.

    `encoded` is detached here, so no gradient reaches the encoder, whatever the caller passes.

    Args:
        model: Its regressor learns.
        optimizer: Of the regressor.
        pose: Poses of the prior.
        drawn: The same, drawn.
        encoded: Skeleton images of the encoder; their points, drawn again, should be the same.
        prior_weight: Weight of the error on the prior.
        cycle_weight: Weight of the error on the encoder's skeleton images.
        engine: How updates are carried out.
    """
    with engine.autocast():
        predicted = soft_argmax(model.regressor(drawn.detach()))
    prior = keypoint_loss(predicted, pose)
    loss = prior_weight * prior
    losses = {"loss_regressor_prior": prior.detach()}
    if encoded is not None and cycle_weight:
        encoded = encoded.detach().float()
        with engine.autocast():
            points = soft_argmax(model.regressor(encoded))
        height, width = encoded.shape[-2:]
        cycle = cycle_loss(model.draw(points, size=(height, width)), encoded)
        loss = loss + cycle_weight * cycle
        losses["loss_regressor_cycle"] = cycle.detach()
    norm = engine.update(loss, optimizer)
    return {**losses, "norm_regressor": norm}


def figure_step(
    model: KeypointGAN,
    optimizer: Optimizer,
    *,
    frame: Frames,
    pose: Keypoints,
    mirror: Sequence[int],
    points_weight: float,
    image_weight: float,
    insistence: float,
    engine: Engine,
) -> dict[str, Scalar]:
    """Teach the encoder to draw the skeleton of a figure whose pose is known.

    The points are read by the regressor, which is frozen but differentiable. The skeleton image is
    compared with the figure's own, or with the one whose sides are exchanged where that is nearer.

    Args:
        model: Its encoder learns.
        optimizer: Of the encoder (and the decoder, which has no part in this).
        frame: Drawn figures.
        pose: Their keypoints.
        mirror: For each keypoint the index of the one on the other side.
        points_weight: Weight of the distance between points.
        image_weight: Weight of the squared error of skeleton images.
        insistence: Share of the points' loss that insists on left and right.
        engine: How updates are carried out.
    """
    with frozen(model.regressor):
        with engine.autocast():
            encoded = model.encoder(frame)
            keypoints = soft_argmax(model.regressor(encoded)).float()
        points, exchanged = forgiving_keypoint_loss(
            keypoints, pose, mirror=mirror, insistence=insistence
        )
        nearer = torch.where(exchanged[:, None, None], pose[:, list(mirror)], pose)
        height, width = frame.shape[-2:]
        image = (encoded.float() - model.draw(nearer, size=(height, width))).square().mean()
        norm = engine.update(points_weight * points + image_weight * image, optimizer)
    return {
        "loss_figure_points": points.detach(),
        "loss_figure_image": image.detach(),
        "figures_exchanged": exchanged.float().mean(),
        "norm_figures": norm,
    }


def labelled_step(
    model: KeypointGAN,
    optimizer: Optimizer,
    *,
    frame: Frames,
    labels: Keypoints,
    engine: Engine,
) -> dict[str, Scalar]:
    """Teach encoder and regressor the labels of frames: the supervised twin, a bound.

    Args:
        model: Encoder and regressor learn together.
        optimizer: Of both.
        frame: Labelled frames.
        labels: Their keypoints, NaN where missing.
        engine: How updates are carried out.
    """
    with engine.autocast():
        keypoints = model.detect(frame).keypoints
    loss = labelled_keypoint_loss(keypoints, labels)
    norm = engine.update(loss, optimizer)
    return {"loss_labelled": loss.detach(), "norm_generator": norm}


def instance_noise(
    spread: float, *, generator: torch.Generator
) -> Callable[[SkeletonImages], SkeletonImages]:
    """A function that adds Gaussian noise of standard deviation `spread` to skeleton images."""

    def add(image: SkeletonImages) -> SkeletonImages:
        if not spread:
            return image
        noise = torch.randn(image.shape, generator=generator, device=generator.device)
        return image + spread * noise.to(image)

    return add
