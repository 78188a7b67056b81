"""Bodies reach beyond their joints as real ones do, and clothes end anywhere."""

import pytest
import torch
from torch import Tensor

from keypointgan.data.bodies import random_people
from keypointgan.data.dice import Dice
from keypointgan.ops.capsules import Capsules, Surface, draw_capsules
from keypointgan.skeletons import Skeleton

JOINTS = Skeleton.load("h36m17").joints
COUNT = 200


@pytest.fixture(scope="module")
def standing() -> Tensor:
    """Somebody who stands with hanging arms, facing the viewer, in metres (y down)."""
    at = {
        "pelvis": (0.0, 0.0),
        "spine": (0.0, -0.3),
        "neck": (0.0, -0.6),
        "nose": (0.0, -0.7),
        "head_top": (0.0, -0.8),
    }
    for side, sign in (("l", 1), ("r", -1)):
        at |= {f"{side}_hip": (0.1 * sign, 0.0), f"{side}_knee": (0.1 * sign, 0.4)}
        at |= {f"{side}_ankle": (0.1 * sign, 0.8), f"{side}_shoulder": (0.17 * sign, -0.5)}
        at |= {f"{side}_elbow": (0.3 * sign, -0.25), f"{side}_wrist": (0.3 * sign, 0.0)}
    depth = {"nose": 0.1}
    return torch.tensor([[*at[joint], depth.get(joint, 0.0)] for joint in JOINTS])


@pytest.fixture(scope="module")
def capsules(standing: Tensor) -> Capsules:
    """200 people of that pose."""
    dice = Dice(COUNT, generator=torch.Generator().manual_seed(3))
    people, _ = random_people(
        standing.expand(COUNT, -1, -1), torch.ones(COUNT), joints=JOINTS, dice=dice
    )
    return people


def _lowest(capsules: Capsules, *, beyond: float) -> Tensor:
    """The lowest point of anything that lies further out than that to the viewer's right."""
    ends = torch.stack([capsules.start, capsules.stop], dim=2)
    bottom = ends[..., 1] + capsules.radii
    return bottom.where(ends[..., 0] > beyond, -torch.inf).flatten(1).amax(dim=1)


def test_hands_reach_as_far_beyond_the_wrist_as_fists_and_fingers_do(capsules: Capsules) -> None:
    """A hand is 19 cm long, a fist 10: nowhere less than 5 cm, on average between the two."""
    reach = _lowest(capsules, beyond=0.2)  # the wrist is at height 0
    assert 0.05 < reach.min() < reach.max() < 0.28
    assert 0.10 < reach.mean() < 0.19
    assert reach.std() > 0.015


def test_sleeves_end_anywhere_between_shoulder_and_wrist(capsules: Capsules) -> None:
    """Not at the elbow, where a detector would take their hem for the joint."""
    first, second = capsules.stop[:, 0, 1], capsules.stop[:, 1, 1]  # of the left arm, downwards
    hem = first.where(first < -0.251, second)  # the elbow is at -0.25
    assert ((hem > -0.5) & (hem < -0.26)).sum() > COUNT / 4
    assert ((hem > -0.24) & (hem < 0)).sum() > COUNT / 4
    assert hem.unique().numel() > COUNT / 2


def _picture(people: Capsules, *, contrast: float = 0.0) -> Tensor:
    """Their picture under light from the viewer, (person, 3, 96, 96)."""
    count, bars = people.lift.shape
    surface = Surface(
        light=torch.tensor([[0.0, 0.0, 1.0]]).expand(count, -1),
        ambient=torch.full((count,), 0.9),
        contrast=torch.full((count,), contrast),
        stripes=torch.full((count,), 4.0),
        phase=torch.zeros(count, bars),
    )
    return draw_capsules(people, surface, size=96)[0]


def _people(solid: Tensor, count: int) -> Capsules:
    dice = Dice(count, generator=torch.Generator().manual_seed(3))
    return random_people(solid.expand(count, -1, -1), torch.ones(count), joints=JOINTS, dice=dice)[
        0
    ]


def test_a_person_turned_about_is_not_their_mirror_image(standing: Tensor) -> None:
    """From behind hair hides the face and nothing is open: heads and chests differ by far more
    than legs, which a symmetric body in this pose shows alike."""
    about = standing * torch.tensor([-1.0, 1.0, -1.0])
    front, back = _picture(_people(standing, 40)), _picture(_people(about, 40))
    differ = (front - back.flip(-1)).abs().mean(dim=(0, 1, 3))  # of each row, y = -1 to 1
    head, chest, shins = differ[10:20].mean(), differ[21:28].mean(), differ[68:82].mean()
    assert head > 4 * shins
    assert chest > 4 * shins


def test_skin_and_hair_show_no_stripes(standing: Tensor) -> None:
    people = _people(standing, 40)
    plain, striped = _picture(people), _picture(people, contrast=0.35)
    changed = (plain - striped).abs().amax(dim=1)
    assert changed[:, 10:14].max() < 0.01  # the forehead, at y = -0.78 to -0.71
    assert changed[:, 24:40].mean() > 0.01  # chest and belly
