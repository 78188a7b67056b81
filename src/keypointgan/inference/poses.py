"""What users get: keypoints of every frame in pixels of their own video, and its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int64
from numpy import ndarray

from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

if TYPE_CHECKING:
    from xarray import Dataset


@dataclass(frozen=True, eq=False)
class Poses:
    """Keypoints of one animal in the frames of a video.

    Attributes:
        xy: (x, y) in pixels of the source, whose outer edges are 0 and its width or height: the
            middle of the first pixel is 0.5. NaN in frames without a detection.
        confidence: How sure each keypoint is, from 0 (not at all) to 1.
        skeleton: The joints and the links between them.
        fps: Frames a second of the source; None for images.
        source: Where the frames come from.
        track: Name of the animal; "" where there is only one without a name.
        size: (height, width) of the source in pixels; None if unknown.
        raw: `xy` before it was smoothed; None if it was not.
        evidence: For the names under which the joints were read, nats (`inference.sides`), as long
            as their sides can still be named; no file keeps it.
        peaks: (x, y) and nats of the places at which each joint may be, the likeliest first, as
            long as a track can still choose among them; no file keeps them.
        turns: Quarter turns to the left after which each frame was read, as long as its sides can
            still be named; no file keeps them.
    """

    xy: Float[ndarray, "_frame _keypoint 2"]
    confidence: Float[ndarray, "_frame _keypoint"]
    skeleton: Skeleton
    fps: float | None = None
    source: str = ""
    track: str = ""
    size: tuple[int, int] | None = None
    raw: Float[ndarray, "_frame _keypoint 2"] | None = None
    evidence: Float[ndarray, "_frame _keypoint"] | None = None
    peaks: Float[ndarray, "_frame _keypoint peak 3"] | None = None
    turns: Int64[ndarray, " _frame"] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "xy", np.asarray(self.xy, np.float64))
        object.__setattr__(self, "confidence", np.asarray(self.confidence, np.float64))
        joints = self.skeleton.num_joints
        if self.xy.ndim != 3 or self.xy.shape[1:] != (joints, 2):
            raise DataError(
                f"Expected keypoints of shape (frame, {joints}, 2) for the skeleton "
                f"'{self.skeleton.name}', got {self.xy.shape}."
            )
        if self.confidence.shape != self.xy.shape[:2]:
            raise DataError(
                f"Expected a confidence for each keypoint, shape {self.xy.shape[:2]}, got "
                f"{self.confidence.shape}."
            )
        low, high = self.confidence.min(initial=0.0), self.confidence.max(initial=0.0)
        if not (low >= 0 and high <= 1):  # also refuses NaN
            raise DataError(f"Expected confidences from 0 to 1, got {low:g} to {high:g}.")
        if self.raw is not None and self.raw.shape != self.xy.shape:
            raise DataError(
                f"Expected raw keypoints of shape {self.xy.shape}, got {self.raw.shape}."
            )
        if self.evidence is not None and self.evidence.shape != self.xy.shape[:2]:
            raise DataError(
                f"Expected evidence for each keypoint, shape {self.xy.shape[:2]}, got "
                f"{self.evidence.shape}."
            )
        if self.peaks is not None and self.peaks.shape[:2] != self.xy.shape[:2]:
            raise DataError(
                f"Expected places for each keypoint, shape {self.xy.shape[:2]}, got "
                f"{self.peaks.shape[:2]}."
            )

    def __len__(self) -> int:
        return len(self.xy)

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of the keypoints, in the order of the arrays."""
        return self.skeleton.joints

    @classmethod
    def concatenate(cls, parts: "Sequence[Poses]") -> "Poses":
        """Return the poses of consecutive parts of one source.

        Raises:
            DataError: There are no parts, or they have different skeletons.
        """
        if not parts:
            raise DataError("Expected poses to put together, got none.")
        first = parts[0]
        if any(part.skeleton.joints != first.skeleton.joints for part in parts):
            raise DataError("Expected parts with the same joints, got different skeletons.")
        raws = [part.raw for part in parts if part.raw is not None]
        evidence = [part.evidence for part in parts if part.evidence is not None]
        peaks = [part.peaks for part in parts if part.peaks is not None]
        turns = [part.turns for part in parts if part.turns is not None]
        return replace(
            first,
            xy=np.concatenate([part.xy for part in parts]),
            confidence=np.concatenate([part.confidence for part in parts]),
            raw=np.concatenate(raws) if len(raws) == len(parts) else None,
            evidence=np.concatenate(evidence) if len(evidence) == len(parts) else None,
            peaks=np.concatenate(peaks) if len(peaks) == len(parts) else None,
            turns=np.concatenate(turns) if len(turns) == len(parts) else None,
        )

    def frames(self, start: int, stop: int) -> "Poses":
        """Return the poses of the frames from `start` to before `stop`."""
        some = slice(start, stop)
        return replace(
            self,
            xy=self.xy[some],
            confidence=self.confidence[some],
            raw=None if self.raw is None else self.raw[some],
            evidence=None if self.evidence is None else self.evidence[some],
            peaks=None if self.peaks is None else self.peaks[some],
            turns=None if self.turns is None else self.turns[some],
        )

    def unsmoothed(self) -> "Poses":
        """Return the poses as they were before they were smoothed."""
        return self if self.raw is None else replace(self, xy=self.raw, raw=None)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        skeleton: Skeleton | None = None,
        joint_map: Mapping[str, str] | None = None,
        partial: bool = False,
        track: str | None = None,
        fps: float | None = None,
    ) -> "Poses":
        """Return the poses of one animal in a file of any format (see `formats.load_poses`).

        Args:
            path: A .csv, .npz, .slp, .h5, .json or .nwb file.
            skeleton: Gives the joints and their order; without it, what the file tells.
            joint_map: For joints that the file calls otherwise: skeleton's name -> file's name.
            partial: Leave joints of the skeleton that the file lacks empty.
            track: Which animal; needed where the file holds several.
            fps: Frames a second, where the file does not tell.

        Raises:
            DataError: The file cannot be read, or holds other animals.
        """
        from keypointgan.inference.formats import load_poses

        every = load_poses(path, skeleton=skeleton, joint_map=joint_map, partial=partial, fps=fps)
        chosen = every if track is None else [poses for poses in every if poses.track == track]
        if len(chosen) != 1:
            names = ", ".join(f"'{poses.track}'" for poses in every)
            raise DataError(
                f"{path}: expected one animal{f' {track!r}' if track is not None else ''}, got "
                f"{names}. Choose one with track=NAME, or take all with load_poses."
            )
        return chosen[0]

    def save(self, path: str | Path) -> None:
        """Write the poses in the format that the suffix names (see `formats.save_poses`).

        Raises:
            ExportError: No format has that suffix, or the file cannot be written.
        """
        from keypointgan.inference.formats import save_poses

        save_poses(self, path)

    def to_csv(self, path: str | Path) -> None:
        """Write a line for each frame: its number, then x, y and confidence of each joint.

        Coordinates have four decimals; what is NaN is an empty cell. A named animal adds the
        column track.
        """
        from keypointgan.inference.formats_own import write_csv

        write_csv([self], Path(path))

    @classmethod
    def load_csv(
        cls, path: str | Path, *, skeleton: Skeleton | None = None, fps: float | None = None
    ) -> "Poses":
        """Return the poses in a CSV file of ours or of DeepLabCut; see `load`."""
        return cls.load(path, skeleton=skeleton, fps=fps)

    def save_npz(self, path: str | Path) -> None:
        """Write everything to one compressed NumPy file, without loss."""
        from keypointgan.inference.formats_own import write_npz

        write_npz([self], Path(path))

    @classmethod
    def load_npz(cls, path: str | Path) -> "Poses":
        """Return the poses in a file that `save_npz` wrote; see `load`."""
        return cls.load(path)

    def to_dlc(self, path: str | Path) -> None:
        """Write a file of DeepLabCut: a .csv, or an .h5 (which needs the extra `formats`)."""
        from keypointgan.inference.formats_deeplabcut import write_csv, write_h5

        write = write_h5 if Path(path).suffix.lower() == ".h5" else write_csv
        write([self], Path(path))

    def to_slp(self, path: str | Path) -> None:
        """Write a SLEAP project (.slp) with predicted instances; needs the extra `formats`."""
        from keypointgan.inference.formats_sleap import write_slp

        write_slp([self], Path(path))

    def to_coco(self, path: str | Path) -> None:
        """Write COCO keypoint annotations (.json)."""
        from keypointgan.inference.formats_coco import write_coco

        write_coco([self], Path(path))

    def to_nwb(self, path: str | Path) -> None:
        """Write an NWB file with the extension ndx-pose; needs the extra `formats`."""
        from keypointgan.inference.formats_nwb import write_nwb

        write_nwb([self], Path(path))

    def to_movement(self) -> "Dataset":
        """Return a data set of the package movement (an xarray); needs the extra `formats`."""
        from keypointgan.inference.formats_movement import to_movement

        return to_movement([self])
