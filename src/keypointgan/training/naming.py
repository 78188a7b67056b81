"""How what names sides learns from the prior (`models.naming`)."""

import torch
from torch.nn.functional import cross_entropy
from torch.optim import Adam
from torch.optim.lr_scheduler import OneCycleLR

from keypointgan.data.priors import Prior
from keypointgan.errors import ConfigError
from keypointgan.models.naming import Naming, all_namings, pairs_of, two_sides
from keypointgan.models.plausibility import Plausibility
from keypointgan.skeletons import Skeleton
from keypointgan.training.progress import Watch

MOST_PAIRS = 8
"""Pairs of joints of which all 2^pairs namings are still compared."""

_UPDATES, _BATCH, _NAMINGS, _RATE = 2_500, 256, 16, 2e-3
_NOISE = 0.07  # largest standard deviation of the noise on a joint, normalised
_COUNTED = 4_096  # poses in which it is counted how often left is on the right


def learn_naming(
    prior: Prior,
    *,
    seed: int,
    device: torch.device,
    updates: int = _UPDATES,
    progress: Watch | None = None,
) -> Naming:
    """Teach which naming of a pose is the true one, on poses of the prior.

    Each pose, with noise as on read points, is shown under its true names and 15 other namings;
    the score is that of a softmax over them (noise-contrastive estimation).

    Args:
        prior: Poses to learn from, of a skeleton with `MOST_PAIRS` pairs at most.
        seed: Of weights, poses and noise.
        device: Where.
        updates: How many.
        progress: Called with the poses that were learnt from, and with all.
    """
    order = prior.skeleton.mirror
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Plausibility(keypoints=len(order)).to(device)
    generator = torch.Generator(device).manual_seed(seed)
    namings = all_namings(order).to(device)
    optimizer = Adam(network.parameters())
    schedule = OneCycleLR(optimizer, _RATE, total_steps=updates)
    truth = torch.zeros(_BATCH, dtype=torch.long, device=device)
    for update in range(updates):
        poses = prior.sample(_BATCH, generator=generator, device=device)
        noise = torch.randn(poses.shape, generator=generator, device=device)
        for shape in ((_BATCH, 1, 1), (_BATCH, len(order), 1)):  # of the whole, of each joint
            noise = noise * torch.rand(shape, generator=generator, device=device)
        chosen = torch.randint(
            1, len(namings), (_BATCH, _NAMINGS - 1), generator=generator, device=device
        )
        names = namings[torch.cat([truth[:, None], chosen], dim=1)]
        shown = (poses + _NOISE * noise)[torch.arange(_BATCH, device=device)[:, None, None], names]
        scores = network(shown.flatten(0, 1)).view(_BATCH, _NAMINGS)
        optimizer.zero_grad()
        cross_entropy(scores, truth).backward()
        optimizer.step()
        schedule.step()
        if progress is not None:
            progress((update + 1) * _BATCH, updates * _BATCH)
    left, right = two_sides(order)
    poses = prior.sample(_COUNTED, generator=generator, device=device)
    shares = (poses[:, left, 0] > poses[:, right, 0]).float().mean(dim=0)
    size = (poses.amax(dim=1) - poses.amin(dim=1)).amax(dim=1).median()
    return Naming(network, order, shares=shares, size=size)


def check_pairs(skeleton: Skeleton) -> None:
    """Refuse skeletons without sides, and those with too many pairs to compare all namings.

    Raises:
        ConfigError: The skeleton is one of them.
    """
    pairs = len(pairs_of(skeleton.mirror))
    if not 0 < pairs <= MOST_PAIRS:
        raise ConfigError(
            f"student.sides_by_prior: expected a skeleton with 1 to {MOST_PAIRS} pairs of left and "
            f"right joints, got {skeleton.name} with {pairs}. Set it to false."
        )
