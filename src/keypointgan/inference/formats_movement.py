"""Poses as data sets of movement (movement.neuroinformatics.dev), and back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keypointgan.data.pose_files.instances import PIXEL_CENTRE, tidy_confidence
from keypointgan.errors import DataError, MissingExtraError
from keypointgan.inference.poses import Poses
from keypointgan.skeletons import Skeleton

if TYPE_CHECKING:
    from xarray import Dataset

DIMENSIONS = ("time", "space", "keypoints", "individuals")
UNNAMED = "individual_0"


def to_movement(poses: Sequence[Poses]) -> "Dataset":
    """Return `position` and `confidence` with movement's dimensions, coordinates and attributes.

    Positions count from the middle of the first pixel, as in the files that movement reads. Time
    is in seconds where the frame rate is known, else in frames.

    Args:
        poses: Those of the animals of one video.

    Raises:
        DataError: They have different joints or numbers of frames.
        MissingExtraError: xarray is not installed.
    """
    try:
        import xarray
    except ImportError as error:
        raise MissingExtraError(
            "xarray", extra="formats", purpose="make data sets of movement"
        ) from error
    if len({(each.joints, len(each)) for each in poses}) != 1:
        raise DataError("Expected animals of one video, with the same joints and frames.")
    first = poses[0]
    time = np.arange(len(first))
    attributes: dict[str, object] = {
        "source_software": "keypointgan",
        "ds_type": "poses",
        "source_file": first.source,
        "time_unit": "seconds" if first.fps else "frames",
    }
    if first.fps:
        attributes["fps"] = first.fps
    return xarray.Dataset(
        {
            "position": (
                DIMENSIONS,
                np.stack([each.xy.transpose(0, 2, 1) - PIXEL_CENTRE for each in poses], axis=-1),
            ),
            "confidence": (
                (DIMENSIONS[0], *DIMENSIONS[2:]),
                np.stack([each.confidence for each in poses], axis=-1),
            ),
        },
        coords={
            "time": time / first.fps if first.fps else time,
            "space": ["x", "y"],
            "keypoints": list(first.joints),
            "individuals": [each.track or UNNAMED for each in poses],
        },
        attrs=attributes,
    )


def from_movement(dataset: "Dataset", *, skeleton: Skeleton | None = None) -> list[Poses]:
    """Return the poses of each individual in a data set of movement.

    Args:
        dataset: As movement's `load_poses` returns it, or `to_movement`.
        skeleton: With the same joints in the same order; without it, one without links.

    Raises:
        DataError: The data set is of another kind, or its joints are others.
    """
    try:
        position = dataset["position"].transpose(*DIMENSIONS).to_numpy()
        confidence = dataset["confidence"].transpose(DIMENSIONS[0], *DIMENSIONS[2:]).to_numpy()
        joints = tuple(map(str, dataset["keypoints"].to_numpy()))
        names = [str(name) for name in dataset["individuals"].to_numpy()]
    except (KeyError, ValueError) as error:
        raise DataError(
            f"Expected a data set of movement with poses ({', '.join(DIMENSIONS)}), got another "
            f"({error})."
        ) from error
    if skeleton is not None and skeleton.joints != joints:
        raise DataError(
            f"Expected the joints of '{skeleton.name}' in its order, got {', '.join(joints)}."
        )
    fps = dataset.attrs.get("fps")
    found = []
    for index, name in enumerate(names):
        xy = position[..., index].transpose(0, 2, 1).astype(np.float64) + PIXEL_CENTRE
        found.append(
            Poses(
                xy,
                tidy_confidence(confidence[..., index].astype(np.float64), xy),
                skeleton or Skeleton(name="movement", joints=joints, links=()),
                fps=float(fps) if fps else None,
                source=str(dataset.attrs.get("source_file") or ""),
                track="" if names == [UNNAMED] else name,
            )
        )
    return found
