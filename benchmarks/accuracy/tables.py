"""The table and the figure of the accuracy benchmark."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from matplotlib.figure import Figure
from studies import DATA_SETS

Row = dict[str, Any]
_STUDENTS = re.compile(r"student(_of_\d+_poses)?")
COLOURS = ("#0969da", "#d1570c", "#1a7f37", "#8250df", "#cf222e", "#57606a")


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write a Markdown table: method × data set, mean over seeds, the seeds' values behind it."""
    sets = list(dict.fromkeys(row["data_set"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines = [
        "| method | " + " | ".join(f"{name} ({_unit(rows, name)})" for name in sets) + " |",
        "| --- |" + " --- |" * len(sets),
        "| mean pose | " + " | ".join(_mean_pose(rows, name) for name in sets) + " |",
    ]
    lines += [
        f"| {method} | " + " | ".join(_cell(rows, name, method) for name in sets) + " |"
        for method in methods
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw_curves(path: Path, rows: Sequence[Row], runs: Path) -> None:
    """Draw the error on validation clips against frames seen, one panel a data set."""
    sets = list(dict.fromkeys(row["data_set"] for row in rows))
    figure = Figure(figsize=(5.5 * len(sets), 4), layout="constrained")
    for place, name in enumerate(sets, start=1):
        axes = figure.add_subplot(1, len(sets), place)
        axes.set(title=name, xlabel="frames seen", ylabel=DATA_SETS[name].unit)
        methods = list(dict.fromkeys(row["method"] for row in rows if row["data_set"] == name))
        for row in (row for row in rows if row["data_set"] == name):
            colour = COLOURS[methods.index(row["method"]) % len(COLOURS)]
            frames, errors = _curve(runs / name / row["method"] / str(row["seed"]), row)
            label = row["method"] if row["seed"] == 0 else None
            axes.plot(frames, errors, color=colour, label=label)
        baseline = [row["mean_pose"].get(row["score"]) for row in rows if row["data_set"] == name]
        if baseline and baseline[0]:
            axes.axhline(
                baseline[0]["mean"], color="#888", linestyle=":", label="mean pose (test clips)"
            )
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)


def draw_prior_sizes(path: Path, rows: Sequence[Row]) -> None:
    """Draw the students' error against the poses of their prior, beside bounds on some labels.

    Nothing is drawn where all priors have one size.
    """
    students = [row for row in rows if _STUDENTS.fullmatch(row["method"])]
    sets = [
        name
        for name in dict.fromkeys(row["data_set"] for row in students)
        if len({row["poses"] for row in students if row["data_set"] == name}) > 1
    ]
    if not sets:
        return
    figure = Figure(figsize=(5.5 * len(sets), 4), layout="constrained")
    for place, name in enumerate(sets, start=1):
        axes = figure.add_subplot(1, len(sets), place)
        axes.set(title=name, xlabel="poses of the prior", ylabel=DATA_SETS[name].unit)
        axes.set_xscale("log")
        chosen = [row for row in students if row["data_set"] == name]
        sizes = sorted({row["poses"] for row in chosen})
        means = [mean(_value(row) for row in chosen if row["poses"] == size) for size in sizes]
        axes.plot(sizes, means, color=COLOURS[0], label="student, mean over seeds")
        places = [row["poses"] for row in chosen], [_value(row) for row in chosen]
        axes.plot(*places, "o", color=COLOURS[0], alpha=0.5, label="each seed")
        bounds = [row for row in rows if row["data_set"] == name and "twin" in row["method"]]
        for index, method in enumerate(dict.fromkeys(row["method"] for row in bounds), start=1):
            level = mean(_value(row) for row in bounds if row["method"] == method)
            axes.axhline(level, color=COLOURS[index % len(COLOURS)], linestyle="--", label=method)
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    figure.savefig(path, dpi=110)


def _value(row: Row) -> float:
    return float(row["test"][row["score"]]["mean"])


def _curve(run: Path, row: Row) -> tuple[list[float], list[float]]:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    last = max((record["step"] for record in records if record["phase"] == "train"), default=1)
    wanted = DATA_SETS[row["data_set"]].figure
    points = [
        (record["step"] * row["frames"] / last, record[wanted])
        for record in records
        if record["phase"] == "evaluate" and wanted in record
    ]
    return [point[0] for point in points], [point[1] for point in points]


def _unit(rows: Sequence[Row], data_set: str) -> str:
    return next(row["unit"] for row in rows if row["data_set"] == data_set)


def _mean_pose(rows: Sequence[Row], data_set: str) -> str:
    row = next(row for row in rows if row["data_set"] == data_set)
    found = row["mean_pose"].get(row["score"])
    return f"{found['mean']:.2f}" if found else "–"


def _cell(rows: Sequence[Row], data_set: str, method: str) -> str:
    found = [
        row["test"][row["score"]]
        for row in rows
        if row["data_set"] == data_set and row["method"] == method
    ]
    if not found:
        return "–"
    value = f"{mean(each['mean'] for each in found):.2f}"
    if len(found) > 1:
        return f"{value} ({', '.join(format(each['mean'], '.2f') for each in found)})"
    return f"{value} ({found[0]['low']:.2f}–{found[0]['high']:.2f})"
