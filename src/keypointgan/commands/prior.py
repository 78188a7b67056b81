"""Looking at a prior before hours are spent on training with it."""

from pathlib import Path

import numpy as np
import torch

from keypointgan.assemble import assemble_prior
from keypointgan.config import Config
from keypointgan.data.benchmarks.simplified_human36m import prior_simplified_human36m
from keypointgan.data.prior_check import compare_shapes, draw_prior, measure_shapes, see_objects
from keypointgan.data.prior_plot import plot_check, plot_prior
from keypointgan.data.store import Store
from keypointgan.data.whole_files import make_folder, whole_file
from keypointgan.errors import ConfigError
from keypointgan.skeletons import Skeleton

_SAMPLES = 4096
_MANY_OUTSIDE = 0.05
_SMALL = 0.3


def build_human36m_prior(root: Path, output: Path) -> int:
    """Write the unpaired poses of Simplified Human3.6M, to be placed `as_is`; return how many.

    Raises:
        DataError: The folder lacks files of the data set.
    """
    poses = prior_simplified_human36m(root)
    joints = np.array(Skeleton.load("h36m32").joints)
    size = 128.0
    xy = ((poses + 1) / 2 * size).astype(np.float32)
    make_folder(output.parent)
    with whole_file(output) as beside, beside.open("wb") as file:
        np.savez_compressed(file, xy=xy, joints=joints, size=np.array(size))
    return len(poses)


def plot_beside_frames(config: Config, output: Path, *, count: int) -> Path:
    """Write a picture of prior poses, with frames of the store beside if there is one.

    Raises:
        KeypointGANError: No prior is named, or it or the store cannot be used.
    """
    prior, _ = assemble_prior(config, Skeleton.load(config.model.skeleton))
    frames = None
    if config.data.store is not None:
        store = Store.open(config.data.store)
        frames = store.frames(np.linspace(0, store.num_frames - 1, count).astype(np.int64))
    generator = torch.Generator().manual_seed(config.training.seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    return plot_prior(prior, output, count=count, generator=generator, frames=frames)


def describe_prior(config: Config) -> list[str]:
    """Return what the prior looks like in the frame, in a few lines.

    Raises:
        KeypointGANError: No prior is named, or it cannot be used.
    """
    skeleton = Skeleton.load(config.model.skeleton)
    prior, held_out = assemble_prior(config, skeleton)
    poses = prior.sample(_SAMPLES, generator=torch.Generator().manual_seed(0))
    low, high = poses.amin(dim=1), poses.amax(dim=1)
    size = (high - low) / 2
    middle = ((high + low) / 2).mean(dim=0)
    outside = (poses.abs() > 1).any(dim=-1).float().mean(dim=0)
    to_mean = 50 * (poses - prior.mean_pose()).norm(dim=-1).mean()
    lines = [
        f"poses: {prior.num_poses} to train with, {held_out.num_poses} kept apart, "
        f"{'3D' if prior.is_3d else '2D'}, skeleton {skeleton.name}",
        f"box: {_spread(size[:, 0])} of the frame wide, {_spread(size[:, 1])} high, "
        f"centred on ({middle[0]:.2f}, {middle[1]:.2f})",
        f"mean distance from the mean pose: {to_mean:.2f} % of the image side",
        f"points outside of the frame: {100 * outside.mean():.2f} %",
    ]
    if outside.mean() > _MANY_OUTSIDE:
        worst = skeleton.joints[int(outside.argmax())]
        lines.append(
            f"warning: many points lie outside, most of all {worst}; lower prior.extent or "
            "prior.shift_jitter, or set prior.centre."
        )
    if size.amax(dim=1).median() < _SMALL:
        lines.append("warning: the poses are small in the frame; crop the videos closer.")
    return lines


def compare_with_frames(config: Config, picture: Path | None) -> list[str]:
    """Return how the prior fits the objects in the frames of the store, a line a finding.

    Args:
        config: Names the prior and the store.
        picture: Where to draw what was compared.

    Raises:
        KeypointGANError: No prior or store is named, or it cannot be used.
    """
    if config.data.store is None:
        raise ConfigError(
            "data.store: expected a folder of ingested frames to compare the prior with, got none."
        )
    prior, _ = assemble_prior(config, Skeleton.load(config.model.skeleton))
    objects = see_objects(Store.open(config.data.store))
    if objects is None:
        if picture is not None:
            plot_beside_frames(config, picture, count=25)
        return [
            "frames: the objects cannot be told from the background: the store has no masks, and "
            "the camera moves or the clips are too short. Compare the picture by eye"
            + (f": {picture}" if picture is not None else " ('keypointgan prior plot').")
        ]
    lines = [f"frames: {len(objects.frames)} looked at, objects told by {objects.seen_by}"]
    findings = compare_shapes(measure_shapes(draw_prior(prior)), measure_shapes(objects.masks))
    for finding in findings:
        lines.append(finding.text)
        if finding.advice:
            lines.append(f"warning: {finding.advice}")
    if picture is not None:
        picture.parent.mkdir(parents=True, exist_ok=True)
        generator = torch.Generator().manual_seed(config.training.seed)
        plot_check(prior, objects, picture, generator=generator)
    return lines


def _spread(values: torch.Tensor) -> str:
    return f"{values.mean():.2f} ± {values.std():.2f}"
