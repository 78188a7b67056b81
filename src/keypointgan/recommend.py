"""Settings for a store and a prior, each with its reason.

What is known comes from `docs/experiments.md` and the built-in recipes; what a store or a file of
poses shows, from `data.survey`; what an update costs, from measuring. What cannot be known is a
guess, and says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from keypointgan.config import Config, make_config
from keypointgan.data.survey import PoseSurvey, StoreSurvey
from keypointgan.skeletons import Skeleton

JOINTS_OVER_OBJECT = 0.85
"""Longer side of the joints' box over that of the object's; 0.79 to 0.89 was measured."""
FRAMES_TO_LEARN = 90_000
"""Frames that the faces' recipe had seen when it had learnt (experiment 1)."""

_LONG_ENOUGH = 12  # frames of a clip from which a plate can be taken
_BRIGHTNESS = 12.0
_FEW_POSES = 200
_CPU, _GPU = 64, 128  # pixels
_COLUMNS = 100
_END = "\n..."  # of a YAML document that is one number


@dataclass(frozen=True)
class Machine:
    """Where the training is going to run.

    Attributes:
        device: cpu, cuda or mps.
        name: For people.
        hours: How long it may take.
    """

    device: str
    name: str
    hours: float

    @property
    def time(self) -> str:
        """The hours for people."""
        return "1 hour" if self.hours == 1 else f"{self.hours:g} hours"

    @property
    def fast(self) -> bool:
        """Whether it computes on a GPU."""
        return self.device != "cpu"


@dataclass(frozen=True)
class Choice:
    """A setting and why it has its value.

    Attributes:
        key: Such as `data.size`.
        value: As in YAML.
        reason: Half a line for people.
        guess: Whether it could not be known, and deserves a look.
    """

    key: str
    value: object
    reason: str
    guess: bool = False


def recommend(
    store: Path,
    poses: Path,
    skeleton: str,
    *,
    frames: StoreSurvey,
    prior: PoseSurvey,
    shape: Skeleton,
    machine: Machine,
    joint_map: dict[str, str] | None = None,
) -> list[Choice]:
    """Return all settings but those that depend on the time of an update.

    Args:
        store: The store's folder.
        poses: The prior's file.
        skeleton: The skeleton's name or file.
        frames: What the store shows.
        prior: What the file of poses holds.
        shape: The skeleton.
        machine: Where the training is going to run.
        joint_map: For joints that the file calls otherwise.
    """
    return [
        *_data(store, frames, shape, machine),
        Choice(
            "prior.poses", str(poses), f"{prior.poses} poses in {'3D' if prior.solid else '2D'}"
        ),
        *([Choice("prior.joint_map", joint_map, "as told")] if joint_map else []),
        *_placement(frames, prior, shape),
        *_model(skeleton, frames, prior, shape),
        Choice("loss.features", "pyramid", "needs no weights; squeezenet or vgg19 see more"),
        Choice("loss.adversarial", 3.0, "against 10 of reconstruction: what faces learnt with"),
        Choice("loss.discriminator_noise", 0.3, "keeps the discriminator from winning"),
        Choice("optimiser.discriminator_rate", 0.5, "likewise"),
        Choice(
            "optimiser.average", 0.998, "the mean of the weights is steadier than the last ones"
        ),
        Choice("optimiser.cool_down", 0.25, "the last quarter brings the last tenth of the error"),
        Choice("pretrain.steps", 2000 if machine.device == "cpu" else 10_000, "at most"),
        Choice("pretrain.batch_size", 32 if machine.device == "cpu" else 64, "poses"),
        Choice("pretrain.evaluate_every", 250, "updates"),
        Choice("pretrain.target", 1.0, "% of the side: then the regressor reads poses well enough"),
        Choice("training.batch_size", 32 if machine.fast else 16, "pairs"),
        Choice("training.channels_last", True, "faster with every network here"),
    ]


def with_time(
    choices: Sequence[Choice], *, seconds: float, before: float, machine: Machine
) -> list[Choice]:
    """Return the settings with the length of the run.

    Args:
        choices: The settings but for those.
        seconds: Of an update, measured.
        before: Seconds of a pre-training update.
        machine: How long the run may take.
    """
    settings = make(choices)
    left = max(machine.hours * 3600 - before * settings.pretrain.steps, 0.2 * machine.hours * 3600)
    steps = int(min(max(left / seconds, 200), 200_000))
    steps = _rounded(steps)
    every = max(_rounded(steps // 25), 10)
    seen = steps * settings.training.batch_size
    return [
        *choices,
        Choice("training.steps", steps, f"what {machine.time} allows here: {seen:,} frames seen"),
        Choice("training.evaluate_every", every, "25 points of a curve"),
        Choice("training.save_every", every, "what a power cut may cost"),
        Choice("training.log_every", 20, "updates"),
    ]


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
            f"In this time only {seen:,} frames are seen; the faces' recipe needed "
            f"{FRAMES_TO_LEARN:,}, and people need more. Allow more with --hours, or use a GPU."
        )
    if prior.poses < _FEW_POSES:
        found.append(
            f"{prior.poses} poses are few; the discriminator learns from their variety. Hundreds "
            "are better, thousands better still."
        )
    if prior.turned and not prior.solid and prior.left_first > 0.6:
        found.append(
            f"In {100 * prior.left_first:.0f} % of the poses what the file calls left lies on the "
            "left of the image. People who face the camera have their left on the right: if these "
            "do, the file names the viewer's sides. Exchange them with prior.joint_map."
        )
    if shape.pairs and not prior.turned and not prior.solid:
        found.append(
            "All poses are seen from one side (left and right never change places). Frames of "
            "objects that turn away will be misread."
        )
    if not frames.masks and not frames.still_camera and frames.lengths[1] >= _LONG_ENOUGH:
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


def _data(store: Path, frames: StoreSurvey, shape: Skeleton, machine: Machine) -> list[Choice]:
    shortest, median, longest = frames.lengths
    wanted = _GPU if machine.fast else _CPU
    size = max((side for side in (64, 96, 128) if side <= min(wanted, frames.size)), default=64)
    least = max(1, min(round(frames.fps / 4), shortest // 3))
    few = frames.groups < 5
    fraction = 0.0 if few else max(0.05, min(0.2, 1.5 / frames.groups))
    return [
        Choice("data.store", str(store), f"{frames.clips} clips, {frames.frames:,} frames"),
        Choice(
            "data.size",
            size,
            f"pixels; the store has {frames.size}, "
            + ("a GPU can afford them" if machine.fast else "a CPU learns faster at fewer"),
        ),
        Choice(
            "data.gap",
            [least, max(min(longest - 1, 1000), least)],
            f"a quarter of a second at least ({frames.fps:g} fps); clips have {shortest} to "
            f"{longest} frames, half of them {median} or more",
        ),
        Choice(
            "data.mask_background",
            frames.masks,
            "the store has masks, and backgrounds are the most common failure"
            if frames.masks
            else "the store has no masks",
        ),
        Choice(
            "data.mirror",
            bool(shape.pairs),
            "the skeleton has a left and a right side, and the prior is mirrored too"
            if shape.pairs
            else "the skeleton has no left and right",
        ),
        Choice(
            "data.colour_jitter",
            0.3 if frames.brightness_spread > _BRIGHTNESS else 0.0,
            f"clips differ in brightness by {frames.brightness_spread:.0f} of 255"
            + (", which helped people" if frames.brightness_spread > _BRIGHTNESS else " only"),
        ),
        Choice(
            "data.validation_fraction",
            round(fraction, 3),
            f"only {frames.groups} persons, films or videos: none can be spared"
            if few
            else f"of {frames.groups} persons, films or videos",
        ),
    ]


def _placement(frames: StoreSurvey, prior: PoseSurvey, shape: Skeleton) -> list[Choice]:
    mirror = Choice(
        "prior.mirror",
        bool(shape.pairs),
        "left and right exchanged in half of the poses" if shape.pairs else "as data.mirror",
    )
    rotation = Choice(
        "prior.rotation_jitter",
        180.0 if prior.any_orientation else 0.0,
        "the poses lie in every direction"
        if prior.any_orientation
        else "the poses have an upright",
    )
    if prior.size is not None and not prior.solid:
        return [
            Choice(
                "prior.place",
                "as_is",
                f"the file says that its poses are in frames of {prior.size:g} pixels; choose fit "
                "if its frames are cropped otherwise than yours",
                guess=True,
            ),
            Choice("prior.scale_jitter", 0.03, "little, for the poses are placed already"),
            Choice("prior.shift_jitter", 0.02, "likewise"),
            mirror,
        ]
    body = prior.solid or prior.size_spread < 0.2
    place = Choice(
        "prior.place",
        "body" if body else "fit",
        "poses in metres have one scale: crouching stays small"
        if prior.solid
        else f"the poses' sizes vary by {100 * prior.size_spread:.0f} %: "
        + ("one scale, crouching stays small" if body else "their photographs have many scales"),
    )
    objects = frames.objects
    if objects is None:
        measured = [
            Choice(
                "prior.extent",
                0.65,
                "there are no masks, and the object cannot be told from its background; compare "
                "with 'keypointgan prior plot'",
                guess=True,
            ),
            Choice("prior.centre", [0.0, 0.0], "where the object is was not seen", guess=True),
            Choice("prior.scale_jitter", 0.15, "wide, since the size is a guess"),
            Choice("prior.shift_jitter", 0.07, "wide, since the place is a guess"),
        ]
    else:
        spread = objects.scale_spread * (0.3 if body else 1.0)
        measured = [
            Choice(
                "prior.extent",
                round(min(JOINTS_OVER_OBJECT * objects.extent, 0.9), 2),
                f"the object's box fills {objects.extent:.2f} of the frame (seen by its "
                f"{objects.seen_by}), its joints about {JOINTS_OVER_OBJECT:g} of that",
            ),
            Choice(
                "prior.centre",
                [round(value, 2) if abs(value) > 0.1 else 0.0 for value in objects.centre],
                f"the object's middle lies at ({objects.centre[0]:.2f}, {objects.centre[1]:.2f})",
            ),
            Choice(
                "prior.scale_jitter",
                round(min(max(spread, 0.05), 0.2), 2),
                f"the object's size varies by {100 * objects.scale_spread:.0f} %"
                + (", of which the poses bring most themselves" if body else ""),
            ),
            Choice(
                "prior.shift_jitter",
                round(min(max(objects.shift_spread, 0.02), 0.1), 3),
                "as the object's middle varies",
            ),
        ]
    camera = [
        Choice(
            "prior.azimuth",
            [-180.0, 180.0],
            "from all sides, in degrees; narrow it if your camera does not see them all",
            guess=True,
        ),
        Choice(
            "prior.elevation",
            [-5.0, 25.0],
            "from eye level or slightly above, in degrees; widen it for a camera on a ceiling",
            guess=True,
        ),
    ]
    return [place, *measured, rotation, mirror, *(camera if prior.solid else [])]


def _model(skeleton: str, frames: StoreSurvey, prior: PoseSurvey, shape: Skeleton) -> list[Choice]:
    sides = "apart" if shape.pairs and prior.turned else "together"
    if sides == "apart":
        why = "seen from the front and from behind: in one colour both look the same (experiment 2)"
    elif shape.pairs:
        why = "left and right never change places, so one colour can be read, as in the paper"
    else:
        why = "the skeleton has no left and right"
    if frames.masks:
        background, behind = "rebuilt", "hidden by the masks"
    elif frames.still_camera and frames.lengths[0] >= _LONG_ENOUGH:
        background = "plate"
        behind = f"the camera is still: {100 * frames.still:.0f} % of the border stay the same"
    elif frames.still_camera:
        background, behind = "reference", "the camera is still, the clips too short for a plate"
    elif math.isnan(frames.still):
        background, behind = "rebuilt", "clips are too short to tell whether the camera is still"
    else:
        background = "rebuilt"
        behind = f"the camera moves: only {100 * frames.still:.0f} % of the border stay the same"
    return [
        Choice("model.skeleton", skeleton, f"{shape.num_joints} joints"),
        Choice("model.preset", "compact", "several times faster than the release's networks"),
        Choice("model.sides", sides, why),
        Choice("model.background", background, behind),
    ]


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
