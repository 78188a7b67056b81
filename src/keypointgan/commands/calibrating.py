"""Making a student's confidence mean what it says, by labelled frames it was not trained on."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from safetensors.torch import load_file

from keypointgan.assemble import labels_of
from keypointgan.checkpoint import LoadedModel, load_model, locate_checkpoint, save_checkpoint
from keypointgan.commands.reading import fetch_squares, look_at
from keypointgan.data.labels import LABEL_FILE
from keypointgan.data.pairs import FrameBank, split_clips
from keypointgan.data.store import Store
from keypointgan.data.whole_files import write_text
from keypointgan.errors import CheckpointError, LabelError
from keypointgan.evaluation.calibration import (
    Correction,
    Reliability,
    fit_correction,
    reliability,
    share_within,
)
from keypointgan.hardware import choose_device
from keypointgan.models.student import NEAR, Student
from keypointgan.ops.framing import view_of
from keypointgan.ops.heatmaps import locate
from keypointgan.types import Frames, Rows

_BATCH = 128


@dataclass(frozen=True)
class Calibrated:
    """What was measured, and the correction that was set.

    Attributes:
        factor: What the stated errors, to that power, are multiplied with from now on.
        power: Their power.
        before: With the correction that was there.
        after: With the new one.
        points: Labelled points in all.
    """

    factor: float
    power: float
    before: Reliability
    after: Reliability
    points: int


def calibrate(
    checkpoint: Path,
    store_path: Path,
    *,
    labels_path: Path | None = None,
    held_out: bool = False,
    apply: bool = True,
    device: str = "auto",
) -> Calibrated:
    """Fit what corrects a student's stated errors to labelled frames, and keep it with the weights.

    Args:
        checkpoint: A run or a checkpoint folder of a student.
        store_path: Labelled frames that it was not trained on.
        labels_path: Their labels; by default those inside the store.
        held_out: Use only the clips that training kept apart, of the store it was trained on.
        apply: Write the correction into the checkpoint; else only measure.
        device: Where to compute.

    Raises:
        CheckpointError: It is no student.
        LabelError: There are no labels.
    """
    chosen = choose_device(device)
    loaded = load_model(checkpoint, device=chosen)
    if not isinstance(loaded.model, Student):
        raise CheckpointError(
            f"{checkpoint}: expected a student, whose confidence is a probability, got encoder and "
            "regressor. 'keypointgan distill' makes students."
        )
    store = Store.open(store_path)
    clips = list(store.clips)
    if held_out:
        _, clips = split_clips(clips, fraction=loaded.config.data.validation_fraction, seed=0)
    labels, rows = labels_of(labels_path or store_path / LABEL_FILE, store, clips, loaded.skeleton)
    if not len(rows):
        where = " in the clips kept apart" if held_out else ""
        raise LabelError(f"{store_path}: expected labelled frames{where}, got none.")
    scales, errors = _measure(loaded, loaded.model, store, rows, labels.xy, device=chosen)
    near = 2 * NEAR
    correction = fit_correction(scales, errors, near=near)

    def judge(some: Correction) -> Reliability:
        says = share_within(some.apply(scales), near=near)
        return reliability(says, 50 * errors, near=100 * NEAR)

    before = judge(Correction(float(loaded.model.calibration), float(loaded.model.power)))
    if apply:
        folder, weights = locate_checkpoint(checkpoint)
        half = any(value.dtype == torch.float16 for value in load_file(weights).values())
        loaded.model.calibration.fill_(correction.factor)
        loaded.model.power.fill_(correction.power)
        save_checkpoint(
            folder,
            loaded.model,
            config=loaded.config,
            skeleton=loaded.skeleton,
            step=loaded.step,
            metrics=loaded.metrics,
            half=half,
        )
    labelled = int(np.isfinite(errors).sum())
    return Calibrated(correction.factor, correction.power, before, judge(correction), labelled)


def write_reliability(found: Calibrated, path: Path) -> None:
    """Write the figures as JSON and, beside it, as a diagram."""
    write_text(path, json.dumps(asdict(found), indent=1) + "\n")
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    shares = figure.add_subplot(1, 2, 1)
    shares.plot([0, 1], [0, 1], color="#888", linestyle=":", label="what it says is true")
    away = figure.add_subplot(1, 2, 2)
    for name, one, colour in (
        ("before", found.before, "#d1570c"),
        ("calibrated", found.after, "#0969da"),
    ):
        says = [bin_.confidence for bin_ in one.bins]
        label = f"{name}, gap {one.gap:.3f}"
        shares.plot(says, [bin_.right for bin_ in one.bins], "o-", color=colour, label=label)
        away.plot(says, [bin_.error for bin_ in one.bins], "o-", color=colour, label=label)
    shares.set(xlabel="confidence", ylabel=f"share of points within {100 * NEAR:g} % of the side")
    away.set(xlabel="confidence", ylabel="mean error, % of the side")
    for axes in (shares, away):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path.with_suffix(".png"), dpi=110)


@torch.no_grad()
def _measure(
    loaded: LoadedModel,
    student: Student,
    store: Store,
    rows: torch.Tensor,
    wanted: np.ndarray,
    *,
    device: torch.device,
) -> tuple[np.ndarray, np.ndarray]:
    """Stated scales and true errors of all points, normalised, in what was read."""
    bank = FrameBank(
        store, size=loaded.size, masked=loaded.config.data.mask_background, device=device
    )
    rows = rows.to(device)
    fetch: Callable[[Rows], Frames] = bank.fetch
    if loaded.margin is not None:  # stated errors are those in the squares
        squares = look_at(loaded, bank, rows, margin=loaded.margin)
        fetch = fetch_squares(bank, rows, squares)
        wanted = view_of(squares).move(torch.from_numpy(wanted)).numpy()
    points, scales = [], []
    for part in rows.split(_BATCH):
        heatmaps, log_error = student(fetch(part))
        points.append(locate(heatmaps).cpu())
        scales.append(log_error.float().exp().cpu())
    away = np.linalg.norm(torch.cat(points).numpy() - wanted, axis=-1)
    return torch.cat(scales).double().numpy().ravel(), away.astype(np.float64).ravel()
