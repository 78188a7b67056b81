"""Strokes are where they are said to be, and as bright."""

from dataclasses import replace

import torch
from torch.testing import assert_close

from keypointgan.ops.strokes import Light, Stroke, paint

FLAT = Light(direction=torch.zeros(1, 2), rim=torch.zeros(1), softness=torch.ones(1))


def _stroke(*path: tuple[float, float], radius: float = 0.3, **values: object) -> Stroke:
    stroke = Stroke(
        path=torch.tensor([path]),
        radii=torch.full((1, len(path)), radius),
        colour=torch.tensor([[1.0, 0.5, 0.25]]),
        opacity=torch.ones(1),
        fade=torch.ones(1),
    )
    return replace(stroke, **values)  # type: ignore[arg-type]


def _area(picture: torch.Tensor) -> float:
    """Covered area in normalised units: the frame's is 4."""
    return float(picture[:, 0].mean()) * 4


def test_a_stroke_has_the_area_of_a_bar_with_round_ends() -> None:
    """0.6 long and 0.4 wide, and two half discs of radius 0.2: 0.24 + 0.1257."""
    black = torch.zeros(1, 3, 128, 128)
    bar = paint(black, _stroke((-0.3, 0.1), (0.3, 0.1), radius=0.2), FLAT)
    assert abs(_area(bar) - 0.3657) < 0.003


def test_an_ellipse_has_the_area_of_an_ellipse() -> None:
    """Half axes 0.6 and 0.3: 0.565; at a single place a disc of radius 0.3: 0.283."""
    black = torch.zeros(1, 3, 128, 128)
    long = paint(black, _stroke((-0.3, -0.5), (0.3, 0.5392305), ellipse=True), FLAT)
    assert abs(_area(long) - 0.5655) < 0.003
    disc = paint(black, _stroke((0.1, 0.1), ellipse=True), FLAT)
    assert abs(_area(disc) - 0.2827) < 0.003


def test_a_stroke_has_its_colour_within_and_leaves_the_rest() -> None:
    grey = torch.full((1, 3, 32, 32), 0.5)
    picture = paint(grey, _stroke((0.0, 0.0)), FLAT)
    assert_close(picture[0, :, 16, 16], torch.tensor([1.0, 0.5, 0.25]))
    assert_close(picture[0, :, 0, 0], torch.full((3,), 0.5))


def test_half_opaque_is_the_mean_of_both() -> None:
    grey = torch.full((1, 3, 32, 32), 0.5)
    picture = paint(grey, _stroke((0.0, 0.0), opacity=torch.full((1,), 0.5)), FLAT)
    assert_close(picture[0, :, 16, 16], torch.tensor([0.75, 0.5, 0.375]))


def test_a_path_through_a_joint_covers_both_bars_once() -> None:
    """A half opaque elbow is nowhere darker than one bar, though the bars overlap."""
    black = torch.zeros(1, 3, 64, 64)
    elbow = _stroke((-0.5, 0.0), (0.0, 0.0), (0.0, 0.5), opacity=torch.full((1,), 0.5))
    picture = paint(black, elbow, FLAT)
    assert_close(picture[0, 0, 32, 16], torch.tensor(0.5))
    assert_close(picture[0, 0, 32, 31], torch.tensor(0.5))
    assert_close(picture[0, 0, 47, 32], torch.tensor(0.5))


def test_a_stroke_fades_along_its_path() -> None:
    black = torch.zeros(1, 3, 65, 65)
    faded = _stroke((-0.5, 0.0), (0.5, 0.0), fade=torch.full((1,), 0.2))
    picture = paint(black, faded, FLAT)
    assert_close(picture[0, 0, 32, 32], torch.tensor(0.6))
    assert float(picture[0, 0, 32, 10]) > 0.99


def test_bands_are_dark_between_bright_ends() -> None:
    """Two bands of full strength: black at a quarter and three quarters of the path."""
    black = torch.zeros(1, 3, 64, 64)
    banded = _stroke((-0.5, 0.0), (0.5, 0.0), bands=torch.tensor([[2.0, 1.0]]))
    row = paint(black, banded, FLAT)[0, 0, 32]
    assert float(row[24]) < 0.02
    assert float(row[40]) < 0.02
    assert float(row[32]) > 0.95


def test_the_side_towards_the_light_is_brighter() -> None:
    light = replace(FLAT, direction=torch.tensor([[0.4, 0.0]]))
    dim = _stroke((0.0, 0.0), colour=torch.full((1, 3), 0.5))
    row = paint(torch.zeros(1, 3, 64, 64), dim, light)[0, 0, 32]
    assert float(row[39]) > 0.55 > 0.45 > float(row[24])


def test_a_mirrored_stroke_is_painted_as_the_mirror_image(generator: torch.Generator) -> None:
    places = torch.rand(1, 3, 2, generator=generator) * 2 - 1
    scene = torch.rand(1, 3, 32, 32, generator=generator)
    flip = torch.tensor([-1.0, 1.0])
    light = Light(torch.tensor([[0.2, 0.1]]), torch.full((1,), 0.5), torch.ones(1))
    for ellipse in (False, True):
        stroke = _stroke((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), ellipse=ellipse, path=places)
        seen = paint(scene, stroke, light)
        mirrored = paint(
            scene.flip(-1),
            replace(stroke, path=places * flip),
            replace(light, direction=light.direction * flip),
        )
        assert_close(mirrored, seen.flip(-1))
