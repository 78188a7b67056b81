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

from keypointgan.errors import ConfigError
from keypointgan.settings import TrainingConfig
from keypointgan.training.process import Clock, averager, interruptible, make_fabric
from keypointgan.training.progress import Progress, Silent


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


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has such a device")
def test_a_device_that_the_machine_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match="Expected a device of this machine"):
        make_fabric(TrainingConfig(device="cuda"), listener=Silent())


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


class _Told:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_progress(self, progress: Progress) -> None:
        raise AssertionError("nothing is trained here")

    def on_message(self, message: str) -> None:
        self.messages.append(message)


@pytest.mark.parametrize("has_units", [False, True])
def test_bfloat16_is_emulated_by_no_cpu(monkeypatch: pytest.MonkeyPatch, has_units: bool) -> None:
    """Without units the networks run in float32, which is told once; with them, as asked for."""
    monkeypatch.setattr("keypointgan.training.process.has_bfloat16", lambda device: has_units)
    told = _Told()
    fabric = make_fabric(TrainingConfig(device="cpu", precision="bf16-mixed"), listener=told)
    with fabric.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if has_units else torch.float32)
    assert [message[:33] for message in told.messages] == (
        [] if has_units else ["This CPU has no bfloat16 units an"]
    )


def test_float32_is_nothing_to_tell_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keypointgan.training.process.has_bfloat16", lambda device: False)
    told = _Told()
    make_fabric(TrainingConfig(device="cpu", precision="32-true"), listener=told)
    assert told.messages == []


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
