"""Frames whose keypoints are known without a label: drawn figures, and what a teacher paints."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch

from keypointgan.data.figures import FigureBatch, FigureSource
from keypointgan.data.pairs import FrameBank, PairSampler
from keypointgan.data.priors import Prior
from keypointgan.models.keypointgan import KeypointGAN
from keypointgan.ops.keypoints import from_aligned_corners


@runtime_checkable
class KnownFrames(Protocol):
    """A source of frames with their keypoints."""

    def sample(self, step: int, *, generator: torch.Generator) -> FigureBatch:
        """Those of one update."""


class DrawnAhead:
    """Figures of several updates, drawn together; they depend on the seed and the update alone.

    Args:
        source: Draws them.
        count: Figures an update.
        updates: How many updates' figures are drawn at once.
        seed: Of everything random.
        device: Where to draw.
    """

    def __init__(
        self, source: FigureSource, *, count: int, updates: int, seed: int, device: torch.device
    ) -> None:
        self._source, self._count, self._updates = source, count, updates
        self._seed, self._generator = seed, torch.Generator(device)
        self._block = -1
        self._drawn: FigureBatch

    def sample(
        self,
        step: int,
        *,
        generator: torch.Generator,  # noqa: ARG002 - as all sources take it
    ) -> FigureBatch:
        """The figures of update `step`, counted from 1; `generator` is not used."""
        block, place = divmod(step - 1, self._updates)
        if block != self._block:
            self._generator.manual_seed((self._seed * 1_000_003 + block) * 1009 + 23)
            count = self._count * self._updates
            self._drawn = self._source.sample(count, generator=self._generator)
            self._block = block
        some = slice(place * self._count, (place + 1) * self._count)
        return FigureBatch(self._drawn.frame[some], self._drawn.keypoints[some])


class Painter:
    """Paints frames in poses of the prior and in the appearance of the videos, Ψ(β(p̄), x').

    Args:
        teacher: Whose decoder paints.
        bank: The frames; with plates if the decoder keeps them.
        sampler: Whose appearance.
        prior: The poses.
        count: Frames an update.
        autocast: A context of lower precision.
    """

    def __init__(
        self,
        teacher: KeypointGAN,
        *,
        bank: FrameBank,
        sampler: PairSampler,
        prior: Prior,
        count: int,
        autocast: Callable[[], Any],
    ) -> None:
        self._teacher, self._bank, self._sampler = teacher, bank, sampler
        self._prior, self._count, self._autocast = prior, count, autocast

    @torch.no_grad()
    def sample(
        self,
        step: int,  # noqa: ARG002 - as all sources take it
        *,
        generator: torch.Generator,
    ) -> FigureBatch:
        """Frames painted anew; they depend on the generator alone."""
        size = (self._bank.size, self._bank.size)
        pose = self._prior.sample(self._count, generator=generator, device=generator.device)
        rows, _ = self._sampler.sample(self._count, generator=generator)
        reference, plates = self._bank.fetch(rows), self._bank.plates(rows)
        seen = (reference,) if plates is None else (reference, plates)
        with self._autocast():
            frame = self._teacher.decoder(self._teacher.draw(pose, size=size), *seen)
        if self._teacher.align_corners:
            pose = from_aligned_corners(pose, size=size)
        return FigureBatch(frame.float().clamp(-1, 1), pose)


class Together:
    """The frames of several sources in one batch."""

    def __init__(self, sources: Sequence[KnownFrames]) -> None:
        self._sources = tuple(sources)

    def sample(self, step: int, *, generator: torch.Generator) -> FigureBatch:
        """Those of the first source, then those of the next."""
        parts = [source.sample(step, generator=generator) for source in self._sources]
        return FigureBatch(
            torch.cat([part.frame for part in parts]), torch.cat([part.keypoints for part in parts])
        )
