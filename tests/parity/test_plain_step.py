"""Our training step against the plain one that the benchmarks compare it with."""

from pathlib import Path

import pytest
import torch

SPEED = Path(__file__).resolve().parents[2] / "benchmarks" / "speed"


def test_our_step_has_the_losses_and_gradients_of_a_plain_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The plain one draws every link and keeps one function an update; the check is its own."""
    monkeypatch.syspath_prepend(SPEED)
    from subjects import check_agreement

    with torch.random.fork_rng():
        agreement = check_agreement()
    assert len(agreement) == 7
