"""Timings whose ratios can be trusted on a noisy machine: interleaved, repeated, medians."""

import datetime
import itertools
import json
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

Figures = dict[str, dict[str, float]]


def compare(
    variants: dict[str, Callable[[], object]], *, repeats: int, device: torch.device
) -> Figures:
    """Seconds of each variant and how often faster than the first it is.

    All variants run once to warm up, then in turn, `repeats` times; the speedup is the median over
    rounds of the ratio within a round, so that a slow minute slows both sides of it.

    Returns:
        For each variant: `seconds` (median), `seconds_low` and `seconds_high` (quartiles),
        `speedup` (median), `speedup_low` and `speedup_high` (quartiles).
    """
    for run in variants.values():
        run()
    rounds = [
        {name: _seconds(run, device) for name, run in variants.items()} for _ in range(repeats)
    ]
    first = next(iter(variants))
    figures = {}
    for name in variants:
        seconds = _quartiles([row[name] for row in rounds])
        ratio = _quartiles([row[first] / row[name] for row in rounds])
        labels = ("_low", "", "_high")
        figures[name] = {
            f"seconds{label}": each for label, each in zip(labels, seconds, strict=True)
        }
        figures[name] |= {
            f"speedup{label}": each for label, each in zip(labels, ratio, strict=True)
        }
    return figures


def peak_memory(run: Callable[[], object], device: torch.device) -> float:
    """The most memory that tensors of one call hold at once, bytes."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        return float(torch.cuda.max_memory_allocated(device) - before)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    changes = [event for event in events if event.get("name") == "[memory]"]
    changes.sort(key=lambda event: event["ts"])
    peak = max(itertools.accumulate(event["args"]["Bytes"] for event in changes), default=0)
    return float(peak)


def machine(device: torch.device) -> dict[str, object]:
    """What the figures depend on: the machine, its software and the commit."""
    root = Path(__file__).parent
    commit, changes = (
        subprocess.run(
            ["git", *command], cwd=root, capture_output=True, text=True, check=False
        ).stdout.strip()
        for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--", "../../src"])
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit + (" with changes" if changes else ""),
        "cpu": _cpu(),
        "cores": torch.multiprocessing.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _seconds(run: Callable[[], object], device: torch.device) -> float:
    started = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def _quartiles(values: list[float]) -> list[float]:
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
