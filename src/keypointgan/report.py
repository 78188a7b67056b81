"""A run folder -> one HTML page with curves, pictures and tables, that needs no other file.

Pictures are inlined; nothing is loaded from anywhere. Plain enough to read on a phone, to print and
to attach to a message.
"""

import base64
import html
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from keypointgan.config import Config
from keypointgan.data.whole_files import write_text
from keypointgan.errors import CheckpointError
from keypointgan.recipe import load_config
from keypointgan.report_curves import draw_curves
from keypointgan.training.journal import read_metrics
from keypointgan.wording import counted

FIGURES, EVALUATIONS = "figures", "evaluations"
"""Folders in a run: pictures shown as they are, and scores (JSON) of `keypointgan evaluate`."""

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1.2rem 4rem; color: #1c2128;
  background: #fff; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #d8dee4;
  padding-bottom: .25rem; }
p.note { color: #59636e; margin: .2rem 0 .8rem; }
.tiles { display: grid; gap: .7rem; margin: 1.2rem 0;
  grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
.tile { background: #f6f8fa; border-radius: .5rem; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.45rem; font-variant-numeric: tabular-nums; }
.tile span { color: #59636e; font-size: .85rem; }
.curves { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); }
.pictures { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.pictures figure { max-width: 36rem; }
figure { margin: 0 0 1rem; }
figure img { display: block; width: 100%; height: auto; }
figcaption { color: #59636e; font-size: .9rem; margin-top: .3rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .93rem; }
td, th { padding: .3rem .9rem .3rem 0; text-align: left; border-bottom: 1px solid #eaeef2;
  vertical-align: top; }
td:last-child:not(:first-child) { min-width: 11rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.warning { border-left: 4px solid #d4a72c; background: #fff8e5; padding: .6rem .9rem;
  margin: .6rem 0; border-radius: 0 .4rem .4rem 0; }
.warning b { display: block; }
.fine { border-left-color: #3fb950; background: #eefbf0; }
code { font-size: .92em; overflow-wrap: anywhere; }
"""


def write_report(run: Path, output: Path) -> Path:
    """Write the page about the run in `run` to `output`; return its path.

    Raises:
        CheckpointError: There is no run in that folder.
        ExportError: The page cannot be written.
    """
    settings = run / "config.yaml"
    if not settings.is_file():
        raise CheckpointError(
            f"Expected the folder of a run with a config.yaml, got '{run}'. "
            "'keypointgan train' makes runs."
        )
    config = load_config(base=settings.read_text(encoding="utf-8"))
    metrics = read_metrics(run)
    evaluations = {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted((run / EVALUATIONS).glob("*.json"))
    }
    name = run.resolve().name if run.resolve().name != "run" else run.resolve().parent.name
    page = _page(
        title=f"keypointgan: {name}",
        parts=[
            _head(name, config, metrics),
            _tiles(metrics, evaluations),
            _warnings(run),
            _section("Scores", [_scores(title, found) for title, found in evaluations.items()]),
            _section("Pictures", [_pictures(_panels(run)), *_figures(run)]),
            _section("Curves", [_curves(metrics)] if metrics else []),
            _section("Settings that differ from the defaults", [_differences(config)]),
            _section("Machine", [_environment(run)]),
        ],
    )
    write_text(output, page)
    return output


def _page(*, title: str, parts: Iterable[str]) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def _section(title: str, parts: Sequence[str]) -> str:
    inside = "\n".join(part for part in parts if part)
    return f"<h2>{html.escape(title)}</h2>\n{inside}" if inside else ""


def _head(name: str, config: Config, metrics: Sequence[Mapping[str, Any]]) -> str:
    what = "student, " if any("loss_student" in line for line in metrics) else ""
    what += "supervised twin, " if config.training.supervised else ""
    updates = max((int(line["step"]) for line in metrics if line["phase"] != "pretrain"), default=0)
    frames = updates * config.training.batch_size * config.training.devices
    minutes = max((float(line["seconds"]) for line in metrics), default=0.0) / 60
    time = counted(round(minutes), "minute") if minutes < 120 else f"{minutes / 60:.1f} hours"
    return (
        f"<h1>{html.escape(name)}</h1>"
        f'<p class="note">{what}skeleton {html.escape(config.model.skeleton)}, '
        f"{config.data.size} pixels, {counted(updates, 'update')} ({counted(frames, 'frame')} "
        f"seen) in {time}</p>"
    )


def _tiles(metrics: Sequence[Mapping[str, Any]], evaluations: Mapping[str, Any]) -> str:
    tiles: list[tuple[str, str]] = []
    for title, found in evaluations.items():
        scores = found["evaluation"]
        named = [("error", scores["normalised"] or scores["raw"]), ("flip-min", scores["flip_min"])]
        if scores["baseline"]:
            baseline = scores["baseline"]
            named.append(("mean pose", baseline["normalised"] or baseline["raw"]))
        tiles += [
            (_number(score["mean"]), f"{what}, {score['unit']} ({title})")
            for what, score in named
            if score is not None
        ]
    if not tiles:
        evaluated = [line for line in metrics if line["phase"] == "evaluate"]
        last = evaluated[-1] if evaluated else {}
        names = {
            "error": "error on validation, % of image side",
            "error_flip_min": "flip-min on validation, % of image side",
            "nme": "normalised mean error on validation, %",
            "reconstruction": "reconstruction, %",
            "prior_distance": "distance from the prior, %",
        }
        tiles = [(_number(last[key]), text) for key, text in names.items() if key in last]
    inside = "".join(
        f'<div class="tile"><b>{value}</b><span>{html.escape(text)}</span></div>'
        for value, text in tiles
    )
    return f'<div class="tiles">{inside}</div>' if tiles else ""


def _warnings(run: Path) -> str:
    file = run / "health.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if line.endswith("}"):
            warning = json.loads(line)
            found.setdefault(warning["name"], []).append(warning)
    parts = []
    for name, warnings in found.items():
        steps = [int(warning["step"]) for warning in warnings]
        when = f"step {steps[0]:,}"
        if len(steps) > 1:
            when = f"{len(steps)} times, steps {steps[0]:,} to {steps[-1]:,}"
        parts.append(
            f'<div class="warning"><b>{html.escape(name.replace("_", " "))} ({when})</b>'
            f"{html.escape(warnings[-1]['message'])}</div>"
        )
    if not parts:
        parts = ['<div class="warning fine">No health check has warned.</div>']
    return _section("Health", parts)


def _scores(title: str, found: Mapping[str, Any]) -> str:
    evaluation = found["evaluation"]
    beside = {"mean pose": evaluation["baseline"], "twin": found.get("twin")}
    others = {name: _listed(scores) for name, scores in beside.items() if scores}
    rows = []
    for name, score in _listed(evaluation).items():
        means = [
            _number(other[name]["mean"]) if name in other else "-" for other in others.values()
        ]
        interval = f"{_number(score['low'])} – {_number(score['high'])}"
        rows.append([name, _number(score["mean"]), interval, *means, score["unit"]])
    head = ["score", "value", "interval", *others, "unit"]
    note = (
        f"{html.escape(title)}: {counted(evaluation['frames'], 'frame')} of "
        f"{counted(evaluation['groups'], 'group')}, protocol "
        f"{html.escape(evaluation['protocol'])}, step {found['step']:,}; intervals of "
        f"{100 * evaluation['level']:g} % over groups"
    )
    return f'<p class="note">{note}</p>{_table(head, rows)}'


def _listed(evaluation: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The scores there are, by name."""
    names = ("raw", "normalised", "flip_min", "flip_accuracy", "regressed")
    scores = [evaluation[name] for name in names if evaluation[name]]
    return {score["name"]: score for score in [*scores, *evaluation["pck"]]}


def _panels(run: Path) -> list[str]:
    panels = sorted((run / "panels").glob("*.png"))
    chosen = {panels[-1]: "latest", panels[0]: "first"} if panels else {}
    return [
        _picture(panel, f"{which} panel, step {int(panel.stem):,}")
        for panel, which in chosen.items()
    ]


def _pictures(pictures: Sequence[str]) -> str:
    return f'<div class="pictures">{"".join(pictures)}</div>' if pictures else ""


def _figures(run: Path) -> list[str]:
    return [_picture(file, file.stem) for file in sorted((run / FIGURES).glob("*.png"))]


def _picture(file: Path, caption: str) -> str:
    with Image.open(file) as image:
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=88)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<figure><img alt="{html.escape(caption)}" '
        f'src="data:image/jpeg;base64,{data}"><figcaption>{html.escape(caption)}</figcaption>'
        "</figure>"
    )


def _curves(metrics: Sequence[Mapping[str, Any]]) -> str:
    charts = [
        f'<figure><img alt="{html.escape(title)}" src="data:image/svg+xml;base64,'
        f'{base64.b64encode(svg.encode()).decode()}"></figure>'
        for title, svg in draw_curves(metrics).items()
    ]
    return f'<div class="curves">{"".join(charts)}</div>'


def _differences(config: Config) -> str:
    rows = [
        [f"<code>{key}</code>", html.escape(str(ours)), html.escape(str(default))]
        for key, (ours, default) in config.differences(Config()).items()
    ]
    return _table(["setting", "here", "default"], rows, escaped=True) if rows else "<p>None.</p>"


def _environment(run: Path) -> str:
    file = run / "environment.json"
    if not file.is_file():
        return ""
    values = json.loads(file.read_text(encoding="utf-8"))
    values["command"] = " ".join(map(str, values.get("command", ())))
    values["packages"] = ", ".join(f"{k} {v}" for k, v in values.get("packages", {}).items())
    return _table(["", ""], [[key, str(value)] for key, value in values.items()])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, escaped: bool = False) -> str:
    numbers = {"value", "interval", "mean pose", "twin"}

    def cell(tag: str, name: str, text: str) -> str:
        kind = ' class="number"' if name in numbers else ""
        return f"<{tag}{kind}>{text if escaped else html.escape(text)}</{tag}>"

    top = "".join(cell("th", name, name) for name in head) if any(head) else ""
    body = "".join(
        "<tr>" + "".join(cell("td", *pair) for pair in zip(head, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
