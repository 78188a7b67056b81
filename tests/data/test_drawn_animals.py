"""Drawn animals stand where their keypoints say and look as their skeleton describes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from keypointgan.data.backdrops import Backdrops
from keypointgan.data.dice import Dice
from keypointgan.data.drawn_animals import DrawnAnimals, random_strokes
from keypointgan.data.priors import Prior
from keypointgan.errors import PriorError
from keypointgan.ops.strokes import Light, paint
from keypointgan.skeletons import Skeleton

MOUSE = """
name: mouse
joints: [nose, left_ear, right_ear, tail]
pairs: [[left_ear, right_ear]]
links: [[nose, tail], [nose, left_ear], [nose, right_ear]]
figure:
  unit: [nose, tail]
  tones: {fur: {value: 0.5, saturation: 0}, skin: {value: 1, saturation: 0}}
  parts:
    - {name: body, shape: ellipse, path: [nose, tail], width: 0.5, tone: fur}
    - {name: ear, path: [left_ear], width: 0.2, tone: skin}
"""
POSE = torch.tensor([[[0.0, -0.6], [-0.3, -0.3], [0.4, -0.3], [0.1, 0.6]]])


def _mouse() -> Skeleton:
    return Skeleton.from_yaml(MOUSE)


def _prior(skeleton: Skeleton, path: Path) -> Prior:
    poses = POSE.expand(8, -1, -1) + 0.05 * torch.randn(
        8, 4, 2, generator=torch.Generator().manual_seed(0)
    )
    np.savez(path / "mice.npz", xy=poses.numpy(), joints=np.array(skeleton.joints))
    return Prior.load(
        path / "mice.npz",
        skeleton,
        place="body",
        extent=0.7,
        centre=(0.0, 0.0),
        scale_jitter=0.0,
        shift_jitter=0.0,
        rotation_jitter=180.0,
        mirror=True,
        azimuth=(0.0, 0.0),
        elevation=(0.0, 0.0),
        field_of_view=38.0,
    )


def _black(size: int) -> Backdrops:
    return Backdrops(torch.zeros(1, 3, size, size, dtype=torch.uint8))


def _painted(skeleton: Skeleton, pose: torch.Tensor, *, size: int = 64) -> torch.Tensor:
    assert skeleton.figure is not None
    dice = Dice(len(pose), generator=torch.Generator().manual_seed(0))
    picture = torch.zeros(len(pose), 3, size, size)
    zeros = torch.zeros(len(pose))
    light = Light(direction=torch.zeros(len(pose), 2), rim=zeros, softness=zeros + 1)
    for stroke in random_strokes(skeleton.figure, pose, mirror=skeleton.mirror, dice=dice):
        picture = paint(picture, stroke, light)
    return picture


def test_the_same_seed_draws_the_same_animals(tmp_path: Path) -> None:
    skeleton = _mouse()
    animals = DrawnAnimals(_prior(skeleton, tmp_path), _black(32), size=32)
    first, again, other = (
        animals.sample(4, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert_close(first.frame, again.frame, rtol=0, atol=0)
    assert_close(first.keypoints, again.keypoints, rtol=0, atol=0)
    assert not torch.allclose(first.frame, other.frame)


def test_the_keypoints_are_a_sample_of_the_prior(tmp_path: Path) -> None:
    prior = _prior(_mouse(), tmp_path)
    batch = DrawnAnimals(prior, _black(32), size=32).sample(
        16, generator=torch.Generator().manual_seed(3)
    )
    assert_close(batch.keypoints, prior.sample(16, generator=torch.Generator().manual_seed(3)))
    assert float(batch.frame.min()) >= -1
    assert float(batch.frame.max()) <= 1


def test_parts_have_their_colour_where_their_joints_are() -> None:
    """Grey halfway from the nose to the tail, white at both ears, black in a corner."""
    picture = _painted(_mouse(), POSE)
    expected = {(0.05, 0.0): 0.5, (-0.3, -0.3): 1.0, (0.4, -0.3): 1.0, (-0.9, -0.9): 0.0}
    for (x, y), value in expected.items():
        column, row = round((x + 1) * 32 - 0.5), round((y + 1) * 32 - 0.5)
        assert_close(picture[0, :, row, column], torch.full((3,), value))


@pytest.mark.parametrize("name", ["mouse", "fly13"])
def test_a_mirrored_pose_is_drawn_as_the_mirror_image(
    name: str, generator: torch.Generator
) -> None:
    """What is left in the description is right in the mirror: nothing else tells the sides."""
    skeleton = _mouse() if name == "mouse" else Skeleton.load(name)
    assert skeleton.figure is not None
    straight = tuple(replace(part, bend=0.0) for part in skeleton.figure.parts)
    skeleton = replace(skeleton, figure=replace(skeleton.figure, parts=straight))
    pose = torch.rand(4, skeleton.num_joints, 2, generator=generator) - 0.5
    mirrored = pose[:, list(skeleton.mirror)] * torch.tensor([-1.0, 1.0])
    same = _painted(skeleton, mirrored).flip(-1)
    # Where the edges of left and right meet, their order is seen.
    assert float((same - _painted(skeleton, pose)).abs().mean()) < 2e-3


def test_a_description_of_the_other_side_is_the_same_figure() -> None:
    other = Skeleton.from_yaml(MOUSE.replace("path: [left_ear]", "path: [right_ear]"))
    assert_close(_painted(other, POSE), _painted(_mouse(), POSE))


def test_another_animal_comes_into_the_frames_that_have_one(tmp_path: Path) -> None:
    """All frames of a figure with `others` of 1 are brighter in sum, none shows it in full."""
    alone = _mouse()
    assert alone.figure is not None
    crowd = replace(alone, figure=replace(alone.figure, others=1.0))
    first, second = (
        DrawnAnimals(_prior(skeleton, tmp_path), _black(32), size=32).sample(
            64, generator=torch.Generator().manual_seed(0)
        )
        for skeleton in (alone, crowd)
    )
    assert_close(first.keypoints, second.keypoints)
    assert float(second.frame.mean()) > float(first.frame.mean()) + 0.02


def test_a_part_without_a_chance_is_not_there() -> None:
    without = Skeleton.from_yaml(MOUSE.replace("width: 0.2", "width: 0.2, chance: 0"))
    assert float(_painted(without, POSE).max()) == 0.5


def test_the_fly_is_brighter_at_its_head_than_beyond_its_abdomen(
    generator: torch.Generator,
) -> None:
    """In the mean over figures: head, then abdomen, then the tips of the wings."""
    fly = Skeleton.load("fly13")
    pose = torch.zeros(64, 13, 2)
    places = {
        "head": (0.0, -0.55),
        "thorax": (0.0, 0.0),
        "abdomen": (0.0, 0.45),
        "wingL": (-0.08, 0.7),
        "wingR": (0.08, 0.7),
        "eyeL": (-0.15, -0.4),
        "eyeR": (0.15, -0.4),
    }
    for joint, (x, y) in places.items():
        pose[:, fly.index_of(joint)] = torch.tensor([x, y])
    mean = _painted(fly, pose).mean(dim=(0, 1))
    column = mean[:, 31:33].mean(dim=1)
    head, abdomen, wings = (float(column[round((y + 1) * 32)]) for y in (-0.42, 0.25, 0.6))
    assert head > abdomen + 0.1 > wings + 0.2 > 0.25


def test_a_skeleton_without_a_figure_is_refused(tmp_path: Path) -> None:
    plain = replace(_mouse(), figure=None)
    with pytest.raises(PriorError, match=r"2D poses of 'mouse'.*Add a section 'figure'"):
        DrawnAnimals(_prior(plain, tmp_path), _black(32), size=32)


def test_poses_in_space_are_refused(tiny_prior_in_space: Path) -> None:
    skeleton = Skeleton.load("h36m17")
    prior = Prior.load(
        tiny_prior_in_space,
        skeleton,
        place="body",
        extent=0.7,
        centre=(0.0, 0.0),
        scale_jitter=0.0,
        shift_jitter=0.0,
        rotation_jitter=0.0,
        mirror=True,
        azimuth=(0.0, 0.0),
        elevation=(0.0, 0.0),
        field_of_view=38.0,
    )
    with pytest.raises(PriorError, match="2D poses to draw animals"):
        DrawnAnimals(prior, _black(32), size=32)
