"""Settings for a store and a prior, each with its reason.

What is known comes from `docs/experiments.md` and the built-in recipes; what a store or a file of
poses shows, from `data.survey`; what an update costs, from measuring. What cannot be known is a
guess, and says so.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from keypointgan.data.bodies import missing_joints
from keypointgan.data.survey import PoseSurvey, StoreSurvey
from keypointgan.skeletons import Skeleton
from keypointgan.wording import counted

JOINTS_OVER_OBJECT = 0.85
"""Longer side of the joints' box over that of the object's; 0.79 to 0.89 was measured."""
LONG_ENOUGH = 12
"""Frames of a clip from which a plate can be taken."""

_BRIGHTNESS = 12.0
_CPU, _GPU = 64, 128  # pixels
_GROUPS = "persons, films or videos"


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
    """Return all settings but those that depend on the time of an update (`recipe_writer`).

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
            "prior.poses",
            str(poses),
            f"{counted(prior.poses, 'pose')} in {'3D' if prior.solid else '2D'}",
        ),
        *([Choice("prior.joint_map", joint_map, "as told")] if joint_map else []),
        *_placement(frames, prior, shape),
        *_model(skeleton, frames, prior, shape),
        *_equivariance(prior),
        *_figures(prior, shape),
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


def _data(store: Path, frames: StoreSurvey, shape: Skeleton, machine: Machine) -> list[Choice]:
    shortest, _, longest = frames.lengths
    wanted = _GPU if machine.fast else _CPU
    size = max((side for side in (64, 96, 128) if side <= min(wanted, frames.size)), default=64)
    least = max(1, min(round(frames.fps / 4), shortest // 3))
    few = frames.groups < 5
    fraction = 0.0 if few else max(0.05, min(0.2, 1.5 / frames.groups))
    return [
        Choice(
            "data.store",
            str(store),
            f"{counted(frames.clips, 'clip')}, {counted(frames.frames, 'frame')}",
        ),
        Choice(
            "data.size",
            size,
            f"pixels; the store has {frames.size}, "
            + ("a GPU can afford them" if machine.fast else "a CPU learns faster at fewer"),
        ),
        Choice(
            "data.gap",
            [least, max(min(longest - 1, 1000), least)],
            (f"at least a quarter of a second of {frames.fps:g} fps, " if frames.fps else "")
            + f"and all that clips of {shortest} to {counted(longest, 'frame')} allow",
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
            f"only {counted(frames.groups, 'person, film or video', _GROUPS)}: none can be spared"
            if few
            else f"of {counted(frames.groups, 'person, film or video', _GROUPS)}",
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
        why = "seen from one side: one colour can be read, and learns more surely (experiment 36)"
    else:
        why = "the skeleton has no left and right"
    if frames.masks:
        background, behind = "rebuilt", "hidden by the masks"
    elif frames.still_camera and frames.lengths[0] >= LONG_ENOUGH:
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
        Choice("model.skeleton", skeleton, counted(shape.num_joints, "joint")),
        Choice("model.preset", "compact", "several times faster than the release's networks"),
        Choice("model.sides", sides, why),
        Choice("model.background", background, behind),
    ]


def _equivariance(prior: PoseSurvey) -> list[Choice]:
    if prior.turned or prior.any_orientation:
        return []
    why = "points have to move with a moved frame, which helped faces (experiment 36)"
    return [Choice("equivariance.weight", 10.0, why)]


def _figures(prior: PoseSurvey, shape: Skeleton) -> list[Choice]:
    if not prior.solid or missing_joints(shape.joints):
        return []
    why = "poses of people in space: drawn people show the encoder the way (experiment 10)"
    return [Choice("figures.weight", 0.5, why)]
