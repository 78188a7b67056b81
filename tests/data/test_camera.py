"""Pictures as worse cameras and recorders would have kept them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from keypointgan.data.camera import (
    add_faults,
    add_grain,
    blur,
    coarsen,
    compress,
    light_unevenly,
)
from keypointgan.data.dice import Dice

FAULTS = (light_unevenly, blur, coarsen, add_grain, compress)


def _dice(count: int, seed: int = 0) -> Dice:
    return Dice(count, generator=torch.Generator().manual_seed(seed))


def _checkers(contrast: float, *, count: int = 4, size: int = 64) -> Tensor:
    """Mid-grey pictures whose pixels are in turn brighter and darker."""
    places = torch.arange(size)
    signs = 1.0 - 2.0 * ((places[:, None] + places) % 2)
    return (0.5 + contrast * signs).expand(count, 3, size, size).clone()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("size", [(64, 64), (37, 50)])
def test_a_fault_keeps_the_size_of_the_pictures(
    fault: Callable[[Tensor, Dice], Tensor], size: tuple[int, int]
) -> None:
    pictures = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(0))
    changed = fault(pictures, _dice(3))
    assert changed.shape == pictures.shape
    assert not torch.equal(changed, pictures)


def test_what_has_no_detail_loses_none() -> None:
    """A plain colour has nothing to blur, to shrink or, but for its last digits, to compress."""
    plain = torch.rand(6, 3, 1, 1, generator=torch.Generator().manual_seed(0)).expand(6, 3, 48, 48)
    assert_close(blur(plain, _dice(6)), plain)
    assert_close(coarsen(plain, _dice(6)), plain)
    assert_close(compress(plain, _dice(6)), plain, atol=0.05, rtol=0)


def test_a_codec_drops_faint_detail_and_keeps_shapes() -> None:
    """Checkers of a hundredth vanish, whatever the quality; a slow wave stays."""
    spread = compress(_checkers(0.01), _dice(4)).flatten(1).std(dim=1)
    assert_close(spread, torch.zeros(4), atol=1e-5, rtol=0)
    x = torch.linspace(0, 3.14159, 64)
    wave = (0.5 + 0.4 * x.cos()).expand(4, 3, 64, 64)
    assert_close(compress(wave, _dice(4)), wave, atol=0.1, rtol=0)


def test_a_codec_rounds_within_blocks_of_eight() -> None:
    """A bright dot changes nothing outside of its block, where colours are grey."""
    pictures = torch.full((4, 3, 32, 32), 0.5)
    pictures[:, :, 12, 18] = 1.0
    changed = (compress(pictures, _dice(4)) - compress(torch.full_like(pictures, 0.5), _dice(4)))[
        :, 0
    ]
    inside = torch.zeros(32, 32, dtype=torch.bool)
    inside[8:16, 16:24] = True
    assert_close(changed[:, ~inside], torch.zeros(4, 32 * 32 - 64))
    assert (changed[:, inside].abs().amax(dim=1) > 0).all()


def test_a_blur_spreads_a_dot_and_keeps_its_light() -> None:
    dots = torch.zeros(8, 3, 65, 65)
    dots[:, :, 32, 32] = 1.0
    blurred = blur(dots, _dice(8))
    assert_close(blurred.sum(dim=(2, 3)), torch.ones(8, 3))
    assert float(blurred.amax(dim=(1, 2, 3)).max()) < 0.9
    along = (blurred[:, 0] > 1e-3).flatten(1).sum(dim=1)
    assert int(along.min()) < int(along.max()), "some are blurred more than others"


def test_a_coarse_picture_has_lost_its_checkers() -> None:
    assert_close(coarsen(_checkers(0.3), _dice(4)), _checkers(0.0))


def test_grain_has_no_colour_in_about_half_of_the_pictures() -> None:
    grain = add_grain(torch.zeros(400, 3, 8, 8), _dice(400))
    grey = (grain[:, 0] == grain[:, 1]).flatten(1).all(dim=1)
    assert 150 < int(grey.sum()) < 250
    spread = grain.flatten(1).std(dim=1)
    assert 0.03 < float(spread.min()) < float(spread.max()) < 0.2


def test_light_from_one_side_has_no_colour() -> None:
    """All channels are multiplied by the same, which changes slowly over the picture."""
    pictures = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0)) + 0.1
    factor = light_unevenly(pictures, _dice(4)) / pictures
    assert_close(factor[:, 0], factor[:, 1])
    assert float((factor[:, :, 1:] - factor[:, :, :-1]).abs().max()) < 0.15
    assert float(factor.amax() / factor.amin()) > 1.5


def test_about_as_many_pictures_have_faults_as_asked_for() -> None:
    """With a tenth for each of five faults, 59 % of the pictures have none."""
    pictures = torch.rand(300, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(add_faults(pictures, _dice(300), probability=0.0), pictures)
    changed = add_faults(pictures, _dice(300), probability=0.1)
    kept = (changed == pictures).flatten(1).all(dim=1)
    assert 0.5 < float(kept.float().mean()) < 0.68
    assert 0 <= float(changed.min()) < float(changed.max()) <= 1


def test_a_single_picture_has_a_fault_as_often_as_asked_for() -> None:
    """Although only as many pictures are computed as may have it."""
    pictures, dice = torch.rand(1, 3, 16, 16), _dice(1)
    changed = [
        not torch.equal(add_faults(pictures, dice, probability=0.1), pictures) for _ in range(300)
    ]
    assert 0.31 < sum(changed) / 300 < 0.51, "1 - 0.9 ** 5 is 0.41"


def test_the_same_seed_makes_the_same_faults() -> None:
    pictures = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    first, again, other = (
        add_faults(pictures, _dice(5, seed), probability=0.5) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
