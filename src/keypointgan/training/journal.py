"""The record of a run: metrics as lines of JSON, TensorBoard, the machine, health warnings."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

Phase = Literal["pretrain", "train", "evaluate"]


class Journal:
    """Writes what happens into a run folder.

    Args:
        run: The run's folder.
        step: Lines of later steps, from before a resumed stop, are dropped.
        pretrain_step: Likewise for the lines of pre-training; -1 once that is over, to keep all.
        tensorboard: Also write TensorBoard events, where the package is installed.
    """

    def __init__(
        self, run: Path, *, step: int = 0, pretrain_step: int = -1, tensorboard: bool = True
    ) -> None:
        self.run = run
        self._metrics = run / "metrics.jsonl"
        self._drop_after(step, pretrain_step)
        self._writer = _tensorboard_writer(run) if tensorboard else None

    def write(
        self, phase: Phase, step: int, seconds: float, values: Mapping[str, Tensor | float]
    ) -> dict[str, float]:
        """Append one line of metrics; returns them as numbers."""
        numbers = {name: float(value) for name, value in values.items()}
        line = {"step": step, "seconds": round(seconds, 2), "phase": phase}
        with self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line | {k: _rounded(v) for k, v in numbers.items()}) + "\n")
        if self._writer is not None:
            for name, value in numbers.items():
                self._writer.add_scalar(f"{phase}/{name}", value, step)
        return numbers

    def warn(self, step: int, name: str, message: str) -> None:
        """Append one health warning."""
        with (self.run / "health.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "name": name, "message": message}) + "\n")

    def close(self) -> None:
        """Flush what is not yet on the disk."""
        if self._writer is not None:
            self._writer.close()

    def _drop_after(self, step: int, pretrain_step: int) -> None:
        if not self._metrics.is_file():
            return
        text = self._metrics.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if _is_before(line, step, pretrain_step)]
        kept = "".join(f"{line}\n" for line in lines)
        if kept != text:
            beside = self._metrics.with_suffix(".part")
            beside.write_text(kept, encoding="utf-8")
            beside.replace(self._metrics)


def write_environment(run: Path, *, device: torch.device) -> None:
    """Write versions, device and commit to `environment.json`."""
    values: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "commit": _commit(),
        "packages": {name: _version(name) for name in ("keypointgan", "torch", "lightning", "av")},
    }
    (run / "environment.json").write_text(json.dumps(values, indent=1), encoding="utf-8")


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """Return the lines of `metrics.jsonl`, an unfinished last one left out."""
    file = run / "metrics.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def _is_before(line: str, step: int, pretrain_step: int) -> bool:
    try:
        values = json.loads(line)
    except ValueError:
        return False  # cut off when the run was killed
    if values["phase"] == "pretrain":
        return pretrain_step < 0 or int(values["step"]) <= pretrain_step
    return int(values["step"]) <= step


def _rounded(value: float) -> float | None:
    return float(f"{value:.6g}") if value == value and abs(value) != float("inf") else None


def _tensorboard_writer(run: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None  # optional: pip install keypointgan[logs]
    return SummaryWriter(str(run / "tensorboard"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
