"""The regressor alone: when it stops, and that a stop changes nothing."""

from collections.abc import Callable

import pytest
import torch
from torch.testing import assert_close

from keypointgan.assemble import assemble_prior
from keypointgan.config import Config
from keypointgan.skeletons import Skeleton
from keypointgan.training.pretrain import Pretraining
from keypointgan.training.state import TrainingState
from keypointgan.training.step import Engine

CPU = torch.device("cpu")
SKELETON = Skeleton.load("h36m17")


@pytest.fixture
def pretraining(tiny_config: Callable[..., Config]) -> Callable[..., Pretraining]:
    """A function that makes the phase for small networks, with more `pretrain` settings."""

    def make(*more: str) -> Pretraining:
        config = tiny_config("pretrain.target=0", *(f"pretrain.{setting}" for setting in more))
        model = TrainingState.fresh(config, SKELETON, device=CPU).model
        prior, held_out = assemble_prior(config, SKELETON)
        return Pretraining(
            model,
            prior,
            held_out,
            settings=config.pretrain,
            size=64,
            seed=0,
            device=CPU,
            engine=Engine(),
        )

    return make


def test_it_stops_at_the_target(pretraining: Callable[..., Pretraining]) -> None:
    reports = list(pretraining("target=90").run())
    assert [report.step for report in reports] == [2]
    assert reports[-1].finished == "reached the target of 90.0 %"


def test_it_stops_when_it_gets_no_better(pretraining: Callable[..., Pretraining]) -> None:
    """Without a step size: the first error is the best, the two after it are no better."""
    reports = list(pretraining("learning_rate=1e-12", "patience=2", "steps=20").run())
    assert [report.step for report in reports] == [2, 4, 6]
    assert reports[-1].finished == "no better for 2 evaluations"


def test_it_stops_at_the_limit_and_measures_there(
    pretraining: Callable[..., Pretraining],
) -> None:
    reports = list(pretraining("steps=3").run())
    assert [report.step for report in reports] == [2, 3]
    assert reports[-1].finished == "did 3 updates"
    assert all(report.error is not None for report in reports)


def test_the_error_falls(pretraining: Callable[..., Pretraining]) -> None:
    phase = pretraining("steps=60", "batch_size=16", "evaluate_every=60", "learning_rate=3e-3")
    before = phase.held_out_error()
    (*_, last) = phase.run()
    assert last.error is not None
    assert last.error < 0.8 * before


def test_only_the_regressor_learns(pretraining: Callable[..., Pretraining]) -> None:
    phase = pretraining("steps=2")
    before = {name: value.clone() for name, value in phase.model.state_dict().items()}
    list(phase.run())
    changed = {
        name.partition(".")[0]
        for name, value in phase.model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed == {"regressor"}


def test_the_step_size_falls_to_zero_along_a_cosine(
    pretraining: Callable[..., Pretraining],
) -> None:
    """Halfway through it is half; before the last of four updates (1 + cos 3π/4) / 2 = 0.146."""
    phase = pretraining("steps=4", "evaluate_every=1", "learning_rate=0.01")
    rates = [phase.optimizer.param_groups[0]["lr"] for _ in phase.run()]
    assert rates == pytest.approx([0.01, 0.00853553, 0.005, 0.00146447], rel=1e-5)


def test_a_stop_changes_nothing(pretraining: Callable[..., Pretraining]) -> None:
    straight, before, after = (pretraining("steps=6") for _ in range(3))
    list(straight.run())
    reports = before.run()
    next(reports)
    after.model.load_state_dict(before.model.state_dict())
    after.load_state_dict(before.state_dict())
    list(after.run())
    assert after.step == straight.step == 6
    assert (after.best, after.since_best) == (straight.best, straight.since_best)
    assert_close(after.model.state_dict(), straight.model.state_dict(), atol=0, rtol=0)
