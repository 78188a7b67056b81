"""How accurate each method is on real data, within equal frames seen; can be left and taken up.

python benchmarks/accuracy/run.py --data ../shared/data --work runs/accuracy --frames 100000 \
    --data-set humans_rendered --method ours --method twin --out benchmarks/results/accuracy.json

Each run is what a user would type (`ingest`, `train` or `distill`, `evaluate`) and lies in
WORK/runs/DATA SET/METHOD/SEED. A finished run is not repeated; an interrupted one goes on.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from studies import DATA_SETS, METHODS, settings
from tables import draw_curves, draw_prior_sizes, write_table

from keypointgan.recipe import load_config

sys.path.insert(0, str(Path(__file__).parents[1] / "speed"))
from measure import machine


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--work", type=Path, required=True, help="where stores and runs go")
    parser.add_argument("--out", type=Path, required=True, help="where the JSON goes")
    parser.add_argument("--frames", type=int, required=True, help="frames seen by each run")
    parser.add_argument("--data-set", choices=DATA_SETS, action="append", help="default: all")
    parser.add_argument("--method", choices=METHODS, action="append", help="default: ours and twin")
    parser.add_argument("--seed", type=int, action="append", help="default: 0")
    parser.add_argument("--set", action="append", default=[], help="a setting of all runs")
    arguments = parser.parse_args()
    rows = []
    for data_set in arguments.data_set or DATA_SETS:
        for method in arguments.method or ("ours", "twin"):
            for seed in arguments.seed or (0,):
                run = train(data_set, method, seed, arguments)
                rows.append(score(run, data_set, method, seed, arguments))
                results = {"machine": machine(torch.device("cpu")), "runs": rows}
                arguments.out.parent.mkdir(parents=True, exist_ok=True)
                arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
                write_table(arguments.out.with_suffix(".md"), rows)
                draw_curves(arguments.out.with_suffix(".png"), rows, arguments.work / "runs")
                sizes = arguments.out.with_name(f"{arguments.out.stem}_prior_size.png")
                draw_prior_sizes(sizes, rows)
    print(arguments.out)


def train(data_set: str, method: str, seed: int, arguments: argparse.Namespace) -> Path:
    """Train, or go on training, and return the run's folder."""
    run = arguments.work / "runs" / data_set / method / str(seed)
    values = [
        *settings(
            method,
            store=_store(data_set, "train", arguments),
            prior=_prior(data_set, method, arguments),
            kept_apart=load_config(data_set, arguments.set).data.validation_fraction > 0,
        ),
        *arguments.set,
        f"training.seed={seed}",
    ]
    command = METHODS[method].command
    section = "student" if command == "distill" else "training"
    batch = _batch(data_set, values, section=section)
    values.append(f"{section}.steps={arguments.frames // batch}")
    _call(command, "--recipe", data_set, "-o", run, *_set(values))
    return run


def score(
    run: Path, data_set: str, method: str, seed: int, arguments: argparse.Namespace
) -> dict[str, object]:
    """Evaluate on the test split and return what goes into the table."""
    store = _store(data_set, "test", arguments)
    out = run / "test.json"
    if not out.is_file() or out.stat().st_mtime < (run / "metrics.jsonl").stat().st_mtime:
        _call("evaluate", run, store, "-o", out)
    found = json.loads(out.read_text(encoding="utf-8"))
    evaluation = found["evaluation"]
    return {
        "data_set": data_set,
        "method": method,
        "seed": seed,
        "frames": arguments.frames,
        "poses": _poses(run),
        "score": DATA_SETS[data_set].score,
        "unit": DATA_SETS[data_set].unit,
        "test": _scores(evaluation),
        "mean_pose": _scores(evaluation.get("baseline") or {}),
        "command": METHODS[method].command,
        "settings": [*METHODS[method].settings, *arguments.set],
    }


def _poses(run: Path) -> int:
    """How many poses the prior of a run has."""
    from keypointgan.assemble import assemble_prior
    from keypointgan.recipe import load_config
    from keypointgan.skeletons import Skeleton

    config = load_config(base=(run / "config.yaml").read_text(encoding="utf-8"))
    parts = assemble_prior(config, Skeleton.load(config.model.skeleton))
    return sum(part.num_poses for part in parts)


def _scores(evaluation: dict[str, object]) -> dict[str, dict[str, object]]:
    kept = ("mean", "low", "high", "unit")
    return {
        key: {name: value[name] for name in kept}
        for key, value in evaluation.items()
        if isinstance(value, dict) and "mean" in value
    }


def _store(data_set: str, split: str, arguments: argparse.Namespace) -> Path:
    store = arguments.work / "stores" / f"{data_set}_{split}"
    if not (store / "labels.npz").is_file():
        root = arguments.data / data_set
        _call("ingest", "--benchmark", data_set, "--root", root, "--split", split, "-o", store)
    return store


def _prior(data_set: str, method: str, arguments: argparse.Namespace) -> Path:
    if METHODS[method].prior:
        return Path(arguments.data / METHODS[method].prior)
    chosen = DATA_SETS[data_set]
    source = arguments.data / data_set / chosen.prior
    if not chosen.prior_options:
        return source
    built = arguments.work / "stores" / f"prior_{data_set}.npz"
    if not built.is_file():
        _call("prior", "build", source, *chosen.prior_options, "-o", built)
    return built


def _batch(data_set: str, values: list[str], *, section: str) -> int:
    return int(getattr(load_config(data_set, values), section).batch_size)


def _set(values: list[str]) -> list[str]:
    return [word for value in values for word in ("--set", value)]


def _call(*arguments: object) -> None:
    command = [sys.executable, "-m", "keypointgan.cli", *map(str, arguments)]
    subprocess.run(command, check=True, env={**os.environ})


if __name__ == "__main__":
    main()
