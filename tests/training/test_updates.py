"""One update on a batch that the generator alone decides; whose labels the twin may see."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from keypointgan.assemble import TrainingData, assemble_data, assemble_prior
from keypointgan.config import Config
from keypointgan.data.labels import Labels
from keypointgan.errors import ConfigError, PriorError
from keypointgan.skeletons import Skeleton
from keypointgan.training.state import TrainingState
from keypointgan.training.step import Engine
from keypointgan.training.updates import LabelledUpdate, UnlabelledUpdate

CPU = torch.device("cpu")
SKELETON = Skeleton.load("h36m17")
NOISY = ("data.mirror=true", "data.colour_jitter=0.2", "loss.discriminator_noise=0.3")


def _data(config: Config) -> TrainingData:
    return assemble_data(config, SKELETON, device=CPU)


def _twin(config: Config) -> LabelledUpdate:
    return LabelledUpdate(config, data=_data(config), skeleton=SKELETON, engine=Engine())


def _losses(config: Config, *, seed: int) -> dict[str, torch.Tensor]:
    state = TrainingState.fresh(config, SKELETON, device=CPU)
    prior, _ = assemble_prior(config, SKELETON)
    update = UnlabelledUpdate(config, data=_data(config), prior=prior, engine=Engine())
    return update(state, generator=torch.Generator().manual_seed(seed))


def test_every_network_learns_in_one_update(tiny_config: Callable[..., Config]) -> None:
    losses = _losses(tiny_config(), seed=0)
    assert {name for name in losses if name.startswith("loss")} == {
        "loss_generator",
        "loss_reconstruction",
        "loss_adversarial",
        "loss_discriminator",
        "loss_regressor_prior",
        "loss_regressor_cycle",
    }
    for network in ("generator", "discriminator", "regressor"):
        assert losses[f"norm_{network}"] > 0


def test_moved_frames_are_learnt_from_where_the_settings_ask(
    tiny_config: Callable[..., Config],
) -> None:
    """The encoder's first points do not move along; without a weight nothing else is drawn."""
    plain = _losses(tiny_config(), seed=0)
    losses = _losses(tiny_config("equivariance.weight=10", "equivariance.rotation=180"), seed=0)
    assert set(losses) - set(plain) == {"loss_equivariance"}
    assert losses["loss_equivariance"] > 0.05
    assert_close(losses["loss_reconstruction"], plain["loss_reconstruction"])


def test_an_update_depends_on_its_seed_alone(tiny_config: Callable[..., Config]) -> None:
    config = tiny_config(*NOISY)
    first, again, other = (_losses(config, seed=seed) for seed in (1, 1, 2))
    assert_close(again, first, atol=0, rtol=0)
    assert first["loss_regressor_prior"] != other["loss_regressor_prior"]


def test_drawn_figures_come_alone_first_and_then_beside_the_method(
    tiny_config: Callable[..., Config], tiny_prior_in_space: Path
) -> None:
    config = tiny_config(
        f"prior.poses={tiny_prior_in_space}",
        "prior.place=body",
        "figures.alone=2",
        "figures.weight=0.5",
        "figures.batch_size=2",
    )
    state = TrainingState.fresh(config, SKELETON, device=CPU)
    prior, _ = assemble_prior(config, SKELETON)
    update = UnlabelledUpdate(config, data=_data(config), prior=prior, engine=Engine())
    generator = torch.Generator().manual_seed(0)
    names = []
    for state.step in (2, 3):
        names.append({name for name in update(state, generator=generator) if "norm" in name})
    assert names[0] == {"norm_figures"}
    assert names[1] == {"norm_figures", "norm_generator", "norm_discriminator", "norm_regressor"}


def test_figures_need_poses_in_space(tiny_config: Callable[..., Config]) -> None:
    config = tiny_config("figures.alone=2")
    prior, _ = assemble_prior(config, SKELETON)
    with pytest.raises(PriorError, match="3D poses"):
        UnlabelledUpdate(config, data=_data(config), prior=prior, engine=Engine())


def test_the_twin_needs_labels(tiny_config: Callable[..., Config]) -> None:
    with pytest.raises(ConfigError, match=r"training\.supervised_labels"):
        _twin(tiny_config())


def test_the_twin_reads_labels_of_training_clips_alone(
    tiny_config: Callable[..., Config], tiny_store: Path
) -> None:
    config = tiny_config(f"training.supervised_labels={tiny_store / 'labels.npz'}")
    twin, data = _twin(config), _data(config)
    allowed = {
        row for clip in data.training_clips for row in range(clip.start, clip.start + clip.frames)
    }
    assert len(data.training_clips) == 5
    assert set(twin.rows.tolist()) == allowed


def test_the_twin_may_be_given_a_few_labels_only(
    tiny_config: Callable[..., Config], tiny_store: Path
) -> None:
    """Some at random, each with its own points."""
    labels = tiny_store / "labels.npz"
    settings = (f"training.supervised_labels={labels}", "training.supervised_limit=7")
    twin, again, other = (
        _twin(tiny_config(*settings, f"training.seed={seed}")) for seed in (0, 0, 1)
    )
    assert len(set(twin.rows.tolist())) == 7
    assert again.rows.tolist() == twin.rows.tolist()
    assert other.rows.tolist() != twin.rows.tolist()
    # All six clips of six frames are labelled in order: the label of a row is the one at its place.
    assert_close(twin.points, torch.from_numpy(Labels.load(labels).xy)[twin.rows])


def test_a_mirrored_frame_comes_with_mirrored_labels(
    tiny_config: Callable[..., Config],
    tiny_store: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = tiny_store / "labels.npz"
    config = tiny_config(
        f"training.supervised_labels={labels}", "data.mirror=true", "training.batch_size=16"
    )
    seen: dict[str, torch.Tensor] = {}

    def catch(*_: object, frame: torch.Tensor, labels: torch.Tensor, **__: object) -> dict:
        seen.update(frame=frame, labels=labels)
        return {}

    monkeypatch.setattr("keypointgan.training.updates.labelled_step", catch)
    twin = _twin(config)
    state = TrainingState.fresh(config, SKELETON, device=CPU)
    twin(state, generator=torch.Generator().manual_seed(0))
    frames = twin.data.bank.fetch(torch.arange(36))
    points = torch.from_numpy(Labels.load(labels).xy)
    mirrored_points = points[:, list(SKELETON.mirror)] * torch.tensor([-1.0, 1.0])
    flips = 0
    for frame, label in zip(seen["frame"], seen["labels"], strict=True):
        plain = [i for i in range(36) if torch.equal(frames[i], frame)]
        flipped = [i for i in range(36) if torch.equal(frames[i].flip(-1), frame)]
        source = plain or flipped
        assert len(source) == 1
        assert_close(label, (points if plain else mirrored_points)[source[0]])
        flips += not plain
    assert 2 <= flips <= 14, "about half of sixteen"


def test_labels_of_the_clips_kept_apart_do_not_reach_the_twin(
    tiny_config: Callable[..., Config], tiny_store: Path, tmp_path: Path
) -> None:
    config = tiny_config(f"training.supervised_labels={tiny_store / 'labels.npz'}")
    (apart,) = _data(config).validation_clips
    labels = Labels.load(tiny_store / "labels.npz")
    labels.xy[np.array(labels.clip) == apart.name] = 9.0  # far outside of the frame
    labels.save(tmp_path / "changed.npz")
    changed = _twin(tiny_config(f"training.supervised_labels={tmp_path / 'changed.npz'}"))
    assert (changed.points < 2).all()
    assert_close(changed.points, _twin(config).points, atol=1e-5, rtol=0)
