"""Other views of the same frames, and where their points went."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from keypointgan.data.dice import Dice
from keypointgan.data.views import (
    MovedFrames,
    ViewRange,
    change_light,
    draw_views,
    hide_parts,
    move_frames,
)
from keypointgan.ops.heatmaps import locate

MOVED = ViewRange(
    rotation=20.0,
    scale=0.1,
    shift=0.1,
    light=0.0,
    hidden=0.0,
    camera=0.0,
    inverted=0.0,
    bystanders=0.0,
    close_ups=0.0,
    mirror=None,
)
STILL = replace(MOVED, rotation=0.0, scale=0.0, shift=0.0)
SIDES = (1, 0, 2)
"""Left and right are exchanged by a mirror, the middle is not."""


def _seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _dots(points: Tensor, *, size: int = 64) -> Tensor:
    """Dark frames; the n-th point of each is a bright round dot of the n-th colour."""
    line = (torch.arange(size) * 2 + 1) / size - 1
    x, y = line.view(1, 1, 1, -1), line.view(1, 1, -1, 1)
    squared = (x - points[..., 0, None, None]).square() + (y - points[..., 1, None, None]).square()
    return 2 * (-squared / 0.06**2).exp() - 1


def _where_bright(frames: Tensor) -> Tensor:
    """The brightest place of each colour."""
    return locate((frames + 1) * 20)


def _points(count: int) -> Tensor:
    return (torch.rand(count, 3, 2, generator=_seeded(0)) - 0.5) * 0.8


def test_a_point_goes_where_its_bright_dot_goes() -> None:
    """Dot and point have turned, grown and moved by the same: half a pixel of 64 apart at most."""
    points = _points(16)
    views, moved = draw_views(_dots(points), points, MOVED, generator=_seeded())
    assert_close(_where_bright(views), moved, atol=2 / 64 / 2, rtol=0)
    assert float((moved - points).norm(dim=-1).max()) > 0.2, "they have moved"


def test_a_mirror_exchanges_the_names_of_the_sides() -> None:
    """The dot of the left hand is at the point of the right one in about half of the views."""
    points = _points(16)
    views, moved = draw_views(
        _dots(points), points, replace(MOVED, mirror=SIDES), generator=_seeded()
    )
    seen = _where_bright(views)
    straight = (seen - moved).norm(dim=-1).amax(dim=1) < 1 / 64
    exchanged = (seen[:, list(SIDES)] - moved).norm(dim=-1).amax(dim=1) < 1 / 64
    assert (straight ^ exchanged).all()
    assert 4 <= int(exchanged.sum()) <= 12


def _moved(points: Tensor, *, mirrored: bool = True, light: float = 0.0) -> MovedFrames:
    return move_frames(
        _dots(points),
        rotation=180.0,
        scale=0.05,
        shift=0.05,
        light=light,
        order=SIDES if mirrored else None,
        generator=_seeded(),
    )


def test_moved_points_are_where_the_dots_of_moved_frames_are() -> None:
    """Whatever the angle; of mirrored frames the sides' names are exchanged."""
    points = _points(16)
    moved = _moved(points)
    seen = _where_bright(moved.frame)
    assert moved.mirrored is not None
    seen = torch.where(moved.mirrored[:, None, None], seen[:, list(SIDES)], seen)
    assert_close(seen, moved.move(points), atol=2 / 64 / 2, rtol=0)
    assert 4 <= int(moved.mirrored.sum()) <= 12


def test_points_move_with_their_gradient() -> None:
    """A step of a point is a step of the moved point, as far but for the scale of the frame."""
    points = _points(1).requires_grad_()
    _moved(points.detach()).move(points)[..., 0].sum().backward()
    assert points.grad is not None
    assert_close(points.grad.norm(dim=-1), torch.ones(1, 3), atol=0.15, rtol=0)


def test_frames_are_mirrored_only_where_that_is_asked_for() -> None:
    points = _points(16)
    moved = _moved(points, mirrored=False)
    assert moved.mirrored is None
    assert_close(_where_bright(moved.frame), moved.move(points), atol=2 / 64 / 2, rtol=0)


def test_light_changes_moved_frames_and_not_where_points_go() -> None:
    points = _points(4)
    plain, lit = _moved(points), _moved(points, light=1.0)
    assert not torch.allclose(plain.frame, lit.frame)
    assert_close(lit.move(points), plain.move(points), atol=0, rtol=0)
    assert lit.frame.min() >= -1
    assert lit.frame.max() <= 1


def test_the_same_seed_gives_the_same_views() -> None:
    points = _points(4)
    strong = replace(MOVED, light=1.0, hidden=1.0, mirror=SIDES)
    first, again, other = (
        draw_views(_dots(points), points, strong, generator=_seeded(seed)) for seed in (3, 3, 4)
    )
    assert_close(first, again, atol=0, rtol=0)
    assert not torch.allclose(first[0], other[0])


def test_views_that_may_not_differ_are_the_frames() -> None:
    points = _points(4)
    frames = _dots(points)
    views, moved = draw_views(frames, points, STILL, generator=_seeded())
    assert_close(views, frames, atol=1e-4, rtol=0)
    assert_close(moved, points)


def test_light_moves_no_point_and_stays_in_range() -> None:
    points = _points(8)
    frames = _dots(points)
    views, moved = draw_views(frames, points, replace(STILL, light=1.0), generator=_seeded())
    assert_close(moved, points)
    assert -1 <= views.min() < views.max() <= 1
    assert float((views - frames).abs().mean(dim=(1, 2, 3)).min()) > 0.01, "each has changed"


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_light_is_stronger_where_it_is_asked_to_be(strength: float) -> None:
    """A grey picture has no edges to blur: its change grows with the strength from nothing."""
    grey = torch.full((64, 3, 8, 8), 0.5)
    change = (change_light(grey, Dice(64, generator=_seeded()), strength=strength) - grey).abs()
    assert 0.05 * strength < float(change.mean()) < 0.35 * strength


def test_what_hides_is_a_rectangle_and_leaves_the_rest() -> None:
    """White pictures, each with at most two rectangles of at most 0.35 of the side each."""
    white = torch.ones(32, 3, 32, 32)
    hidden = hide_parts(white, Dice(32, generator=_seeded()), probability=1.0) < 0.999
    share = hidden.any(dim=1).float().mean(dim=(1, 2))
    assert float(share.max()) <= 2 * 0.35**2 + 0.1
    assert float(share.mean()) > 0.02


def test_nothing_is_hidden_at_probability_0() -> None:
    pictures = torch.rand(4, 3, 16, 16, generator=_seeded())
    assert_close(hide_parts(pictures, Dice(4, generator=_seeded()), probability=0.0), pictures)


def test_bright_and_dark_are_exchanged_in_as_many_views_as_asked_for() -> None:
    points = _points(64)
    frames = _dots(points)
    views, _ = draw_views(frames, points, replace(STILL, inverted=0.25), generator=_seeded())
    kept = torch.isclose(views, frames, atol=1e-5).flatten(1).all(dim=1)
    inverted = torch.isclose(views, -frames, atol=1e-5).flatten(1).all(dim=1)
    assert (kept ^ inverted).all()
    assert 8 <= int(inverted.sum()) <= 24


def test_faults_of_cameras_move_no_point() -> None:
    points = _points(16)
    views, moved = draw_views(
        _dots(points), points, replace(STILL, camera=0.5), generator=_seeded()
    )
    assert_close(moved, points)
    assert not torch.isclose(views, _dots(points), atol=1e-3).flatten(1).all(dim=1).all()


def test_a_close_up_takes_points_where_it_takes_their_dots() -> None:
    """Enlarged dots are found to about two pixels of 64, those that are inside; some are not."""
    points = _points(32)
    views, moved = draw_views(
        _dots(points), points, replace(MOVED, close_ups=1.0), generator=_seeded()
    )
    inside = (moved.abs() < 0.9).all(dim=-1)
    assert 0.2 < float(inside.float().mean()) < 0.8
    assert_close(_where_bright(views)[inside], moved[inside], atol=0.07, rtol=0)
