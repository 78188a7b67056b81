"""A look at the machine, at stores and at runs, for people whose training does not work."""

import json
import os
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from keypointgan.checkpoint import load_model
from keypointgan.data.store import Store
from keypointgan.data.video import read_video, write_video
from keypointgan.errors import KeypointGANError
from keypointgan.training.journal import read_metrics

_ROOM = 2.0  # gigabytes below which a run may not find room for its checkpoints
_EXTRAS = {"formats": ("sleap_io", "pandas", "h5py"), "logs": ("tensorboard",)}


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        what: Its name.
        found: What it is like, and what to do where it is wrong.
        good: Whether it is as it should be; None where there is no such thing.
    """

    what: str
    found: str
    good: bool | None = None


def examine(paths: Sequence[Path]) -> list[Finding]:
    """Return what is found on this machine and in these stores and runs."""
    findings = [
        Finding("python", f"{platform.python_version()} on {platform.platform()}"),
        Finding("keypointgan", version("keypointgan")),
        Finding("torch", f"{torch.__version__}, {torch.get_num_threads()} threads"),
        _device(),
        _checked("codec", _try_codec),
        _disk(),
        *(_extra(name, modules) for name, modules in _EXTRAS.items()),
    ]
    for path in paths:
        findings += _examine_path(path)
    return findings


def _device() -> Finding:
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
        return Finding("device", f"{name}, {free / 2**30:.0f} of {total / 2**30:.0f} GiB free")
    if torch.backends.mps.is_available():
        return Finding("device", "Apple GPU (mps)")
    return Finding("device", f"no GPU, {os.cpu_count()} cores: use the preset 'compact' and 64 px")


def _try_codec() -> str:
    frames = np.zeros((4, 32, 32, 3), np.uint8)
    frames[:, :, :16] = 200
    with TemporaryDirectory() as folder:
        file = Path(folder) / "test.mp4"
        write_video(file, iter(frames), 10.0)
        count = sum(1 for _ in read_video(file))
    return f"PyAV {_version('av')} wrote 4 and read {count} frames of H.264"


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return Finding("disk", f"{free:.1f} GB free here", free > _ROOM)


def _extra(name: str, modules: Sequence[str]) -> Finding:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        return Finding(f"extra '{name}'", f"not installed: pip install 'keypointgan[{name}]'")
    return Finding(f"extra '{name}'", "installed", True)


def _examine_path(path: Path) -> list[Finding]:
    if (path / "config.yaml").is_file():
        return [_checked(str(path), lambda: _describe_run(path)), *_health(path)]
    return [_checked(str(path), lambda: _describe_store(path))]


def _describe_store(path: Path) -> str:
    store = Store.open(path)
    store.frames([0, store.num_frames - 1])
    lengths = [clip.frames for clip in store.clips]
    return (
        f"{len(store.clips)} clips of {min(lengths)} to {max(lengths)} frames, {store.num_frames} "
        f"in all, {store.size} px, {store.encoding}, {'with' if store.has_masks else 'no'} masks"
    )


def _describe_run(path: Path) -> str:
    loaded = load_model(path)
    lines = read_metrics(path)
    hours = lines[-1]["seconds"] / 3600 if lines else 0.0
    return f"{loaded.skeleton.name}, best of step {loaded.step}, trained for {hours:.2f} hours"


def _health(path: Path) -> list[Finding]:
    file = path / "health.jsonl"
    if not file.is_file():
        return []
    latest = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        warning = json.loads(line)
        latest[warning["name"]] = warning
    return [
        Finding(f"{path}, step {warning['step']}", f"{name}: {warning['message']}", False)
        for name, warning in latest.items()
    ]


def _checked(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, look(), True)
    except KeypointGANError as error:
        return Finding(what, str(error), False)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"
