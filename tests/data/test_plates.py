"""What a still camera sees behind the object."""

from pathlib import Path

import numpy as np
import torch
from torch.testing import assert_close

from keypointgan.data.pairs import FrameBank, PairSampler, draw_pair
from keypointgan.data.store import Store, StoreWriter

CPU = torch.device("cpu")


def _store(path: Path) -> Store:
    """Two clips of a grey wall (100, then 200) before which a white column walks to the right."""
    with StoreWriter(path, size=16, encoding="raw") as writer:
        for name, grey in (("dark", 100), ("bright", 200)):
            frames = np.full((8, 16, 16, 3), grey, np.uint8)
            for number, frame in enumerate(frames):
                frame[:, 2 * number] = 255
            writer.add_clip(name, frames, source="made", fps=15)
    return Store.open(path)


def test_the_plate_of_a_clip_is_what_stands_still(tmp_path: Path) -> None:
    bank = FrameBank(_store(tmp_path / "store"), size=16, device=CPU, plates=True)
    plates = bank.plates(torch.tensor([0, 7, 8]))
    greys = torch.tensor([100.0, 100.0, 200.0]) / 127.5 - 1
    assert_close(plates, greys.view(3, 1, 1, 1).expand(3, 3, 16, 16))


def test_a_bank_has_no_plates_unless_asked_for(tmp_path: Path) -> None:
    bank = FrameBank(_store(tmp_path / "store"), size=16, device=CPU)
    assert bank.plates(torch.tensor([0])) is None


def test_plates_are_mirrored_and_coloured_like_their_frames(
    tmp_path: Path, generator: torch.Generator
) -> None:
    """Away from the column, frame and plate agree whatever is done to them."""
    store = _store(tmp_path / "store")
    bank = FrameBank(store, size=16, device=CPU, plates=True)
    sampler = PairSampler(store.clips, gap=(1, 9), reference="either", device=CPU)
    pair = draw_pair(bank, sampler, 32, generator=generator, mirror=True, colour_jitter=0.2)
    assert pair.background is not None
    differing = (pair.frame - pair.background).abs().amax(dim=(1, 2)) > 1e-6
    assert (differing.sum(dim=1) <= 1).all()
