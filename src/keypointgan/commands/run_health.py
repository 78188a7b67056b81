"""How a run is doing, in words: from its metrics, and from what its health checks have said."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from keypointgan.commands.findings import Finding
from keypointgan.config import Config
from keypointgan.recipe import load_config
from keypointgan.training.journal import read_metrics

Metrics = Sequence[Mapping[str, Any]]

GOOD_REGRESSOR, POOR_REGRESSOR = 2.0, 4.0
"""Errors on poses kept apart, % of the image side: no encoder is better than its regressor."""
LEVEL = 0.02
"""A figure that changes by less than this share is level."""
PASSED = 0.8
"""A warning from before this share of the updates, and not since, has passed."""
_PERCENT = 100 / 2  # of the image side, which is 2 normalised units long
_ENOUGH = 100  # lines of metrics after which figures should have taught something
_TRUSTED = 0.25  # mean weight of guesses below which frames teach little


def examine_run(run: Path) -> list[Finding]:
    """What the metrics and the health checks of a run say."""
    config = load_config(base=(run / "config.yaml").read_text(encoding="utf-8"))
    metrics = read_metrics(run)
    if not metrics:
        return [Finding(f"{run}: progress", "nothing has been written yet")]
    evaluated = [line for line in metrics if line["phase"] == "evaluate"]
    is_student = bool(_values(metrics, "loss_student"))
    found = [
        _progress(metrics, config),
        _regressor(metrics),
        _figures(metrics) if is_student else None,
        _guesses(metrics) if is_student and not config.training.supervised else None,
        _learning(evaluated, rate=f"{'student' if is_student else 'optimiser'}.learning_rate"),
        _movement(evaluated),
        _likeness(evaluated),
        _place(evaluated),
        _adversaries(metrics),
    ]
    named = [
        Finding(f"{run}: {finding.what}", finding.found, finding.good)
        for finding in found
        if finding is not None
    ]
    return named + _warnings(run, last=max(int(line["step"]) for line in metrics))


def _progress(metrics: Metrics, config: Config) -> Finding:
    training = [line for line in metrics if line["phase"] == "train"]
    if not training:
        step = int(metrics[-1]["step"])
        return Finding("progress", f"pre-training, update {step:,} of {config.pretrain.steps:,}")
    first, last = training[0], training[-1]
    step, planned = int(last["step"]), config.training.steps
    text = f"update {step:,} of {planned:,} ({100 * step / planned:.0f} %)"
    seconds = float(last["seconds"]) - float(first["seconds"])
    updates = step - int(first["step"])
    if updates > 0 and seconds > 0:
        frames = config.training.batch_size * config.training.devices * updates / seconds
        hours = (planned - step) * seconds / updates / 3600
        text += f", {frames:.0f} frames/s"
        text += f", {hours:.1f} hours to go" if step < planned else ", finished"
    if config.training.minutes and step < planned:
        text += f"; training.minutes={config.training.minutes:g} may end it before"
    return Finding("progress", text)


def _regressor(metrics: Metrics) -> Finding | None:
    errors = _values(metrics, "regressor_error")
    if not errors:
        return None
    text = f"reads drawn poses with an error of {errors[-1]:.2f} % of the image"
    if errors[-1] < GOOD_REGRESSOR:
        return Finding("regressor", text, good=True)
    if errors[-1] < POOR_REGRESSOR:
        return Finding("regressor", f"{text}; below {GOOD_REGRESSOR:g} is better")
    return Finding(
        "regressor",
        f"{text}: no detector will be better than that. Raise pretrain.steps, and if the prior is "
        "seen from all sides set model.sides=apart.",
        good=False,
    )


def _figures(metrics: Metrics) -> Finding | None:
    """Of a student, how far off it is where points are known."""
    errors = _values(metrics, "loss_figure_points")
    if len(errors) < 2:
        return None
    first, last = (_PERCENT * fmean(part) for part in (errors[:5], errors[-20:]))
    text = f"points of figures were {first:.1f} % of the image side off at first, {last:.1f} % now"
    if len(errors) >= _ENOUGH and last > 0.8 * first:
        return Finding(
            "figures",
            f"{text}: it does not learn from them. Lower student.learning_rate, or raise "
            "student.width.",
            good=False,
        )
    return Finding("figures", text, good=True if last < 0.8 * first else None)


def _guesses(metrics: Metrics) -> Finding | None:
    """Of a student, what it makes of frames without labels."""
    trust = _values(metrics, "trust")
    if not trust:
        return None
    off, counts = _values(metrics, "loss_real_points")[-20:], fmean(trust[-20:])
    text = (
        f"a guessed point counts {100 * counts:.0f} % on average; views of the frames are "
        f"{_PERCENT * fmean(off):.1f} % of the image side off"
    )
    if counts > _TRUSTED:
        return Finding("guesses", text, good=True)
    return Finding(
        "guesses",
        f"{text}: it hardly knows where points are, or which side is left. Raise student.alone, or "
        "name a teacher with --teacher.",
        good=None,
    )


def _learning(evaluated: Metrics, *, rate: str) -> Finding | None:
    """Of the error where there are labels, else of the reconstruction."""
    for name, what in (("error", "error"), ("reconstruction", "reconstruction error")):
        values = _values(evaluated, name)
        if len(values) < 2:
            continue
        text = f"the {what} on validation clips went from {values[0]:.2f} to {values[-1]:.2f} %"
        best = min(values)
        quarter = max(1, len(values) // 4)
        before, now = min(values[:-quarter]), min(values[-quarter:])
        if now < (1 - LEVEL) * before:
            return Finding("learning", f"{text} and still falls: train for longer", good=True)
        if values[-1] > 1.25 * best:
            return Finding(
                "learning",
                f"{text}, up from its best of {best:.2f}: the best checkpoint is kept; lower "
                f"{rate}, or look at the panels for what changed",
                good=False,
            )
        if best < (1 - LEVEL) * values[0]:
            return Finding("learning", f"{text} and is level now", good=True)
        return Finding("learning", f"{text}: it has not fallen. Look at the panels.", good=False)
    return None


def _movement(evaluated: Metrics) -> Finding | None:
    last = evaluated[-1] if evaluated else {}
    if not {"motion_keypoints", "motion_prior"} <= last.keys():
        return None
    moved, usual = float(last["motion_keypoints"]), float(last["motion_prior"])
    return Finding(
        "movement",
        f"keypoints move by {moved:.1f} % between frames of a clip (two poses of the prior differ "
        f"by {usual:.1f} %)",
        good=moved > usual / 50,
    )


def _likeness(evaluated: Metrics) -> Finding | None:
    last = evaluated[-1] if evaluated else {}
    if not {"prior_distance", "prior_distance_held_out"} <= last.keys():
        return None
    ours, own = float(last["prior_distance"]), float(last["prior_distance_held_out"])
    text = f"predicted poses are {ours:.1f} % from the nearest of the prior, its own {own:.1f} %"
    if ours < 1.5 * own:
        return Finding("likeness to the prior", text, good=True)
    return Finding(
        "likeness to the prior",
        f"{text}: they are of another kind. Raise loss.adversarial, or see with 'keypointgan prior "
        "plot' whether the prior has the poses of the videos.",
        good=None if ours < 2.5 * own else False,
    )


def _place(evaluated: Metrics) -> Finding | None:
    values = _values(evaluated, "on_motion")
    if not values:
        return None
    text = f"the picture changes {values[-1]:.1f} times as much at the keypoints as elsewhere"
    if values[-1] > 1.2:
        return Finding("place", text, good=True)
    return Finding("place", f"{text}: they may lie on the background", good=None)


def _adversaries(metrics: Metrics) -> Finding | None:
    lines = [line for line in metrics if line.get("loss_discriminator") is not None][-20:]
    if not lines:
        return None
    discriminator = fmean(float(line["loss_discriminator"]) for line in lines)
    encoder = fmean(float(line["loss_adversarial"]) for line in lines)
    text = f"discriminator {discriminator:.2f}, encoder {encoder:.2f} (least squares)"
    if discriminator < 0.02 and encoder > 0.8:
        return Finding(
            "adversaries",
            f"{text}: the discriminator has won. Set loss.discriminator_noise=0.3 or lower "
            "optimiser.discriminator_rate.",
            good=False,
        )
    return Finding("adversaries", f"{text}: neither has won", good=True)


def _warnings(run: Path, *, last: int) -> list[Finding]:
    """The latest warning of each kind; one that has not come again for long is no problem."""
    file = run / "health.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    latest = {}
    for line in lines:
        if line.endswith("}"):  # the last one may be cut off
            warning = json.loads(line)
            latest[warning["name"]] = warning
    return [
        Finding(
            f"{run}, step {warning['step']}",
            f"{name}: {warning['message']}"
            + (" It has not come again since." if _has_passed(warning, last) else ""),
            None if _has_passed(warning, last) else False,
        )
        for name, warning in latest.items()
    ]


def _has_passed(warning: Mapping[str, Any], last: int) -> bool:
    return int(warning["step"]) < PASSED * last


def _values(metrics: Metrics, name: str) -> list[float]:
    return [float(line[name]) for line in metrics if line.get(name) is not None]
