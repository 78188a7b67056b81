"""Who learns from which graph: each update moves its own networks and no others."""

import contextlib
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.testing import assert_close

from keypointgan.data.views import move_frames
from keypointgan.skeletons import Skeleton
from keypointgan.training.state import TrainingState
from keypointgan.training.step import (
    Engine,
    GeneratorUpdate,
    discriminator_step,
    figure_step,
    frozen,
    generator_step,
    instance_noise,
    labelled_step,
    regressor_step,
)

Moved = Callable[[], set[str]]


def _frames(generator: torch.Generator) -> Tensor:
    return torch.rand(2, 3, 64, 64, generator=generator) * 2 - 1


def _poses(generator: torch.Generator) -> Tensor:
    return torch.rand(2, 17, 2, generator=generator) - 0.5


def _generator_step(
    state: TrainingState, generator: torch.Generator, *, adversarial_weight: float = 10.0
) -> GeneratorUpdate:
    return generator_step(
        state.model,
        state.discriminator,
        state.reconstruction_loss,
        state.generator_optimizer,
        frame=_frames(generator),
        reference=_frames(generator),
        reconstruction_weight=10.0,
        adversarial_weight=adversarial_weight,
        engine=Engine(),
    )


def test_the_generator_step_moves_encoder_and_decoder(
    state: TrainingState, moved: Moved, generator: torch.Generator
) -> None:
    _generator_step(state, generator)
    assert moved() == {"encoder", "decoder"}
    for network in (state.model.regressor, state.discriminator):
        assert all(weight.grad is None for weight in network.parameters())


def test_reconstruction_alone_teaches_the_encoder_through_the_frozen_regressor(
    state: TrainingState, moved: Moved, generator: torch.Generator
) -> None:
    _generator_step(state, generator, adversarial_weight=0.0)
    assert moved() == {"encoder", "decoder"}


def test_the_generator_step_leaves_no_graph_behind(
    state: TrainingState, generator: torch.Generator
) -> None:
    update = _generator_step(state, generator)
    rebuilt = update.rebuilt
    left = [rebuilt.skeleton_image, rebuilt.keypoints, rebuilt.rendered, rebuilt.frame]
    assert not any(value.requires_grad for value in [*left, *update.losses.values()])


def test_the_generator_loss_is_the_weighted_sum(
    state: TrainingState, generator: torch.Generator
) -> None:
    losses = _generator_step(state, generator, adversarial_weight=3.0).losses
    assert_close(
        losses["loss_generator"],
        10 * losses["loss_reconstruction"] + 3 * losses["loss_adversarial"],
    )


def test_points_that_do_not_move_with_the_frame_teach_the_encoder(
    state: TrainingState, moved: Moved, generator: torch.Generator
) -> None:
    """Of the three losses the only one with a weight; the decoder has no part in it."""
    frame = _frames(generator)
    losses = generator_step(
        state.model,
        state.discriminator,
        state.reconstruction_loss,
        state.generator_optimizer,
        frame=frame,
        reference=_frames(generator),
        reconstruction_weight=0.0,
        adversarial_weight=0.0,
        moved=move_frames(
            frame,
            rotation=180.0,
            scale=0.0,
            shift=0.2,
            light=0.0,
            order=Skeleton.load("h36m17").mirror,
            generator=generator,
        ),
        equivariance_weight=4.0,
        engine=Engine(),
    ).losses
    assert_close(losses["loss_generator"], 4 * losses["loss_equivariance"])
    assert losses["loss_equivariance"] > 0
    assert moved() == {"encoder"}


def test_the_discriminator_step_moves_the_discriminator_alone(
    state: TrainingState, moved: Moved, generator: torch.Generator
) -> None:
    """Even where the caller passes skeleton images with the encoder's graph."""
    fake = state.model.encoder(_frames(generator))
    assert fake.requires_grad
    discriminator_step(
        state.discriminator,
        state.discriminator_optimizer,
        real=state.model.draw(_poses(generator), size=(64, 64)),
        fake=fake,
        penalty_weight=1.0,
        engine=Engine(),
    )
    assert moved() == {"discriminator"}
    assert all(weight.grad is None for weight in state.model.parameters())


def test_the_penalty_changes_the_update_and_not_the_figure(
    state: TrainingState, generator: torch.Generator
) -> None:
    real = state.model.draw(_poses(generator), size=(64, 64))
    fake = torch.full_like(real, -1.0)
    before = {name: value.clone() for name, value in state.discriminator.state_dict().items()}
    with_penalty, without = {}, {}
    for weight, losses in ((100.0, with_penalty), (0.0, without)):
        state.discriminator.load_state_dict(before)
        losses |= discriminator_step(
            state.discriminator,
            state.discriminator_optimizer,
            real=real,
            fake=fake,
            penalty_weight=weight,
            engine=Engine(),
        )
    assert_close(with_penalty["loss_discriminator"], without["loss_discriminator"])
    assert with_penalty["norm_discriminator"] != without["norm_discriminator"]


def test_the_regressor_step_moves_the_regressor_alone(
    state: TrainingState, moved: Moved, generator: torch.Generator
) -> None:
    """Even where the caller passes skeleton images with the encoder's graph."""
    pose = _poses(generator)
    encoded = state.model.encoder(_frames(generator))
    losses = regressor_step(
        state.model,
        state.regressor_optimizer,
        pose=pose,
        drawn=state.model.draw(pose, size=(64, 64)),
        encoded=encoded,
        prior_weight=0.9,
        cycle_weight=0.1,
        engine=Engine(),
    )
    assert set(losses) == {"loss_regressor_prior", "loss_regressor_cycle", "norm_regressor"}
    assert moved() == {"regressor"}
    assert all(weight.grad is None for weight in state.model.encoder.parameters())


def test_the_cycle_alone_teaches_the_regressor(
    state: TrainingState, moved: Moved, generator: torch.Generator
) -> None:
    pose = _poses(generator)
    regressor_step(
        state.model,
        state.regressor_optimizer,
        pose=pose,
        drawn=state.model.draw(pose, size=(64, 64)),
        encoded=state.model.draw(_poses(generator), size=(64, 64)),
        prior_weight=0.0,
        cycle_weight=1.0,
        engine=Engine(),
    )
    assert moved() == {"regressor"}


def test_the_labelled_step_moves_encoder_and_regressor(
    state: TrainingState, moved: Moved, generator: torch.Generator
) -> None:
    weights = [*state.model.encoder.parameters(), *state.model.regressor.parameters()]
    labelled_step(
        state.model,
        SGD(weights, lr=0.1),
        frame=_frames(generator),
        labels=_poses(generator),
        engine=Engine(),
    )
    assert moved() == {"encoder", "regressor"}


def test_the_figure_step_moves_the_encoder_alone(
    state: TrainingState, moved: Moved, generator: torch.Generator
) -> None:
    losses = figure_step(
        state.model,
        state.generator_optimizer,
        frame=_frames(generator),
        pose=_poses(generator),
        mirror=Skeleton.load("h36m17").mirror,
        points_weight=10.0,
        image_weight=2.0,
        insistence=0.1,
        engine=Engine(),
    )
    assert moved() == {"encoder"}
    assert losses["norm_figures"] > 0


def test_frozen_networks_pass_gradient_to_their_input() -> None:
    layer = nn.Linear(2, 1)
    inputs = torch.ones(1, 2, requires_grad=True)
    with frozen(layer):
        layer(inputs).sum().backward()
    assert_close(inputs.grad, layer.weight.detach())
    assert layer.weight.grad is None


def test_frozen_networks_learn_again_afterwards_as_far_as_they_did_before() -> None:
    layer = nn.Linear(2, 1)
    layer.bias.requires_grad_(False)
    inside = []
    with contextlib.suppress(KeyError), frozen(layer):
        inside.append(layer.weight.requires_grad)
        raise KeyError
    assert inside == [False]
    assert layer.weight.requires_grad
    assert not layer.bias.requires_grad


def test_the_engine_clips_the_gradient_and_reports_its_norm() -> None:
    """A gradient of (3, 4) has norm 5; clipped to 2 it moves the weights by (1.2, 1.6)."""
    weight = nn.Parameter(torch.zeros(2))
    norm = Engine(clip=2.0).update(weight @ torch.tensor([3.0, 4.0]), SGD([weight], lr=1.0))
    assert_close(norm, torch.tensor(5.0))
    assert_close(weight.detach(), torch.tensor([-1.2, -1.6]))


def test_the_engine_averages_over_processes_before_it_clips() -> None:
    def a_tenth(weights: Iterable[Tensor]) -> None:
        for weight in weights:
            assert weight.grad is not None
            weight.grad /= 10

    weight = nn.Parameter(torch.zeros(2))
    engine = Engine(clip=2.0, synchronise=a_tenth)
    norm = engine.update(weight @ torch.tensor([3.0, 4.0]), SGD([weight], lr=1.0))
    assert_close(norm, torch.tensor(0.5))
    assert_close(weight.detach(), torch.tensor([-0.3, -0.4]))


def test_the_engine_forgets_the_gradient_of_the_update_before() -> None:
    weight = nn.Parameter(torch.zeros(1))
    for _ in range(2):
        norm = Engine(clip=9.0).update((3 * weight).sum(), SGD([weight], lr=1.0))
    assert_close(norm, torch.tensor(3.0))


def test_noise_has_the_spread_asked_for_and_none_is_none(generator: torch.Generator) -> None:
    image = torch.zeros(4, 1, 64, 64)
    assert instance_noise(0.0, generator=generator)(image) is image
    noisy = instance_noise(0.3, generator=generator)(image)
    assert_close(noisy.std(), torch.tensor(0.3), atol=0.01, rtol=0)
