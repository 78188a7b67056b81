"""A prior is compared with what moves in the frames, and the advice names the setting to change."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from keypointgan.data.prior_check import (
    SIDE,
    Finding,
    Shapes,
    compare_shapes,
    draw_prior,
    measure_shapes,
    see_objects,
)
from keypointgan.data.prior_plot import plot_check
from keypointgan.data.priors import Placement, Prior
from keypointgan.data.store import Store
from keypointgan.data.store_writer import StoreWriter
from keypointgan.skeletons import Skeleton

STICK = Skeleton("stick", ("low", "high"), (((0,), (1,)),))


def make_prior(*, extent: float, rotation: float = 0.0, lying: bool = False) -> Prior:
    """Sticks that stand in the middle of the frame, or lie there."""
    poses = torch.tensor([[[0.0, 1.0], [0.0, -1.0]]] * 4)
    placement = Placement(
        place="fit",
        extent=extent,
        centre=(0.0, 0.0),
        scale_jitter=0.05,
        shift_jitter=0.02,
        rotation_jitter=rotation,
        mirror=False,
        azimuth=(0, 0),
        elevation=(0, 0),
        field_of_view=38,
    )
    return Prior(poses.flip(-1) if lying else poses, STICK, placement, 2.0)


def make_store(folder: Path, *, masks: bool = False, wobble: int = 0) -> Store:
    """A white bar of 8 x 40 pixels that walks to and fro before grey, in frames of 64 pixels."""
    random = np.random.default_rng(0)
    with StoreWriter(folder, size=64, encoding="raw") as writer:
        for clip in range(4):
            frames = np.full((24, 64, 64, 3), 90, np.uint8)
            shown = np.zeros((24, 64, 64), np.uint8)
            for frame in range(24):
                left = 16 + (frame * 5 + clip * 3) % 24
                if wobble:
                    frames[frame] = random.integers(0, 255, (64, 64, 3))
                frames[frame, 12:52, left : left + 8] = 255
                shown[frame, 12:52, left : left + 8] = 255
            writer.add_clip(
                f"clip{clip}", frames, source="a.mp4", fps=25.0, masks=shown if masks else None
            )
    return Store.open(folder)


def advice(findings: list[Finding]) -> str:
    return " ".join(finding.advice for finding in findings)


def test_a_bar_is_measured_as_it_is_drawn() -> None:
    """Of 64 x 64: columns 16 to 47, rows 28 to 35, so it lies and is half of the frame long."""
    masks = np.zeros((3, SIDE, SIDE), bool)
    masks[:2, 28:36, 16:48] = True  # the third is empty and does not count
    shapes = measure_shapes(masks)
    assert shapes.extent == 0.5
    assert shapes.centre == (0.0, 0.0)
    assert min(shapes.direction, 180 - shapes.direction) < 1e-6
    assert shapes.agreement > 0.999
    assert shapes.density[30, 20] == 1.0
    assert shapes.density[0, 0] == 0.0


@pytest.mark.parametrize("masks", [False, True])
def test_objects_are_seen_by_motion_or_by_masks(tmp_path: Path, masks: bool) -> None:
    objects = see_objects(make_store(tmp_path / "store", masks=masks))
    assert objects is not None
    assert objects.seen_by == ("masks" if masks else "motion")
    shapes = measure_shapes(objects.masks)
    assert abs(shapes.extent - 40 / 64) < 0.05
    assert abs(shapes.direction - 90) < 3
    assert shapes.agreement > 0.9


def test_objects_before_a_moving_camera_cannot_be_told(tmp_path: Path) -> None:
    assert see_objects(make_store(tmp_path / "store", wobble=1)) is None


def test_a_prior_that_fits_needs_no_advice(tmp_path: Path) -> None:
    objects = see_objects(make_store(tmp_path / "store"))
    assert objects is not None
    prior = make_prior(extent=0.57)
    placement = replace(prior.placement, shift_jitter=0.08)
    drawn = measure_shapes(draw_prior(replace(prior, placement=placement)))
    findings = compare_shapes(drawn, measure_shapes(objects.masks))
    assert advice(findings).strip() == ""
    assert findings[0].text.startswith("scale: the prior's poses are 0.6")


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (make_prior(extent=0.25), r"too small; try prior.extent=0.5"),
        (make_prior(extent=0.95), "too large; try prior.extent=0.5"),
        (make_prior(extent=0.57, lying=True), "they differ by 90°: is the up axis right"),
        (make_prior(extent=0.57, rotation=180.0), "lower prior.rotation_jitter"),
    ],
)
def test_each_mismatch_is_named_with_its_setting(
    tmp_path: Path, prior: Prior, expected: str
) -> None:
    objects = see_objects(make_store(tmp_path / "store"))
    assert objects is not None
    findings = compare_shapes(measure_shapes(draw_prior(prior)), measure_shapes(objects.masks))
    assert expected in advice(findings)


def make_shapes(**changes: object) -> Shapes:
    shapes = Shapes(0.7, (0.0, 0.0), 0.5, 0.9, 90.0, np.full((SIDE, SIDE), 0.5))
    return replace(shapes, **changes)  # type: ignore[arg-type]  # values of the test


def test_poses_elsewhere_and_objects_in_all_directions_are_told() -> None:
    moved = compare_shapes(make_shapes(centre=(0.4, 0.0)), make_shapes())
    assert advice(moved).strip() == "they are elsewhere; try prior.centre=[0.00, 0.00]"
    turned = compare_shapes(make_shapes(), make_shapes(agreement=0.1))
    assert advice(turned).strip() == "turn the poses: try prior.rotation_jitter=180"
    round_ones = compare_shapes(make_shapes(), make_shapes(elongation=0.05, direction=10.0))
    assert advice(round_ones).strip() == ""
    assert "have no long axis" in round_ones[2].text


def test_coverage_counts_what_the_other_side_never_reaches() -> None:
    """Objects in the left half, poses in the middle half: half of each is beyond the other."""
    left, middle = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    left[:, :32], middle[:, 16:48] = 0.5, 0.5
    findings = compare_shapes(make_shapes(density=middle), make_shapes(density=left))
    assert "50 % of the prior lies where objects hardly ever are" in findings[3].text
    assert "50 % of the objects lies where no pose" in findings[4].text
    assert "lower prior.shift_jitter" in findings[3].advice
    assert "raise prior.shift_jitter" in findings[4].advice


def test_the_picture_is_written(tmp_path: Path, generator: torch.Generator) -> None:
    objects = see_objects(make_store(tmp_path / "store"))
    assert objects is not None
    path = plot_check(make_prior(extent=0.5), objects, tmp_path / "check.png", generator=generator)
    assert path.stat().st_size > 10_000


def test_real_people_fit_their_prior(shared_data: Path) -> None:
    """Penn Action's poses, fitted to the default box, beside J-HMDB's people seen by masks."""
    from keypointgan.data.video import read_video

    folder = shared_data / "humans_jhmdb" / "train"
    names = sorted(path.name[:-4] for path in folder.glob("*.mp4") if ".mask" not in path.name)
    masks = []
    for name in names[:20]:
        mask = np.stack(list(read_video(folder / f"{name}.mask.mp4")))[:, ::2, ::2, 0] > 127
        masks.append(mask[:6])
    poses = Prior.load(
        shared_data / "humans_jhmdb" / "prior_penn13.npz",
        Skeleton.load("penn13"),
        place="fit",
        extent=0.7,
        centre=(0, 0),
        scale_jitter=0.05,
        shift_jitter=0.05,
        rotation_jitter=0,
        mirror=True,
        azimuth=(0, 0),
        elevation=(0, 0),
        field_of_view=38,
    )
    findings = compare_shapes(
        measure_shapes(draw_prior(poses)), measure_shapes(np.concatenate(masks))
    )
    assert advice(findings[:3]).strip() == ""
