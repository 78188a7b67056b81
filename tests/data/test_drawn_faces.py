"""Drawn faces lie where their landmarks say, before surroundings of the videos."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from keypointgan.data.backdrops import Backdrops
from keypointgan.data.dice import Dice
from keypointgan.data.drawn_faces import DrawnFaces, borders_of, has_landmarks
from keypointgan.data.face_features import paint_mouth, paint_nostrils
from keypointgan.data.face_shape import FaceShape, turn_head
from keypointgan.data.photographs import photograph
from keypointgan.data.priors import Prior
from keypointgan.errors import PriorError
from keypointgan.ops.polygons import polygon_depth
from keypointgan.skeletons import Skeleton

FACE68 = Skeleton.load("face68")


def _arch(low: float, high: float, ends: float, middle: float, count: int) -> np.ndarray:
    """Points from `low` to `high` along x, on a parabola in y."""
    share = np.linspace(-1, 1, count)
    x = (low + high) / 2 + share * (high - low) / 2
    return np.stack([x, middle + (ends - middle) * share**2], axis=-1)


def _face() -> np.ndarray:
    """The 68 landmarks of a plain face seen from the front, its mouth open; y down."""
    jaw = np.linspace(np.pi, 0, 17)
    eye = [_arch(-15, 15, 0, -6, 4), _arch(9, -9, 5, 5, 2)]
    parts = [np.stack([72 * np.cos(jaw), 100 * np.sin(jaw)], axis=-1)]
    parts += [_arch(-58, -15, -20, -28, 5), _arch(15, 58, -20, -28, 5)]
    parts += [np.stack([np.zeros(4), np.linspace(0, 35, 4)], axis=-1), _arch(-15, 15, 42, 47, 5)]
    parts += [points + np.array([side, 0]) for side in (-35, 35) for points in eye]
    parts += [_arch(-26, 26, 70, 58, 7), _arch(18, -18, 80, 86, 5)]
    parts += [_arch(-22, 22, 70, 64, 5), _arch(12, -12, 77, 80, 3)]
    return np.concatenate(parts).astype(np.float32)


@pytest.fixture
def prior(tmp_path: Path) -> Prior:
    """Faces of two widths."""
    face = _face()
    path = tmp_path / "faces.npz"
    np.savez(path, xy=np.stack([face, face * [1.1, 1.0]]).astype(np.float32))
    return Prior.load(
        path,
        FACE68,
        place="fit",
        extent=0.6,
        centre=(0.0, 0.1),
        scale_jitter=0.1,
        shift_jitter=0.02,
        rotation_jitter=0.0,
        mirror=True,
        azimuth=(0.0, 0.0),
        elevation=(0.0, 0.0),
        field_of_view=38.0,
    )


@pytest.fixture
def faces(prior: Prior) -> DrawnFaces:
    """Faces of 64 pixels before plain grey."""
    return DrawnFaces(prior, Backdrops(torch.full((2, 3, 64, 64), 128, dtype=torch.uint8)), size=64)


def test_the_same_seed_draws_the_same_faces(faces: DrawnFaces) -> None:
    first, second = (
        faces.sample(3, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5)
    )
    assert_close(first.frame, second.frame, atol=0, rtol=0)
    assert_close(first.keypoints, second.keypoints, atol=0, rtol=0)


def test_other_seeds_draw_other_faces(faces: DrawnFaces) -> None:
    first, second = (
        faces.sample(3, generator=torch.Generator().manual_seed(seed)) for seed in (5, 6)
    )
    assert (first.frame - second.frame).abs().mean() > 0.05


def test_frames_keep_to_their_range(faces: DrawnFaces, generator: torch.Generator) -> None:
    frame = faces.sample(32, generator=generator).frame
    assert frame.isfinite().all()
    assert frame.amin() >= -1
    assert frame.amax() <= 1


def test_eyes_are_drawn_where_their_landmarks_say(
    faces: DrawnFaces, generator: torch.Generator
) -> None:
    """Dark and bright meet in an eye: on the mean of many faces it is rougher than the cheek."""
    batch = faces.sample(96, generator=generator)
    grey = batch.frame.mean(dim=1)
    rough = torch.zeros_like(grey)
    rough[:, 1:-1] = (grey[:, 2:] - grey[:, :-2]).abs()
    eye = batch.keypoints[:, 36:42].mean(dim=1)
    cheek = batch.keypoints[:, [31, 3]].mean(dim=1)

    def mean_at(place: torch.Tensor) -> float:
        column, row = ((place + 1) * 32).long().clamp(0, 63).unbind(dim=-1)
        return float(rough[torch.arange(len(place)), row, column].mean())

    assert mean_at(eye) > 2 * mean_at(cheek)


def test_a_mouth_stays_within_its_outer_contour(prior: Prior, generator: torch.Generator) -> None:
    """On plain skin nothing changes two pixels outside of the lips, and most of the inside does."""
    points = prior.sample(8, generator=generator)
    face = FaceShape.of(points, size=64)
    skin = torch.full((8, 3, 64, 64), 0.7)
    tone, shade = torch.full((8, 3), 0.7), torch.ones(8, 1, 64, 64)
    softness = torch.ones(8)
    painted = paint_mouth(skin, face, tone, shade, softness, Dice(8, generator=generator))
    changed = (painted - skin).abs().amax(dim=1, keepdim=True) > 0.02
    depth = polygon_depth(face.line(range(48, 60)), size=64)
    assert not changed[depth < -3 / 32].any()
    assert changed[depth > 1 / 32].float().mean() > 0.8


def test_nostrils_are_above_the_foot_of_the_nose(prior: Prior, generator: torch.Generator) -> None:
    """On plain skin the darkest places near the wings are above the landmarks of the foot."""
    face = FaceShape.of(prior.sample(32, generator=generator), size=64)
    skin = torch.ones(32, 3, 64, 64)
    painted = paint_nostrils(skin, face, torch.ones(32), Dice(32, generator=generator))
    _, foot = face.coordinates(face.at(31, 32, 33, 34, 35))
    dark = (1 - painted.amin(dim=1, keepdim=True)) * (face.u.abs() < 0.12)
    dark = dark * ((face.v - foot[:, None, None, None]).abs() < 0.12)
    height = (dark.square() * face.v).sum(dim=(1, 2, 3)) / dark.square().sum(dim=(1, 2, 3))
    assert (height - foot).mean() > 0.01


def test_a_nose_seen_from_aside_ends_at_its_landmarks(prior: Prior) -> None:
    """Its stroke is centred on them from the front, and reaches up to them from aside."""
    front = prior.sample(2, generator=torch.Generator().manual_seed(0))
    aside = turn_head(front, torch.full((2,), 0.5), torch.zeros(2))
    radii = torch.full((2, 1), 0.05)
    for points, wanted in ((front, 0.0), (aside, -0.05)):
        face = FaceShape.of(points, size=8)
        moved = ((face.behind(face.line((30,)), radii) - face.line((30,)))[:, 0] * face.right).sum(
            1
        )
        assert_close(moved, torch.full((2,), wanted), atol=1e-3, rtol=0)


def test_flesh_is_seen_below_the_chin_and_leaves_the_ears(prior: Prior) -> None:
    face = FaceShape.of(prior.sample(2, generator=torch.Generator().manual_seed(0)), size=8)
    height, flesh = torch.ones(2), torch.full((2,), 0.1)
    bare, full = (face.skull(face.sides(), height, under) for under in (0 * flesh, flesh))
    below = ((bare - full) * face.up[:, None]).sum(dim=-1) / face.unit[:, None]
    assert_close(below[:, 8], flesh)
    assert_close(below[:, [0, 16]], torch.zeros(2, 2), atol=1e-6, rtol=0)
    assert_close(below[:, 17:], torch.zeros(2, 9), atol=1e-6, rtol=0)


def test_the_coordinates_of_a_face_turn_with_it(prior: Prior, generator: torch.Generator) -> None:
    """Up of the bridge is up of the picture for an upright face, and left for one on its side."""
    points = prior.sample(4, generator=generator)
    turned = torch.stack([points[..., 1], -points[..., 0]], dim=-1)
    upright, lying = FaceShape.of(points, size=16), FaceShape.of(turned, size=16)
    assert_close(upright.up, torch.tensor([[0.0, -1.0]]).expand(4, 2), atol=1e-5, rtol=0)
    assert_close(lying.up, torch.tensor([[-1.0, 0.0]]).expand(4, 2), atol=1e-5, rtol=0)
    assert_close(lying.unit, upright.unit)


def test_a_nose_in_the_middle_is_not_turned_and_one_at_the_side_is(prior: Prior) -> None:
    points = prior.sample(2, generator=torch.Generator().manual_seed(0))
    aside = points.clone()
    aside[:, 30, 0] += 0.2
    assert_close(FaceShape.of(points, size=8).turned, torch.zeros(2), atol=1e-4, rtol=0)
    assert (FaceShape.of(aside, size=8).turned > 0.1).all()


def test_a_head_that_is_turned_by_nothing_stays(prior: Prior, generator: torch.Generator) -> None:
    points = prior.sample(3, generator=generator)
    assert_close(turn_head(points, torch.zeros(3), torch.zeros(3)), points)


def test_a_head_turns_to_the_right_by_a_positive_angle(prior: Prior) -> None:
    """And downwards, where the tip of the nose comes nearer to the mouth."""
    points = prior.sample(2, generator=torch.Generator().manual_seed(0))
    angle, none = torch.full((2,), 0.2), torch.zeros(2)
    assert (FaceShape.of(turn_head(points, angle, none), size=8).turned > 0.1).all()
    lowered = turn_head(points, none, angle)
    assert (lowered[:, 62, 1] - lowered[:, 30, 1] < points[:, 62, 1] - points[:, 30, 1]).all()


def test_a_tenth_of_the_photographs_are_grey(generator: torch.Generator) -> None:
    """500 pictures of one colour: within three standard deviations of 50, tint and noise aside."""
    red = torch.tensor([0.8, 0.3, 0.3])[:, None, None].expand(500, 3, 8, 8)
    picture = photograph(red.contiguous(), Dice(500, generator=generator))
    channels = picture.mean(dim=(2, 3))
    grey = (channels.amax(dim=1) - channels.amin(dim=1) < 0.02).sum()
    assert 30 <= grey <= 75


def test_borders_are_the_outer_columns_side_by_side() -> None:
    """Black frames with white outer sixths become white."""
    picture = torch.zeros(1, 3, 4, 48, dtype=torch.uint8)
    picture[..., :8] = picture[..., -8:] = 255
    assert (borders_of(picture) == 255).all()


def test_other_skeletons_are_refused(prior: Prior) -> None:
    people = replace(prior, skeleton=Skeleton.load("h36m17"))
    backdrops = Backdrops(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    with pytest.raises(PriorError, match="Expected the 68 landmarks of face68"):
        DrawnFaces(people, backdrops, size=8)


def test_only_the_landmarks_in_their_order_are_landmarks() -> None:
    assert has_landmarks(FACE68.joints)
    assert not has_landmarks(FACE68.joints[::-1])
