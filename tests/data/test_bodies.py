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
    return _people(standing, COUNT)


def _people(solid: Tensor, count: int) -> Capsules:
    """The same people, whatever the pose."""
    dice = Dice(count, generator=torch.Generator().manual_seed(3))
    many = solid.expand(count, -1, -1)
    people, _ = random_people(many, torch.ones(count), joints=JOINTS, dice=dice)
    return people


def _lowest(capsules: Capsules, *, beyond: float) -> Tensor:
    """The lowest point of anything that lies further out than that to the viewer's right."""
    ends = torch.stack([capsules.start, capsules.stop], dim=2)
    bottom = ends[..., 1] + capsules.radii
    return bottom.where(ends[..., 0] > beyond, -torch.inf).flatten(1).amax(dim=1)


def test_hands_reach_as_far_beyond_the_wrist_as_fists_and_fingers_do(
    capsules: Capsules, standing: Tensor
) -> None:
    """A hand is 19 cm long, a fist 10: nowhere less than 5 cm, on average between the two."""
    reach = _lowest(capsules, beyond=0.2)  # the wrist is at height 0
    assert 0.05 < reach.min() < reach.max() < 0.28
    assert 0.10 < reach.mean() < 0.19
    assert _lowest(_people(standing, 4000), beyond=0.2).std() > 0.02  # 200 tell it to 0.001 only


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
        ambient=torch.full((count,), 1.15),  # as bright in the light as out of it
        contrast=torch.full((count,), contrast),
        stripes=torch.full((count,), 4.0),
        phase=torch.zeros(count, bars),
    )
    return draw_capsules(people, surface, size=96)[0]


def _looks_like(picture: Tensor, colour: Tensor, *, y: float) -> Tensor:
    """Whether the middle of each picture has the hue of that colour at a height."""
    seen = picture[:, :, round((y + 1) * 48), 48]
    hues = (each / each.sum(dim=1, keepdim=True).clamp_min(1e-6) for each in (seen, colour))
    first, second = hues
    return (first - second).abs().amax(dim=1) < 0.03


@pytest.fixture(scope="module")
def both_ways(standing: Tensor) -> tuple[Capsules, Tensor, Tensor]:
    """60 people, seen from in front and, turned about, from behind."""
    about = standing * torch.tensor([-1.0, 1.0, -1.0])
    people = _people(standing, 60)
    return people, _picture(people), _picture(_people(about, 60))


def test_a_head_is_face_in_front_and_hair_behind(
    both_ways: tuple[Capsules, Tensor, Tensor],
) -> None:
    """The crown is at y = -0.8, the neck at -0.6; at -0.68 some have beards, or shaven napes."""
    people, front, back = both_ways
    skin, hair = people.colours[:, 3], people.colours[:, -1]  # of a hand, of a tail
    differ = ~_looks_like(skin[..., None, None].expand(-1, -1, 96, 96), hair, y=0.0)
    assert differ.sum() > 30
    for height, most in ((-0.75, 0.85), (-0.68, 0.7)):
        assert _looks_like(front, skin, y=height)[differ].float().mean() > most
        assert _looks_like(back, hair, y=height)[differ].float().mean() > most


def test_most_people_are_open_in_front_and_nobody_behind(
    both_ways: tuple[Capsules, Tensor, Tensor],
) -> None:
    """At y = -0.55, below the neck: three quarters are open, a third of those less deep."""
    people, front, back = both_ways
    shirt = people.colours[:, 0]  # the sleeve at the shoulder
    closed_front, closed_back = (_looks_like(view, shirt, y=-0.55) for view in (front, back))
    assert closed_back.float().mean() > 0.95
    assert 0.3 < closed_front.float().mean() < 0.65


def test_skin_and_hair_show_no_stripes_and_cloth_does(standing: Tensor) -> None:
    people = _people(standing, 40)
    plain, striped = _picture(people), _picture(people, contrast=0.35)
    changed = (plain - striped).abs().amax(dim=1)
    assert changed[:, 10:14].max() < 0.01  # the forehead, at y = -0.78 to -0.71
    assert changed[:, 24:40].mean() > 0.01  # chest and belly
