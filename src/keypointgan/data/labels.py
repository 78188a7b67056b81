"""Annotated keypoints of some frames of a store, for evaluation and the supervised bound.

On disk an npz file: `xy` (label, joint, 2) in pixels of the store's frames, `size` (the side that
these pixels count, 128 if absent), `clip` and `frame` of each label, and optionally `action` of
each label, `joints`, the names, `protocol`, and the lengths `source_side` and `object_size` of each
label. Points that are not annotated are NaN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from keypointgan.data.store import Store
from keypointgan.errors import LabelError
from keypointgan.wording import counted

LABEL_FILE = "labels.npz"
"""Name of the labels that lie inside a store's folder."""
DEFAULT_SIZE = 128
_LENGTHS = ("source_side", "object_size")


@dataclass(frozen=True)
class Labels:
    """Keypoints of frames.

    Attributes:
        xy: Normalised (x, y); -1 and +1 are the outer edges of the frame; NaN where missing.
        clip: Name of each label's clip.
        frame: Number of each label's frame in its clip, from 0.
        action: What is done in each labelled frame, where that is known.
        joints: Names of the joints, empty where the file does not tell them.
        protocol: Name of the evaluation protocol that they were made for; empty for none.
        source_side: Side of each labelled frame in pixels of its source, for errors in pixels.
        object_size: Longer side of the object's annotated box in each labelled frame, normalised
            (2 is the whole frame), for shares of points within a part of it.
    """

    xy: Float32[ndarray, "label joint 2"]
    clip: tuple[str, ...]
    frame: Int64[ndarray, " label"]
    action: tuple[str, ...] | None
    joints: tuple[str, ...]
    protocol: str = ""
    source_side: Float32[ndarray, " label"] | None = None
    object_size: Float32[ndarray, " label"] | None = None

    @classmethod
    def load(cls, path: str | Path) -> "Labels":
        """Return the labels in an npz file.

        Raises:
            LabelError: There is no such file, or its arrays are absent or do not match.
        """
        path = Path(path)
        if not path.is_file():
            raise LabelError(f"{path}: expected a file of labels (.npz), found none.")
        try:
            with np.load(path, allow_pickle=False) as file:
                values = {key: file[key] for key in file.files}
        except (ValueError, OSError, EOFError, BadZipFile, TypeError) as error:
            raise LabelError(
                f"{path}: expected an npz file with 'xy', 'clip' and 'frame', but it cannot be "
                f"read ({error})."
            ) from error
        missing = [key for key in ("xy", "clip", "frame") if key not in values]
        if missing:
            raise LabelError(
                f"{path}: expected arrays 'xy', 'clip' and 'frame', missing {', '.join(missing)}; "
                f"the file holds {', '.join(sorted(values)) or 'nothing'}."
            )
        xy = values["xy"]
        if xy.ndim != 3 or xy.shape[2] != 2:
            raise LabelError(f"{path}: expected 'xy' of shape (label, joint, 2), got {xy.shape}.")
        for key in ("clip", "frame", "action", *_LENGTHS):
            if key in values and values[key].shape != xy.shape[:1]:
                raise LabelError(
                    f"{path}: expected '{key}' of shape {xy.shape[:1]}, one for each label in "
                    f"'xy', got {values[key].shape}."
                )
        joints = tuple(str(joint) for joint in values.get("joints", ()))
        if joints and len(joints) != xy.shape[1]:
            raise LabelError(
                f"{path}: expected {counted(xy.shape[1], 'name')} in 'joints', one for each point "
                f"of 'xy', got {len(joints)}."
            )
        size = float(values.get("size", DEFAULT_SIZE))
        return cls(
            xy=(xy / size * 2 - 1).astype(np.float32),
            clip=tuple(str(clip) for clip in values["clip"]),
            frame=values["frame"].astype(np.int64),
            action=tuple(map(str, values["action"])) if "action" in values else None,
            joints=joints,
            protocol=str(values.get("protocol", "")),
            source_side=_length(values, "source_side"),
            object_size=_length(values, "object_size"),
        )

    def save(self, path: str | Path, *, size: int = DEFAULT_SIZE) -> None:
        """Write an npz file with the points in pixels of frames of side `size`."""
        values = {
            "xy": ((self.xy.astype(np.float64) + 1) / 2 * size).astype(np.float32),
            "size": np.asarray(size),
            "clip": np.asarray(self.clip, dtype=np.str_),
            "frame": self.frame,
        }
        if self.action is not None:
            values["action"] = np.asarray(self.action, dtype=np.str_)
        if self.joints:
            values["joints"] = np.asarray(self.joints, dtype=np.str_)
        if self.protocol:
            values["protocol"] = np.asarray(self.protocol)
        for key in _LENGTHS:
            if getattr(self, key) is not None:
                values[key] = getattr(self, key)
        beside = Path(f"{path}.part")
        with beside.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **values)
        beside.replace(path)

    def rows(self, store: Store) -> Int64[ndarray, " label"]:
        """Return the row of each label's frame in `store`.

        Raises:
            LabelError: A clip is not in the store, or a frame is beyond the end of its clip.
        """
        clips = {clip.name: clip for clip in store.clips}
        for name in dict.fromkeys(self.clip):
            if name not in clips:
                near = get_close_matches(name, clips, n=1)
                hint = f" Did you mean '{near[0]}'?" if near else ""
                raise LabelError(
                    f"The labels name the clip '{name}', which is not among the {len(clips)} "
                    f"clips of {store.path}.{hint} Ingest it, or use the labels of this store."
                )
        for name, frame in zip(self.clip, self.frame, strict=True):
            if not 0 <= frame < clips[name].frames:
                raise LabelError(
                    f"The labels name frame {frame} of clip '{name}'; in {store.path} it has "
                    f"frames 0 to {clips[name].frames - 1}. Were they made for another version "
                    "of the video?"
                )
        starts = np.asarray([clips[name].start for name in self.clip], np.int64)
        return starts + self.frame

    def for_joints(self, joints: Sequence[str]) -> "Labels":
        """Return the labels with the points of `joints`, in that order.

        Labels whose file names no joints must have as many points, and keep their order.

        Raises:
            LabelError: A joint is not labelled, or the number of points differs.
        """
        if not self.joints:
            if len(joints) != self.xy.shape[1]:
                raise LabelError(
                    f"Expected labels of {counted(len(joints), 'joint')}, got "
                    f"{counted(self.xy.shape[1], 'point')} without names. Choose the skeleton that "
                    "the labels were made with, or add 'joints' to their file."
                )
            return replace(self, joints=tuple(joints))
        missing = [joint for joint in joints if joint not in self.joints]
        if missing:
            near = get_close_matches(missing[0], self.joints, n=1)
            hint = f" Did you mean '{near[0]}' for '{missing[0]}'?" if near else ""
            raise LabelError(
                f"Expected labels of the joints {', '.join(joints)}; missing are "
                f"{', '.join(missing)}. The labels hold {', '.join(self.joints)}.{hint} "
                "Choose the skeleton that the labels were made with."
            )
        order = [self.joints.index(joint) for joint in joints]
        return replace(self, xy=self.xy[:, order], joints=tuple(joints))


def _length(values: Mapping[str, ndarray], key: str) -> Float32[ndarray, " label"] | None:
    return values[key].astype(np.float32) if key in values else None
