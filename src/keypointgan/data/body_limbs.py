"""Arms and legs, bare or clothed as far as chance says, with hands and shoes."""

from keypointgan.data.body_parts import Body, Colour, Number, Person, Vector, aside_of, pick, unit
from keypointgan.data.dice import Dice


def add_arm(body: Body, person: Person, side: str, sleeve: Number, dice: Dice) -> None:
    """Add an arm with its sleeve and a hand, a fist or fingers."""
    wear, bulk, fat = person.wear, person.bulk, person.fat
    shoulder, elbow, wrist = (
        person.at[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist")
    )
    loose = fat * dice.uniform(0.9, 1.25)
    radii = (0.060 * loose, 0.043 * loose), (0.041 * fat, 0.029 * bulk)
    _add_clothed(body, (shoulder, elbow, wrist), radii, sleeve, wear["shirt"], wear["skin"])
    along = unit(wrist - elbow)
    knuckles = wrist + body.metres(unit(along + 0.3 * dice.normal(3)), 0.08)
    bent = unit(unit(knuckles - wrist) + 0.45 * dice.normal(3))
    tips = knuckles + body.metres(bent, dice.uniform(0.02, 0.085))  # a fist, or fingers
    body.add(wrist, knuckles, (0.029 * bulk, 0.037 * bulk), wear["skin"], plain=True)
    body.add(
        knuckles, tips, (0.035 * bulk, dice.uniform(0.016, 0.034) * bulk), wear["skin"], plain=True
    )


def add_leg(body: Body, person: Person, side: str, leg: Number) -> None:
    """Add a leg, in trousers as far as `leg` says, and a shoe."""
    wear, bulk, fat = person.wear, person.bulk, person.fat
    hip, knee, ankle = (person.at[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
    radii = (0.080 * fat, 0.061 * fat), (0.060 * fat, 0.042 * fat)
    _add_clothed(body, (hip, knee, ankle), radii, leg, wear["trousers"], wear["skin"])
    down = unit(ankle - knee)
    toes = unit(aside_of(person.forward, down, 0.8))
    heel = ankle + body.metres(down, 0.05) - body.metres(toes, 0.03)
    tip = heel + body.metres(toes, 0.17) + body.metres(down, 0.02)
    body.add(heel, tip, (0.042 * bulk, 0.036 * bulk), wear["shoes"])


def _add_clothed(
    body: Body,
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
    share = pick(above, length, length - 1).clamp(0.02, 0.98)
    edge = start + (middle - start) * share[:, None]
    far = middle + (stop - middle) * share[:, None]
    at_edge = radii[0][0] + (radii[0][1] - radii[0][0]) * share
    at_far = radii[1][0] + (radii[1][1] - radii[1][0]) * share
    first, second = pick(above, edge, middle), pick(above, middle, far)
    body.add(start, first, (radii[0][0], pick(above, at_edge, radii[0][1])), cloth)
    ends = pick(above, at_edge, radii[1][0]), pick(above, radii[0][1], at_far)
    body.add(first, second, ends, pick(above, skin, cloth))
    body.add(second, stop, (pick(above, radii[1][0], at_far), radii[1][1]), skin, plain=True)
