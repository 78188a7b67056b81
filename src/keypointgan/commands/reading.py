"""What a detector finds in the labelled frames of a store."""

from collections.abc import Callable, Sequence

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
from keypointgan.ops.framing import Squares, squares_around, view_of
from keypointgan.ops.keypoints import from_aligned_corners
from keypointgan.ops.warp import warp_frames
from keypointgan.training.validate import read_rows
from keypointgan.types import Frames, Rows


def read_labelled(
    loaded: LoadedModel,
    store: Store,
    labels: Labels,
    *,
    naming: Naming | None,
    margin: float | None,
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
        margin: Read each frame again in a square around what was found in it, whose side is this
            many times its length; None to read it as it comes.
        flip_average: Average with what is found in the mirrored frame.
        device: Where the model is.
    """
    bank = FrameBank(
        store, size=loaded.size, masked=loaded.config.data.mask_background, device=device
    )
    rows = torch.from_numpy(labels.rows(store)).to(device)
    reader = Views(loaded.model, order=loaded.skeleton.mirror, both=flip_average)
    fetch: Callable[[Rows], Frames] = bank.fetch
    view = None
    if margin is not None:
        squares = look_at(loaded, bank, rows, margin=margin)
        fetch, view = fetch_squares(bank, rows, squares), view_of(squares)
    points, evidence, peaks = read_rows(reader, fetch, rows, autocast=torch.no_grad)
    if loaded.model.align_corners:
        points = from_aligned_corners(points, size=(loaded.size, loaded.size))
    if view is not None:
        points = view.source_of(points)
        if peaks is not None:
            places = view.source_of(peaks[..., :2].flatten(1, 2)).view_as(peaks[..., :2])
            peaks = torch.cat([places, peaks[..., 2:]], dim=-1)
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


def look_at(loaded: LoadedModel, bank: FrameBank, rows: Rows, *, margin: float) -> Squares:
    """Where the objects are in frames of a store, by a first look, as `predict` has them.

    Args:
        loaded: The model.
        bank: The frames.
        rows: Those to look at.
        margin: Side of a square over the length of the object.
    """
    points, _, _ = read_rows(loaded.model, bank.fetch, rows, autocast=torch.no_grad)
    if loaded.model.align_corners:
        points = from_aligned_corners(points, size=(loaded.size, loaded.size))
    squares = points.new_zeros(len(rows), 3)
    known = rows.cpu()
    for clip in bank.store.clips:
        inside = ((known >= clip.start) & (known < clip.start + clip.frames)).nonzero()[:, 0]
        if len(inside):
            inside = inside[known[inside].argsort()]
            count = len(inside)
            squares[inside] = squares_around(
                points[inside],
                margin=margin,
                lengths=[count] if clip.fps else [1] * count,
                rates=[clip.fps * count / clip.frames] if clip.fps else [0.0] * count,
            )
    return squares


def fetch_squares(bank: FrameBank, rows: Rows, squares: Squares) -> Callable[[Rows], Frames]:
    """What gives the frames of these rows, each cut to its square."""
    place = torch.full((int(rows.max()) + 1,), -1, device=rows.device)
    place[rows] = torch.arange(len(rows), device=rows.device)
    squares = squares.to(rows.device)
    return lambda some: warp_frames(bank.fetch(some), view_of(squares[place[some]]))


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
