"""The record of a public data set: what it is, whose it is, how it lies on disk, who reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from keypointgan.data.benchmarks.clips import Part

Reader = Callable[[Path, str], Part]
"""Finds the clips and labels of a split in the folder of a data set, without reading frames."""


@dataclass(frozen=True)
class Benchmark:
    """A public data set and how its papers use it.

    Attributes:
        name: Short name; by default the data lie in the folder of this name.
        title: One line for people.
        citation: Whom to cite.
        licence: What may be done with the data.
        obtain: Where they come from.
        layout: The files and folders that the reader expects.
        splits: Names of the splits that can be read, each with what is in it.
        protocol: What is scored and how, which readings of the papers we take, what of this page
            was verified on published code or files and what is recalled.
        skeleton: Whose joints the labels have.
        scored_as: Name of the evaluation protocol; empty where there are no labels to score.
        read: Finds clips and labels.
        prior_split: The split whose labels are the unpaired poses; empty where there is none.
    """

    name: str
    title: str
    citation: str
    licence: str
    obtain: str
    layout: str
    splits: dict[str, str]
    protocol: str
    skeleton: str
    scored_as: str
    read: Reader
    prior_split: str = ""

    def describe(self) -> str:
        """Return everything there is to know before the data are used, as Markdown."""
        splits = "\n".join(f"- `{name}`: {content}" for name, content in self.splits.items())
        prior = (
            f"\n\n**Unpaired poses.** The labels of `{self.prior_split}`: `keypointgan benchmarks "
            f"{self.name} --prior prior.npz`, placed `as_is`."
            if self.prior_split
            else ""
        )
        scored = f"Scored as `{self.scored_as}`. " if self.scored_as else ""
        return (
            f"{self.title}\n\n"
            f"**Cite.** {_flow(self.citation)}\n\n"
            f"**Licence.** {_flow(self.licence)}\n\n"
            f"**Get it.** {_flow(self.obtain)}\n\n"
            f"**Layout** of `KEYPOINTGAN_DATA/{self.name}`, or of `--root`:\n\n"
            f"```text\n{self.layout.strip()}\n```\n\n"
            f"**Splits** (`--split`), with the joints of `{self.skeleton}`:\n\n{splits}{prior}\n\n"
            f"**Protocol.** {scored}{_flow(self.protocol)}"
        )


def _flow(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())
