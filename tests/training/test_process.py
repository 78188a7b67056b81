"""Signals, pace, and gradients averaged over processes."""

import signal
import time

import pytest
import torch
from lightning.fabric import Fabric
from torch import nn
from torch.testing import assert_close

from keypointgan.training.process import Clock, averager, interruptible


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_gently_and_the_second_at_once(kind: signal.Signals) -> None:
    stops: list[str] = []
    before = signal.signal(kind, signal.default_int_handler)
    try:
        with interruptible(lambda: stops.append("stop")):
            signal.raise_signal(kind)
            assert stops == ["stop"]
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(kind)
        assert stops == ["stop"]
    finally:
        signal.signal(kind, before)


def test_signals_are_the_callers_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interruptible(lambda: None):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_the_pace_is_that_of_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten updates in two seconds, whatever happened before the clock started at update 100."""
    moments = iter([50.0, 52.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    assert Clock(100).rate(110) == 5.0


def test_one_process_keeps_its_gradient() -> None:
    weight = nn.Parameter(torch.zeros(2))
    weight.grad = torch.tensor([1.0, 2.0])
    averager(Fabric(accelerator="cpu", devices=1))([weight])
    assert_close(weight.grad, torch.tensor([1.0, 2.0]))


def _average(fabric: Fabric) -> list[list[float]]:
    """Gradients (rank + 1) and 10 (rank + 1) of two weights, averaged; a third has none."""
    weights = [nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(2, 2))]
    for factor, weight in zip((1.0, 10.0), weights, strict=True):
        weight.grad = torch.full_like(weight, factor * (fabric.global_rank + 1))
    averager(fabric)([weights[0], nn.Parameter(torch.zeros(1)), weights[1]])
    averaged = [weight.grad.flatten().tolist() for weight in weights if weight.grad is not None]
    assert averaged == [[1.5] * 3, [15.0] * 4], f"process {fabric.global_rank}"
    return averaged


@pytest.mark.slow
def test_two_processes_have_the_mean_of_their_gradients() -> None:
    """1 and 2 become 1.5, 10 and 20 become 15, in both: a process that differs fails by itself."""
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp_spawn")
    assert fabric.launch(_average) == [[1.5] * 3, [15.0] * 4]
