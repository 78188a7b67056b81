"""How each benchmark is scored: which numbers, in which unit, of which joints."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from keypointgan.errors import ConfigError

OFFICIAL_JOINTS = ("pelvis", "r_hip", "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle", "spine",
                   "neck", "nose", "head_back", "l_shoulder", "l_elbow", "l_wrist", "r_shoulder",
                   "r_elbow", "r_wrist")  # fmt: skip
"""The 17 of 32 joints of Human3.6M's evaluation, by the names of `h36m32`."""

CAT_JOINTS = ("left_eye", "right_eye", "mouth", "left_ear_1", "left_ear_3", "right_ear_1",
              "right_ear_3")  # fmt: skip
"""The seven of nine points of a cat's head that are scored: not the tips of the ears."""


@dataclass(frozen=True)
class Protocol:
    """How a benchmark is scored.

    Attributes:
        name: Short name.
        unit: What flip-min and regressed error are in: % of the `side` of the image, % of the
            labelled distance of the `pair` in each frame, or `pixels` of the source.
        pair: Names of the two joints whose distance the normalised mean error divides by.
        flips: Whether flip-min and flip accuracy say something about this category.
        within: What PCK is relative to: the `side`, the `pair`, or the longer side of the object's
            `box`.
        thresholds: Distances of PCK, as fractions of that.
        joints: The joints that count; none for all that are labelled.
        by_action: Whether the score is defined as a mean over actions, which then must be given;
            otherwise they are averaged over where they are given.
        source: Where the protocol is described.
    """

    name: str
    unit: Literal["side", "pair", "pixels"] = "side"
    pair: tuple[str, str] | None = None
    flips: bool = True
    within: Literal["side", "pair", "box"] = "side"
    thresholds: tuple[float, ...] = (0.05, 0.1)
    joints: tuple[str, ...] = ()
    by_action: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        if "pair" in (self.unit, self.within) and self.pair is None:
            raise ConfigError(
                f"The protocol '{self.name}' measures in the distance of a pair of joints; "
                "expected their names in 'pair', got none."
            )


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("generic", source="Jakab et al. 2020, section 4"),
        Protocol(
            "simplified_human36m",
            by_action=True,
            source="Zhang et al. 2018 (Simplified Human3.6M); Jakab et al. 2020, table 1",
        ),
        Protocol(
            "human36m",
            unit="pixels",
            joints=OFFICIAL_JOINTS,
            by_action=True,
            source="release of Jakab et al. 2020: used_points=original, error_form=original",
        ),
        Protocol(
            "mpi_inf_3dhp",
            by_action=True,
            source="activities of Mehta et al. 2017; its own measure is in 3D",
        ),
        Protocol(
            "penn_action",
            within="box",
            thresholds=(0.1, 0.2),
            by_action=True,
            source="PCK of Yang & Ramanan 2013, with the box of Penn Action's annotation",
        ),
        Protocol(
            "faces68",
            unit="pair",
            within="pair",
            pair=("r_eye_0", "l_eye_3"),  # landmarks 36 and 45, the outer eye corners
            flips=False,
            source="Sagonas et al., 300 faces in-the-wild challenge, 2016",
        ),
        Protocol(
            "mafl",
            unit="pair",
            within="pair",
            pair=("left_eye", "right_eye"),
            flips=False,
            source="Thewlis et al. 2017; release of Jakab et al. 2018, scripts/test.py",
        ),
        Protocol(
            "cats",
            unit="pair",
            within="pair",
            pair=("left_eye", "right_eye"),
            flips=False,
            joints=CAT_JOINTS,
            source="release of Zhang et al. 2018, evaluation/cat_evaluation.m",
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """Return a built-in protocol.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in PROTOCOLS:
        near = get_close_matches(name, PROTOCOLS, n=1, cutoff=0.4)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ConfigError(f"Expected a protocol ({', '.join(PROTOCOLS)}), got '{name}'.{hint}")
    return PROTOCOLS[name]
