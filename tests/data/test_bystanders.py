"""Pictures with somebody else in them."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from keypointgan.data.bystanders import add_bystanders
from keypointgan.data.dice import Dice

COUNT = 48
RED, GREEN = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])


def _dice(seed: int = 1) -> Dice:
    return Dice(COUNT, generator=torch.Generator().manual_seed(seed))


def _upright(*, half: float = 0.6) -> Tensor:
    """Five points, one above the other, in the middle of each picture."""
    y = torch.linspace(-half, half, 5)
    return torch.stack([torch.zeros(5), y], dim=-1).expand(COUNT, -1, -1).clone()


def _bars(*, size: int = 64) -> Tensor:
    """Black pictures with an upright bar in the middle, red in every second one, else green."""
    line = (torch.arange(size) * 2 + 1) / size - 1
    bar = (line.abs() < 0.06)[None, :] & (line.abs() < 0.6)[:, None]
    colours = torch.stack([RED, GREEN]).repeat(COUNT // 2, 1)
    return bar * colours[:, :, None, None]


def _of_others(pictures: Tensor) -> Tensor:
    """Where there is the colour that only the next picture had, (count, side, side)."""
    own = torch.stack([RED, GREEN]).repeat(COUNT // 2, 1).bool()
    return torch.where(own[:, 0, None, None], pictures[:, 1], pictures[:, 0]) > 0.5


def test_the_next_picture_s_object_stands_beside_and_hides_little() -> None:
    """At least half of the own bar is seen in each picture, and an other one in most."""
    before, points = _bars(), _upright()
    after = add_bystanders(before, points, _dice(), probability=1.0)
    others = _of_others(after)
    assert int(others.flatten(1).any(dim=1).sum()) > COUNT / 2
    own = before.amax(dim=1) > 0.5
    kept = (((after == before).all(dim=1)) & own).flatten(1).sum(1) / own.flatten(1).sum(1)
    assert float(kept.min()) >= 0.5


def test_the_other_is_farther_from_the_middle_than_the_own_object() -> None:
    others = _of_others(add_bystanders(_bars(), _upright(), _dice(), probability=1.0))
    side = others.shape[-1]
    line = (torch.arange(side) * 2 + 1) / side - 1
    for shown in others[others.flatten(1).any(dim=1)]:
        y, x = (float(line[index].mean()) for index in shown.nonzero(as_tuple=True))
        assert (x**2 + y**2) ** 0.5 > 0.1


def test_as_many_pictures_have_somebody_beside_as_asked_for() -> None:
    before = _bars()
    after = add_bystanders(before, _upright(), _dice(), probability=0.25)
    changed = (after != before).flatten(1).any(dim=1)
    assert 3 <= int(changed.sum()) <= 12


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_nobody_is_beside_where_nothing_is_known_or_asked_for(probability: float) -> None:
    before = _bars()
    points = _upright() if not probability else torch.full((COUNT, 5, 2), torch.nan)
    assert_close(add_bystanders(before, points, _dice(), probability=probability), before)


def test_one_unknown_point_keeps_nobody_away() -> None:
    points = _upright()
    points[:, 2] = torch.nan
    after = add_bystanders(_bars(), points, _dice(), probability=1.0)
    assert after.isfinite().all()
    assert int(_of_others(after).flatten(1).any(dim=1).sum()) > COUNT / 2


def test_a_picture_alone_stays_as_it_is() -> None:
    one = Dice(1, generator=torch.Generator().manual_seed(1))
    before = _bars()[:1]
    assert_close(add_bystanders(before, _upright()[:1], one, probability=1.0), before)
