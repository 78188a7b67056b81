"""How fast each part is, compared within one run with a plain way to do it.

Networks and renderer are compared with the release's, figures with all of them drawn at once,
students with those of residual stages, faults of cameras with those made for all views.

python benchmarks/speed/run.py --out benchmarks/results/speed.json
"""

import argparse
import json
from pathlib import Path

import torch
from figures import time_figures
from measure import Figures, machine
from students import time_faults, time_students
from subjects import (
    check_agreement,
    time_detector,
    time_pairs,
    time_renderer,
    time_training,
)

SUBJECTS = ("renderer", "training", "detector", "pairs", "figures", "students", "faults")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where the JSON goes")
    parser.add_argument("--only", choices=SUBJECTS, action="append", help="default: all")
    parser.add_argument("--batch", type=int, default=16, help="images, or pairs, at a time")
    parser.add_argument("--repeats", type=int, default=7, help="rounds of each comparison")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    device = torch.device(arguments.device)
    options = {"batch": arguments.batch, "repeats": arguments.repeats, "device": device}
    compare = {
        "renderer": lambda: time_renderer(**options),
        "training": lambda: time_training(**options, compiled=not arguments.no_compile),
        "detector": lambda: time_detector(**options, compiled=not arguments.no_compile),
        "pairs": lambda: time_pairs(**options),
        "figures": lambda: time_figures(**options, compiled=not arguments.no_compile),
        "students": lambda: time_students(**options),
        "faults": lambda: time_faults(**options),
    }
    results: dict[str, object] = {"machine": machine(device), "agreement": check_agreement()}
    for subject in arguments.only or SUBJECTS:
        figures = compare[subject]()
        results[subject] = figures
        _show(subject, figures)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(arguments.out)


def _show(subject: str, figures: dict[str, Figures]) -> None:
    for setting, variants in figures.items():
        print(f"{subject}: {setting}")
        for name, row in variants.items():
            memory = f"  {row['peak_bytes'] / 2**20:8.1f} MiB" if "peak_bytes" in row else ""
            spread = f"{row['speedup_low']:.2f}–{row['speedup_high']:.2f}"
            print(
                f"  {name:44}{row['seconds'] * 1e3:10.1f} ms   "
                f"{row['speedup']:6.2f}× ({spread}){memory}"
            )


if __name__ == "__main__":
    main()
