"""What a detector finds in the labelled frames of a store."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy import ndarray

from keypointgan.checkpoint import LoadedModel
from keypointgan.data.index import Clip
from keypointgan.data.labels import Labels
from keypointgan.data.pairs import FrameBank
from keypointgan.data.store import Store
from keypointgan.inference.sides import put_right
from keypointgan.inference.two_views import Views
from keypointgan.models.naming import Naming
from keypointgan.ops.keypoints import from_aligned_corners
from keypointgan.training.validate import read_rows


def read_labelled(
    loaded: LoadedModel,
    store: Store,
    labels: Labels,
    *,
    naming: Naming | None,
    flip_average: bool,
    device: torch.device,
) -> Float[ndarray, "label joint 2"]:
    """The keypoints in the frames of labels, normalised.

    Args:
        loaded: The model.
        store: The frames.
        labels: Which of them.
        naming: Names the sides along each clip that has a frame rate; frames that are not
            neighbours do not help each other.
        flip_average: Average with what is found in the mirrored frame.
        device: Where the model is.
    """
    bank = FrameBank(
        store, size=loaded.size, masked=loaded.config.data.mask_background, device=device
    )
    rows = torch.from_numpy(labels.rows(store)).to(device)
    reader = Views(loaded.model, order=loaded.skeleton.mirror, both=flip_average)
    points, evidence, peaks = read_rows(reader, bank.fetch, rows, autocast=torch.no_grad)
    if loaded.model.align_corners:
        points = from_aligned_corners(points, size=(loaded.size, loaded.size))
    found = points.numpy()
    if naming is not None and evidence is not None:
        return named_along_clips(
            found,
            evidence.numpy(),
            None if peaks is None else peaks.numpy(),
            rows.cpu().numpy(),
            clips=store.clips,
            naming=naming,
        )
    return found


def named_along_clips(
    points: Float[ndarray, "label joint 2"],
    evidence: Float[ndarray, "label joint"],
    peaks: Float[ndarray, "label joint peak 3"] | None,
    rows: Int64[ndarray, " label"],
    *,
    clips: Sequence[Clip],
    naming: Naming,
) -> Float[ndarray, "label joint 2"]:
    """The points with the sides of each clip named, and on their tracks (`inference.sides`).

    Photographs, which are not neighbours in time, stay as they were read.

    Args:
        points: As they were read.
        evidence: As `Naming` takes it.
        peaks: Where else they may be; None where that is not known.
        rows: Of their frames in a store, in any order.
        clips: Those of the store.
        naming: That of the student that read them.
    """
    found = points.copy()
    for clip in clips:
        inside = np.flatnonzero((rows >= clip.start) & (rows < clip.start + clip.frames))
        if not clip.fps or not inside.size:
            continue
        places = rows[inside] - clip.start
        track = np.full((clip.frames, *points.shape[1:]), np.nan, points.dtype)
        nats = np.zeros(track.shape[:2], evidence.dtype)
        track[places], nats[places] = points[inside], evidence[inside]
        others = None
        if peaks is not None:
            others = np.full((clip.frames, *peaks.shape[1:]), np.nan, peaks.dtype)
            others[places] = peaks[inside]
        found[inside] = put_right(track, nats, others, naming)[0][places]
    return found
