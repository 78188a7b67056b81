"""How fast people are drawn: all at once, one by one, compiled."""

from collections.abc import Callable
from functools import partial

import torch
from measure import Figures, compare

from keypointgan.data.bodies import random_people
from keypointgan.data.dice import Dice
from keypointgan.ops.capsules import Surface, draw_capsules, draw_one_by_one
from keypointgan.skeletons import Skeleton


def time_figures(
    *, batch: int, repeats: int, device: torch.device, compiled: bool
) -> dict[str, Figures]:
    """People in random poses; all at once is what the other ways are compared with."""
    generator = torch.Generator(device).manual_seed(0)
    joints = Skeleton.load("h36m17").joints
    solid = torch.randn(batch, len(joints), 3, generator=generator, device=device) * 0.3
    metre = torch.full((batch,), 0.8, device=device)
    people, _ = random_people(solid, metre, joints=joints, dice=Dice(batch, generator=generator))
    surface = Surface(
        light=torch.tensor([[0.0, -0.6, 0.8]], device=device).expand(batch, -1),
        ambient=torch.full((batch,), 0.6, device=device),
        contrast=torch.full((batch,), 0.2, device=device),
        stripes=torch.full((batch,), 3.0, device=device),
        phase=torch.zeros(people.lift.shape, device=device),
    )
    ways = {"all at once": draw_capsules, "one by one": draw_one_by_one}
    if compiled:
        ways["compiled"] = torch.compile(draw_capsules)
    found = {}
    for size in (64, 128):
        variants: dict[str, Callable[[], object]] = {
            name: partial(draw, people, surface, size=size) for name, draw in ways.items()
        }
        found[f"{batch} people, {size} px"] = compare(variants, repeats=repeats, device=device)
    return found
