"""The head: hair, which hides it from behind, and a face, without which front is not told."""

import torch

from keypointgan.data.body_parts import Body, Number, Person, Vector, aside_of, between, pick, unit
from keypointgan.data.dice import Dice


def add_head(body: Body, person: Person, dice: Dice) -> None:
    """Add a head with hair, face and perhaps a beard, turned as the nose says."""
    at, bulk, woman = person.at, person.bulk, person.woman
    neck, top = at["neck"], at["head_top"]
    up = unit(top - neck)
    ahead = unit(aside_of(at["nose"] - between(neck, top, 0.3), up, 1.0))
    crown = 0.055 + 0.085 * bulk  # how far the hair reaches above the middle of the head
    middle = top - body.metres(up, crown) + body.metres(ahead, 0.025)

    def place(upwards: float | Number, forwards: float) -> Vector:
        return middle + body.metres(up, upwards) + body.metres(ahead, forwards)

    def add(
        start: Vector, stop: Vector, radii: tuple[float, float], part: str, lift: float = 0.0
    ) -> None:
        thick = radii[0] * bulk, radii[1] * bulk
        body.add(start, stop, thick, person.wear[part], lift=lift, plain=True)

    add(place(-0.03, 0.02), place(0.05, 0.01), (0.062, 0.078), "skin")
    add(place(-0.06, 0.045), place(0.02, 0.045), (0.040, 0.050), "skin")
    add(place(-0.01, 0.10), place(0.01, 0.095), (0.014, 0.014), "skin")
    aside = unit(torch.cross(ahead, up, dim=-1))
    for side in (-1.0, 1.0):
        inner = place(0.025, 0.092) + body.metres(aside, 0.018) * side
        outer = place(0.025, 0.078) + body.metres(aside, 0.042) * side
        add(inner, outer, (0.011, 0.010), "eyes", 0.012)
    mouth, half = place(-0.055, 0.092), body.metres(aside, 0.016)
    add(mouth + half, mouth - half, (0.008, 0.008), "lips", 0.01)
    # What somebody does not have lies inside the head.
    bearded = (dice.uniform(0, 1) < 0.3).float() * (1 - woman)
    chin, jaw = (pick(bearded, end, middle) for end in (place(-0.075, 0.06), place(-0.04, 0.05)))
    add(chin, jaw, (0.044, 0.046), "hair", 0.004)
    add(place(0.055, -0.03), place(0.055, 0.01), (0.088, 0.080), "hair", 0.004)
    add(place(0.02, -0.025), place(-0.05, -0.03), (0.080, 0.058), "hair", 0.004)
    long = dice.uniform(0, 1) * woman
    add(place(0.03, -0.045), place(-0.02 - 0.10 * long, -0.055), (0.078, 0.060), "hair")
    tailed = (dice.uniform(0, 1) < 0.2).float() * woman
    root, tip = (pick(tailed, end, middle) for end in (place(0.03, -0.11), place(-0.10, -0.12)))
    add(root, tip, (0.035, 0.020), "hair")
