"""Pairs of a frame and a reference of the same clip, drawn at random and read fast.

Everything random comes from the generator that the caller passes, so a step's batch depends on the
seed and the step alone: resuming needs no state, and no worker can change it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from keypointgan.data.index import Clip
from keypointgan.data.resize import resize_frames
from keypointgan.data.store import Store, load_frames, load_masks
from keypointgan.errors import StoreError
from keypointgan.ops.warp import pad_border, random_warp, warp_frames
from keypointgan.types import Frames, Rows
from keypointgan.wording import counted

RESIDENT_LIMIT = 6 << 30
"""Bytes of frames up to which a store is kept in memory, on the device, and sampled by index."""

_PLATE_FRAMES = 48


@dataclass(frozen=True)
class Pair:
    """Frames and their references, and the rows of the store they came from.

    `background` is the plate of each frame's clip, if the bank has plates.
    """

    frame: Frames
    reference: Frames
    rows: Rows
    background: Frames | None = None


class PairSampler:
    """Rows of frames and of their references, uniform over frames and over the gaps allowed.

    Args:
        clips: Where the pairs come from.
        gap: Frames between the two, least and most; cut at the ends of the clip.
        reference: On which side of the frame the reference lies.
        device: Where the rows are drawn.

    Raises:
        StoreError: No clip is long enough for the least gap.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        gap: tuple[int, int],
        reference: Literal["later", "either"],
        device: torch.device,
    ) -> None:
        least, most = gap
        rows, before, after = [], [], []
        for clip in clips:
            place = np.arange(clip.frames)
            room_after = clip.frames - 1 - place
            earlier = np.minimum(place, most) - least + 1
            later = np.minimum(room_after, most) - least + 1
            earlier = np.zeros_like(later) if reference == "later" else earlier.clip(0)
            later = later.clip(0)
            usable = earlier + later > 0
            rows.append(clip.start + place[usable])
            before.append(earlier[usable])
            after.append(later[usable])
        self.least = least
        self.rows, self.before, self.after = (
            torch.from_numpy(np.concatenate(parts or [np.zeros(0)]).astype(np.int64)).to(device)
            for parts in (rows, before, after)
        )
        if not len(self.rows):
            longest = max((clip.frames for clip in clips), default=0)
            raise StoreError(
                f"Expected clips with a frame and a reference at least {counted(least, 'frame')} "
                f"apart; the longest of {counted(len(clips), 'clip')} has "
                f"{counted(longest, 'frame')}. Lower data.gap or ingest longer clips."
            )

    def sample(self, count: int, *, generator: torch.Generator) -> tuple[Rows, Rows]:
        """Rows of `count` frames and of their references, on the sampler's device."""
        device = self.rows.device
        place = torch.randint(len(self.rows), (count,), generator=generator, device=device)
        rows, before, after = self.rows[place], self.before[place], self.after[place]
        share = torch.rand(count, generator=generator, device=device, dtype=torch.float64)
        choice = (share * (before + after)).long().clamp(max=before + after - 1)
        step = torch.where(choice < before, -(choice + self.least), choice - before + self.least)
        return rows, rows + step


class FrameBank:
    """Frames of a store as tensors: resident on the device where they fit, else read as needed.

    Args:
        store: The ingested clips.
        size: Side of the frames returned, pixels.
        masked: Paint the background mid-grey, 0 in [-1, 1].
        device: Where frames are returned.
        limit: Bytes up to which the store is kept in memory.
        plates: Also keep a plate of each clip, what a still camera sees behind the object.
    """

    def __init__(
        self,
        store: Store,
        *,
        size: int,
        masked: bool = False,
        device: torch.device,
        limit: int = RESIDENT_LIMIT,
        plates: bool = False,
    ) -> None:
        self.store = store
        self.size = size
        self.masked = masked
        self.device = device
        self.frames: Tensor | None = None
        self.masks: Tensor | None = None
        if masked and not store.has_masks:
            raise StoreError(
                f"{store.path} has no masks, which data.mask_background asks for. Ingest with mask "
                "videos, or set data.mask_background to false."
            )
        if store.num_frames * 3 * size * size <= limit:
            self.frames = torch.from_numpy(load_frames(store, size=size)).to(device)
            if masked:
                self.masks = torch.from_numpy(load_masks(store, size=size)).to(device)

        self._plates = self._clip_of = None
        if plates:
            lengths = torch.tensor([clip.frames for clip in store.clips])
            self._clip_of = torch.repeat_interleave(lengths).to(device)
            self._plates = torch.stack([self.plate(clip) for clip in store.clips])

    def plates(self, rows: Rows) -> Frames | None:
        """The plates of the clips of these rows; None if the bank was made without."""
        if self._plates is None or self._clip_of is None:
            return None
        return self._plates[self._clip_of[rows]].float() / 127.5 - 1

    def plate(self, clip: Clip) -> UInt8[Tensor, "3 size size"]:
        """The median of up to 48 frames of a clip.

        Where the object stays in its place for most of the clip, it is part of the plate.
        """
        count = min(clip.frames, _PLATE_FRAMES)
        rows = clip.start + torch.linspace(0, clip.frames - 1, count).long()
        median = self.fetch(rows).median(dim=0).values
        return ((median + 1) * 127.5).round().byte()

    def fetch(self, rows: Rows) -> Frames:
        """The frames of these rows in [-1, 1], on the device."""
        if self.frames is not None:
            frames = self.frames[rows.to(self.frames.device)].to(self.device, torch.float32)
            masks = None if self.masks is None else self.masks[rows.to(self.masks.device)]
        else:
            wanted = rows.cpu().numpy()
            pixels = resize_frames(self.store.frames(wanted), size=self.size)
            frames = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).float()
            masks = None
            if self.masked:
                masks = torch.from_numpy(
                    resize_frames(self.store.masks(wanted), size=self.size)
                ).unsqueeze(1)
        frames = frames.contiguous() / 127.5 - 1
        return frames if masks is None else frames * (masks.to(self.device).float() / 255)


def draw_pair(
    bank: FrameBank,
    sampler: PairSampler,
    count: int,
    *,
    generator: torch.Generator,
    mirror: bool = False,
    colour_jitter: float = 0.0,
    warp: bool = False,
) -> Pair:
    """A batch of pairs, augmented alike in both frames but for the warp.

    Args:
        bank: The frames.
        sampler: Which frames go together.
        count: Pairs.
        generator: Of everything random, on the sampler's device.
        mirror: Mirror half of the pairs.
        colour_jitter: Strength of random brightness, contrast and colour changes.
        warp: Warp frame and reference by different thin-plate splines [release, faces], so that a
            photograph without video makes a pair with itself.
    """
    rows, references = sampler.sample(count, generator=generator)
    frames = [bank.fetch(torch.cat([rows, references]))]
    plates = bank.plates(rows)
    if plates is not None:
        frames.append(plates)
    both = torch.cat(frames)
    if colour_jitter:
        both = jitter_colours(both, pairs=count, strength=colour_jitter, generator=generator)
    if mirror:
        flip = torch.rand(count, generator=generator, device=rows.device) < 0.5
        flip = flip.repeat(len(both) // count).view(-1, 1, 1, 1).to(both.device)
        both = torch.where(flip, both.flip(-1), both)
    if warp:
        both = random_views(both, generator=generator)
    background = None if plates is None else both[2 * count :]
    return Pair(both[:count], both[count : 2 * count], rows, background)


def random_views(frames: Frames, *, generator: torch.Generator) -> Frames:
    """The frames, each warped by a thin-plate spline drawn as in the release (METHOD 5)."""
    warp = random_warp(len(frames), generator=generator, bump=(0.0005, 0.005))
    padded = pad_border(frames, fraction=0.5)
    height, width = frames.shape[-2:]
    warped = warp_frames(padded, warp)
    top, left = (padded.shape[-2] - height) // 2, (padded.shape[-1] - width) // 2
    return warped[..., top : top + height, left : left + width]


def jitter_colours(
    frames: Frames, *, pairs: int, strength: float, generator: torch.Generator
) -> Frames:
    """Frames with random brightness, contrast and colour, alike for frame i and frame i + pairs.

    Args:
        frames: In [-1, 1]; frame i and its reference i + pairs.
        pairs: Number of pairs.
        strength: Largest relative change, such as 0.3.
        generator: Of the random changes.
    """
    device = generator.device
    change = torch.rand(pairs, 5, 1, 1, generator=generator, device=device) * 2 - 1
    change = change.to(frames.device).repeat(len(frames) // pairs, 1, 1, 1) * strength
    gain = 1 + change[:, :1]
    tint = 1 + change[:, 1:4] / 2
    return (((frames + 1) * gain * tint) - 1 + change[:, 4:]).clamp(-1, 1)


def split_clips(
    clips: Sequence[Clip], *, fraction: float, seed: int
) -> tuple[list[Clip], list[Clip]]:
    """Clips to train on and clips kept apart; clips of one group (person, film) stay together.

    Groups are drawn at random until `fraction` of the frames is kept apart.
    """
    groups = sorted({clip.group for clip in clips})
    order = np.random.default_rng(seed).permutation(len(groups))
    wanted = fraction * sum(clip.frames for clip in clips)
    apart: set[str] = set()
    kept = 0
    for index in order[: max(len(groups) - 1, 0)]:
        if kept >= wanted:
            break
        apart.add(groups[index])
        kept += sum(clip.frames for clip in clips if clip.group == groups[index])
    return (
        [clip for clip in clips if clip.group not in apart],
        [clip for clip in clips if clip.group in apart],
    )
