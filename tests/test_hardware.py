"""What this machine computes itself, and what is told where it does not."""

import platform

import pytest
import torch

from keypointgan.hardware import has_bfloat16

CPU = torch.device("cpu")


def _machine(
    monkeypatch: pytest.MonkeyPatch,
    *,
    kind: str = "x86_64",
    avx512: bool = False,
    amx: bool = False,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: kind)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)


@pytest.mark.parametrize("kind", ["x86_64", "AMD64"])
def test_a_processor_without_units_only_emulates_it(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    _machine(monkeypatch, kind=kind)
    assert not has_bfloat16(CPU)


@pytest.mark.parametrize("unit", ["avx512", "amx"])
def test_either_unit_is_enough(monkeypatch: pytest.MonkeyPatch, unit: str) -> None:
    _machine(monkeypatch, **{unit: True})  # type: ignore[arg-type]
    assert has_bfloat16(CPU)


def test_a_gpu_and_another_processor_are_believed_to_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _machine(monkeypatch)
    assert has_bfloat16(torch.device("cuda"))
    _machine(monkeypatch, kind="arm64")
    assert has_bfloat16(CPU)
