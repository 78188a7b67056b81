"""What a process costs: seconds, seconds of CPU and peak memory, as the system counts them."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Medians over repetitions.

    Attributes:
        seconds: By the clock on the wall.
        cpu_seconds: Of all threads.
        peak_bytes: Resident memory.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: float


def measure(command: list[str], *, clean: Path, repeats: int) -> Cost:
    """Run a command several times, each time without the folder `clean` that it writes."""
    rounds = []
    for _ in range(repeats):
        shutil.rmtree(clean, ignore_errors=True)
        rounds.append(_run(command))
    columns = zip(
        *((each.seconds, each.cpu_seconds, each.peak_bytes) for each in rounds), strict=True
    )
    return Cost(*map(statistics.median, columns))


def _run(command: list[str]) -> Cost:
    """Started by a process that is small: a child's peak counts what it shares with its parent."""
    launcher = [sys.executable, str(Path(__file__).resolve()), *command]
    said = subprocess.run(launcher, capture_output=True, text=True, check=False)
    if said.returncode:
        raise RuntimeError(f"{' '.join(command)}: {said.stderr}")
    return Cost(*map(float, said.stdout.split()))


def _launch(command: list[str]) -> int:
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    print(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024.0)
    return process.returncode


if __name__ == "__main__":
    sys.exit(_launch(sys.argv[1:]))
