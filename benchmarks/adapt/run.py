"""What `keypointgan adapt` changes on frames that have labels, which it does not read.

python benchmarks/adapt/run.py humans stores/humans_jhmdb_test --work runs/adapt/films \
    --minutes 10 --out benchmarks/results/adapt_films.json

The frames of a store are learnt from as those of a user's videos are, all of them, and scored
before and after with the labels in the store or in --labels. What comes out is a figure of these
very frames: of videos that the student was taken on to. A run that is there is gone on with.
"""

import argparse
import json
import sys
from pathlib import Path

from keypointgan.commands.adapting import STORE, load_start, settings_of
from keypointgan.commands.console import TrainingView
from keypointgan.commands.runs import distill
from keypointgan.commands.scoring import score
from keypointgan.commands.settings import resolve
from keypointgan.hardware import choose_device
from keypointgan.training.journal import read_metrics

sys.path.insert(0, str(Path(__file__).parents[1] / "speed"))
from measure import machine

READINGS = {
    "along clips": {},
    "single frames": {"name_sides": False},
    "with the mirrored frame": {"flip_average": True},
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a student's run, checkpoint or name")
    parser.add_argument("store", type=Path, help="of square frames")
    parser.add_argument("--labels", type=Path, help="default: those in the store")
    parser.add_argument("--work", type=Path, required=True, help="the run's folder")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--set", action="append", default=[], help="a setting of the run")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    steps = adapt(arguments)
    rows = {
        name: {reading: figures(model, arguments, options) for reading, options in READINGS.items()}
        for name, model in (("before", arguments.model), ("after", arguments.work))
    }
    results = {
        "machine": machine(choose_device("auto")),
        "model": str(arguments.model),
        "store": arguments.store.name,
        "minutes": arguments.minutes,
        "updates": steps,
        "settings": arguments.set,
        **rows,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(arguments.out)


def adapt(arguments: argparse.Namespace) -> int:
    """Learn from the frames of the store; returns the updates."""
    run: Path = arguments.work
    run.mkdir(parents=True, exist_ok=True)
    if not (run / STORE).exists():
        (run / STORE).symlink_to(arguments.store.resolve(), target_is_directory=True)
    base, values = settings_of(
        load_start(arguments.model),
        run,
        start=arguments.model,
        minutes=arguments.minutes,
        overrides=arguments.set,
    )
    config = resolve(run, None, values, student=True, base=base)
    records = read_metrics(run)
    if not records or records[-1]["seconds"] < 60 * arguments.minutes:
        with TrainingView() as view:
            return distill(run, config, listener=view).step
    return int(records[-1]["step"])


def figures(
    model: Path, arguments: argparse.Namespace, options: dict[str, bool]
) -> dict[str, object]:
    """The scores of a model on the labelled frames, each with its interval."""
    found = score(model, arguments.store, labels_path=arguments.labels, **options).evaluation
    every = {
        "error": found.raw,
        "normalised error": found.normalised,
        "flip-min error": found.flip_min,
        "flip accuracy": found.flip_accuracy,
    }
    return {
        name: {"mean": each.mean, "low": each.low, "high": each.high, "unit": each.unit}
        for name, each in every.items()
        if each is not None
    }


if __name__ == "__main__":
    main()
