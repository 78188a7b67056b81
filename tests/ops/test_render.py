import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck
from torch.autograd.graph import saved_tensors_hooks
from torch.testing import assert_close

from keypointgan.ops.keypoints import mirror
from keypointgan.ops.render import render_skeleton

BAR = [(0, 1)]
CHAIN = [(0, 1), (1, 2), (2, 3)]
BRANCHES = [(0, 1), ((1, 2), 3), ((0, 2, 3), (1,))]
FALLOFFS = ["linear", "squared"]

seeds = st.integers(0, 2**31)


def _points(seed: int, *, joints: int = 4, batch: int = 2, reach: float = 1.2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(batch, joints, 2, generator=generator, dtype=torch.float64)
    return (2 * uniform - 1) * reach


def _plain(keypoints: Tensor, links: Sequence[Any], *, size: tuple[int, int], power: int) -> Tensor:
    """The definition, METHOD's δ for each link and pixel: every link in memory."""

    def location(end: int | tuple[int, ...]) -> Tensor:
        return keypoints[:, [end] if isinstance(end, int) else list(end)].mean(1)

    start, stop = (
        torch.stack([location(link[side]) for link in links], dim=1)[:, :, None, None]
        for side in (0, 1)
    )
    height, width = size
    y, x = torch.meshgrid(
        (2 * torch.arange(height).to(keypoints) + 1) / height - 1,
        (2 * torch.arange(width).to(keypoints) + 1) / width - 1,
        indexing="ij",
    )
    pixels = torch.stack([x, y], dim=-1)
    along = stop - start
    place = ((pixels - start) * along).sum(-1, keepdim=True) / along.square().sum(-1, keepdim=True)
    squared = (pixels - start - place.clamp(0, 1) * along).square().sum(-1)
    distance = squared if power == 2 else (squared + 1e-6).sqrt()
    return (-distance / 0.2**2).exp().amax(1, keepdim=True)


def test_a_link_is_bright_on_its_line_and_decays_with_the_distance() -> None:
    """Rows of 5 pixels are 0.4 apart: exp(-0.4 / σ²) is exp(-1) where σ² = 0.4."""
    bar = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]])
    image = render_skeleton(bar, BAR, size=(5, 5), sigma=math.sqrt(0.4))
    assert_close(image[0, 0, 2], torch.ones(5), atol=3e-3, rtol=0)
    assert_close(image[0, 0, 1], torch.full((5,), -1.0).exp(), atol=1e-5, rtol=0)
    assert_close(image[0, 0, 4], torch.full((5,), -2.0).exp(), atol=1e-5, rtol=0)


def test_a_squared_falloff_is_a_gaussian_of_the_distance() -> None:
    """One row off exp(-0.4² / σ²) is exp(-1) where σ = 0.4, two rows off exp(-4)."""
    bar = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]])
    image = render_skeleton(bar, BAR, size=(5, 5), sigma=0.4, falloff="squared")
    assert_close(image[0, 0, :, 0], torch.tensor([-4.0, -1.0, 0.0, -1.0, -4.0]).exp())


def test_with_aligned_corners_the_outer_pixels_have_their_centres_on_the_edges() -> None:
    """Rows of 5 pixels are then 0.5 apart and the last lies at 1."""
    bar = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]]])
    image = render_skeleton(bar, BAR, size=(5, 3), sigma=1, align_corners=True)
    assert_close(image[0, 0, 3:, 0], torch.tensor([-0.5, -1.0]).exp(), atol=1e-5, rtol=0)


def test_beyond_its_ends_a_link_decays_with_the_distance_to_the_end() -> None:
    """From (0, 0) to the pixel at (0.8, 0.6) it is 1."""
    bar = torch.tensor([[[-1.0, 0.0], [0.0, 0.0]]])
    image = render_skeleton(bar, BAR, size=(5, 5), sigma=1)
    corner = math.exp(-math.hypot(0.8, 0.8))
    assert_close(image[0, 0, 4, 4].item(), corner, atol=1e-5, rtol=0)


def test_a_picture_of_one_pixel_sees_its_centre() -> None:
    bar = torch.tensor([[[-1.0, 0.5], [1.0, 0.5]]])
    for aligned in (False, True):
        image = render_skeleton(bar, BAR, size=(1, 1), sigma=1, align_corners=aligned)
        assert_close(image.item(), math.exp(-0.5), atol=1e-5, rtol=0)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("links", [BAR, CHAIN, BRANCHES])
@pytest.mark.parametrize("size", [(9, 9), (16, 5)])
def test_values_and_gradients_are_those_of_the_definition(
    generator: torch.Generator, power: int, links: Sequence[Any], size: tuple[int, int]
) -> None:
    weight = torch.rand(2, 1, *size, generator=generator, dtype=torch.float64)
    ours, plain = (_points(0).requires_grad_() for _ in range(2))
    drawn = render_skeleton(ours, links, size=size, falloff=FALLOFFS[power - 1])
    defined = _plain(plain, links, size=size, power=power)
    assert_close(drawn, defined)
    (drawn * weight).sum().backward()
    (defined * weight).sum().backward()
    assert_close(ours.grad, plain.grad)


def test_many_links_at_full_size_are_those_of_the_definition() -> None:
    """Enough of them that the work is done in several parts."""
    links = [(joint, joint + 1) for joint in range(67)]
    points = _points(0, joints=68, batch=3).float()
    drawn = render_skeleton(points, links, size=(96, 128))
    assert_close(drawn, _plain(points, links, size=(96, 128), power=1), atol=2e-5, rtol=0)


@pytest.mark.parametrize("falloff", FALLOFFS)
@pytest.mark.parametrize("groups", [None, [0, 1, 0], [2, 0, 2]])
def test_the_gradient_is_right(falloff: Any, groups: list[int] | None) -> None:
    def draw(keypoints: Tensor) -> Tensor:
        return render_skeleton(
            keypoints, BRANCHES, size=(4, 3), sigma=0.5, falloff=falloff, groups=groups
        )

    assert gradcheck(draw, _points(3).requires_grad_())


@given(seeds)
def test_swapping_the_ends_of_a_link_changes_nothing(seed: int) -> None:
    points = _points(seed)
    back = [(stop, start) for start, stop in CHAIN]
    forth = render_skeleton(points, CHAIN, size=(9, 7))
    assert_close(render_skeleton(points, back, size=(9, 7)), forth)


@given(seeds)
def test_the_order_of_the_links_changes_nothing(seed: int) -> None:
    points = _points(seed)
    forth = render_skeleton(points, CHAIN, size=(9, 7))
    assert_close(render_skeleton(points, CHAIN[::-1], size=(9, 7)), forth)


@given(seeds, st.booleans())
def test_mirrored_keypoints_give_the_mirrored_image(seed: int, aligned: bool) -> None:
    points = _points(seed)
    image = render_skeleton(points, CHAIN, size=(9, 8), align_corners=aligned)
    mirrored = mirror(points, order=range(4))
    drawn = render_skeleton(mirrored, CHAIN, size=(9, 8), align_corners=aligned)
    assert_close(drawn, image.flip(-1))


@given(seeds)
def test_exchanging_x_and_y_transposes_the_image(seed: int) -> None:
    points = _points(seed)
    image = render_skeleton(points, CHAIN, size=(9, 8))
    assert_close(render_skeleton(points.flip(-1), CHAIN, size=(8, 9)), image.mT)


@given(seeds, st.integers(-3, 3))
def test_keypoints_moved_by_whole_pixels_move_the_image(seed: int, pixels: int) -> None:
    """A pixel of 8 in a row is 2/8 wide."""
    points = _points(seed, reach=0.4)
    moved = points + torch.tensor([2 / 8 * pixels, 0])
    image = render_skeleton(points, CHAIN, size=(9, 8)).roll(pixels, dims=-1)
    drawn = render_skeleton(moved, CHAIN, size=(9, 8))
    inside = slice(max(pixels, 0), 8 + min(pixels, 0))
    assert_close(drawn[..., inside], image[..., inside])


@given(seeds, st.floats(0.05, 2), st.sampled_from(FALLOFFS))
def test_values_are_between_dark_and_bright(seed: int, sigma: float, falloff: Any) -> None:
    image = render_skeleton(_points(seed), CHAIN, size=(9, 8), sigma=sigma, falloff=falloff)
    assert image.min() >= 0
    assert image.max() <= 1


@pytest.mark.parametrize("falloff", FALLOFFS)
def test_coinciding_ends_draw_a_point_with_a_finite_gradient(falloff: Any) -> None:
    """The point lies on the centre of the middle pixel: the distance itself is zero there."""
    points = torch.zeros(1, 2, 2, requires_grad=True)
    image = render_skeleton(points, BAR, size=(5, 5), sigma=1, falloff=falloff)
    away = 0.4 if falloff == "linear" else 0.4**2
    assert_close(image[0, 0, 2, 3].item(), math.exp(-away), atol=1e-5, rtol=0)
    image[0, 0, 2, 3:].sum().backward()
    assert points.grad is not None
    assert points.grad.isfinite().all()
    assert points.grad[0, :, 0].sum() > 0  # moving the point to the right brightens the right


def test_points_far_outside_draw_nothing_and_stay_finite() -> None:
    points = torch.tensor([[[50.0, 40.0], [90.0, -1e4]]], requires_grad=True)
    image = render_skeleton(points, BAR, size=(5, 5))
    image.sum().backward()
    assert_close(image, torch.zeros(1, 1, 5, 5))
    assert_close(points.grad, torch.zeros(1, 2, 2))


def test_each_group_of_links_has_its_own_channel() -> None:
    points = _points(1)
    image = render_skeleton(points, CHAIN, size=(9, 7), groups=[1, 0, 1])
    zeroth = render_skeleton(points, [CHAIN[1]], size=(9, 7))
    first = render_skeleton(points, [CHAIN[0], CHAIN[2]], size=(9, 7))
    assert_close(image, torch.cat([zeroth, first], dim=1))


def test_the_channels_of_groups_are_the_whole_taken_apart() -> None:
    """The brightest of the channels is the drawing without groups."""
    points = _points(2)
    image = render_skeleton(points, CHAIN, size=(9, 7), groups=[0, 1, 2])
    assert_close(image.amax(1, keepdim=True), render_skeleton(points, CHAIN, size=(9, 7)))


def test_a_group_without_links_is_dark() -> None:
    image = render_skeleton(_points(1), CHAIN, size=(9, 7), groups=[0, 2, 2])
    assert_close(image[:, 1], torch.zeros(2, 9, 7, dtype=torch.float64))


def test_a_link_may_end_at_the_mean_of_joints() -> None:
    """Joints 0 and 1 have their mean at joint 2."""
    points = torch.tensor([[[-0.5, 0.2], [0.1, 0.6], [-0.2, 0.4], [0.7, -0.3]]])
    to_mean = render_skeleton(points, [((0, 1), 3)], size=(9, 7))
    assert_close(to_mean, render_skeleton(points, [(2, 3)], size=(9, 7)))


def test_the_pull_on_a_mean_is_shared_by_its_joints() -> None:
    points = _points(4).requires_grad_()
    render_skeleton(points, [((0, 1), 3)], size=(9, 7)).sum().backward()
    assert points.grad is not None
    assert_close(points.grad[:, 0], points.grad[:, 1])


def test_half_precision_keypoints_are_drawn_in_float32() -> None:
    points = _points(5).bfloat16()
    image = render_skeleton(points, BRANCHES, size=(9, 7))
    assert_close(image, render_skeleton(points.float(), BRANCHES, size=(9, 7)))


def test_a_drawing_keeps_its_precision_under_autocast() -> None:
    points = _points(5).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        image = render_skeleton(points, BRANCHES, size=(9, 7))
    assert_close(image, render_skeleton(points, BRANCHES, size=(9, 7)))


def test_each_image_of_a_batch_is_drawn_alone() -> None:
    points = _points(5, batch=3)
    together = render_skeleton(points, CHAIN, size=(9, 7))
    alone = [render_skeleton(points[[row]], CHAIN, size=(9, 7)) for row in range(3)]
    assert_close(together, torch.cat(alone))


@pytest.mark.parametrize("groups", [0, 1])
def test_nothing_of_the_size_of_an_image_is_kept_for_each_link(groups: int) -> None:
    """Tensors with as many elements as pixels: as many for 60 links as for 3."""

    def kept(num_links: int) -> list[int]:
        sizes: list[int] = []

        def note(tensor: Tensor) -> Tensor:
            sizes.append(tensor.numel())
            return tensor

        points = _points(6, joints=num_links + 1).requires_grad_()
        links = [(joint, joint + 1) for joint in range(num_links)]
        members = [link % 2 for link in range(num_links)] if groups else None
        with saved_tensors_hooks(note, lambda tensor: tensor):
            render_skeleton(points, links, size=(32, 32), groups=members)
        return sorted(size for size in sizes if size >= 32 * 32)

    assert kept(60) == kept(3)
    assert max(kept(60)) == 2 * 32 * 32  # the batch


def test_a_drawing_without_links_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one link"):
        render_skeleton(_points(0), [], size=(4, 4))


def test_a_group_is_needed_for_each_link() -> None:
    with pytest.raises(ValueError, match="each of 3 links, got 2"):
        render_skeleton(_points(0), CHAIN, size=(4, 4), groups=[0, 1])


def test_an_unknown_falloff_is_refused() -> None:
    wrong: Any = "cubed"
    with pytest.raises(ValueError, match="got 'cubed'"):
        render_skeleton(_points(0), CHAIN, size=(4, 4), falloff=wrong)
