"""What this machine computes itself, and what it only emulates."""

import platform

import torch

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
