"""Figures of runs that were trained elsewhere, gathered in one JSON, table and picture.

python benchmarks/accuracy/collect.py --out benchmarks/results/accuracy_128px.json \
    --run faces_youtube student runs/faces runs/faces_test.json

Each `--run` is a data set, a name for the method, the run's folder and the JSON of
`keypointgan evaluate` on the test frames, or - where it was not measured. METHOD_on goes on from
METHOD. Frames seen are updates times the real frames of an update.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import yaml
from matplotlib.figure import Figure
from studies import DATA_SETS
from tables import COLOURS as FEW_COLOURS

from keypointgan.training.journal import read_metrics

Row = dict[str, Any]
MOST_POINTS = 20
COLOURS = (
    *FEW_COLOURS,
    *("#e3a008", "#0e7490", "#db61a2", "#000000", "#7c5c3e", "#7bc96f"),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", nargs=4, action="append", required=True,
                        metavar=("DATA_SET", "METHOD", "RUN", "EVALUATION"))  # fmt: skip
    parser.add_argument("--curve-elsewhere", nargs=2, action="append", default=[],
                        metavar=("DATA_SET", "METHOD"),
                        help="its validation labels are those of another data set")  # fmt: skip
    parser.add_argument("--note", default="", help="what else a reader must know")
    parser.add_argument("--out", type=Path, required=True, help="where the JSON goes")
    arguments = parser.parse_args()
    elsewhere = {tuple(each) for each in arguments.curve_elsewhere}
    rows: list[Row] = []
    for data_set, method, run, evaluation in arguments.run:
        row = read_run(Path(run), data_set=data_set, method=method)
        before = [each for each in rows if _goes_on_from(row, each)]
        row["frames_before"] = before[0]["frames_seen"] if before else 0
        if (data_set, method) in elsewhere:
            row["validation"] = []
        row |= read_evaluation(None if evaluation == "-" else Path(evaluation))
        rows.append(row)
    text = json.dumps({"note": arguments.note, "runs": rows}, indent=1, ensure_ascii=False)
    arguments.out.write_text(text + "\n", encoding="utf-8")
    write_table(arguments.out.with_suffix(".md"), rows)
    draw(arguments.out.with_suffix(".png"), rows)
    print(arguments.out)


def read_run(run: Path, *, data_set: str, method: str) -> Row:
    """What a run was, and its error on validation clips against frames seen."""
    settings = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    machine = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    packed = run / "model.json"  # brought from another machine without its checkpoints
    scored = packed if packed.is_file() else run / "checkpoints" / "best" / "model.json"
    model = json.loads(scored.read_text(encoding="utf-8"))
    training, student = settings["training"], settings["student"]
    command = "distill" if "distill" in machine["command"] else "train"
    records = read_metrics(run)
    updates = int(max(line["step"] for line in records if line["phase"] != "pretrain"))
    batch, figure = training["batch_size"], DATA_SETS[data_set].figure
    curve = [
        [int(line["step"] * batch), round(line[figure], 3)]
        for line in records
        if line["phase"] == "evaluate" and figure in line
    ]
    if command == "distill":
        figures = 0 if training["supervised"] else updates * student["figures"]
    else:
        learnt = updates if settings["figures"]["weight"] else settings["figures"]["alone"]
        figures = 0 if training["supervised"] else learnt * settings["figures"]["batch_size"]
    return {
        "data_set": data_set,
        "method": method,
        "command": command + (" --supervised" if training["supervised"] else ""),
        "image_size": settings["data"]["size"],
        "seed": training["seed"],
        "goes_on": command == "distill" and student.get("start") is not None,
        "updates": updates,
        "scored_update": model["step"],
        "frames_seen": updates * batch,
        "figures_seen": figures,
        "minutes": round(max(line["seconds"] for line in records) / 60, 1),
        "machine": machine["device"],
        "torch": machine["packages"]["torch"],
        "date": machine["date"][:10],
        "commit": machine["commit"],
        "validation_figure": f"{figure}: {DATA_SETS[data_set].unit}",
        "validation": thin(curve),
    }


def read_evaluation(path: Path | None) -> Row:
    """The test scores, and those of the mean pose; nothing where it was not measured."""
    if path is None:
        return {"test": {}, "mean_pose": {}}
    found = json.loads(path.read_text(encoding="utf-8"))["evaluation"]
    baseline = _scores(found["baseline"] or {})
    return {
        "test_frames": found["frames"],
        "test_groups": found["groups"],
        "test": _scores(found),
        "mean_pose": {name: score["mean"] for name, score in baseline.items()},
    }


def thin(curve: list[list[float]]) -> list[list[float]]:
    """At most `MOST_POINTS` of its points, evenly taken, the first and the last among them."""
    if len(curve) <= MOST_POINTS:
        return curve
    step = (len(curve) - 1) / (MOST_POINTS - 1)
    return [curve[round(place * step)] for place in range(MOST_POINTS)]


def write_table(path: Path, rows: list[Row]) -> None:
    """Write a Markdown table, a line a run."""
    lines = [
        "| data set | method | minutes | real frames | figures | test score | mean pose "
        "| raw error, % of the side | sides told apart, % |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        key, unit = DATA_SETS[row["data_set"]].score, DATA_SETS[row["data_set"]].unit
        test, sides = row["test"], row["test"].get("flip_accuracy")
        cells = [
            row["data_set"],
            f"{row['method']} (`{row['command']}`)",
            f"{row['minutes']:.1f}",
            _thousands(row["frames_before"], row["frames_seen"]),
            _thousands(0, row["figures_seen"]),
            f"{_interval(test.get(key))} {unit}" if test else "not measured",
            f"{row['mean_pose'][key]:.2f}" if row["mean_pose"] else "–",
            _interval(test.get("raw")),
            _interval(sides, digits=1),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw(path: Path, rows: list[Row]) -> None:
    """Draw the errors on validation clips against frames seen, test scores as points beside."""
    sets = list(dict.fromkeys(row["data_set"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figure = Figure(figsize=(4.6 * len(sets), 3.9), layout="constrained")
    for place, name in enumerate(sets, start=1):
        axes = figure.add_subplot(1, len(sets), place)
        axes.set_title(name)
        axes.set(xlabel="real frames seen, thousands", ylabel=DATA_SETS[name].unit)
        key = DATA_SETS[name].score
        for row in (row for row in rows if row["data_set"] == name):
            colour = COLOURS[methods.index(row["method"]) % len(COLOURS)]
            start = row["frames_before"]
            points = [((start + frames) / 1000, error) for frames, error in row["validation"]]
            label = row["method"]
            if points:
                axes.plot(*zip(*points, strict=True), color=colour, label=label, linewidth=1.3)
                label = None
            if key in row["test"]:
                score = row["test"][key]
                scored = start + row["scored_update"] * row["frames_seen"] / row["updates"]
                reach = [[score["mean"] - score["low"]], [score["high"] - score["mean"]]]
                axes.errorbar(scored / 1000, score["mean"], yerr=reach, fmt="o", markersize=4,
                              color=colour, capsize=2, label=label)  # fmt: skip
        baseline = [row["mean_pose"][key] for row in rows
                    if row["data_set"] == name and row["mean_pose"]]  # fmt: skip
        if baseline:
            axes.axhline(baseline[0], color="#888", linestyle=":", label="mean pose")
            axes.set_ylim(0, 1.35 * baseline[0])
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=80)


def _goes_on_from(row: Row, other: Row) -> bool:
    return bool(
        row["goes_on"]
        and row["data_set"] == other["data_set"]
        and row["method"] == f"{other['method']}_on"
    )


def _scores(evaluation: Row) -> dict[str, Row]:
    kept = ("mean", "low", "high", "unit")
    return {
        key: {name: _rounded(value[name]) for name in kept}
        for key, value in evaluation.items()
        if isinstance(value, dict) and "mean" in value
    }


def _rounded(value: Any) -> Any:
    return round(value, 5) if isinstance(value, float) else value


def _interval(score: Row | None, *, digits: int = 2) -> str:
    if score is None:
        return "–"
    mean, low, high = (f"{score[name]:.{digits}f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low}–{high})"


def _thousands(before: int, count: int) -> str:
    text = f"{round(count / 1000)}k" if count else "–"
    return f"{round(before / 1000)}k + {text}" if before else text


if __name__ == "__main__":
    main()
