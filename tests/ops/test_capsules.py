"""Capsules cover what a hand calculation says, and the nearer hides the farther."""

from dataclasses import replace

import torch
from torch.testing import assert_close

from keypointgan.ops.capsules import Capsules, Surface, draw_capsules, draw_one_by_one

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def _bars(
    *bars: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, ...]],
    radius: float = 0.25,
) -> Capsules:
    start, stop, colours = (torch.tensor([[bar[part] for bar in bars]]) for part in range(3))
    return Capsules(
        start=start,
        stop=stop,
        radii=torch.full((1, len(bars), 2), radius),
        colours=colours,
        lift=torch.zeros(1, len(bars)),
        patterned=torch.ones(1, len(bars)),
        metre=torch.ones(1),
    )


def _surface(bars: int, *, contrast: float = 0.0) -> Surface:
    """Light from the viewer, as bright in it as out of it."""
    return Surface(
        light=torch.tensor([[0.0, 0.0, 1.0]]),
        ambient=torch.tensor([1.15]),
        contrast=torch.tensor([contrast]),
        stripes=torch.tensor([1.0]),
        phase=torch.zeros(1, bars),
    )


def test_a_bar_covers_the_pixels_within_its_radius() -> None:
    """Level, from x = -0.5 to 0.5, radius 0.25: of 16 columns, 3 and 12 lie at ±0.5625, inside."""
    capsules = _bars(((-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), RED))
    _, cover = draw_capsules(capsules, _surface(1), size=16)
    middle_row = cover[0, 0, 8]  # its centre is at y = 0.0625
    assert_close(middle_row[[3, 7, 12]], torch.ones(3))
    assert_close(middle_row[[0, 1, 14, 15]], torch.zeros(4))
    assert_close(cover[0, 0, :, 8][[0, 4, 11, 15]], torch.zeros(4))  # centres at |y| >= 0.4375


def test_half_a_pixel_inside_is_half_covered() -> None:
    """The edge of the bar runs through the centres of row 9, at y = 0.1875 of 16 rows."""
    capsules = _bars(((-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), RED), radius=0.1875)
    _, cover = draw_capsules(capsules, _surface(1), size=16)
    assert_close(cover[0, 0, 9, 8], torch.tensor(0.5))


def test_the_nearer_bar_hides_the_one_behind_it_whatever_their_order() -> None:
    near, far = ((-0.5, 0.0, 0.6), (0.5, 0.0, 0.6), RED), ((0.0, -0.5, 0.0), (0.0, 0.5, 0.0), BLUE)
    for bars in ((near, far), (far, near)):
        picture, _ = draw_capsules(_bars(*bars), _surface(2), size=16)
        crossing = picture[0, :, 8, 8]
        assert crossing[0] > 0.9
        assert crossing[2] < 0.01


def test_stripes_alternate_along_the_bar() -> None:
    """One stripe a bar: the first half is brighter by the contrast, the second darker."""
    capsules = _bars(((-0.8, 0.0, 0.0), (0.8, 0.0, 0.0), (0.5, 0.5, 0.5)))
    plain, _ = draw_capsules(capsules, _surface(1), size=16)
    striped, _ = draw_capsules(capsules, _surface(1, contrast=0.4), size=16)
    ratio = striped[0, 0, 8] / plain[0, 0, 8]
    assert_close(ratio[[4, 11]], torch.tensor([1.4, 0.6]))


def test_a_bar_that_shows_no_pattern_stays_plain() -> None:
    capsules = replace(
        _bars(((-0.8, 0.0, 0.0), (0.8, 0.0, 0.0), (0.5, 0.5, 0.5))), patterned=torch.zeros(1, 1)
    )
    plain, _ = draw_capsules(capsules, _surface(1), size=16)
    striped, _ = draw_capsules(capsules, _surface(1, contrast=0.4), size=16)
    assert_close(striped, plain)


def test_what_nothing_covers_is_black_and_finite() -> None:
    capsules = _bars(((5.0, 5.0, 0.0), (6.0, 5.0, 0.0), RED))
    picture, cover = draw_capsules(capsules, _surface(1), size=8)
    assert_close(picture, torch.zeros(1, 3, 8, 8))
    assert_close(cover, torch.zeros(1, 1, 8, 8))


def test_a_bar_without_length_is_a_disc() -> None:
    capsules = _bars(((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), RED))
    _, cover = draw_capsules(capsules, _surface(1), size=32)
    assert_close(cover, cover.transpose(-1, -2))
    assert_close(cover.mean().item() * 4, torch.pi * 0.25**2, atol=0.01, rtol=0)


def test_figures_drawn_one_by_one_are_those_drawn_together() -> None:
    one = _bars(((-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), RED))
    other = _bars(((0.0, -0.5, 0.2), (0.3, 0.5, 0.0), BLUE), radius=0.1)
    both = Capsules(**{name: torch.cat([vars(one)[name], vars(other)[name]]) for name in vars(one)})
    light = _surface(1, contrast=0.3)
    surface = Surface(
        **{name: values.repeat_interleave(2, 0) for name, values in vars(light).items()}
    )
    together = draw_capsules(both, surface, size=16)
    assert_close(draw_one_by_one(both, surface, size=16), together)
