"""What users get: keypoints of every frame in pixels of their own video, and its files."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from keypointgan.errors import DataError
from keypointgan.skeletons import Skeleton

COLUMNS = ("x", "y", "confidence")
"""Of each joint in a CSV file, after the joint's name and an underscore."""


@dataclass(frozen=True, eq=False)
class Poses:
    """Keypoints of the frames of a video.

    Attributes:
        xy: (x, y) in pixels of the source, whose outer edges are 0 and its width or height: the
            middle of the first pixel is 0.5. NaN in frames without a detection.
        confidence: How sure each keypoint is, from 0 (not at all) to 1.
        skeleton: The joints and the links between them.
        fps: Frames a second of the source; None for images.
        source: Where the frames come from.
    """

    xy: Float[ndarray, "_frame _keypoint 2"]
    confidence: Float[ndarray, "_frame _keypoint"]
    skeleton: Skeleton
    fps: float | None = None
    source: str = ""

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
        return cls(
            xy=np.concatenate([part.xy for part in parts]),
            confidence=np.concatenate([part.confidence for part in parts]),
            skeleton=first.skeleton,
            fps=first.fps,
            source=first.source,
        )

    def to_csv(self, path: str | Path) -> None:
        """Write a line for each frame: its number, then x, y and confidence of each joint.

        Coordinates have four decimals; what is NaN is an empty cell.
        """
        header = [f"{joint}_{column}" for joint in self.joints for column in COLUMNS]
        values = np.concatenate([self.xy, self.confidence[..., None]], axis=-1)
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["frame", *header])
            for number, row in enumerate(values.reshape(len(self), len(header))):
                writer.writerow([number, *("" if v != v else f"{v:.4f}" for v in row)])

    @classmethod
    def load_csv(
        cls, path: str | Path, *, skeleton: Skeleton | None = None, fps: float | None = None
    ) -> "Poses":
        """Return the poses in a file that `to_csv` wrote.

        Args:
            path: The file.
            skeleton: Its skeleton, whose joints must be those of the file; without it, one with
                the joints of the file and no links.
            fps: Frames a second, which the file does not tell.

        Raises:
            DataError: The file is absent or of another form, or its joints are others.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError(f"{path}: expected a CSV file of poses, found none.")
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        joints = tuple(name.removesuffix("_x") for name in header[1::3])
        expected = ["frame", *(f"{joint}_{column}" for joint in joints for column in COLUMNS)]
        if not joints or header != expected:
            raise DataError(
                f"{path}: expected the columns frame, JOINT_x, JOINT_y, JOINT_confidence, ..., "
                f"got {', '.join(header[:4]) or 'nothing'}."
            )
        if skeleton is None:
            skeleton = Skeleton(name=path.stem, joints=joints, links=())
        elif skeleton.joints != joints:
            raise DataError(
                f"{path}: expected the joints of '{skeleton.name}' in its order, got "
                f"{', '.join(joints)}."
            )
        try:
            values = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows])
            values = values.reshape(len(rows), len(joints), 3)
        except ValueError as error:
            raise DataError(
                f"{path}: expected {1 + 3 * len(joints)} numbers in each line ({error})."
            ) from error
        return cls(values[..., :2], values[..., 2], skeleton, fps=fps, source=str(path))

    def save_npz(self, path: str | Path) -> None:
        """Write everything to one compressed NumPy file, without loss."""
        with Path(path).open("wb") as file:
            np.savez_compressed(
                file,
                allow_pickle=False,
                xy=self.xy,
                confidence=self.confidence,
                joints=np.asarray(self.joints, np.str_),
                skeleton=np.asarray(json.dumps(self.skeleton.to_dict())),
                fps=np.asarray(np.nan if self.fps is None else self.fps),
                source=np.asarray(self.source),
            )

    @classmethod
    def load_npz(cls, path: str | Path) -> "Poses":
        """Return the poses in a file that `save_npz` wrote.

        Raises:
            DataError: The file is absent or is no such file.
        """
        path = Path(path)
        try:
            with np.load(path, allow_pickle=False) as file:
                fps = float(file["fps"])
                return cls(
                    xy=file["xy"],
                    confidence=file["confidence"],
                    skeleton=Skeleton.from_dict(json.loads(str(file["skeleton"])), where=str(path)),
                    fps=None if np.isnan(fps) else fps,
                    source=str(file["source"]),
                )
        except FileNotFoundError as error:
            raise DataError(f"{path}: expected a file of poses (.npz), found none.") from error
        except (KeyError, ValueError, OSError, EOFError, BadZipFile, AttributeError) as error:
            raise DataError(
                f"{path}: expected a file that 'Poses.save_npz' wrote, but it cannot be read "
                f"({error})."
            ) from error
