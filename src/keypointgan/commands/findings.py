"""What a look at a machine, a store or a run has found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        what: Its name.
        found: What it is like, and what to do where it is wrong.
        good: Whether it is as it should be; None where there is no such thing.
    """

    what: str
    found: str
    good: bool | None = None
