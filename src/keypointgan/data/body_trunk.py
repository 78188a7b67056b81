"""The trunk, which from behind looks otherwise than from in front."""

import torch

from keypointgan.data.body_parts import Body, Person, Vector, between, pick, unit
from keypointgan.data.dice import Dice


def add_trunk(body: Body, person: Person, dice: Dice) -> None:
    """Add chest, belly and back, the seat, and what is open in front."""
    at, forward, wear, bulk = person.at, person.forward, person.wear, person.bulk
    fat = person.fat * dice.uniform(0.9, 1.15)
    pelvis, spine, neck = at["pelvis"], at["spine"], at["neck"]
    head = at["head_top"] - neck
    chest = between(spine, neck, 0.62)
    hem = body.metres(unit(spine - pelvis), dice.uniform(0.02, 0.18))  # of what is above
    for side in "lr":
        shoulder, hip = at[f"{side}_shoulder"], at[f"{side}_hip"]
        upper = between(shoulder, neck, 0.30) - 0.1 * head
        waist = between(
            between(upper, between(hip, pelvis, 0.25), 0.55), between(spine, chest, 0.2), 0.18
        )
        lower = between(hip, pelvis, 0.25)
        body.add(upper, waist, (0.088 * fat, 0.078 * fat), wear["shirt"], lift=0.01)
        body.add(waist, lower, (0.077 * fat, 0.085 * fat), wear["trousers"])
        body.add(waist, lower + hem, (0.078 * fat, 0.086 * fat), wear["belly"], lift=0.01)
    left, right = at["l_shoulder"], at["r_shoulder"]
    across = between(left, right, 0.12), between(right, left, 0.12)
    body.add(*across, (0.06 * bulk, 0.06 * bulk), wear["shirt"])
    behind = body.metres(forward, -0.03)  # a smooth back
    flat = between(chest, neck, 0.3) + behind, between(spine, pelvis, 0.2) + behind
    body.add(*flat, (0.09 * fat, 0.092 * fat), wear["shirt"])
    stand = between(neck, at["head_top"], dice.uniform(0.05, 0.17, 1))
    stand = dice.either(0.5, stand + 0.5 * behind, neck)
    body.add(neck, stand, (0.058 * bulk, 0.056 * bulk), wear["shirt"])  # a collar, or none
    nape = between(neck, at["head_top"], 0.08)
    for side in "lr":  # what slopes from the neck to the shoulders
        slope = between(at[f"{side}_shoulder"], neck, 0.25)
        body.add(nape, slope, (0.045 * bulk, 0.055 * bulk), wear["shirt"])
    body.add(chest, spine, (0.105 * fat, 0.095 * fat), wear["shirt"])
    body.add(spine, between(spine, pelvis, 0.7), (0.095 * fat, 0.10 * fat), wear["belly"])
    bust = chest + body.metres(forward, 0.075)
    breast = 0.055 * bulk * person.woman
    body.add(between(bust, left, 0.25), between(bust, right, 0.25), (breast, breast), wear["shirt"])
    back = body.metres(forward, -0.02)
    hips = [between(at[f"{side}_hip"], pelvis, 0.2) + back for side in "lr"]
    body.add(hips[0], hips[1], (0.092 * fat, 0.092 * fat), wear["trousers"])
    for hip in hips:  # buttocks
        seat = hip + body.metres(forward, -0.035 * dice.uniform(0, 1.4))
        body.add(seat, seat, (0.082 * fat, 0.082 * fat), wear["trousers"])
    paunch = between(spine, pelvis, 0.35) + body.metres(forward, 0.05 * dice.uniform(-0.5, 1.5))
    body.add(paunch, between(paunch, chest, 0.5), (0.085 * fat, 0.085 * fat), wear["belly"])
    _add_opening(body, person, chest, dice)
    throat = between(neck, chest, 0.25), between(neck, at["head_top"], 0.35)
    body.add(*throat, (0.050 * bulk, 0.047 * bulk), wear["skin"], plain=True)


def _add_opening(body: Body, person: Person, chest: Vector, dice: Dice) -> None:
    """What is open in front, of most people: a neckline, a collar, a jacket; else in the chest."""
    short = dice.uniform(0, 0.45)
    down = dice.either(0.25, torch.full_like(short, 0.9), short)
    top = person.at["neck"] + body.metres(person.forward, 0.045)
    waist = person.at["spine"] + body.metres(person.forward, 0.115)
    low = between(top, waist, down[:, None])
    is_open = dice.uniform(0, 1) < 0.75
    ends = pick(is_open, top, chest), pick(is_open, low, chest)
    wide = dice.uniform(0.008, 0.035)
    body.add(*ends, (0.035 + wide, wide), person.wear["inside"], lift=0.02, plain=True)
