"""What is timed: the renderer, a training step, the detector, random pairs; ours and plain."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from measure import Figures, compare, peak_memory
from plain import Plain, render_every_link, train_step
from safetensors.torch import save_file
from torch import Tensor
from torch.testing import assert_close

from keypointgan.assemble import assemble_model
from keypointgan.config import Config
from keypointgan.data.pairs import FrameBank, PairSampler, draw_pair
from keypointgan.data.store import Store
from keypointgan.data.store_writer import Encoding, StoreWriter
from keypointgan.data.synthetic import synthetic_clips
from keypointgan.data.video import read_video, write_video
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.ops.render import render_skeleton
from keypointgan.recipe import make_config
from keypointgan.skeletons import Skeleton
from keypointgan.training.state import TrainingState
from keypointgan.training.step import (
    Engine,
    discriminator_step,
    generator_step,
    regressor_step,
)

Batch = tuple[Tensor, Tensor, Tensor]
ENCODINGS: tuple[Encoding, ...] = ("jpeg", "raw")


def time_renderer(*, batch: int, repeats: int, device: torch.device) -> dict[str, Figures]:
    """Forward and backward of the renderer, with the memory that its tensors take."""
    figures = {}
    for name in ("h36m17", "face68"):
        skeleton = Skeleton.load(name)
        for size in (64, 128):
            keypoints = _poses(skeleton, batch, device)
            variants: dict[str, Callable[[], object]] = {
                "plain": partial(
                    _draw_and_pull, keypoints, partial(render_every_link, size=size), skeleton
                ),
                "ours": partial(
                    _draw_and_pull, keypoints, partial(render_skeleton, size=(size, size)), skeleton
                ),
            }
            measured = compare(variants, repeats=repeats, device=device)
            for variant, run in variants.items():
                measured[variant]["peak_bytes"] = peak_memory(run, device)
            figures[f"{name}, {size} px, batch {batch}"] = measured
    return figures


def time_training(
    *, batch: int, repeats: int, compiled: bool, device: torch.device
) -> dict[str, Figures]:
    """One update of each network: plain, ours with the same networks, and ours at their fastest.

    Once with the recipes' multi-scale pixels as features, once with VGG-19 as the release has it;
    its weights are random, which takes as long.
    """
    rows: list[tuple[str, str | None, str]] = [
        ("plain, release networks", None, ""),
        ("ours, release networks", "release", ""),
        ("ours, release networks, bf16 channels_last", "release", "fast"),
        ("ours, compact networks", "compact", ""),
        ("ours, compact networks, bf16 channels_last", "compact", "fast"),
    ]
    if compiled:
        rows.append(("ours, compact networks, bf16 channels_last compiled", "compact", "compiled"))
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        weights = _random_vgg(Path(folder))
        for features in ("pyramid", "vgg19"):
            variants = {}
            for name, preset, speed in rows:
                config = _config(
                    preset or "release",
                    channels_last=bool(speed),
                    loss={"features": features, "features_weights": weights},
                )
                batches = _batch(config, batch, device)
                skeleton = Skeleton.load(config.model.skeleton)
                state = TrainingState.fresh(config, skeleton, device=device)
                if speed == "compiled":
                    _compile(state)
                if preset is None:
                    variants[name] = partial(train_step, _plain(state), *batches)
                else:
                    engine = _engine(device, fast=bool(speed))
                    variants[name] = partial(_our_step, state, batches, engine)
            measured = compare(variants, repeats=repeats, device=device)
            figures[f"128 px, batch {batch}, {features}"] = measured
    return figures


def check_agreement() -> dict[str, float]:
    """The losses of a plain step and the largest differences of ours, after checking both.

    Raises:
        AssertionError: A loss or a gradient differs by more than rounding.
    """
    device = torch.device("cpu")
    config = _config("release", width=4, size=64)
    batches = _batch(config, 2, device)
    skeleton = Skeleton.load(config.model.skeleton)
    ours, other = (TrainingState.fresh(config, skeleton, device=device) for _ in range(2))
    plain = _plain(other)
    names = ("loss_generator", "loss_discriminator", "loss_regressor")
    losses = dict(zip(names, train_step(plain, *batches), strict=True))
    found = _our_step(ours, batches, Engine())
    figures = {}
    for name, loss in losses.items():
        assert_close(found[name], loss, rtol=1e-3, atol=1e-4)
        figures[name] = loss.item()
    networks = [
        (ours.model.encoder, plain.encoder),
        (ours.model.decoder, plain.decoder),
        (ours.discriminator, plain.discriminator),
        (ours.model.regressor, plain.regressor),
    ]
    for our_network, plain_network in networks:
        offset, scale = (
            torch.cat([weight.flatten() for weight in weights])
            for weights in (
                [
                    a.grad - b.grad
                    for a, b in zip(
                        our_network.parameters(), plain_network.parameters(), strict=True
                    )
                ],
                [weight.grad for weight in plain_network.parameters()],
            )
        )
        share = (offset.norm() / scale.norm()).item()
        assert share < 0.02, f"gradients of {type(our_network).__name__} differ by {share:.1%}"
        figures[f"gradient_{type(our_network).__name__.lower()}"] = share
    return figures


def time_detector(
    *, batch: int, repeats: int, compiled: bool, device: torch.device
) -> dict[str, Figures]:
    """From frames to keypoints: the release's two networks and the compact ones."""
    config = _config("release")
    frame, _, _ = _batch(config, batch, device)
    skeleton = Skeleton.load(config.model.skeleton)
    release = assemble_model(config.model, skeleton).to(device).eval()
    compact = assemble_model(_config("compact").model, skeleton).to(device).eval()
    striped = assemble_model(_config("compact").model, skeleton).to(device).eval()
    striped.to(memory_format=torch.channels_last)
    striped_frame = frame.to(memory_format=torch.channels_last)
    variants: dict[str, Callable[[], object]] = {
        "release": partial(_detect, release, frame),
        "release, bf16": partial(_detect, release, frame, half=True),
        "compact": partial(_detect, compact, frame),
        "compact, channels_last": partial(_detect, striped, striped_frame),
        "compact, bf16 channels_last": partial(_detect, striped, striped_frame, half=True),
    }
    if compiled:
        quick = assemble_model(_config("compact").model, skeleton).to(device).eval()
        quick.encoder.compile()
        quick.regressor.compile()
        variants["compact, compiled"] = partial(_detect, quick, frame)
    return {f"128 px, batch {batch}": compare(variants, repeats=repeats, device=device)}


def time_pairs(*, batch: int, repeats: int, device: torch.device) -> dict[str, Figures]:
    """Random pairs as frames in [-1, 1]: decoded from video, from a store, resident in memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = list(synthetic_clips(4, 150, size=128, seed=0))
        videos = [folder / f"{clip.name}.mp4" for clip in clips]
        for clip, video in zip(clips, videos, strict=True):
            write_video(video, clip.frames, 25)
        rng = np.random.default_rng(0)
        variants: dict[str, Callable[[], object]] = {
            "video": partial(_pairs_from_video, videos, batch, rng)
        }
        for encoding in ENCODINGS:
            with StoreWriter(folder / encoding, size=128, encoding=encoding) as writer:
                for clip in clips:
                    writer.add_clip(clip.name, clip.frames, source=clip.name, fps=25)
            store = Store.open(folder / encoding)
            bank = FrameBank(store, size=128, device=device, limit=0)
            variants[f"{encoding} store"] = _pair_drawer(bank, batch, device)
        resident = FrameBank(store, size=128, device=device)
        variants["resident"] = _pair_drawer(resident, batch, device)
        return {f"128 px, batch {batch}": compare(variants, repeats=repeats, device=device)}


def _draw_and_pull(keypoints: Tensor, render: Callable[..., Tensor], skeleton: Skeleton) -> Tensor:
    keypoints = keypoints.detach().requires_grad_()
    render(keypoints, skeleton.links).square().mean().backward()
    assert keypoints.grad is not None
    return keypoints.grad


def _our_step(state: TrainingState, batch: Batch, engine: Engine) -> dict[str, Tensor]:
    frame, reference, pose = batch
    drawn = state.model.draw(pose, size=(frame.shape[-2], frame.shape[-1]))
    update = generator_step(
        state.model,
        state.discriminator,
        state.reconstruction_loss,
        state.generator_optimizer,
        frame=frame,
        reference=reference,
        reconstruction_weight=10.0,
        adversarial_weight=10.0,
        engine=engine,
    )
    encoded = update.rebuilt.skeleton_image
    discriminator = discriminator_step(
        state.discriminator,
        state.discriminator_optimizer,
        real=drawn,
        fake=encoded,
        engine=engine,
    )
    regressor = regressor_step(
        state.model,
        state.regressor_optimizer,
        pose=pose,
        drawn=drawn,
        encoded=encoded,
        prior_weight=0.9,
        cycle_weight=0.1,
        engine=engine,
    )
    total = 0.9 * regressor["loss_regressor_prior"] + 0.1 * regressor["loss_regressor_cycle"]
    return {**update.losses, **discriminator, "loss_regressor": total}


def _compile(state: TrainingState) -> None:
    model = state.model
    for network in (model.encoder, model.regressor, model.decoder, state.discriminator):
        network.compile()


def _random_vgg(folder: Path) -> Path:
    """A file of VGG-19's weights under torchvision's names, at random."""
    weights, inputs, place = {}, 3, 0
    for outputs, count in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)):
        for _ in range(count):
            scale = (2 / (9 * inputs)) ** 0.5
            weights[f"features.{place}.weight"] = torch.randn(outputs, inputs, 3, 3) * scale
            weights[f"features.{place}.bias"] = torch.zeros(outputs)
            inputs, place = outputs, place + 2
        place += 1
    path = folder / "vgg19.safetensors"
    save_file(weights, path)
    return path


def _plain(state: TrainingState) -> Plain:
    model = state.model
    return Plain.around(
        model.encoder,
        model.regressor,
        model.decoder,
        state.discriminator,
        features=state.reconstruction_loss.features,
        links=model.links,
    )


def _engine(device: torch.device, *, fast: bool) -> Engine:
    if not fast:
        return Engine()
    return Engine(autocast=lambda: torch.autocast(device.type, dtype=torch.bfloat16))


@torch.no_grad()
def _detect(model: KeypointGAN, frame: Tensor, *, half: bool = False) -> Tensor:
    with torch.autocast(frame.device.type, dtype=torch.bfloat16, enabled=half):
        return model.detect(frame).keypoints


def _pairs_from_video(videos: list[Path], count: int, rng: np.random.Generator) -> Tensor:
    frames = []
    for _ in range(count):
        video = videos[rng.integers(len(videos))]
        for place in rng.integers(150, size=2):
            frames += read_video(video, start=int(place), stop=int(place) + 1)
    pixels = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
    return pixels.float() / 127.5 - 1


def _pair_drawer(bank: FrameBank, count: int, device: torch.device) -> Callable[[], object]:
    sampler = PairSampler(bank.store.clips, gap=(1, 1000), reference="either", device=device)
    generator = torch.Generator(device).manual_seed(0)
    return partial(draw_pair, bank, sampler, count, generator=generator)


def _config(
    preset: str,
    *,
    width: int = 32,
    size: int = 128,
    channels_last: bool = False,
    loss: dict[str, object] | None = None,
) -> Config:
    return make_config(
        {
            "model": {"preset": preset, "width": width},
            "data": {"size": size},
            "training": {"channels_last": channels_last},
            "loss": loss or {},
        }
    )


def _batch(config: Config, batch: int, device: torch.device) -> Batch:
    generator = torch.Generator().manual_seed(1)
    size = config.data.size
    frame, reference = (
        (torch.rand(batch, 3, size, size, generator=generator) * 2 - 1).to(device) for _ in range(2)
    )
    if config.training.channels_last:
        frame, reference = (
            each.to(memory_format=torch.channels_last) for each in (frame, reference)
        )
    return frame, reference, _poses(Skeleton.load(config.model.skeleton), batch, device)


def _poses(skeleton: Skeleton, batch: int, device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(batch, skeleton.num_joints, 2, generator=generator) * 1.4 - 0.7).to(device)
