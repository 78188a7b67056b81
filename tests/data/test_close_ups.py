"""Views from so near that a part of the object is outside of them."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from keypointgan.data.close_ups import come_closer
from keypointgan.data.dice import Dice
from keypointgan.ops.warp import Warp

COUNT = 400
TALL = torch.tensor([[-0.2, -0.8], [0.2, -0.8], [0.0, 0.0], [-0.2, 0.8], [0.2, 0.8]])


def _dice(seed: int = 1) -> Dice:
    return Dice(COUNT, generator=torch.Generator().manual_seed(seed))


def _turned(*, angle: float = 0.5) -> Warp:
    cosine, sine = math.cos(angle), math.sin(angle)
    affine = torch.tensor([[cosine, -sine, 0.1], [sine, cosine, 0.0]]).expand(COUNT, 2, 3)
    return Warp(affine, torch.zeros(0, 2), torch.zeros(COUNT, 0, 2))


def _seen(points: Tensor, *, probability: float = 1.0) -> Tensor:
    """The points in the views of a warp that does nothing but come closer."""
    eye = torch.eye(2, 3).expand(COUNT, 2, 3)
    still = Warp(eye, torch.zeros(0, 2), torch.zeros(COUNT, 0, 2))
    return come_closer(still, points, _dice(), probability=probability).move(points)


def _tall() -> Tensor:
    return TALL.expand(COUNT, -1, -1)


def _lost_below(seen: Tensor) -> Tensor:
    """Which views keep the upper end: their middle is the object's, and its top is seen."""
    return (seen[:, 2, 0].abs() < 1e-5) & (seen[:, 0, 1].abs() < 1)


def test_an_end_of_the_object_is_outside_and_the_other_is_not() -> None:
    """At most 0.6 and at least 0.15 of the object is lost, mostly below."""
    seen = _seen(_tall())
    lost = (seen.abs() > 1).any(dim=-1)
    assert lost.any(dim=1).all()
    below = _lost_below(seen)
    assert not lost[below, :2].any()
    assert 0.7 < float(below.float().mean()) < 0.88
    height = seen[:, 3, 1] - seen[:, 0, 1]
    share = (seen[:, 3, 1] - 1) / height
    assert 0.149 < float(share[below].min()) < float(share[below].max()) < 0.601


def test_what_is_left_fills_the_view_and_is_enlarged_little_more_than_twice() -> None:
    """The view is 1 to 1.6 times the part that is kept, and 0.55 times the object at least."""
    seen = _seen(_tall())
    below = _lost_below(seen)
    longer = (seen[:, 3, 1] - seen[:, 0, 1]) / 1.6
    assert float(longer.max()) <= 1 / (0.55 * 0.8) + 1e-4
    kept = 1 - seen[below, 0, 1]
    assert 2 / 2.25 < float(kept.min()) < float(kept.max()) < 2.0 + 1e-4


def test_as_many_come_closer_as_asked_for() -> None:
    seen = _seen(_tall(), probability=0.25)
    moved = (seen - _tall()).abs().amax(dim=(1, 2)) > 1e-6
    assert 0.19 < float(moved.float().mean()) < 0.31


def test_the_view_turns_as_it_would_have_from_afar() -> None:
    """What comes first from the view is the warp that was given, about the close-up's middle."""
    warp = _turned()
    closer = come_closer(warp, _tall(), _dice(), probability=1.0)
    places = torch.randn(COUNT, 7, 2, generator=torch.Generator().manual_seed(2))
    straight = come_closer(
        Warp(torch.eye(2, 3).expand(COUNT, 2, 3), warp.centres, warp.bumps),
        _tall(),
        _dice(),
        probability=1.0,
    )
    assert_close(closer.source_of(places), straight.source_of(warp.source_of(places)))


@pytest.mark.parametrize("known", [0, 1])
def test_a_frame_of_which_too_little_is_known_stays_as_it_is(known: int) -> None:
    points = _tall().clone()
    points[:, known:] = math.nan
    closer = come_closer(_turned(), points, _dice(), probability=1.0)
    assert_close(closer.affine, _turned().affine)


def test_an_unknown_point_does_not_matter() -> None:
    points = _tall().clone()
    points[:, 2] = math.nan
    rest = [0, 1, 3, 4]
    assert_close(_seen(points)[:, rest], _seen(_tall())[:, rest])
