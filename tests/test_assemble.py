"""What the settings ask for is what comes, or an error that says which setting is wrong."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from keypointgan.assemble import (
    assemble_data,
    assemble_discriminator,
    assemble_figures,
    assemble_model,
    assemble_pool,
    assemble_prior,
    labels_of,
)
from keypointgan.config import Config
from keypointgan.data.backdrops import Backdrops
from keypointgan.data.drawn_animals import DrawnAnimals
from keypointgan.data.labels import Labels
from keypointgan.data.store import Store
from keypointgan.errors import ConfigError, LabelError, PriorError, StoreError
from keypointgan.recipe import load_config
from keypointgan.skeleton_figure import Figure
from keypointgan.skeletons import Skeleton

CPU = torch.device("cpu")
H36M = Skeleton.load("h36m17")


def _labels(joints: tuple[str, ...], *, clips: tuple[str, ...], action: bool = True) -> Labels:
    """One label a clip, of its frame 2; joint number k is at (k / 100, -k / 100)."""
    number = np.arange(len(joints), dtype=np.float32) / 100
    xy = np.stack([number, -number], axis=-1)
    return Labels(
        xy=np.repeat(xy[None], len(clips), axis=0),
        clip=clips,
        frame=np.full(len(clips), 2, np.int64),
        action=tuple(f"action of {clip}" for clip in clips) if action else None,
        joints=joints,
    )


def test_a_run_without_a_store_is_told_how_to_make_one() -> None:
    with pytest.raises(ConfigError, match=r"data\.store.*keypointgan ingest"):
        assemble_data(load_config(), H36M, device=CPU)


def test_a_run_without_poses_is_told_how_to_name_them() -> None:
    with pytest.raises(ConfigError, match=r"prior\.poses.*keypointgan prior"):
        assemble_prior(load_config(), H36M)


def test_a_store_and_poses_that_are_not_there_are_named(
    tiny_config: Callable[..., Config], tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="absent"):
        assemble_data(tiny_config(f"data.store={tmp_path / 'absent'}"), H36M, device=CPU)
    with pytest.raises(PriorError, match=r"absent\.npz"):
        assemble_prior(tiny_config(f"prior.poses={tmp_path / 'absent.npz'}"), H36M)


def test_masks_that_the_store_does_not_have_are_missed(
    tiny_config: Callable[..., Config],
) -> None:
    with pytest.raises(StoreError, match=r"no masks.*data\.mask_background"):
        assemble_data(tiny_config("data.mask_background=true"), H36M, device=CPU)


def test_clips_are_kept_apart_whatever_the_seed_of_the_run(
    tiny_config: Callable[..., Config],
) -> None:
    """So that runs of several seeds are compared on the same clips."""
    first, second = (
        assemble_data(tiny_config(f"training.seed={seed}"), H36M, device=CPU) for seed in (0, 1)
    )
    assert len(first.validation_clips) == 1
    assert first.validation_clips == second.validation_clips
    assert not set(first.training_clips) & set(first.validation_clips)


def test_pairs_come_from_the_clips_of_their_side(tiny_config: Callable[..., Config]) -> None:
    data = assemble_data(tiny_config(), H36M, device=CPU)
    assert data.validation is not None
    (apart,) = data.validation_clips
    inside = set(range(apart.start, apart.start + apart.frames))
    for sampler, expected in ((data.sampler, False), (data.validation, True)):
        rows, references = sampler.sample(300, generator=torch.Generator().manual_seed(0))
        assert {row in inside for row in (*rows.tolist(), *references.tolist())} == {expected}


def test_a_run_may_keep_nothing_apart(tiny_config: Callable[..., Config]) -> None:
    data = assemble_data(tiny_config("data.validation_fraction=0"), H36M, device=CPU)
    assert data.validation is None
    assert len(data.training_clips) == 6


def test_sides_apart_have_a_channel_each(tiny_config: Callable[..., Config]) -> None:
    config = tiny_config("model.sides=apart", "loss.pool=5")
    model = assemble_model(config.model, H36M)
    drawn = model.draw(torch.zeros(2, 17, 2), size=(64, 64))
    assert drawn.shape[1] == 3
    assert model.regressor(drawn).shape[1] == 17
    assert assemble_pool(config).images.shape == (5, 3, 64, 64)
    assert len(assemble_discriminator(config)(drawn)) == 2


def test_the_poses_kept_apart_are_their_share(tiny_config: Callable[..., Config]) -> None:
    prior, held_out = assemble_prior(tiny_config("prior.held_out=0.25"), H36M)
    assert (prior.num_poses, held_out.num_poses) == (45, 15)


def test_labels_are_put_in_the_order_of_the_skeleton(tiny_store: Path, tmp_path: Path) -> None:
    """Labelled are three joints in another order and one that the skeleton does not have."""
    store = Store.open(tiny_store)
    labels = _labels(("head_top", "tail", "l_knee", "pelvis"), clips=(store.clips[1].name,))
    labels.save(tmp_path / "labels.npz")
    found, rows = labels_of(tmp_path / "labels.npz", store, store.clips, H36M)
    assert rows.tolist() == [store.clips[1].start + 2]
    assert found.joints == H36M.joints
    expected = np.full((17, 2), np.nan, np.float32)
    for joint, number in (("head_top", 0), ("l_knee", 2), ("pelvis", 3)):
        expected[H36M.index_of(joint)] = (number / 100, -number / 100)
    assert_close(torch.from_numpy(found.xy[0]), torch.from_numpy(expected), equal_nan=True)


def test_labels_of_other_clips_are_left_out(tiny_store: Path, tmp_path: Path) -> None:
    store = Store.open(tiny_store)
    names = tuple(clip.name for clip in store.clips)
    _labels(H36M.joints, clips=names).save(tmp_path / "labels.npz")
    found, rows = labels_of(tmp_path / "labels.npz", store, store.clips[2:4], H36M)
    assert found.clip == names[2:4]
    assert found.action == tuple(f"action of {name}" for name in names[2:4])
    assert rows.tolist() == [clip.start + 2 for clip in store.clips[2:4]]


def test_labels_are_refused_where_all_are_of_other_clips(tiny_store: Path, tmp_path: Path) -> None:
    store = Store.open(tiny_store)
    _labels(H36M.joints, clips=(store.clips[0].name,)).save(tmp_path / "labels.npz")
    with pytest.raises(LabelError, match=r"0 clips, got 1 label of.*validation_fraction"):
        labels_of(tmp_path / "labels.npz", store, (), H36M)


def test_labels_without_any_joint_of_the_skeleton_are_refused(
    tiny_store: Path, tmp_path: Path
) -> None:
    store = Store.open(tiny_store)
    _labels(("tail", "wing"), clips=(store.clips[0].name,)).save(tmp_path / "labels.npz")
    with pytest.raises(LabelError, match=r"tail, wing.*skeleton"):
        labels_of(tmp_path / "labels.npz", store, store.clips, H36M)


def test_flat_poses_are_drawn_as_the_animal_that_the_skeleton_describes(
    tiny_config: Callable[..., Config],
) -> None:
    config = tiny_config()
    worm = {
        "unit": ["pelvis", "neck"],
        "parts": [{"name": "body", "path": ["pelvis", "neck"], "width": 0.3}],
    }
    figure = Figure.from_dict(worm, joints=H36M.joints, where="worm")
    data = assemble_data(config, H36M, device=CPU)
    prior, _ = assemble_prior(config, replace(H36M, figure=figure))
    drawn = assemble_figures(config, data, prior)
    assert isinstance(drawn, DrawnAnimals)
    assert drawn.figure == figure
    plain, _ = assemble_prior(config, H36M)
    with pytest.raises(PriorError, match="Add a section 'figure'"):
        assemble_figures(config, data, plain)


def test_drawn_people_stand_before_plates_and_sharp_frames(
    tiny_config: Callable[..., Config], tiny_prior_in_space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of five training clips of six frames: their plates, then the fourth frame of each."""
    seen: list[torch.Tensor] = []

    class Seen(Backdrops):
        def __init__(self, pictures: torch.Tensor) -> None:
            seen.append(pictures)
            super().__init__(pictures)

    monkeypatch.setattr("keypointgan.assemble.Backdrops", Seen)
    config = tiny_config(f"prior.poses={tiny_prior_in_space}", "prior.place=body")
    data = assemble_data(config, H36M, device=CPU)
    prior, _ = assemble_prior(config, H36M)
    assemble_figures(config, data, prior)
    clips = data.training_clips
    middles = data.bank.fetch(torch.tensor([clip.start + 3 for clip in clips]))
    (pictures,) = seen
    assert_close(pictures[: len(clips)], torch.stack([data.bank.plate(clip) for clip in clips]))
    assert_close(pictures[len(clips) :].float() / 127.5 - 1, middles, atol=1e-5, rtol=0)
