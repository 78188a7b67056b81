"""The loop's dealings with the machine: signals, time, several processes."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

import torch
from lightning.fabric import Fabric
from torch import Tensor

from keypointgan.hardware import NO_BFLOAT16, choose_device, has_bfloat16
from keypointgan.settings import TrainingConfig
from keypointgan.training.progress import Listener


@contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """Turn the first Ctrl-C (or SIGTERM) into a call of `stop`; the second is abrupt."""
    before: dict[signal.Signals, Any] = {}

    def handle(_: int, __: FrameType | None) -> None:
        stop()
        restore()

    def restore() -> None:
        for kind, handler in before.items():
            signal.signal(kind, handler)

    try:
        for kind in (signal.SIGINT, signal.SIGTERM):
            before[kind] = signal.signal(kind, handle)
    except ValueError:
        pass  # not the main thread: the caller handles its signals
    try:
        yield
    finally:
        restore()


class Clock:
    """The pace of late.

    Args:
        step: Updates done when the clock starts.
    """

    def __init__(self, step: int = 0) -> None:
        self._moments = [(time.monotonic(), step)]

    def rate(self, step: int) -> float:
        """Updates a second over the last few calls."""
        self._moments = [*self._moments[-20:], (time.monotonic(), step)]
        (then, before), (now, after) = self._moments[0], self._moments[-1]
        return (after - before) / max(now - then, 1e-9)


def make_fabric(settings: TrainingConfig, *, listener: Listener) -> Fabric:
    """The device and the number format of a run; bfloat16 only where the device computes in it.

    Raises:
        ConfigError: This machine has no such device.
    """
    choose_device(settings.device)

    def fabric(precision: Literal["32-true", "bf16-mixed"]) -> Fabric:
        return Fabric(accelerator=settings.device, devices=settings.devices, precision=precision)

    made = fabric(settings.precision)
    if settings.precision == "bf16-mixed" and not has_bfloat16(made.device):
        if made.is_global_zero:
            listener.on_message(NO_BFLOAT16)
        made = fabric("32-true")
    return made


def averager(fabric: Fabric) -> Callable[[Iterable[Tensor]], None]:
    """A function that averages the gradients of weights over all processes.

    The networks are not wrapped for distributed training, because each update freezes some of
    them; one reduction of all gradients of a group does the same.
    """

    def average(weights: Iterable[Tensor]) -> None:
        if fabric.world_size == 1:
            return
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        mean = fabric.all_reduce(flat, reduce_op="mean")
        assert isinstance(mean, Tensor)  # because a tensor came in
        parts = mean.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    return average
