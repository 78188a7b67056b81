"""Signals, pace, and gradients averaged over processes."""

import os
import signal
import socket
import subprocess
import sys
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


_RANK = """
import os, sys
import torch
from lightning.fabric import Fabric
from torch import nn
from keypointgan.training.process import averager

fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
fabric.launch()
weights = [nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(2, 2))]
for factor, weight in zip((1.0, 10.0), weights, strict=True):
    weight.grad = torch.full_like(weight, factor * (fabric.global_rank + 1))
averager(fabric)([weights[0], nn.Parameter(torch.zeros(1)), weights[1]])
print("averaged", [weight.grad.flatten().tolist() for weight in weights], flush=True)
os._exit(0)  # gloo's threads may abort an ordinary exit, long after what is tested here
"""


@pytest.mark.slow
def test_two_processes_have_the_mean_of_their_gradients() -> None:
    """1 and 2 become 1.5, 10 and 20 become 15, in both; a weight without a gradient has none."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0"}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", _RANK],
            env={**os.environ, **common, "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in ranks]
    assert all(f"averaged {[[1.5] * 3, [15.0] * 4]}" in output for output in outputs)
