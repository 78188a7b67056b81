"""How far the prior is to be believed when left and right are named along clips.

python benchmarks/sides/run.py humans stores/humans_jhmdb_train --part apart \
    --out benchmarks/results/sides_films.json

Labelled clips of a training store are scored as `keypointgan evaluate` does, with each share of the
prior's plausibility. Labels only score; whether the student has learnt from these frames without
them depends on what its own run kept apart.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from keypointgan.commands.scoring import score
from keypointgan.data.pairs import split_clips
from keypointgan.data.store import Store
from keypointgan.hardware import choose_device
from keypointgan.inference import sides

sys.path.insert(0, str(Path(__file__).parents[1] / "speed"))
from measure import machine

APART = 0.05
"""Share of the clips that students keep apart by default, `data.validation_fraction`."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a student's run, checkpoint or name")
    parser.add_argument("store", type=Path, help="with labels")
    parser.add_argument("--part", choices=("apart", "others"), default="apart",
                        help="the clips that training keeps apart, or the others")  # fmt: skip
    parser.add_argument("--every", type=int, default=1, help="only one of so many clips")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.5, 0.1, 0.05, 0.0])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        labels = Path(folder) / "labels.npz"
        clips = write_labels(labels, arguments)
        rows = {
            "single frames": figures(labels, arguments, share=None),
            **{f"{share:g}": figures(labels, arguments, share=share) for share in arguments.shares},
        }
    results = {
        "machine": machine(choose_device("auto")),
        "model": str(arguments.model),
        "store": arguments.store.name,
        "part": arguments.part,
        "clips": clips,
        "share of the prior": rows,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(arguments.out)


def write_labels(path: Path, arguments: argparse.Namespace) -> int:
    """Write the labels of the clips that are asked for; returns how many these are."""
    others, apart = split_clips(Store.open(arguments.store).clips, fraction=APART, seed=0)
    names = [clip.name for clip in (apart if arguments.part == "apart" else others)]
    names = names[:: arguments.every]
    with np.load(arguments.store / "labels.npz") as file:
        labels = dict(file)
    kept = np.isin(labels["clip"], names)
    np.savez(path, **{k: v[kept] if v.shape[:1] == kept.shape else v for k, v in labels.items()})
    return len(set(labels["clip"][kept].tolist()))


def figures(
    labels: Path, arguments: argparse.Namespace, *, share: float | None
) -> dict[str, float]:
    """The scores with a share of the prior, or of single frames without one."""
    if share is not None:
        sides._TRUST_PRIOR = share
    found = score(
        arguments.model, arguments.store, labels_path=labels, name_sides=share is not None
    ).evaluation
    every = {"error": found.raw, "flip-min": found.flip_min, "sides": found.flip_accuracy}
    return {name: round(each.mean, 3) for name, each in every.items() if each is not None}


if __name__ == "__main__":
    main()
