"""Checkpoints: weights as safetensors, what they are as JSON, the state to resume beside them.

A checkpoint is a folder:

```
model.safetensors   encoder, regressor and decoder, or a student, as they are used (running mean)
model.json          settings, skeleton, step, versions, figures, which of the two networks it is
resume.pt           everything that training needs to go on as if it had not stopped
```

A folder is written beside and renamed; an interrupted or failed write leaves the old one.
"""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from keypointgan.assemble import assemble_model, assemble_student
from keypointgan.config import Config
from keypointgan.errors import CheckpointError, ConfigError, TrainingError
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.models.naming import holds_naming
from keypointgan.models.student import Student, completed
from keypointgan.recipe import make_config
from keypointgan.skeletons import Skeleton

PRETRAINED = Path(__file__).parent / "pretrained"
"""Checkpoints that come with the package, by name: `keypointgan predict faces photo.jpg`."""
WEIGHTS, DESCRIPTION, RESUME = "model.safetensors", "model.json", "resume.pt"
FORMAT = 1
Network = Literal["method", "student"]
"""What a checkpoint holds: encoder, regressor and decoder, or a student."""
_KEYS = {"step", "align_corners", "metrics", "skeleton", "config"}


@dataclass(frozen=True)
class LoadedModel:
    """A trained detector, ready to use.

    Attributes:
        model: The networks, in evaluation mode.
        skeleton: The joints they find.
        size: Side of the frames they were trained on, pixels.
        config: The settings of their training.
        step: Updates they have seen.
        metrics: Figures measured when they were saved.
    """

    model: KeypointGAN | Student
    skeleton: Skeleton
    size: int
    config: Config
    step: int
    metrics: Mapping[str, float]

    @property
    def margin(self) -> float | None:
        """`student.margin` of a student; None where frames are read as they come."""
        return self.config.student.margin if isinstance(self.model, Student) else None


def save_checkpoint(
    folder: Path,
    model: KeypointGAN | Student,
    *,
    config: Config,
    skeleton: Skeleton,
    step: int,
    metrics: Mapping[str, float],
    resume: Mapping[str, Any] | None = None,
    half: bool = False,
) -> None:
    """Write a checkpoint, replacing the one that is there only when all of it is on the disk.

    Args:
        folder: Where; its parents are made.
        model: The networks as they are to be used.
        config: The settings of the run.
        skeleton: The joints.
        step: Updates so far.
        metrics: Figures to keep with it.
        resume: State to go on from, tensors and plain values only.
        half: Store the weights in half precision, for a file of half the size.

    Raises:
        TrainingError: The disk is full or cannot be written.
    """
    beside = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        weights = {key: _to_store(value, half=half) for key, value in model.state_dict().items()}
        save_file(weights, beside / WEIGHTS)
        description = {
            "format": FORMAT,
            "network": "student" if isinstance(model, Student) else "method",
            "step": step,
            "align_corners": model.align_corners,
            "metrics": dict(metrics),
            "skeleton": skeleton.to_dict(),
            "config": config.model_dump(mode="json"),
            "versions": {"torch": str(torch.__version__)},
        }
        (beside / DESCRIPTION).write_text(json.dumps(description, indent=1), encoding="utf-8")
        if resume is not None:
            torch.save(dict(resume), beside / RESUME)
        _replace_folder(beside, folder)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        _recover(folder)
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        raise TrainingError(
            f"The checkpoint {folder} could not be written "
            f"({'no space left on the disk' if full else error}). "
            f"{'The one before it is kept. ' if folder.exists() else ''}"
            "Free some space or choose another folder, then resume the run."
        ) from error


def load_model(path: str | Path, *, device: torch.device | str = "cpu") -> LoadedModel:
    """Return the detector in a run folder, a checkpoint folder or a `.safetensors` file.

    Of a run the best checkpoint is taken, else the last. A name of `list_pretrained` that is no
    path here stands for the detector that comes with the package.

    Raises:
        CheckpointError: There is none, or it is damaged or of another version.
    """
    folder, weights_file = locate_checkpoint(Path(path))
    description = read_description(folder, weights_file)
    try:
        config = make_config(description["config"], where=str(folder))
    except ConfigError as error:
        raise CheckpointError(
            f"{error} The checkpoint was written by another version of keypointgan."
        ) from error
    skeleton = Skeleton.from_dict(description["skeleton"], where=str(folder))
    weights = _read_weights(weights_file)
    model: KeypointGAN | Student
    if description.get("network") == "student":
        model = assemble_student(config, skeleton, named=holds_naming(weights))
    else:
        aligned = bool(description["align_corners"])
        model = assemble_model(config.model, skeleton, align_corners=aligned)
    _fill(model, weights, file=weights_file)
    return LoadedModel(
        model.to(device).eval(),
        skeleton,
        config.data.size,
        config,
        int(description["step"]),
        description["metrics"],
    )


def method_of(loaded: LoadedModel, *, where: str | Path) -> KeypointGAN:
    """Return encoder, regressor and decoder of a loaded model.

    Raises:
        CheckpointError: It is a student, which has none of them.
    """
    if isinstance(loaded.model, Student):
        raise CheckpointError(
            f"{where}: expected encoder, regressor and decoder, got a student, which is one "
            "network from frames to points. Name the run of 'keypointgan train' that taught it."
        )
    return loaded.model


def list_pretrained() -> list[str]:
    """Return the names of the detectors that come with the package."""
    return sorted(file.parent.name for file in PRETRAINED.glob(f"*/{WEIGHTS}"))


def load_weights(model: KeypointGAN | Student, file: Path) -> None:
    """Load a safetensors file into `model`.

    Raises:
        CheckpointError: The file is damaged, or holds the weights of other networks.
    """
    _fill(model, _read_weights(file), file=file)


def _read_weights(file: Path) -> dict[str, Tensor]:
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{file}: expected weights (safetensors), got {error}.") from error


def _fill(model: KeypointGAN | Student, weights: Mapping[str, Tensor], *, file: Path) -> None:
    own = model.state_dict()
    weights = completed(weights)
    strange = [key for key in own if key not in weights or weights[key].shape != own[key].shape]
    if strange or len(own) != len(weights):
        name = strange[0] if strange else next(key for key in weights if key not in own)
        came = tuple(weights[name].shape) if name in weights else "nothing"
        raise CheckpointError(
            f"{file}: expected '{name}' of shape {tuple(own[name].shape) if name in own else None},"
            f" got {came}. These are the weights of other networks or of another skeleton: "
            "choose the skeleton, model.preset, model.width and model.sides they were trained with."
        )
    model.load_state_dict({key: value.to(own[key].dtype) for key, value in weights.items()})


def read_description(folder: Path, weights_file: Path) -> dict[str, Any]:
    """Return what `model.json` says.

    Raises:
        CheckpointError: It is absent, damaged, or of a newer version.
    """
    file = weights_file.with_suffix(".json")
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{folder}: expected {file.name} beside the weights, got {error}."
        ) from error
    if not isinstance(description, dict):
        raise CheckpointError(f"{file}: expected a mapping, got {type(description).__name__}.")
    if description.get("format") != FORMAT:
        raise CheckpointError(
            f"{file}: expected format {FORMAT}, got {description.get('format')}. "
            "Use the version of keypointgan that wrote it."
        )
    missing = sorted(_KEYS - description.keys())
    if missing:
        raise CheckpointError(
            f"{file}: expected {', '.join(sorted(_KEYS))}, missing {', '.join(missing)}. "
            "Restore the file that was written with the weights."
        )
    return description


def load_resume_state(run: Path, *, network: Network = "method") -> dict[str, Any] | None:
    """Return the state in the run's last checkpoint, or None if there is none yet.

    Args:
        run: The run's folder.
        network: What is to be trained on.

    Raises:
        CheckpointError: There is one, but it cannot be read, or it is of the other kind.
    """
    folder = run / "checkpoints" / "last"
    _recover(folder)
    file = folder / RESUME
    if not file.is_file():
        return None
    found = read_description(folder, folder / WEIGHTS).get("network", "method")
    if found != network:
        commands = {"method": "train", "student": "distill"}
        raise CheckpointError(
            f"{run}: expected a run of 'keypointgan {commands[network]}', got one of "
            f"'keypointgan {commands.get(found, found)}'. Name another folder with -o."
        )
    try:
        return dict(torch.load(file, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, UnpicklingError, EOFError) as error:
        raise CheckpointError(
            f"{file}: expected the state of a run, got a damaged file ({error}). "
            "Copy checkpoints/best over checkpoints/last, or start another run."
        ) from error


def locate_checkpoint(path: Path) -> tuple[Path, Path]:
    """Return the folder and the weights that `load_model` takes.

    Raises:
        CheckpointError: There are none.
    """
    if path.suffix == ".safetensors":
        if not path.is_file():
            raise CheckpointError(f"Expected a checkpoint at '{path}', found no file.")
        return path.parent, path
    for folder in (path / "checkpoints" / "best", path / "checkpoints" / "last", path):
        _recover(folder)
        if (folder / WEIGHTS).is_file():
            return folder, folder / WEIGHTS
    if str(path) in list_pretrained() and not path.exists():
        return PRETRAINED / path, PRETRAINED / path / WEIGHTS
    raise CheckpointError(
        f"Expected a run folder, a checkpoint folder, a .safetensors file or the name of a "
        f"detector that comes with keypointgan "
        f"({', '.join(list_pretrained())}), got '{path}', where "
        f"there is no {WEIGHTS}. 'keypointgan train' makes a run."
    )


def _to_store(value: Tensor, *, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if half and value.is_floating_point() else value


def _replace_folder(beside: Path, folder: Path) -> None:
    for file in beside.iterdir():
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _recover(folder: Path) -> None:
    """Bring back the old checkpoint where a run was killed between the two renames."""
    old = folder.with_name(f".{folder.name}.old")
    if old.is_dir() and not folder.exists():
        old.rename(folder)
