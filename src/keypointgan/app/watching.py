"""What a run is doing now, for people who watch it train."""

import base64
import html
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keypointgan.errors import CheckpointError
from keypointgan.recipe import load_config
from keypointgan.report_curves import draw_curves
from keypointgan.training.journal import read_metrics
from keypointgan.wording import counted

QUIET_AFTER = 120.0
"""Seconds without a line of metrics after which a run is said to have stopped."""

_FIGURES = {
    "error": "error on validation clips, % of image side",
    "error_flip_min": "the same, flips forgiven",
    "nme": "normalised mean error, %",
    "reconstruction": "reconstruction error on validation clips, %",
    "prior_distance": "distance from the prior, % of image side",
}


def stamp_of(run: Path) -> float:
    """When the run wrote last, in seconds since 1970: unchanged means nothing to show anew."""
    files = [run / "metrics.jsonl", run / "health.jsonl", *(run / "panels").glob("*.png")]
    return max((file.stat().st_mtime for file in files if file.is_file()), default=0.0)


def summarise(run: Path) -> str:
    """Where a run stands: state, figures and warnings, as HTML.

    Raises:
        CheckpointError: There is no run in that folder.
    """
    settings = run / "config.yaml"
    if not settings.is_file():
        raise CheckpointError(
            f"Expected the folder of a run with a config.yaml, got '{run}'. "
            "'keypointgan train' makes runs."
        )
    config = load_config(base=settings.read_text(encoding="utf-8"))
    metrics = read_metrics(run)
    planned = {"pretrain": config.pretrain.steps, "train": config.training.steps}
    return _state(metrics, planned, stamp_of(run)) + _tiles(metrics) + _warnings(run)


def curves_of(run: Path) -> str:
    """The curves of a run, as HTML."""
    pictures = "".join(
        f'<img alt="{html.escape(title)}" src="data:image/svg+xml;base64,'
        f'{base64.b64encode(svg.encode()).decode()}">'
        for title, svg in draw_curves(read_metrics(run)).items()
    )
    return f'<div class="curves">{pictures}</div>' if pictures else ""


def newest_panel(run: Path) -> Path | None:
    """The newest picture of what the networks do; its name is the update it was drawn at."""
    return max((run / "panels").glob("*.png"), default=None)


def _state(metrics: Sequence[Mapping[str, Any]], planned: Mapping[str, int], changed: float) -> str:
    if not metrics:
        return '<p class="state">The run has not written anything yet.</p>'
    phases = [line for line in metrics if line["phase"] != "evaluate"] or [metrics[-1]]
    phase = "pretrain" if phases[-1]["phase"] == "pretrain" else "train"
    step = max(int(line["step"]) for line in phases if line["phase"] == phases[-1]["phase"])
    minutes = max(float(line["seconds"]) for line in metrics) / 60
    quiet = time.time() - changed
    finished = phase == "train" and step >= planned[phase]
    live = quiet < QUIET_AFTER and not finished
    word = {"pretrain": "Pre-training the regressor", "train": "Training"}[phase]
    state = f"{word}, wrote last {_ago(quiet)} ago" if live else f"Not running for {_ago(quiet)}"
    state = "Finished" if finished else state
    return (
        f'<p class="state"><span class="dot {"live" if live else "still"}"></span>'
        f"<b>{state}</b> · update {step:,} of {planned[phase]:,} · "
        f"{counted(round(minutes), 'minute')} of work</p>"
    )


def _ago(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return counted(round(seconds), "second")


def _tiles(metrics: Sequence[Mapping[str, Any]]) -> str:
    evaluated = [line for line in metrics if line["phase"] == "evaluate"]
    tiles = []
    for name, label in _FIGURES.items():
        values = [float(line[name]) for line in evaluated if line.get(name) is not None]
        if values:
            best = f", least so far {min(values):.2f}" if len(values) > 1 else ""
            tiles.append(
                f"<div><b>{values[-1]:.2f}</b><span>{html.escape(label)}{best}</span></div>"
            )
    return f'<div class="tiles">{"".join(tiles)}</div>' if tiles else ""


def _warnings(run: Path) -> str:
    file = run / "health.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    latest = {}
    for line in lines:
        if line.endswith("}"):  # an unfinished one is left for the next look
            warning = json.loads(line)
            latest[warning["name"]] = warning
    if not latest:
        return '<p class="healthy">No health check has warned.</p>'
    return "".join(
        f'<p class="warned"><b>{html.escape(name.replace("_", " "))}</b> (update '
        f"{int(warning['step']):,}): {html.escape(warning['message'])}</p>"
        for name, warning in latest.items()
    )
