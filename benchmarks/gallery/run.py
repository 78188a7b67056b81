"""Pictures of test frames: the best, the middle and the worst, chosen by error and by chance.

python benchmarks/gallery/run.py --of people runs/people stores/people_test \
    --of flies runs/flies stores/flies_test -o docs/images

For each NAME RUN STORE it writes test-NAME.png: a row from the 5 % of the labelled frames with the
least error, one from the middle 5 % and one from the worst 5 %, each frame twice, with what the
detector found and with the label. Which frames of those is drawn by a seed, one a clip or person
where there are enough. With several it also writes overview.png, a column for each, of frames from
the middle fifth, with what was found. Nothing is chosen by eye.
"""

import argparse
from pathlib import Path

import numpy as np
from frames import TestFrames, find
from sheets import save, write_overview, write_quality

from keypointgan.evaluation.metrics import flip_decisions

SHARES = {"best 5 %": (0.0, 0.05), "middle 5 %": (0.475, 0.525), "worst 5 %": (0.95, 1.0)}
MIDDLE = (0.4, 0.6)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--of", nargs=3, action="append", required=True, metavar=("NAME", "RUN", "STORE")
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--columns", type=int, default=4, help="frames a row, each drawn twice")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    every: dict[str, tuple[TestFrames, list[int]]] = {}
    for name, run, store in arguments.of:
        found = find(Path(run), Path(store))
        describe(name, found)
        rows = {
            title: found.choose(share, count=arguments.columns, seed=arguments.seed)
            for title, share in SHARES.items()
        }
        path = arguments.output / f"test-{name}.png"
        save(write_quality(found, rows), path, limit=250_000)
        print(path)
        every[name] = found, found.choose(MIDDLE, count=2, seed=arguments.seed + 1)
    if len(every) > 1:
        path = arguments.output / "overview.png"
        save(write_overview(every), path, limit=300_000)
        print(path)


def describe(name: str, found: TestFrames) -> None:
    """Say how the errors lie, and how often left and right are exchanged among the worst."""
    quantiles = np.nanquantile(found.errors, [0.05, 0.5, 0.95])
    print(
        f"{name}: {len(found.errors)} frames, error in % of the side at 5, 50 and 95 %:", quantiles
    )
    right = flip_decisions(found.predicted, found.labels, mirror=found.skeleton.mirror)
    for title, share in SHARES.items():
        within = found.within(share)
        wrong = 100 - np.nanmean(right[within])
        print(f"  {title}: sides exchanged in {wrong:.1f} % of {len(within)} frames", end="; ")
        groups, counts = np.unique(np.asarray(found.groups)[within], return_counts=True)
        most = np.argsort(-counts)[:3]
        print("most from", ", ".join(f"{groups[i]} ({counts[i]})" for i in most))


if __name__ == "__main__":
    main()
