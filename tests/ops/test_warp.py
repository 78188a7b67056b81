import math

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck
from torch.testing import assert_close

from keypointgan.ops.render import render_skeleton
from keypointgan.ops.warp import Warp, pad_border, random_warp, warp_frames

MILD = (0.0005, 0.002)
RELEASE = (0.0005, 0.005)

seeds = st.integers(0, 2**31)


def _affine(*rows: tuple[float, float, float], dtype: torch.dtype = torch.float32) -> Warp:
    empty = torch.zeros(0, 2, dtype=dtype)
    return Warp(torch.tensor([rows], dtype=dtype), empty, empty.unsqueeze(0))


def _random(seed: int, *, batch: int = 2, bump: tuple[float, float] = MILD) -> Warp:
    generator = torch.Generator().manual_seed(seed)
    return random_warp(batch, generator=generator, bump=bump)


def _picture(generator: torch.Generator, *, batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, 6, 8, generator=generator)


def test_the_identity_changes_nothing(generator: torch.Generator) -> None:
    identity = _affine((1, 0, 0), (0, 1, 0))
    frames = _picture(generator)
    assert_close(warp_frames(frames, identity), frames)
    keypoints = torch.rand(1, 4, 2, generator=generator)
    assert_close(identity.move(keypoints), keypoints)


def test_looking_a_pixel_to_the_right_moves_the_picture_to_the_left(
    generator: torch.Generator,
) -> None:
    """g(u) = u + 2/8 in a picture 8 wide; the last column repeats; keypoints follow."""
    shift = _affine((1, 0, 2 / 8), (0, 1, 0))
    frames = _picture(generator)
    moved = torch.cat([frames[..., 1:], frames[..., -1:]], dim=-1)
    assert_close(warp_frames(frames, shift), moved)
    assert_close(shift.move(torch.tensor([[[0.5, 0.1]]])), torch.tensor([[[0.25, 0.1]]]))


def test_looking_at_half_the_scale_doubles_the_distance_from_the_centre() -> None:
    zoom = _affine((0.5, 0, 0), (0, 0.5, 0))
    assert_close(zoom.move(torch.tensor([[[0.2, -0.4]]])), torch.tensor([[[0.4, -0.8]]]))


def test_a_quarter_turn_carries_right_to_up() -> None:
    """g turns (x, y) to (-y, x), so what is at (1, 0) appears at (0, -1)."""
    turn = _affine((0, -1, 0), (1, 0, 0))
    assert_close(turn.move(torch.tensor([[[1.0, 0.0]]])), torch.tensor([[[0.0, -1.0]]]))


def test_a_bump_moves_places_by_the_thin_plate_kernel() -> None:
    """At distance r from its only centre a bump adds r² log r² times its coefficients."""
    warp = Warp(
        affine=torch.tensor([[[1.0, 0, 0], [0, 1, 0]]]),
        centres=torch.zeros(1, 2),
        bumps=torch.tensor([[[0.1, -0.2]]]),
    )
    places = torch.tensor([[[0.0, 0.0], [0.5, 0.0], [0.0, 1.0]]])
    kernel = 0.25 * math.log(0.25)
    sources = torch.tensor([[[0.0, 0.0], [0.5 + 0.1 * kernel, -0.2 * kernel], [0.0, 1.0]]])
    assert_close(warp.source_of(places), sources)


@given(seeds)
def test_a_moved_keypoint_comes_from_where_it_was(seed: int) -> None:
    warp = _random(seed)
    keypoints = torch.rand(2, 5, 2, generator=torch.Generator().manual_seed(seed)) - 0.5
    assert_close(warp.source_of(warp.move(keypoints)), keypoints, atol=1e-3, rtol=0)


def test_a_keypoint_that_a_strong_warp_folds_away_stays_finite() -> None:
    warp = _random(0, batch=400, bump=RELEASE)
    corners = torch.tensor([[-1.0, -1], [-1, 1], [1, -1], [1, 1]]).expand(400, 4, 2)
    moved = warp.move(corners)
    assert (warp.source_of(moved) - corners).abs().max() > 0.1  # there are some
    assert moved.abs().max() < 5


def test_frames_and_keypoints_move_together() -> None:
    """A warped picture of a point has the centre of its mass where the point moves to."""
    seed, size = 3, 64
    point = torch.rand(2, 1, 2, generator=torch.Generator().manual_seed(seed)) - 0.5
    dot = render_skeleton(point, [(0, 0)], size=(size, size), sigma=0.1, falloff="squared")
    warp = _random(seed)
    mass = warp_frames(dot.expand(-1, 3, -1, -1), warp)[:, 0].square()
    centres = torch.linspace(-1 + 1 / size, 1 - 1 / size, size)
    total = mass.sum((1, 2))
    found = torch.stack([mass.sum(1) @ centres / total, mass.sum(2) @ centres / total], dim=-1)
    assert_close(found, warp.move(point)[:, 0], atol=5e-3, rtol=0)


def test_random_warps_have_the_spread_that_is_asked_for(generator: torch.Generator) -> None:
    """Of the scale 0.05, of the shift 0.1, of the rotation 10°; within 5 % for 10,000 warps."""
    warp = random_warp(10_000, generator=generator, rotation=10, scale=0.05, shift=0.1)
    cosine, sine = warp.affine[:, 0, 0], warp.affine[:, 1, 0]
    spreads = torch.stack(
        [
            torch.rad2deg(torch.atan2(sine, cosine)).std(),
            torch.hypot(sine, cosine).std(),
            *warp.affine[:, :, 2].std(dim=0),
        ]
    )
    assert_close(spreads, torch.tensor([10, 0.05, 0.1, 0.1]), rtol=0.05, atol=0)


def test_without_spread_a_random_warp_is_the_identity(generator: torch.Generator) -> None:
    warp = random_warp(2, generator=generator, rotation=0, scale=0, shift=0)
    identity = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    assert_close(warp.affine, identity.expand(2, 2, 3))
    assert len(warp.centres) == 0


def test_each_image_draws_its_own_bumps_around_shared_centres(generator: torch.Generator) -> None:
    warp = random_warp(2, generator=generator, bump=RELEASE, controls=10)
    corners = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    assert_close(warp.centres[[0, -1]], corners)
    assert warp.bumps.shape == (2, 100, 2)
    assert not torch.equal(warp.bumps[0], warp.bumps[1])


def test_the_same_seed_draws_the_same_warp() -> None:
    first, second = _random(7), _random(7)
    assert_close(first.affine, second.affine, rtol=0, atol=0)
    assert_close(first.bumps, second.bumps, rtol=0, atol=0)


def test_the_gradients_of_warped_frames_and_moved_keypoints_are_right(
    generator: torch.Generator,
) -> None:
    warp = _affine((0.9, -0.1, 0.03), (0.1, 0.9, -0.07), dtype=torch.float64)
    frames = _picture(generator).double().requires_grad_()
    keypoints = torch.rand(1, 3, 2, generator=generator, dtype=torch.float64).requires_grad_()
    assert gradcheck(lambda picture: warp_frames(picture, warp), frames)
    assert gradcheck(warp.move, keypoints)


def test_a_padded_border_repeats_the_outermost_pixels(generator: torch.Generator) -> None:
    """Half of 6 rows and of 8 columns on every side."""
    frames = _picture(generator)
    padded = pad_border(frames, fraction=0.5)
    assert padded.shape == (1, 3, 12, 16)
    assert_close(padded[..., 3:-3, 4:-4], frames)
    assert_close(padded[..., :3, :4], frames[..., :1, :1].expand(-1, -1, 3, 4))
    assert_close(padded[..., -3:, 4:-4], frames[..., -1:, :].expand(-1, -1, 3, -1))
