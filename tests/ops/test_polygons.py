"""Polygons, strokes and blobs cover what geometry says they do."""

import math

import torch
from torch.testing import assert_close

from keypointgan.ops.polygons import blobs, paint, polygon_depth, soft_cover, stroke_depth

LEFT_HALF = torch.tensor([[[-3.0, -3.0], [0.0, -3.0], [0.0, 3.0], [-3.0, 3.0]]])


def test_a_polygon_over_the_left_half_covers_exactly_that() -> None:
    """A straight edge on a border of pixels: no pixel is covered in part."""
    cover = soft_cover(polygon_depth(LEFT_HALF, size=8), 1.0)
    expected = torch.tensor([1.0] * 4 + [0.0] * 4).expand(1, 1, 8, 8)
    assert_close(cover, expected)


def test_the_depth_in_a_polygon_is_the_distance_of_its_outline() -> None:
    """Centres of pixels lie a quarter apart; the edge is at 0."""
    depth = polygon_depth(LEFT_HALF, size=8)
    assert_close(
        depth[0, 0, 3], torch.tensor([0.875, 0.625, 0.375, 0.125, -0.125, -0.375, -0.625, -0.875])
    )


def test_the_direction_of_an_outline_changes_nothing(generator: torch.Generator) -> None:
    corners = torch.rand(5, 7, 2, generator=generator) * 2 - 1
    assert_close(polygon_depth(corners.flip(1), size=9), polygon_depth(corners, size=9))


def test_a_circle_of_many_corners_has_the_area_of_a_circle() -> None:
    """π r² of the 4 units of area of a picture, within a hundredth of that."""
    turn = torch.linspace(0, 2 * math.pi, 65)[:-1]
    circle = 0.5 * torch.stack([turn.cos(), turn.sin()], dim=-1)[None]
    cover = soft_cover(polygon_depth(circle, size=64), 1.0)
    assert_close(cover.mean().item() * 4, math.pi * 0.25, atol=0.01, rtol=0)


def test_a_point_is_an_empty_polygon() -> None:
    """An eye that is shut: nothing of it is seen, and nothing is undefined."""
    depth = polygon_depth(torch.zeros(1, 6, 2), size=8)
    assert (depth < 0).all()


def test_a_stroke_is_as_thick_as_its_radii_say() -> None:
    """A bar along the middle row of pixel borders, its radius growing from 0.2 to 0.6."""
    bar = torch.tensor([[[-0.75, 0.0], [0.75, 0.0]]])
    depth = stroke_depth(bar, torch.tensor([[0.2, 0.6]]), size=4)
    assert_close(
        depth[0, 0, 1], torch.tensor([-0.05, 0.2 + 0.4 / 3 - 0.25, 0.2 + 0.8 / 3 - 0.25, 0.35])
    )


def test_a_blob_is_one_at_its_top_and_falls_as_a_gaussian() -> None:
    """exp(-1/2) one standard deviation away, along x and along y."""
    centre = torch.tensor([[[0.125, 0.125]]])
    hill = blobs(centre, torch.tensor([[[0.25, 0.5]]]), torch.tensor([[2.0]]), size=8)
    expected = torch.tensor([2.0, 2 * math.exp(-0.5), 2 * math.exp(-0.5)])
    assert_close(torch.stack([hill[0, 0, 4, 4], hill[0, 0, 4, 5], hill[0, 0, 6, 4]]), expected)


def test_paint_mixes_by_the_share_that_is_covered() -> None:
    picture = torch.zeros(1, 3, 1, 1)
    mixed = paint(picture, torch.tensor([[1.0, 0.5, 0.0]]), torch.full((1, 1, 1, 1), 0.25))
    assert_close(mixed[0, :, 0, 0], torch.tensor([0.25, 0.125, 0.0]))
