"""Where this machine computes, what it does itself, and what it only emulates."""

import platform

import torch

from keypointgan.errors import ConfigError

NO_BFLOAT16 = (
    "This CPU has no bfloat16 units and would take tens of times longer with them emulated: "
    "computing in float32 instead."
)
"""What is told where `has_bfloat16` says no."""


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is worth computing with on that device.

    Asked of x86 processors alone; others, and GPUs, are believed to have it.
    """
    if device.type != "cpu" or platform.machine().lower() not in {"x86_64", "amd64"}:
        return True
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def choose_device(device: str) -> torch.device:
    """The device of that name; for `auto` the best of this machine.

    Raises:
        ConfigError: This machine has no such device.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        first_line = str(error).split("\n", maxsplit=1)[0]
        raise ConfigError(
            f"Expected a device of this machine (cpu, cuda, mps or auto), got '{device}' "
            f"({first_line})."
        ) from error
    return chosen
