"""What an evaluation found, as a record, as JSON and as a table."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from keypointgan.wording import counted


@dataclass(frozen=True)
class Score:
    """One number of an evaluation.

    Attributes:
        name: What it is, such as `flip-min error`.
        unit: What it is in.
        mean: The number: the mean over joints, frames and, where known, actions.
        low: Lower end of its bootstrap interval over groups; NaN for fewer than two groups.
        high: Upper end.
        frames: How many frames it is measured on.
        per_action: The mean of each action.
        per_joint: The mean of each joint over frames; empty where it makes no sense.
    """

    name: str
    unit: str
    mean: float
    low: float
    high: float
    frames: int
    per_action: Mapping[str, float]
    per_joint: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """All scores of a set of predictions.

    Attributes:
        protocol: Name of the protocol.
        skeleton: Name of the predictions' skeleton.
        joints: The joints that were compared.
        left_out: Joints of the skeleton that count nowhere: without labels, or not in the protocol.
        frames: Frames with at least one label.
        groups: Clips or persons among them.
        actions: Actions that were averaged over; 0 if the mean is over frames.
        level: Of the intervals.
        raw: The error as it is, in % of the image side.
        normalised: The error in % of the distance of the protocol's pair of joints.
        flip_min: The error with left and right exchanged in the frames where that is nearer.
        flip_accuracy: Share of frames whose left and right are told apart.
        regressed: The error after a supervised linear regression.
        pck: Share of points within each threshold of the protocol.
        error_unit: Which error the protocol counts: `raw` (side), `normalised` (pair), `pixels`.
        pixels: The error in pixels of the source, where the protocol is in those.
        baseline: The same of the prior's mean pose.
        notes: Why a score is missing.
    """

    protocol: str
    skeleton: str
    joints: tuple[str, ...]
    left_out: tuple[str, ...]
    frames: int
    groups: int
    actions: int
    level: float
    raw: Score
    normalised: Score | None
    flip_min: Score | None
    flip_accuracy: Score | None
    regressed: Score | None
    pck: tuple[Score, ...]
    error_unit: Literal["side", "pair", "pixels"]
    pixels: Score | None = None
    baseline: "Evaluation | None" = None
    notes: tuple[str, ...] = ()

    @property
    def error(self) -> Score:
        """The one number that the protocol ranks by, flips and regression not forgiven."""
        if self.error_unit == "pair" and self.normalised is not None:
            return self.normalised
        if self.error_unit == "pixels" and self.pixels is not None:
            return self.pixels
        return self.raw

    @property
    def scores(self) -> tuple[Score, ...]:
        """Every score there is, in the order of the table."""
        named = (
            self.raw,
            self.normalised,
            self.pixels,
            self.flip_min,
            self.flip_accuracy,
            self.regressed,
        )
        return (*(score for score in named if score is not None), *self.pck)

    def to_dict(self) -> dict[str, Any]:
        """Return plain mappings, lists and numbers; None for NaN."""
        return _plain(asdict(self))

    def to_json(self) -> str:
        """Return `to_dict` as indented JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def to_table(self, *, details: bool = False) -> str:
        """Return the scores as Markdown.

        Args:
            details: Append a table of the actions and one of the joints.
        """
        beside = {score.name: score for score in (self.baseline.scores if self.baseline else ())}
        rows = []
        for score in self.scores:
            row = [
                score.name,
                _number(score.mean),
                f"{_number(score.low)} to {_number(score.high)}",
            ]
            if self.baseline:
                row.append(_number(beside[score.name].mean) if score.name in beside else "-")
            rows.append([*row, score.unit])
        head = ["score", "value", f"{100 * self.level:g} % interval"]
        head += ["mean pose", "unit"] if self.baseline else ["unit"]
        parts = [self.describe(), _markdown(head, rows)]
        if details:
            for what, kind in (("action", "per_action"), ("joint", "per_joint")):
                columns = [score for score in self.scores if getattr(score, kind)]
                if columns:
                    names = list(getattr(columns[0], kind))
                    body = [
                        [
                            name,
                            *(
                                _number(getattr(score, kind).get(name, math.nan))
                                for score in columns
                            ),
                        ]
                        for name in names
                    ]
                    parts.append(_markdown([what, *(score.name for score in columns)], body))
        return "\n\n".join([*parts, *self.notes])

    def describe(self) -> str:
        """Return one line that says what was compared."""
        averaged = (
            f"averaged over {counted(self.actions, 'action')}"
            if self.actions
            else "mean over frames"
        )
        left_out = f"; not scored: {', '.join(self.left_out)}" if self.left_out else ""
        return (
            f"Protocol {self.protocol}, skeleton {self.skeleton}: "
            f"{counted(len(self.joints), 'joint')}, {counted(self.frames, 'frame')} of "
            f"{counted(self.groups, 'group')}, {averaged}{left_out}."
        )


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    numbers = [name not in {"score", "unit", "action", "joint"} for name in head]

    def line(cells: list[str]) -> str:
        padded = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(cells, widths, numbers, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * (width - number) + ":" * number for width, number in zip(widths, numbers, strict=True)
    ]
    return "\n".join([line(head), line(rule), *map(line, rows)])


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
