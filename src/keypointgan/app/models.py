"""The runs and checkpoints that the page offers, each loaded when it is first asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np

from keypointgan.checkpoint import DESCRIPTION, LoadedModel, list_pretrained, load_model
from keypointgan.data.resize import resize_frames
from keypointgan.data.store import Store
from keypointgan.data.video import RGBFrame
from keypointgan.errors import CheckpointError, ConfigError, StoreError
from keypointgan.hardware import choose_device
from keypointgan.inference.detector import Detector

_FIRST = "humans"  # of the models of the package: most pictures that somebody tries are of people
_DEEPEST = 3  # folders below the given one in which runs are looked for
_PLATE_FRAMES = 40  # of a clip, whose median is its still background


@dataclass(frozen=True)
class ReadyModel:
    """A trained model and the detector around it.

    Attributes:
        name: What it was asked for by.
        loaded: The model.
        detector: What finds keypoints with it.
    """

    name: str
    loaded: LoadedModel
    detector: Detector


@dataclass(frozen=True)
class Example:
    """A frame of a model's own videos, and what the still camera of its clip sees without it."""

    frame: RGBFrame
    plate: RGBFrame


class Models:
    """Finds runs and keeps the models in them loaded; a model that was trained on is read anew.

    Args:
        paths: Runs, checkpoints, and folders in which to look for runs.
        device: Where the models compute: cpu, cuda, mps or auto.
    """

    def __init__(self, paths: Sequence[Path], *, device: str = "auto") -> None:
        self.paths = tuple(paths)
        self.device = choose_device(device)
        self._ready: dict[str, tuple[float, ReadyModel]] = {}
        self._lock = Lock()

    def names(self) -> list[str]:
        """Runs with a checkpoint and checkpoints, as paths, then what comes with the package.

        The page opens with the first.
        """
        runs = [run for run in self._runs() if _newest_description(run) is not None]
        others = [path for path in self.paths if path not in runs and _newest_description(path)]
        pretrained = sorted(list_pretrained(), key=lambda name: name != _FIRST)
        return [*(str(path) for path in (*runs, *others)), *pretrained]

    def runs(self) -> list[str]:
        """The folders of runs there are now, also of those that have only begun."""
        return [str(run) for run in self._runs()]

    def get(self, name: str | None) -> ReadyModel:
        """Return the model of that path.

        Raises:
            CheckpointError: There is none.
        """
        if not name:
            raise CheckpointError(
                f"Expected a trained model, got none. Choose {' or '.join(list_pretrained())}, or "
                "start the page with the folder of a run: keypointgan app RUN. 'keypointgan demo' "
                "makes one in ten minutes."
            )
        description = _newest_description(Path(name))
        changed = description.stat().st_mtime if description is not None else 0.0
        with self._lock:
            kept = self._ready.get(name)
            if kept is None or kept[0] != changed:
                loaded = load_model(name, device=self.device)
                kept = changed, ReadyModel(name, loaded, Detector.of(loaded, device=self.device))
                self._ready[name] = kept
            return kept[1]

    def example(self, name: str | None, *, seed: int | None = None) -> Example:
        """Return a random frame of the videos that the model was trained on.

        Raises:
            ConfigError: The model names no store, as those that come with the package.
            StoreError: The store is not on this machine any more.
        """
        loaded = self.get(name).loaded
        folder = loaded.config.data.store
        if folder is None:
            raise ConfigError(
                f"Expected a model with the store of its videos, but '{name}' comes without. "
                "Upload a picture instead."
            )
        if not folder.is_dir():
            raise StoreError(
                f"{folder}: expected the store that the model was trained on, found none here. "
                "Upload a picture instead."
            )
        store = Store.open(folder)
        generator = np.random.default_rng(seed)
        clip = store.clips[generator.integers(len(store.clips))]
        row = clip.start + int(generator.integers(clip.frames))
        spread = np.linspace(0, clip.frames - 1, min(clip.frames, _PLATE_FRAMES)).astype(int)
        frames = store.frames(np.concatenate([[row], clip.start + spread]))
        plate = np.median(frames[1:], axis=0).astype(np.uint8)
        frame, still = resize_frames(np.stack([frames[0], plate]), size=loaded.size)
        return Example(frame, still)

    def _runs(self) -> list[Path]:
        found = {
            settings.parent
            for path in self.paths
            for depth in range(_DEEPEST + 1)
            for settings in path.glob("*/" * depth + "config.yaml")
        }
        return sorted(run for run in found if run.is_dir())


def _newest_description(path: Path) -> Path | None:
    """The description of the checkpoint that `load_model` takes."""
    if path.suffix == ".safetensors":
        return path.with_suffix(".json") if path.is_file() else None
    for folder in (path / "checkpoints" / "best", path / "checkpoints" / "last", path):
        if (folder / DESCRIPTION).is_file():
            return folder / DESCRIPTION
    return None
