"""Scoring a trained detector on a labelled store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from keypointgan.assemble import assemble_prior
from keypointgan.checkpoint import LoadedModel, load_model
from keypointgan.commands.reading import read_labelled
from keypointgan.data.labels import LABEL_FILE, Labels
from keypointgan.data.pose_labels import read_labels
from keypointgan.data.store import Store
from keypointgan.data.windows import MARGIN
from keypointgan.errors import ConfigError, LabelError, PriorError
from keypointgan.evaluation.figures import default_protocol
from keypointgan.evaluation.predictions import evaluate_predictions
from keypointgan.evaluation.protocols import find_protocol
from keypointgan.evaluation.results import Evaluation
from keypointgan.hardware import choose_device
from keypointgan.inference.sides import naming_of


@dataclass(frozen=True)
class Scored:
    """An evaluation, and that of the supervised twin on the same frames.

    Attributes:
        checkpoint: What was scored.
        store: On what.
        step: Updates it has seen.
        evaluation: Its scores.
        twin: Those of the twin.
        notes: What could not be done, and why.
        named_sides: Whether left and right were named along clips, or stayed as in single frames;
            None where the checkpoint knows no other way than that.
        margin: Side over length of the squares in which objects were read again; None where frames
            were read as they come.
    """

    checkpoint: str
    store: str
    step: int
    evaluation: Evaluation
    twin: Evaluation | None
    notes: tuple[str, ...]
    named_sides: bool | None = None
    margin: float | None = None

    def to_json(self) -> str:
        """Return everything as indented JSON."""
        values = {
            "checkpoint": self.checkpoint,
            "store": self.store,
            "step": self.step,
            "named_sides": self.named_sides,
            "margin": self.margin,
            "evaluation": self.evaluation.to_dict(),
            "twin": self.twin.to_dict() if self.twin else None,
        }
        return json.dumps(values, indent=1, allow_nan=False)

    def to_table(self) -> Table:
        """Return the scores as a table for the terminal."""
        title = self.evaluation.describe()
        if self.named_sides is not None:
            named = "named along clips" if self.named_sides else "as in single frames"
            title = f"{title} Left and right: {named}."
        if self.margin is not None:
            title = f"{title} Read again in squares {self.margin:g} times as long as the object."
        table = Table(title=title, title_justify="left", title_style="")
        level = f"{100 * self.evaluation.level:g} % interval"
        table.add_column("score")
        for name in ("value", level, *self._beside):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("unit")
        others = [{s.name: s for s in other.scores} for other in self._beside.values()]
        for score in self.evaluation.scores:
            table.add_row(
                score.name,
                _number(score.mean),
                f"{_number(score.low)} – {_number(score.high)}",
                *(_number(o[score.name].mean) if score.name in o else "-" for o in others),
                score.unit,
            )
        return table

    @property
    def _beside(self) -> dict[str, Evaluation]:
        columns = {"mean pose": self.evaluation.baseline, "supervised twin": self.twin}
        return {name: found for name, found in columns.items() if found is not None}


def score(
    checkpoint: Path,
    store_path: Path,
    *,
    labels_path: Path | None = None,
    protocol: str | None = None,
    prior: Path | None = None,
    twin: Path | None = None,
    joint_map: Mapping[str, str] | None = None,
    fit_on: Path | None = None,
    reframe: bool | None = None,
    flip_average: bool = False,
    name_sides: bool | None = None,
    device: str = "auto",
) -> Scored:
    """Return the scores of a checkpoint on the labelled frames of a store.

    Args:
        checkpoint: A run, a checkpoint folder or a safetensors file.
        store_path: The ingested frames.
        labels_path: Their labels; by default those inside the store.
        protocol: How to score; by default as the labels say, else as the skeleton's benchmark does.
        prior: Poses whose mean is the baseline; by default those of the training.
        twin: A run of the supervised twin to score beside.
        joint_map: For joints with another name in the labels: skeleton's name -> labels' name.
        fit_on: A labelled store on which the linear regression to the labels is fitted; without it
            it is cross-validated over the clips or persons of the scored frames.
        reframe: Read each frame again in a square around what was found in it, as `predict` does;
            by default where the checkpoint has a `student.margin`.
        flip_average: Average with what is found in the mirrored frame, as `predict` can.
        name_sides: Name left and right along each clip, as `predict` does in videos; by default
            where the checkpoint has learnt it. Its twin stays as it is.
        device: Where to compute.

    Raises:
        KeypointGANError: One of them cannot be used, or they do not belong together.
    """
    chosen = choose_device(device)
    store = Store.open(store_path)
    labels_path = labels_path or store_path / LABEL_FILE
    if not labels_path.is_file():
        raise LabelError(
            f"{labels_path}: expected a file of labels, found none. Name one with --labels; a "
            "store of 'ingest --benchmark' holds its own."
        )
    labels = read_labels(labels_path, store)
    loaded = load_model(checkpoint, device=chosen)
    naming = naming_of(loaded.model, name_sides=name_sides)
    mean_pose, notes = _mean_pose(loaded, prior)
    fitting = None
    if fit_on is not None:
        fitting = Store.open(fit_on), Labels.load(fit_on / LABEL_FILE)
        if fitting[1].joints != labels.joints:
            raise LabelError(
                f"{fit_on}: expected labels of the same joints as {labels_path}, to fit the "
                "regression on, got others."
            )

    def margin_of(model: LoadedModel) -> float | None:
        return None if reframe is False else model.margin or (MARGIN if reframe else None)

    def predict(model: LoadedModel, frames: Store, known: Labels) -> np.ndarray:
        return read_labelled(
            model,
            frames,
            known,
            margin=margin_of(model),
            naming=naming if model is loaded else None,
            flip_average=flip_average,
            device=chosen,
        )

    def evaluate(model: LoadedModel, baseline: np.ndarray | None) -> Evaluation:
        fit = None
        if fitting is not None:
            fit = predict(model, *fitting), fitting[1].xy
        return evaluate_predictions(
            predict(model, store, labels),
            labels.xy,
            model.skeleton,
            groups=[store.clip(name).group for name in labels.clip],
            protocol=(
                find_protocol(protocol or labels.protocol)
                if protocol or labels.protocol
                else default_protocol(model.skeleton, actions=labels.action is not None)
            ),
            actions=labels.action,
            label_joints=labels.joints,
            joint_map=joint_map,
            fit_on=fit,
            mean_pose=baseline,
            source_side=labels.source_side,
            object_size=labels.object_size,
        )

    return Scored(
        checkpoint=str(checkpoint),
        store=str(store_path),
        step=loaded.step,
        evaluation=evaluate(loaded, mean_pose),
        twin=evaluate(load_model(twin, device=chosen), None) if twin else None,
        notes=notes,
        named_sides=None if naming_of(loaded.model) is None else naming is not None,
        margin=margin_of(loaded),
    )


def default_output(checkpoint: Path, store: Path) -> Path:
    """Return where the scores go: into the run, where there is one, else beside the user."""
    name = f"{store.resolve().name}.json"
    if (checkpoint / "config.yaml").is_file():
        return checkpoint / "evaluations" / name
    return Path(f"evaluation-{name}")


def _mean_pose(
    loaded: LoadedModel, poses: Path | None
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The mean pose of the prior, or None and the reason."""
    config = loaded.config
    if poses is not None:
        prior = config.prior.model_copy(update={"poses": poses})
        config = config.model_copy(update={"prior": prior})
    try:
        training, _ = assemble_prior(config, loaded.skeleton)
    except (ConfigError, PriorError) as error:
        if poses is not None:
            raise
        return None, (f"No mean pose to compare with: {error} Name the poses with --prior.",)
    return training.mean_pose().numpy().astype(np.float64), ()


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"
