"""The curves of a run's metrics, as SVG."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

COLOURS = ("#0969da", "#d1570c", "#1a7f37", "#8250df", "#57606a")
_POINTS = 400
_SMOOTH = 0.05  # share of a curve over which its bold line is averaged


@dataclass(frozen=True)
class Chart:
    """One picture.

    Attributes:
        title: Above it.
        phase: Which lines of the metrics it shows.
        names: Metric -> label; those that a run does not have are left out.
        logarithmic: Whether the vertical axis is.
    """

    title: str
    phase: str
    names: Mapping[str, str]
    logarithmic: bool = False


CHARTS = (
    Chart(
        "Error on validation clips, %",
        "evaluate",
        {
            "error": "error, of image side",
            "error_flip_min": "flip-min",
            "nme": "normalised mean error",
        },
    ),
    Chart("Left and right told apart, % of frames", "evaluate", {"flip_accuracy": "flip accuracy"}),
    Chart(
        "Reconstruction",
        "train",
        {"loss_reconstruction": "reconstruction loss", "loss_labelled": "loss on labels"},
    ),
    Chart(
        "Moved frames",
        "train",
        {"loss_equivariance": "distance of their points from the frame's points, moved"},
    ),
    Chart(
        "Drawn figures",
        "train",
        {
            "loss_figure_points": "distance of points",
            "loss_figure_image": "skeleton image, squared error",
        },
    ),
    Chart(
        "Guessed frames",
        "train",
        {"loss_real_points": "distance of points", "trust": "how much a guess counts"},
    ),
    Chart(
        "Heatmaps: cross entropy above the least, nats",
        "train",
        {"loss_figure_heatmaps": "drawn figures", "loss_real_heatmaps": "guessed frames"},
    ),
    Chart(
        "Adversaries (least squares)",
        "train",
        {"loss_adversarial": "encoder", "loss_discriminator": "discriminator"},
    ),
    Chart(
        "Regressor, squared error",
        "train",
        {"loss_regressor_prior": "on prior poses", "loss_regressor_cycle": "on encoded skeletons"},
        logarithmic=True,
    ),
    Chart(
        "Distance from the prior, % of image side",
        "evaluate",
        {"prior_distance": "predicted poses", "prior_distance_held_out": "prior's own poses"},
    ),
    Chart(
        "Movement and spread of keypoints, % of image side",
        "evaluate",
        {
            "motion_keypoints": "moved between frames",
            "spread": "spread",
            "spread_prior": "spread of the prior",
        },
    ),
    Chart(
        "Regressor before training: error on held-out poses, %",
        "pretrain",
        {"regressor_error": "error"},
        logarithmic=True,
    ),
)


def draw_curves(metrics: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return an SVG for each chart that the metrics have data for, by title."""
    drawn = {}
    for chart in CHARTS:
        curves = {label: _series(metrics, chart.phase, name) for name, label in chart.names.items()}
        curves = {label: points for label, points in curves.items() if len(points) > 1}
        if curves:
            drawn[chart.title] = _draw(chart, curves)
    return drawn


def _series(
    metrics: Sequence[Mapping[str, Any]], phase: str, name: str
) -> list[tuple[float, float]]:
    return [
        (float(line["step"]), float(line[name]))
        for line in metrics
        if line["phase"] == phase and line.get(name) is not None
    ]


def _draw(chart: Chart, curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    with rc_context({"font.size": 9, "svg.fonttype": "path"}):
        figure = Figure(figsize=(4.6, 2.9), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for (label, points), colour in zip(curves.items(), COLOURS, strict=False):
            _plot(axes, points, label, colour)
        axes.set_title(chart.title, fontsize=10, loc="left")
        axes.set_xlabel("updates")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        if chart.logarithmic:
            axes.set_yscale("log")
        elif min(value for points in curves.values() for _, value in points) >= 0:
            axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if len(curves) > 1:
            axes.legend(frameon=False, fontsize=8)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg")
    return buffer.getvalue()


def _plot(axes: Axes, points: Sequence[tuple[float, float]], label: str, colour: str) -> None:
    """Few points as they are; many as a pale line with its running mean over it."""
    steps, values = zip(*points[:: math.ceil(len(points) / _POINTS)], strict=True)
    if len(steps) < 60:
        axes.plot(steps, values, color=colour, label=label, marker=".", linewidth=1.5)
        return
    axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
    window = max(2, round(_SMOOTH * len(values)))
    means = [
        sum(values[max(0, end - window) : end]) / (end - max(0, end - window))
        for end in range(1, len(values) + 1)
    ]
    axes.plot(steps, means, color=colour, label=label, linewidth=1.6)
