"""The loop: a stop changes nothing, limits hold, and no failure costs a checkpoint."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from keypointgan.checkpoint import load_model, load_resume_state
from keypointgan.config import Config
from keypointgan.data.labels import Labels
from keypointgan.data.synthetic import write_synthetic
from keypointgan.errors import CheckpointError, TrainingError
from keypointgan.training.journal import read_metrics
from keypointgan.training.progress import Progress, Silent
from keypointgan.training.schedule import step_size_factor
from keypointgan.training.trainer import Trainer
from keypointgan.training.validate import ValidationSet

EVERYTHING = (
    "data.mirror=true",
    "data.colour_jitter=0.1",
    "loss.discriminator_noise=0.2",
    "optimiser.average=0.9",
    "optimiser.cool_down=0.5",
)
"""Settings under which all that is random or accumulates takes part."""

MakeConfig = Callable[..., Config]


@pytest.fixture(autouse=True)
def _small_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight pairs do; and every logged step is reported, however soon after the last."""
    draw = ValidationSet.draw
    monkeypatch.setattr(ValidationSet, "draw", lambda *arguments: draw(*arguments, count=8))
    monkeypatch.setattr("keypointgan.training.trainer._PROGRESS_SECONDS", 0.0)


class _Interrupter:
    """A listener that presses Ctrl-C once a phase has come to a step."""

    def __init__(self, phase: str, step: int) -> None:
        self.phase, self.step = phase, step
        self.trainer: Trainer | None = None
        self.messages: list[str] = []

    def on_progress(self, progress: Progress) -> None:
        if (progress.phase, progress.step) == (self.phase, self.step):
            assert self.trainer is not None
            self.trainer._interrupt()

    def on_message(self, message: str) -> None:
        self.messages.append(message)


def _interrupted(run: Path, config: Config, phase: str, step: int) -> Trainer:
    listener = _Interrupter(phase, step)
    trainer = listener.trainer = Trainer(run, config, listener=listener)
    assert trainer.fit().reason == "interrupted"
    return trainer


def _lines(run: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in read_metrics(run)]


def _leaves(values: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every tensor and number in nested containers, with its place."""
    if isinstance(values, dict):
        parts: Iterable[tuple[Any, Any]] = values.items()
    elif isinstance(values, list | tuple):
        parts = enumerate(values)
    else:
        yield place, values
        return
    for key, value in parts:
        yield from _leaves(value, f"{place}/{key}")


def _assert_same_state(one: Path, other: Path) -> None:
    ours, theirs = (dict(_leaves(load_resume_state(run))) for run in (one, other))
    assert ours.keys() == theirs.keys()
    for place, value in ours.items():
        if place.endswith("/seconds"):
            continue
        same = (
            torch.equal(value, theirs[place])
            if isinstance(value, Tensor)
            else value == theirs[place]
        )
        assert same, f"{place} differs"


def _poison(trainer: Trainer, *, after: int) -> None:
    """Let a weight of the encoder become NaN by the update of that step."""
    update = trainer.update

    def poisoned(state: Any, *, generator: torch.Generator) -> dict[str, Tensor]:
        losses = update(state, generator=generator)
        if state.step == after:
            next(state.model.encoder.parameters()).data.fill_(torch.nan)
        return losses

    trainer.update = poisoned


def test_stop_and_resume_equal_no_stop_bit_for_bit(tiny_config: MakeConfig, tmp_path: Path) -> None:
    """Stopped while pre-training, after an update, and at an evaluation."""
    config = tiny_config(*EVERYTHING)
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    assert Trainer(straight, config).fit().reason == "steps"
    for phase, step in (("pretrain", 2), ("train", 1), ("train", 3)):
        trainer = _interrupted(stopped, config, phase, step)
        assert trainer.state.step == (0 if phase == "pretrain" else step)
    assert Trainer(stopped, config).fit().step == 6
    assert _lines(stopped) == _lines(straight)
    _assert_same_state(stopped, straight)
    ours, theirs = (load_model(run).model.state_dict() for run in (stopped, straight))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_kill_while_pretraining_costs_what_came_after_the_last_measurement(
    tiny_config: MakeConfig, tmp_path: Path
) -> None:
    """Killed after update 4, with the error measured and saved after 2: line 4 comes once."""
    config = tiny_config("pretrain.evaluate_every=2", "pretrain.target=0")

    class Killer(Silent):
        def on_progress(self, progress: Progress) -> None:
            if progress.step == 4:
                raise MemoryError  # as a kill, it leaves nothing behind

    with pytest.raises(MemoryError):
        Trainer(tmp_path, config, listener=Killer()).fit()
    trainer = Trainer(tmp_path, config)
    assert trainer.state.pretrain_step == 2
    trainer.fit(only_pretrain=True)
    assert [line["step"] for line in _lines(tmp_path) if line["phase"] == "pretrain"] == [2, 4]


def test_a_stop_at_the_end_of_pretraining_does_not_prolong_it(
    tiny_config: MakeConfig, tmp_path: Path
) -> None:
    config = tiny_config("pretrain.target=90")  # reached at once, at step 2 of 4
    _interrupted(tmp_path, config, "pretrain", 2)
    Trainer(tmp_path, config).fit()
    assert [line["step"] for line in _lines(tmp_path) if line["phase"] == "pretrain"] == [2]


def test_an_interruption_saves_and_says_where_it_stopped(
    tiny_config: MakeConfig, tmp_path: Path
) -> None:
    trainer = _interrupted(tmp_path, tiny_config(), "train", 2)
    assert trainer.state.step == 2
    values = load_resume_state(tmp_path)
    assert values is not None
    assert values["state"]["step"] == 2
    assert load_model(tmp_path).step == 2


def test_the_time_is_up(tiny_config: MakeConfig, tmp_path: Path) -> None:
    """After the first update, since the limit has passed by then; what is there is evaluated."""
    limit = ("pretrain.steps=0", "training.minutes=1e-6", "optimiser.cool_down=0.5")
    outcome = Trainer(tmp_path, tiny_config(*limit)).fit()
    assert (outcome.reason, outcome.step) == ("minutes", 1)
    assert "reconstruction" in outcome.metrics
    outcome = Trainer(tmp_path, tiny_config("pretrain.steps=0")).fit()
    assert (outcome.reason, outcome.step) == ("steps", 6)


def test_pretraining_alone_stops_there(tiny_config: MakeConfig, tmp_path: Path) -> None:
    outcome = Trainer(tmp_path, tiny_config()).fit(only_pretrain=True)
    assert (outcome.reason, outcome.step) == ("pretrained", 0)
    assert {line["phase"] for line in _lines(tmp_path)} == {"pretrain"}


def test_a_run_takes_the_regressor_of_another(tiny_config: MakeConfig, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    Trainer(first, tiny_config()).fit(only_pretrain=True)
    trainer = Trainer(second, tiny_config(f"pretrain.regressor={first}", "training.seed=5"))
    trainer.fit(only_pretrain=True)
    ours, theirs = (load_model(run).model.regressor.state_dict() for run in (second, first))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert not _lines(second)


@pytest.mark.parametrize(
    ("alone", "cycle", "warned"), [(True, 0.1, False), (False, 0.1, True), (False, 0.0, False)]
)
def test_a_regressor_that_learnt_from_an_encoder_is_taken_with_a_warning(
    tiny_config: MakeConfig, tmp_path: Path, *, alone: bool, cycle: float, warned: bool
) -> None:
    """It brings along what that run called the head (docs/experiments.md, 36)."""
    first = tmp_path / "first"
    settings = ("training.steps=2", f"loss.regressor_cycle={cycle}")
    Trainer(first, tiny_config(*settings)).fit(only_pretrain=alone)
    listener = _Interrupter("never", 0)
    settings = (f"pretrain.regressor={first}", "training.steps=1")
    Trainer(tmp_path / "second", tiny_config(*settings), listener=listener).fit()
    said = [line for line in listener.messages if "keypointgan pretrain" in line]
    assert [("2 updates" in line) for line in said] == [True] * warned


@pytest.mark.parametrize("more", [("model.skeleton=penn13",), ("model.sides=apart",)])
def test_a_regressor_of_other_keypoints_or_channels_is_refused(
    tiny_config: MakeConfig, tmp_path: Path, more: tuple[str, ...]
) -> None:
    first = tmp_path / "first"
    Trainer(first, tiny_config()).fit(only_pretrain=True)
    other = tmp_path / "prior.npz"
    np.savez(other, xy=np.random.default_rng(0).uniform(0, 128, (20, 13, 2)), size=128)
    poses = (f"prior.poses={other}",) if "penn13" in more[0] else ()
    trainer = Trainer(
        tmp_path / "second", tiny_config(f"pretrain.regressor={first}", *more, *poses)
    )
    with pytest.raises(CheckpointError, match=r"regressor"):
        trainer.fit()


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_checkpoint(
    tiny_config: MakeConfig, tmp_path: Path
) -> None:
    trainer = Trainer(tmp_path, tiny_config("training.save_every=2"))
    _poison(trainer, after=3)
    with pytest.raises(TrainingError, match=r"not a number any more at step 4.*learning_rate"):
        trainer.fit()
    assert load_model(tmp_path / "checkpoints" / "last").step == 2


def test_weights_that_are_no_numbers_never_replace_a_checkpoint(
    tiny_config: MakeConfig, tmp_path: Path
) -> None:
    """Where a checkpoint is due before the next line of metrics would tell."""
    settings = ("training.save_every=1", "training.log_every=5")
    trainer = Trainer(tmp_path, tiny_config(*settings))
    _poison(trainer, after=2)
    with pytest.raises(TrainingError, match="not a number any more at step 2"):
        trainer.fit()
    last = load_model(tmp_path / "checkpoints" / "last")
    assert last.step == 1
    assert all(value.isfinite().all() for value in last.model.state_dict().values())


def test_the_best_checkpoint_is_that_of_the_least_error(
    tiny_config: MakeConfig, tiny_store: Path, tmp_path: Path
) -> None:
    """Errors 5, 3 and 4 at the updates 2, 4 and 6; it is the one that a run is loaded from."""
    errors = iter([5.0, 3.0, 4.0])

    def evaluate(predicted: np.ndarray, labels: Labels) -> dict[str, float]:
        assert predicted.shape == labels.xy.shape == (6, 17, 2)
        error = next(errors)
        return {"error": 2 * error, "error_flip_min": error}

    config = tiny_config(
        f"data.validation_labels={tiny_store / 'labels.npz'}",
        "pretrain.steps=0",
        "training.evaluate_every=2",
    )
    outcome = Trainer(tmp_path, config, evaluate=evaluate).fit()
    assert outcome.metrics["error_flip_min"] == 4.0
    best, last = (load_model(tmp_path / "checkpoints" / name) for name in ("best", "last"))
    assert (best.step, last.step) == (4, 6)
    assert best.metrics["error_flip_min"] == 3.0
    assert load_model(tmp_path).step == 4


def test_panels_are_drawn_at_each_evaluation(tiny_config: MakeConfig, tmp_path: Path) -> None:
    from PIL import Image

    Trainer(tmp_path, tiny_config("pretrain.steps=0", "training.panels=3")).fit()
    panels = sorted((tmp_path / "panels").iterdir())
    assert [panel.name for panel in panels] == ["0000003.png", "0000006.png"]
    with Image.open(panels[0]) as picture:
        assert picture.size == (6 * 128, 3 * 128 + 16), "six columns, three rows, their titles"
        assert len(set(picture.convert("L").tobytes())) > 50, "no blank sheet"


def test_warnings_are_kept_and_told(tiny_config: MakeConfig, tmp_path: Path) -> None:
    """Still videos: each clip is one frame again and again."""
    from keypointgan.data.store import Store, StoreWriter

    store = tmp_path / "still"
    source = Store.open(tiny_config().data.store or "")
    with StoreWriter(store, size=64, encoding="raw") as writer:
        for clip in source.clips:
            frame = source.frames([clip.start])[0]
            writer.add_clip(clip.name, [frame, frame], source="still", fps=15)
    listener = _Interrupter("never", 0)
    config = tiny_config(f"data.store={store}", "pretrain.steps=0")
    Trainer(tmp_path / "run", config, listener=listener).fit()
    lines = (tmp_path / "run" / "health.jsonl").read_text(encoding="utf-8").splitlines()
    assert "frames_without_motion" in {json.loads(line)["name"] for line in lines}
    assert any(message.startswith("warning (frames_without") for message in listener.messages)


def test_one_batch_can_be_overfitted(tiny_config: MakeConfig, tmp_path: Path) -> None:
    """Two frames, each the reference of the other: rebuilt to half of the first error."""
    store = write_synthetic(tmp_path / "store", clips=1, frames_per_clip=2, size=64, seed=3)
    config = tiny_config(
        f"data.store={store}",
        "data.validation_fraction=0",
        "pretrain.steps=0",
        "loss.adversarial=0",
        "optimiser.learning_rate=5e-3",
        "training.steps=150",
        "training.evaluate_every=10",
        "training.log_every=20",
    )
    Trainer(tmp_path / "run", config).fit()
    errors = [
        line["reconstruction"] for line in _lines(tmp_path / "run") if line["phase"] == "evaluate"
    ]
    assert errors[-1] < errors[0] / 2


def test_the_supervised_twin_learns_its_labels(
    tiny_config: MakeConfig, tiny_store: Path, tmp_path: Path
) -> None:
    config = tiny_config(
        "training.supervised=true",
        f"training.supervised_labels={tiny_store / 'labels.npz'}",
        "training.supervised_limit=2",
        "pretrain.steps=0",
        "optimiser.learning_rate=2e-3",
        "training.steps=60",
        "training.evaluate_every=60",
    )
    Trainer(tmp_path, config).fit()
    losses = [line["loss_labelled"] for line in _lines(tmp_path) if line["phase"] == "train"]
    assert np.mean(losses[-10:]) < np.mean(losses[:5]) / 2


def test_a_run_of_other_networks_is_not_taken_up(tiny_config: MakeConfig, tmp_path: Path) -> None:
    _interrupted(tmp_path, tiny_config(), "train", 1)
    with pytest.raises(CheckpointError, match=r"config\.yaml.*Start a new run"):
        Trainer(tmp_path, tiny_config("model.width=32"))
    assert load_model(tmp_path).step == 1


def test_the_step_sizes_fall_at_the_end(tiny_config: MakeConfig, tmp_path: Path) -> None:
    """Whole until half of the six updates, then by thirds, a thousandth above zero."""
    trainer = Trainer(tmp_path, tiny_config("pretrain.steps=0", "optimiser.cool_down=0.5"))
    rates = []
    for step in range(1, 7):
        trainer.state.step = step
        trainer.state.scale_rates(step_size_factor(trainer.config, step=step, seconds=0.0))
        rates.append(trainer.state.generator_optimizer.param_groups[0]["lr"] / 2e-4)
    expected = [1.0, 1.0, 1.0, 2 / 3 + 1e-3, 1 / 3 + 1e-3, 1e-3]
    assert rates == pytest.approx(expected)
