"""Choices become a recipe: how long it trains, what to look at first, and the file itself."""

import math
from collections.abc import Sequence
from dataclasses import replace

import yaml

from keypointgan.config import Config
from keypointgan.data.survey import PoseSurvey, StoreSurvey
from keypointgan.recipe import make_config
from keypointgan.recommend import LONG_ENOUGH, Choice, Machine
from keypointgan.skeletons import Skeleton
from keypointgan.wording import counted

FRAMES_TO_LEARN = 90_000
"""Frames that the faces' recipe had seen when it had learnt (experiment 1)."""

_FIRST_PHASE = 1 / 3  # of the time, at most, for pre-training
_FIGURES_ALONE = 0.4
"""Share of the updates on drawn people alone, as in the recipe of rendered people."""
_FEW_POSES = 200
_COLUMNS = 100
_END = "\n..."  # of a YAML document that is one number


def with_time(
    choices: Sequence[Choice], *, seconds: float, before: float, machine: Machine
) -> list[Choice]:
    """Return the settings with the length of the run.

    Pre-training gets a third of the time at most.

    Args:
        choices: The settings but for those.
        seconds: Of an update, measured.
        before: Seconds of a pre-training update.
        machine: How long the run may take.
    """
    wanted = make(choices).pretrain.steps
    first = wanted
    if before * wanted > _FIRST_PHASE * machine.hours * 3600:
        first = max(_rounded(int(_FIRST_PHASE * machine.hours * 3600 / before)), 250)
    left = max(machine.hours * 3600 - before * first, 0)
    steps = _rounded(int(min(max(left / seconds, 200), 200_000)))
    every = max(_rounded(steps // 25), 50)
    seen = steps * make(choices).training.batch_size
    return [
        *(
            replace(
                choice, value=first, reason=f"at most; more would take a third of {machine.time}"
            )
            if choice.key == "pretrain.steps" and first < wanted
            else choice
            for choice in choices
        ),
        *_figures_alone(choices, steps=steps),
        Choice(
            "training.steps",
            steps,
            f"what {machine.time} allows here: {counted(seen, 'frame')} seen",
        ),
        Choice("training.evaluate_every", every, "25 points of a curve"),
        Choice("training.save_every", every, "what a power cut may cost"),
        Choice("training.log_every", 20, "updates"),
    ]


def _figures_alone(choices: Sequence[Choice], *, steps: int) -> list[Choice]:
    if not make(choices).figures.weight:
        return []
    alone = _rounded(int(_FIGURES_ALONE * steps))
    return [Choice("figures.alone", alone, "updates on drawn people alone, at first")]


def make(choices: Sequence[Choice]) -> Config:
    """Return the settings as a checked configuration."""
    return make_config(_nested(choices), where="the recommendation")


def warnings(
    choices: Sequence[Choice], frames: StoreSurvey, prior: PoseSurvey, shape: Skeleton
) -> list[str]:
    """Return what a person should look at before hours are spent, one sentence each."""
    found = [
        f"{choice.key} = {choice.value} is a guess: {choice.reason}."
        for choice in choices
        if choice.guess
    ]
    if frames.unrelated:
        found.append(
            "Neighbouring frames differ as much as frames of different clips do. If they are "
            "photographs of different objects, a frame is no reference of another: nothing can be "
            "learnt from such pairs. Use videos, or a clip for each object."
        )
    settings = make(choices).training
    seen = settings.steps * settings.batch_size
    if seen < FRAMES_TO_LEARN:
        found.append(
            f"In this time only {counted(seen, 'frame')} are seen; the faces' recipe needed "
            f"{FRAMES_TO_LEARN:,}, and people need more. Allow more with --hours, or use a GPU."
        )
    if prior.poses < _FEW_POSES:
        found.append(
            f"A prior of {counted(prior.poses, 'pose')} is small; the discriminator learns from "
            "their variety. Hundreds are better, thousands better still."
        )
    if prior.turned and not prior.solid and prior.left_first > 0.6:
        found.append(
            f"In {100 * prior.left_first:.0f} % of the poses what the file calls left lies on the "
            "left of the image. People who face the camera have their left on the right: if these "
            "do, the file names the viewer's sides. Exchange them with prior.joint_map."
        )
    if shape.pairs and not prior.turned and not prior.solid:
        found.append(
            "All poses are seen from one side, such as from above or from the front. Frames of "
            "objects seen from the other side will be misread."
        )
    if not frames.masks and not frames.still_camera and frames.lengths[1] >= LONG_ENOUGH:
        found.append(
            "The background moves and there are no masks: the most common reason for failure. "
            "Masks (NAME.mask.mp4 beside NAME.mp4) would let data.mask_background hide it."
        )
    return found


def render_recipe(
    choices: Sequence[Choice], *, title: str, head: Sequence[str], notes: Sequence[str]
) -> str:
    """Return the recipe as YAML, a reason behind every setting.

    Args:
        choices: The settings.
        title: The first line.
        head: Lines on command, machine and time.
        notes: What to look at.
    """
    lines = [f"# {title}", "#", *(f"# {line}" for line in head)]
    if notes:
        lines += ["#", "# Look at this before you train:"]
        lines += [f"# - {note}" for note in notes]
    section = ""
    for choice in _by_section(choices):
        part, _, name = choice.key.partition(".")
        if part != section:
            lines.append(f"{part}:")
            section = part
        value = yaml.safe_dump(
            choice.value, default_flow_style=True, width=math.inf, allow_unicode=True
        )
        setting = f"  {name}: {value.strip().removesuffix(_END)}"
        reason = f"# {'guess: ' if choice.guess else ''}{choice.reason}"
        if len(setting) + len(reason) + 2 <= _COLUMNS:
            lines.append(f"{setting}  {reason}")
        else:
            lines += [f"  {reason}", setting]
    return "\n".join(lines) + "\n"


def _by_section(choices: Sequence[Choice]) -> list[Choice]:
    order = {name: place for place, name in enumerate(Config.model_fields)}
    return sorted(choices, key=lambda choice: order[choice.key.partition(".")[0]])


def _nested(choices: Sequence[Choice]) -> dict[str, dict[str, object]]:
    values: dict[str, dict[str, object]] = {}
    for choice in choices:
        section, _, name = choice.key.partition(".")
        values.setdefault(section, {})[name] = choice.value
    return values


def _rounded(number: int) -> int:
    """The number with two digits that are not zero."""
    scale = 10 ** max(len(str(number)) - 2, 0)
    return number // scale * scale
