"""What hangs on the joints of a person: limbs, clothes, hair and face as capsules.

A crude body, but one whose pose is known. Builds, proportions, clothes and colours are drawn at
random, so widely that real people are among them.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from keypointgan.data.dice import Dice
from keypointgan.errors import PriorError
from keypointgan.ops.capsules import Capsules

Vector = Float[Tensor, "batch 3"]
Number = Float[Tensor, " batch"]
Colour = Float[Tensor, "batch 3"]
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
    body = _Body(metre)
    at = {joint: solid[:, index] for index, joint in enumerate(joints)}
    wear = _random_clothes(dice)
    bulk = torch.exp(dice.normal() * 0.10)
    fat = bulk * torch.exp(dice.normal() * 0.14)
    woman = (dice.uniform(0, 1) < 0.5).float()
    forward = _forward(at)
    sleeve = _pick(dice.uniform(0, 1) < 0.5, dice.uniform(0.1, 1.1), dice.uniform(1.1, 2.3))
    leg = _pick(dice.uniform(0, 1) < 0.2, dice.uniform(0.3, 1.5), dice.uniform(1.5, 2.3))
    for side in "lr":
        _add_arm(body, at, side, wear, bulk, fat, sleeve, dice)
        _add_leg(body, at, side, wear, bulk, fat, leg, forward)
    _add_trunk(body, at, wear, bulk, fat * dice.uniform(0.9, 1.15), forward, woman, dice)
    _add_head(body, at, wear, bulk, woman, dice)
    feet = torch.stack([at["l_ankle"][:, :2], at["r_ankle"][:, :2]], dim=1)
    return body.capsules(), feet


class _Body:
    """Collects the capsules of all figures; lengths are given in metres."""

    def __init__(self, metre: Number) -> None:
        self.metre = metre
        self.parts: list[tuple[Vector, Vector, Number, Number, Colour, float]] = []

    def add(
        self,
        start: Vector,
        stop: Vector,
        radii: tuple[Number, Number],
        colour: Colour,
        *,
        lift: float = 0.0,
    ) -> None:
        self.parts.append((start, stop, *radii, colour, lift))

    def metres(self, direction: Vector, length: float | Number) -> Vector:
        """A way of that length in this direction."""
        return direction * (self.metre * length)[:, None]

    def capsules(self) -> Capsules:
        start, stop, first, second, colours, lift = zip(*self.parts, strict=True)
        metre = self.metre[:, None]
        radii = torch.stack([torch.stack(first, dim=1), torch.stack(second, dim=1)], dim=-1)
        return Capsules(
            start=torch.stack(start, dim=1),
            stop=torch.stack(stop, dim=1),
            radii=radii.clamp_min(1e-3) * metre[..., None],
            colours=torch.stack(colours, dim=1).clamp(0, 1),
            lift=metre * metre.new_tensor(lift),
            metre=self.metre,
        )


def _random_clothes(dice: Dice) -> dict[str, Colour]:
    """The colour of each part of a body; parts of the skin are bare with some probability."""
    tone = 0.25 + 0.7 * dice.uniform(0.12, 1.0)
    hues = torch.stack(
        [torch.ones_like(tone), 0.76 + 0.03 * dice.normal(), 0.60 + 0.04 * dice.normal()], dim=-1
    )
    skin = hues.clamp(0, 1) * tone[:, None]
    brown = skin.new_tensor([0.45, 0.30, 0.20]) * dice.uniform(0.05, 1.7)[:, None]
    shirt, trousers = dice.colours(), dice.colours()
    suit = shirt * dice.uniform(0.7, 1.2)[:, None]
    trousers = dice.either(0.25, suit, trousers)
    return {
        "skin": skin,
        "hair": dice.either(0.75, brown, dice.colours()),
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
    return _unit(torch.cross(_unit(left), _unit(up), dim=-1)) * flip


def _add_arm(
    body: _Body,
    at: dict[str, Vector],
    side: str,
    wear: dict[str, Colour],
    bulk: Number,
    fat: Number,
    sleeve: Number,
    dice: Dice,
) -> None:
    shoulder, elbow, wrist = (at[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
    loose = fat * dice.uniform(0.9, 1.25)
    radii = (0.060 * loose, 0.043 * loose), (0.041 * fat, 0.029 * bulk)
    _add_clothed(body, (shoulder, elbow, wrist), radii, sleeve, wear["shirt"], wear["skin"])
    along = _unit(wrist - elbow)
    knuckles = wrist + body.metres(_unit(along + 0.3 * dice.normal(3)), 0.08)
    bent = _unit(_unit(knuckles - wrist) + 0.45 * dice.normal(3))
    tips = knuckles + body.metres(bent, dice.uniform(0.02, 0.085))  # a fist, or fingers
    body.add(wrist, knuckles, (0.029 * bulk, 0.037 * bulk), wear["skin"])
    body.add(knuckles, tips, (0.035 * bulk, dice.uniform(0.016, 0.034) * bulk), wear["skin"])


def _add_leg(
    body: _Body,
    at: dict[str, Vector],
    side: str,
    wear: dict[str, Colour],
    bulk: Number,
    fat: Number,
    leg: Number,
    forward: Vector,
) -> None:
    hip, knee, ankle = (at[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
    radii = (0.080 * fat, 0.061 * fat), (0.060 * fat, 0.042 * fat)
    _add_clothed(body, (hip, knee, ankle), radii, leg, wear["trousers"], wear["skin"])
    down = _unit(ankle - knee)
    toes = _unit(_aside(forward, down, 0.8))
    heel = ankle + body.metres(down, 0.05) - body.metres(toes, 0.03)
    tip = heel + body.metres(toes, 0.17) + body.metres(down, 0.02)
    body.add(heel, tip, (0.042 * bulk, 0.036 * bulk), wear["shoes"])


def _add_clothed(
    body: _Body,
    joints: tuple[Vector, Vector, Vector],
    radii: tuple[tuple[Number, Number], tuple[Number, Number]],
    length: Number,
    cloth: Colour,
    skin: Colour,
) -> None:
    """Two limbs, clothed as far as the length says: 1 to the joint between them, 2 to the end.

    Clothes end anywhere, so that where they end does not tell where a joint is.
    """
    start, middle, stop = joints
    above = (length < 1).float()
    share = torch.where(length < 1, length, length - 1).clamp(0.02, 0.98)
    edge = start + (middle - start) * share[:, None]
    far = middle + (stop - middle) * share[:, None]
    at_edge = radii[0][0] + (radii[0][1] - radii[0][0]) * share
    at_far = radii[1][0] + (radii[1][1] - radii[1][0]) * share
    first, second = _pick(above, edge, middle), _pick(above, middle, far)
    body.add(start, first, (radii[0][0], _pick(above, at_edge, radii[0][1])), cloth)
    ends = _pick(above, at_edge, radii[1][0]), _pick(above, radii[0][1], at_far)
    body.add(first, second, ends, _pick(above, skin, cloth))
    body.add(second, stop, (_pick(above, radii[1][0], at_far), radii[1][1]), skin)


def _add_trunk(
    body: _Body,
    at: dict[str, Vector],
    wear: dict[str, Colour],
    bulk: Number,
    fat: Number,
    forward: Vector,
    woman: Number,
    dice: Dice,
) -> None:
    pelvis, spine, neck = at["pelvis"], at["spine"], at["neck"]
    head = at["head_top"] - neck
    chest = _between(spine, neck, 0.62)
    hem = body.metres(_unit(spine - pelvis), dice.uniform(0.02, 0.18))  # of what is above
    for side in "lr":
        shoulder, hip = at[f"{side}_shoulder"], at[f"{side}_hip"]
        upper = _between(shoulder, neck, 0.30) - 0.1 * head
        waist = _between(
            _between(upper, _between(hip, pelvis, 0.25), 0.55), _between(spine, chest, 0.2), 0.18
        )
        lower = _between(hip, pelvis, 0.25)
        body.add(upper, waist, (0.088 * fat, 0.078 * fat), wear["shirt"], lift=0.01)
        body.add(waist, lower, (0.077 * fat, 0.085 * fat), wear["trousers"])
        body.add(waist, lower + hem, (0.078 * fat, 0.086 * fat), wear["belly"], lift=0.01)
    left, right = at["l_shoulder"], at["r_shoulder"]
    across = _between(left, right, 0.12), _between(right, left, 0.12)
    body.add(*across, (0.06 * bulk, 0.06 * bulk), wear["shirt"])
    body.add(chest, spine, (0.105 * fat, 0.095 * fat), wear["shirt"])
    body.add(spine, _between(spine, pelvis, 0.7), (0.095 * fat, 0.10 * fat), wear["belly"])
    bust = chest + body.metres(forward, 0.075)
    breast = 0.055 * bulk * woman
    body.add(
        _between(bust, left, 0.25), _between(bust, right, 0.25), (breast, breast), wear["shirt"]
    )
    back = body.metres(forward, -0.02)
    hips = [_between(at[f"{side}_hip"], pelvis, 0.2) + back for side in "lr"]
    body.add(hips[0], hips[1], (0.092 * fat, 0.092 * fat), wear["trousers"])
    throat = _between(neck, chest, 0.25), _between(neck, at["head_top"], 0.35)
    body.add(*throat, (0.050 * bulk, 0.047 * bulk), wear["skin"])


def _add_head(
    body: _Body,
    at: dict[str, Vector],
    wear: dict[str, Colour],
    bulk: Number,
    woman: Number,
    dice: Dice,
) -> None:
    neck, top = at["neck"], at["head_top"]
    up = _unit(top - neck)
    ahead = _unit(_aside(at["nose"] - _between(neck, top, 0.3), up, 1.0))
    crown = 0.055 + 0.085 * bulk  # how far the hair reaches above the middle of the head
    middle = top - body.metres(up, crown) + body.metres(ahead, 0.025)

    def place(upwards: float | Number, forwards: float) -> Vector:
        return middle + body.metres(up, upwards) + body.metres(ahead, forwards)

    def add(
        start: Vector, stop: Vector, radii: tuple[float, float], part: str, lift: float = 0.0
    ) -> None:
        body.add(start, stop, (radii[0] * bulk, radii[1] * bulk), wear[part], lift=lift)

    add(place(-0.03, 0.02), place(0.05, 0.01), (0.062, 0.078), "skin")
    add(place(-0.06, 0.045), place(0.02, 0.045), (0.040, 0.050), "skin")
    add(place(-0.01, 0.10), place(0.01, 0.095), (0.014, 0.014), "skin")
    add(place(0.055, -0.03), place(0.055, 0.01), (0.088, 0.080), "hair", 0.004)
    long = dice.uniform(0, 1) * woman
    add(place(0.03, -0.045), place(-0.02 - 0.10 * long, -0.055), (0.078, 0.060), "hair")
    tail = (dice.uniform(0, 1) < 0.2).float() * woman
    ends = place(0.03, -0.11), place(-0.10, -0.12)
    body.add(*ends, (0.035 * tail, 0.020 * tail), wear["hair"])


def _pick(which: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """For each figure the first or the second."""
    return torch.where(which.bool().view(-1, *[1] * (first.ndim - 1)), first, second)


def _unit(vector: Vector) -> Vector:
    return vector / (vector.norm(dim=-1, keepdim=True) + 1e-6)


def _between(start: Vector, stop: Vector, share: float) -> Vector:
    return start + (stop - start) * share


def _aside(vector: Vector, axis: Vector, share: float) -> Vector:
    """The vector less a share of its part along the axis."""
    return vector - (vector * axis).sum(dim=-1, keepdim=True) * axis * share
