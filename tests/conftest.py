"""What all tests share."""

import os
from pathlib import Path

import jaxtyping
import pytest
import runtime_types
import torch
from hypothesis import settings

jaxtyping.install_import_hook("keypointgan", f"{runtime_types.__name__}.check")
"""Shapes and types are checked at every call, in tests only; before keypointgan is imported."""

settings.register_profile("same in every run", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("same in every run")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def generator() -> torch.Generator:
    """A source of random numbers that gives the same ones in every run."""
    return torch.Generator().manual_seed(20200614)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("KEYPOINTGAN_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "humans_rendered").is_dir():
        pytest.skip(f"no real data at {folder}; set KEYPOINTGAN_DATA to its folder")
    return folder
