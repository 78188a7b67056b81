"""The step sizes over a run, worked by hand."""

from collections.abc import Callable

import pytest

from keypointgan.config import Config
from keypointgan.training.schedule import insistence_on_sides, is_alone, step_size_factor


def test_step_sizes_are_whole_without_a_cool_down(tiny_config: Callable[..., Config]) -> None:
    assert step_size_factor(tiny_config(), step=6, seconds=1e6) == 1.0


def test_the_wall_time_cools_down_a_run_that_it_will_end(
    tiny_config: Callable[..., Config],
) -> None:
    """Of ten minutes the last half cools down; at 7.5, half of it is left."""
    config = tiny_config("training.steps=1000", "training.minutes=10", "optimiser.cool_down=0.5")
    assert step_size_factor(config, step=1, seconds=299) == 1.0
    assert step_size_factor(config, step=1, seconds=450) == pytest.approx(0.5 + 1e-3)


def test_figures_alone_are_learnt_in_larger_steps(tiny_config: Callable[..., Config]) -> None:
    config = tiny_config("figures.alone=2", "figures.rate=5")
    assert [is_alone(config, step=step) for step in (1, 2, 3)] == [True, True, False]
    factors = [step_size_factor(config, step=step, seconds=0.0) for step in (1, 2, 3)]
    assert factors == [5.0, 5.0, 1.0]


def test_insistence_on_sides_grows_while_figures_are_learnt_alone(
    tiny_config: Callable[..., Config],
) -> None:
    """From 0.1 to 0.5 over four updates, and 0.5 after them."""
    settings = ("figures.insistence=0.1", "figures.final_insistence=0.5")
    config = tiny_config("figures.alone=4", *settings)
    grown = [insistence_on_sides(config, step=step) for step in (1, 2, 4, 9)]
    assert grown == pytest.approx([0.2, 0.3, 0.5, 0.5])
    assert insistence_on_sides(tiny_config(*settings), step=1) == pytest.approx(0.5)
