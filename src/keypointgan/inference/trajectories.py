"""Plots of where animals go and how fast."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy import ndarray

from keypointgan.data.video import RGBFrame
from keypointgan.inference.poses import Poses
from keypointgan.inference.trails import middles

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")


def speeds(poses: Poses, joint: str | None = None) -> Float64[ndarray, " step"]:
    """Return how fast an animal moves between each frame and the next.

    In pixels a second, or pixels a frame where the frame rate is unknown; NaN where it is not
    seen in both.

    Args:
        poses: Those of one animal.
        joint: The joint to follow; the mean of the joints without.
    """
    steps = np.linalg.norm(np.diff(middles(poses, joint), axis=0), axis=-1)
    return steps * (poses.fps or 1.0)


def plot_trajectories(
    poses: Sequence[Poses],
    path: str | Path,
    *,
    joint: str | None = None,
    background: RGBFrame | None = None,
) -> None:
    """Write a picture of the paths of animals, a circle where each begins.

    Args:
        poses: Those of each animal.
        path: The picture to write; its suffix gives the format.
        joint: As in `speeds`.
        background: A frame of the video to draw on.
    """
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = [middles(each, joint) for each in poses]
    size = background.shape[:2] if background is not None else poses[0].size
    if background is not None:
        height, width = background.shape[:2]
        axes.imshow(background, extent=(0, width, height, 0), alpha=0.6)
    for index, (each, place) in enumerate(zip(poses, places, strict=True)):
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(*place.T, color=colour, linewidth=1.0, label=each.track or "the animal")
        seen = place[np.isfinite(place).all(axis=1)]
        if len(seen):
            axes.plot(*seen[0], "o", color=colour, markersize=6, markerfacecolor="white")
    axes.set_aspect("equal")
    if size is not None:
        axes.set(xlim=(0, size[1]), ylim=(size[0], 0))
    else:
        axes.invert_yaxis()
    axes.set(xlabel="x (pixels)", ylabel="y (pixels)", title=_title("Path", joint))
    _finish(figure, axes, poses, path)


def plot_speed(poses: Sequence[Poses], path: str | Path, *, joint: str | None = None) -> None:
    """Write a picture of how fast animals move over time.

    Args:
        poses: Those of each animal.
        path: The picture to write; its suffix gives the format.
        joint: As in `speeds`.
    """
    figure = Figure(figsize=(9.0, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for index, each in enumerate(poses):
        values = speeds(each, joint)
        time = (np.arange(len(values)) + 0.5) / (each.fps or 1.0)
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(time, values, color=colour, linewidth=0.8, label=each.track or "the animal")
    known = poses[0].fps is not None
    axes.set(
        xlabel="time (s)" if known else "frame",
        ylabel="pixels per second" if known else "pixels per frame",
        title=_title("Speed", joint),
    )
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    axes.grid(alpha=0.3)
    _finish(figure, axes, poses, path)


def _title(what: str, joint: str | None) -> str:
    return f"{what} of {joint or 'the middle of the body'}"


def _finish(figure: Figure, axes: Axes, poses: Sequence[Poses], path: str | Path) -> None:
    if len(poses) > 1:
        axes.legend(loc="upper right", fontsize=8)
    figure.savefig(Path(path), dpi=120)
