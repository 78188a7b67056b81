"""A picture of a prior beside frames, so that a mismatch is seen before training."""

import math
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from keypointgan.data.prior_check import (
    SIDE,
    SeenObjects,
    Shapes,
    draw_prior,
    measure_shapes,
)
from keypointgan.data.priors import Prior
from keypointgan.skeletons import SIDES, Skeleton
from keypointgan.types import FrameArray
from keypointgan.wording import counted

BACKGROUND = "#1b1f24"


def plot_prior(
    prior: Prior,
    path: str | Path,
    *,
    count: int,
    generator: torch.Generator,
    frames: FrameArray | None = None,
) -> Path:
    """Write a picture of random prior poses, left of which are the frames; return its path.

    Each square is a frame: position, size and orientation of poses and objects should look alike
    on both sides. Links of the left, right and middle have their own colours.

    Args:
        prior: Where the poses come from.
        path: The image to write; its suffix gives the format.
        count: How many poses to draw.
        generator: Source of everything random.
        frames: Frames to compare with; at most `count` of them, evenly spread, are shown.
    """
    poses = prior.sample(count, generator=generator)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    halves = 1 if frames is None else 2
    figure = Figure(figsize=(1.5 * columns * halves + 0.2, 1.5 * rows + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    *left, right = figure.subfigures(1, halves, squeeze=False, wspace=0.03)[0]
    for subfigure in left:
        if frames is not None:
            subfigure.suptitle("frames", fontsize=10)
            picked = torch.linspace(0, len(frames) - 1, min(count, len(frames))).long().tolist()
            axes = subfigure.subplots(rows, columns, squeeze=False).ravel()
            for cell, row in zip(axes, picked, strict=False):
                cell.imshow(frames[row], extent=(-1, 1, 1, -1), interpolation="nearest")
            for cell in axes:
                _frame_borders(cell)
    right.suptitle(
        f"prior: {counted(prior.num_poses, 'pose')}, {prior.placement.place}", fontsize=10
    )
    axes = right.subplots(rows, columns, squeeze=False).ravel()
    for cell, pose in zip(axes, poses, strict=False):
        draw_pose(cell, pose, prior.skeleton)
    for cell in axes:
        cell.set_facecolor(BACKGROUND)
        _frame_borders(cell)
    colours = [Line2D([], [], color=prior.skeleton.colours[side], label=side) for side in SIDES]
    right.legend(handles=colours, loc="outside lower center", ncols=len(SIDES), fontsize=8)
    figure.savefig(Path(path), dpi=100)
    return Path(path)


def plot_check(
    prior: Prior, objects: SeenObjects, path: str | Path, *, generator: torch.Generator
) -> Path:
    """Write a picture of what `prior check` compared; return its path.

    Above are frames with the outlines of the objects that were found, below them poses of the
    prior, and on the right how often each place is covered by either, with the median boxes.
    """
    columns = 6
    figure = Figure(figsize=(1.5 * columns + 4.4, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[1.5 * columns, 4.4])[0]
    cells = left.subplots(2, columns)
    left.suptitle("objects found in frames; poses of the prior", fontsize=10)
    picked = np.linspace(0, len(objects.frames) - 1, columns).astype(int)
    places = (2 * np.arange(SIDE) + 1) / SIDE - 1
    for cell, row in zip(cells[0], picked, strict=True):
        cell.imshow(objects.frames[row], extent=(-1, 1, 1, -1), interpolation="nearest")
        cell.contour(places, places, objects.masks[row], levels=[0.5], colors="#39ff14")
    for cell, pose in zip(cells[1], prior.sample(columns, generator=generator), strict=True):
        cell.set_facecolor(BACKGROUND)
        draw_pose(cell, pose, prior.skeleton)
    right.suptitle(f"how often a place is covered (objects by {objects.seen_by})", fontsize=10)
    densities = right.subplots(1, 2)
    shapes = {"objects": measure_shapes(objects.masks), "prior": measure_shapes(draw_prior(prior))}
    for cell, (name, shape) in zip(densities, shapes.items(), strict=True):
        cell.imshow(shape.density, extent=(-1, 1, 1, -1), cmap="magma", vmin=0)
        for other, colour in (("objects", "#39ff14"), ("prior", "#ffffff")):
            _square(cell, shapes[other], colour)
        cell.set_title(name, fontsize=9)
    densities[0].set_xlabel("green square: median object", fontsize=8)
    densities[1].set_xlabel("white square: median pose", fontsize=8)
    for cell in (*cells.ravel(), *densities):
        _frame_borders(cell)
    figure.savefig(Path(path), dpi=100)
    return Path(path)


def _square(axes: Axes, shape: Shapes, colour: str) -> None:
    """Draw the square around the median middle with the median longer side."""
    (x, y), half = shape.centre, shape.extent
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    axes.plot(
        [x + across for across, _ in corners],
        [y + down for _, down in corners],
        color=colour,
        linewidth=1.2,
        linestyle="--",
    )


def draw_pose(axes: Axes, pose: Float[Tensor, "keypoint 2"], skeleton: Skeleton) -> None:
    """Draw one normalised pose, each link in its side's colour."""
    points = pose.numpy(force=True)
    for (start, stop), side in zip(skeleton.links, skeleton.link_sides, strict=True):
        ends = points[list(start)].mean(axis=0), points[list(stop)].mean(axis=0)
        axes.plot(*zip(*ends, strict=True), color=skeleton.colours[side], linewidth=1.3)


def _frame_borders(axes: Axes) -> None:
    axes.set(xlim=(-1, 1), ylim=(1, -1), xticks=[], yticks=[], aspect="equal")
