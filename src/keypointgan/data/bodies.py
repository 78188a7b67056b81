"""What hangs on the joints of a person: limbs, clothes, hair and face as capsules.

A crude body, but one whose pose is known. Builds, proportions, clothes and colours are drawn at
random, so widely that real people are among them.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.data.body_head import add_head
from keypointgan.data.body_limbs import add_arm, add_leg
from keypointgan.data.body_parts import Body, Colour, Number, Person, Vector, pick, unit
from keypointgan.data.body_trunk import add_trunk
from keypointgan.data.dice import Dice
from keypointgan.errors import PriorError
from keypointgan.ops.capsules import Capsules

Solid = Float[Tensor, "batch keypoint 3"]
"""Joints as a camera sees them: normalised x and y (down), and z towards the viewer."""

_SIDED = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
JOINTS = (
    *("pelvis", "spine", "neck", "nose", "head_top"),
    *(f"{side}_{joint}" for side in "lr" for joint in _SIDED),
)
"""What a body hangs on, by the names of `h36m17`."""


def missing_joints(joints: Sequence[str]) -> list[str]:
    """Those of `JOINTS` that are not among these: a body cannot hang on them."""
    return [joint for joint in JOINTS if joint not in joints]


def check_joints(joints: Sequence[str]) -> None:
    """Refuse joints that a body cannot hang on.

    Raises:
        PriorError: A joint of `JOINTS` is missing.
    """
    missing = missing_joints(joints)
    if missing:
        raise PriorError(
            f"Expected a skeleton with the joints of h36m17 to draw people, which lacks "
            f"{', '.join(missing)}. Set figures.alone and figures.weight to 0 for others."
        )


def random_people(
    solid: Solid, metre: Number, *, joints: Sequence[str], dice: Dice
) -> tuple[Capsules, Float[Tensor, "batch 2 2"]]:
    """People of random build and clothes in the poses given, and where their feet are (x, y).

    Args:
        solid: Joints as a camera sees them.
        metre: How long a metre is in each picture, normalised.
        joints: Their names, in order.
        dice: Source of everything random.
    """
    body = Body(metre)
    at = {joint: solid[:, index] for index, joint in enumerate(joints)}
    wear = _random_clothes(dice)
    bulk = torch.exp(dice.normal() * 0.10)
    person = Person(
        at=at,
        forward=_forward(at),
        wear=wear,
        bulk=bulk,
        fat=bulk * torch.exp(dice.normal() * 0.14),
        woman=(dice.uniform(0, 1) < 0.5).float(),
    )
    sleeve = pick(dice.uniform(0, 1) < 0.5, dice.uniform(0.1, 1.1), dice.uniform(1.1, 2.3))
    leg = pick(dice.uniform(0, 1) < 0.2, dice.uniform(0.3, 1.5), dice.uniform(1.5, 2.3))
    for side in "lr":
        add_arm(body, person, side, sleeve, dice)
        add_leg(body, person, side, leg)
    add_trunk(body, person, dice)
    add_head(body, person, dice)
    feet = torch.stack([at["l_ankle"][:, :2], at["r_ankle"][:, :2]], dim=1)
    return body.capsules(), feet


def _random_clothes(dice: Dice) -> dict[str, Colour]:
    """The colour of each part of a body; parts of the skin are bare with some probability."""
    tone = 0.25 + 0.7 * dice.uniform(0.12, 1.0)
    hues = torch.stack(
        [torch.ones_like(tone), 0.76 + 0.03 * dice.normal(), 0.60 + 0.04 * dice.normal()], dim=-1
    )
    skin = hues.clamp(0, 1) * tone[:, None]
    brown = skin.new_tensor([0.45, 0.30, 0.20]) * (0.04 + 1.3 * dice.uniform(0, 1) ** 3)[:, None]
    shirt, trousers = dice.colours(), dice.colours()
    suit = shirt * dice.uniform(0.7, 1.2)[:, None]
    trousers = dice.either(0.25, suit, trousers)
    return {
        "skin": skin,
        "hair": dice.either(0.06, skin, dice.either(0.85, brown, dice.colours())),
        "eyes": skin * dice.uniform(0.1, 0.8)[:, None],
        "lips": skin * skin.new_tensor([0.85, 0.55, 0.55]),
        "inside": dice.either(0.4, skin, dice.colours()),
        "shoes": dice.colours(),
        "shirt": shirt,
        "belly": dice.either(0.78, shirt, skin),
        "trousers": trousers,
    }


def _forward(at: dict[str, Vector]) -> Vector:
    """Where the body faces."""
    flip = at["pelvis"].new_tensor([1.0, -1.0, 1.0])  # y up, so that the axes are right-handed
    left = (at["l_hip"] - at["r_hip"]) * flip
    up = (at["neck"] - at["pelvis"]) * flip
    return unit(torch.cross(unit(left), unit(up), dim=-1)) * flip
