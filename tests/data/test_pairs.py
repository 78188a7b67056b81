"""Which frames go together, and that what is done to one is done to the other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from keypointgan.data.index import Clip
from keypointgan.data.pairs import FrameBank, PairSampler, draw_pair, jitter_colours, split_clips
from keypointgan.data.store import Store, StoreWriter
from keypointgan.errors import StoreError

CPU = torch.device("cpu")


def _clips(*lengths: int, groups: Sequence[str] = ()) -> list[Clip]:
    starts = np.cumsum([0, *lengths])
    return [
        Clip(
            name=f"clip {number}",
            source="made",
            start=int(starts[number]),
            frames=length,
            fps=15.0,
            crop=None,
            group=groups[number] if groups else f"clip {number}",
        )
        for number, length in enumerate(lengths)
    ]


def _sampler(clips: list[Clip], gap: tuple[int, int], reference: Any = "either") -> PairSampler:
    return PairSampler(clips, gap=gap, reference=reference, device=CPU)


def _pairs(sampler: PairSampler, generator: torch.Generator, count: int = 4000) -> set:
    rows, references = sampler.sample(count, generator=generator)
    return set(zip(rows.tolist(), references.tolist(), strict=True))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two clips of random frames with masks of their left third, 24 pixels wide."""
    path = tmp_path_factory.mktemp("pairs") / "store"
    rng = np.random.default_rng(0)
    mask = np.zeros((24, 24), np.uint8)
    mask[:, :8] = 255
    with StoreWriter(path, size=24, encoding="raw") as writer:
        for name in ("a", "b"):
            frames = rng.integers(0, 256, (5, 24, 24, 3), dtype=np.uint8)
            writer.add_clip(name, frames, source="made", fps=15, masks=[mask] * 5)
    return Store.open(path)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Clips of one frame shown twice, so that a frame and its reference are the same picture."""
    path = tmp_path_factory.mktemp("pairs") / "still"
    rng = np.random.default_rng(1)
    with StoreWriter(path, size=24, encoding="raw") as writer:
        for number in range(4):
            frame = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            writer.add_clip(f"clip {number}", [frame, frame], source="made", fps=15)
    return Store.open(path)


def _bank(store: Store, **more: Any) -> FrameBank:
    return FrameBank(store, **{"size": 24, "device": CPU, **more})


def test_pairs_keep_the_gap_on_either_side(generator: torch.Generator) -> None:
    """All pairs of two clips that are two or three frames apart, and no others."""
    expected = {
        (start + i, start + j)
        for start, length in ((0, 5), (5, 4))
        for i in range(length)
        for j in range(length)
        if 2 <= abs(i - j) <= 3
    }
    assert _pairs(_sampler(_clips(5, 4), (2, 3)), generator) == expected


def test_a_later_reference_is_never_earlier(generator: torch.Generator) -> None:
    expected = {(i, j) for i in range(5) for j in range(5) if 1 <= j - i <= 2}
    assert _pairs(_sampler(_clips(5), (1, 2), "later"), generator) == expected


def test_the_gap_is_cut_at_the_ends_of_the_clip(generator: torch.Generator) -> None:
    expected = {(i, j) for i in range(4) for j in range(4) if i != j}
    assert _pairs(_sampler(_clips(4), (1, 1000)), generator) == expected


def test_frames_are_drawn_alike_and_so_are_their_references(generator: torch.Generator) -> None:
    """Frames of long and short clips; 9,000 draws of 9 frames, of each three references."""
    rows, references = _sampler(_clips(5, 4), (1, 1000)).sample(9000, generator=generator)
    counts = rows.bincount(minlength=9)
    assert counts.min() > 900, "1,000 each, with a standard deviation of 30"
    assert counts.max() < 1100
    third = references[rows == 6].bincount(minlength=9)[[5, 7, 8]] / counts[6]
    assert_close(third, torch.full((3,), 1 / 3), atol=0.06, rtol=0)


def test_a_clip_of_one_frame_is_left_out(generator: torch.Generator) -> None:
    """The writer of stores refuses such clips; an older store may hold one."""
    assert {
        row for pair in _pairs(_sampler(_clips(3, 1, 2), (1, 1)), generator) for row in pair
    } == {
        0,
        1,
        2,
        4,
        5,
    }


def test_clips_that_are_all_too_short_are_an_error() -> None:
    with pytest.raises(StoreError, match=r"at least 5 frames apart.*of 2 clips has 4.*data\.gap"):
        _sampler(_clips(4, 3), (5, 9))
    with pytest.raises(StoreError, match="of 0 clips has 0"):
        _sampler([], (1, 9))


def test_a_split_keeps_groups_together_and_loses_no_clip() -> None:
    clips = _clips(*[10] * 12, groups=[f"film {number // 3}" for number in range(12)])
    training, apart = split_clips(clips, fraction=0.3, seed=0)
    assert sorted(training + apart, key=lambda clip: clip.start) == clips
    assert not {clip.group for clip in training} & {clip.group for clip in apart}
    assert len(apart) == 6, "one film of 30 frames is less than the 36 asked for, so two"


def test_a_split_depends_on_its_seed_alone() -> None:
    clips = _clips(*[5] * 20)
    first, again, other = (split_clips(clips, fraction=0.3, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert split_clips(clips[::-1], fraction=0.3, seed=0)[1] == first[1][::-1]


def test_something_is_always_left_to_train_on() -> None:
    assert split_clips(_clips(9), fraction=0.9, seed=0) == (_clips(9), [])
    training, apart = split_clips(_clips(9, 9), fraction=0.99, seed=0)
    assert (len(training), len(apart)) == (1, 1)
    assert split_clips(_clips(9, 9), fraction=0.0, seed=0)[1] == []


def test_a_batch_depends_on_the_seed_alone(store: Store) -> None:
    bank, sampler = _bank(store), _sampler(list(store.clips), (1, 4))
    first, again, other = (
        draw_pair(
            bank,
            sampler,
            3,
            generator=torch.Generator().manual_seed(seed),
            mirror=True,
            colour_jitter=0.2,
            warp=True,
        )
        for seed in (0, 0, 1)
    )
    assert torch.equal(first.frame, again.frame)
    assert torch.equal(first.reference, again.reference)
    assert torch.equal(first.rows, again.rows)
    assert not torch.equal(first.frame, other.frame)


def test_frames_come_in_their_range_and_at_their_rows(store: Store) -> None:
    """0 becomes -1, 255 becomes 1."""
    rows = torch.tensor([7, 0, 7])
    expected = store.frames([7, 0, 7]).transpose(0, 3, 1, 2) / 127.5 - 1
    assert_close(_bank(store).fetch(rows), torch.from_numpy(expected).float())


def test_frame_and_reference_are_mirrored_together(
    still: Store, generator: torch.Generator
) -> None:
    bank = _bank(still)
    sampler = _sampler(list(still.clips), (1, 1))
    pair = draw_pair(bank, sampler, 32, generator=generator, mirror=True)
    assert torch.equal(pair.frame, pair.reference)
    original = bank.fetch(pair.rows)
    flipped = [
        torch.equal(frame, source.flip(-1))
        for frame, source in zip(pair.frame, original, strict=True)
    ]
    for frame, source, flip in zip(pair.frame, original, flipped, strict=True):
        assert torch.equal(frame, source.flip(-1) if flip else source)
    assert 8 <= sum(flipped) <= 24, "about half of 32"


def test_frame_and_reference_change_their_colours_alike(
    still: Store, generator: torch.Generator
) -> None:
    bank, sampler = _bank(still), _sampler(list(still.clips), (1, 1))
    pair = draw_pair(bank, sampler, 8, generator=generator, colour_jitter=0.3)
    assert_close(pair.frame, pair.reference, atol=0, rtol=0)
    assert (pair.frame - bank.fetch(pair.rows)).abs().mean() > 0.02
    assert pair.frame.abs().max() <= 1


def test_no_jitter_changes_no_colour(generator: torch.Generator) -> None:
    frames = torch.rand(4, 3, 8, 8, generator=generator) * 2 - 1
    assert_close(jitter_colours(frames, pairs=2, strength=0.0, generator=generator), frames)


def test_a_warp_makes_a_pair_of_a_photograph(still: Store, generator: torch.Generator) -> None:
    """Frame and reference are warped differently, and neither is what it was."""
    bank, sampler = _bank(still), _sampler(list(still.clips), (1, 1))
    pair = draw_pair(bank, sampler, 2, generator=generator, warp=True)
    original = bank.fetch(pair.rows)
    for one, other in ((pair.frame, pair.reference), (pair.frame, original)):
        assert (one - other).abs().mean() > 0.05
    assert pair.frame.shape == original.shape


def test_a_masked_background_is_mid_grey(store: Store) -> None:
    rows = torch.arange(10)
    frames = _bank(store, masked=True).fetch(rows)
    assert_close(frames[..., 8:], torch.zeros(10, 3, 24, 16))
    assert_close(frames[..., :8], _bank(store).fetch(rows)[..., :8])


def test_masks_that_are_absent_are_missed(still: Store) -> None:
    with pytest.raises(StoreError, match=r"has no masks.*data\.mask_background"):
        _bank(still, masked=True)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [24, 16, 12])
def test_a_store_too_large_for_memory_gives_the_same_frames(
    store: Store, masked: bool, size: int
) -> None:
    resident = _bank(store, size=size, masked=masked)
    streamed = _bank(store, size=size, masked=masked, limit=0)
    assert resident.frames is not None
    assert streamed.frames is None
    rows = torch.tensor([9, 3, 3, 0])
    assert_close(streamed.fetch(rows), resident.fetch(rows), atol=0, rtol=0)
