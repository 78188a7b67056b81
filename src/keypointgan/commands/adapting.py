"""A student goes on, without a label, on the videos that it is to be used on."""

import csv
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml
from jaxtyping import Float, Int64
from numpy import ndarray
from PIL import Image, ImageDraw

from keypointgan.checkpoint import LoadedModel, load_model
from keypointgan.commands.outputs import disk_is_full
from keypointgan.commands.predicting import boxes_of_all, places_in
from keypointgan.data.ingest import IngestSummary, ingest
from keypointgan.data.plans import MASK_PATTERN, Follow
from keypointgan.data.sources import find_sources, name_clips, say_others
from keypointgan.data.store import Progress, Store
from keypointgan.data.whole_files import make_folder, whole_file, write_text
from keypointgan.data.windows import MAX_GAP
from keypointgan.errors import CheckpointError, DataError
from keypointgan.inference.detector import Detector
from keypointgan.inference.overlay import frames_of
from keypointgan.inference.places import Places
from keypointgan.inference.poses import Poses
from keypointgan.inference.sheets import draw_sheet
from keypointgan.models.naming import holds_naming
from keypointgan.models.student import Student
from keypointgan.report import FIGURES
from keypointgan.skeletons import list_skeletons

STORE, PLACES = "frames", "places"
"""Folders of a run: the frames that it learns from, and where the objects are in each video."""
PICTURE = "before and after"

_SPACE = 1.15
"""Side of the squares that are kept over that of those in which the model reads best: views are
moved and made smaller."""
_STRETCH = 100  # frames that follow each other, where only a part of a video is learnt from
_QUALITY = 95  # of the frames that are kept
_SHOWN, _SHOWN_OF_A_CLIP, _PAIRS = 12, 3, 3  # frames of the picture, and in a row of it
_HEADER = 16  # pixels of its titles
_COMPARED = 400  # frames that are read before and after

_SETTINGS = (
    "data.validation_fraction=0",
    "data.validation_labels=null",
    "prior.poses=null",
    "student.backbone_weights=null",
    "student.committee=[]",
    "student.match_prior=false",
    "student.figures=0",
    "student.synthesis=0",
    "student.real=1",
    "student.alone=0",
    "student.steps=1000000",
    "student.batch_size=40",
    "student.learning_rate=0.0003",
    "student.average=0.99",
    "student.guess_every=1000000",  # once: of guesses on guesses whole clips lost their sides
    "training.supervised=false",
    "training.supervised_labels=null",
    "training.device=auto",
    "training.devices=1",
    "training.precision=bf16-mixed",
    "training.channels_last=true",
    "training.compile=false",
    "training.log_every=10",
    "training.evaluate_every=100",
    "training.save_every=100",
    "training.panels=2",
)

Counting = Callable[[str], AbstractContextManager[Progress]]
"""Shows a bar with a title for work that counts."""


@dataclass(frozen=True)
class Change:
    """What became of the keypoints in frames that were learnt from.

    Attributes:
        moved: Mean distance by which the keypoints of a frame moved, % of the square's side.
        much: Share of the frames in which that is more than 5 %.
        exchanged: Share of the frames in which left and right are rather exchanged than moved.
        confidence: Mean confidence before and after.
        picture: Frames that changed most, before and after.
    """

    moved: float
    much: float
    exchanged: float
    confidence: tuple[float, float]
    picture: Path


def load_start(path: Path) -> LoadedModel:
    """The student to go on from.

    Raises:
        CheckpointError: There is none, or a model of the method.
    """
    loaded = load_model(path)
    if not isinstance(loaded.model, Student):
        raise CheckpointError(
            f"{path}: expected a student to go on from, got a run of 'keypointgan train'. Let it "
            f"teach one: keypointgan distill --teacher {path}."
        )
    return loaded


def settings_of(
    loaded: LoadedModel, run: Path, *, start: Path, minutes: float, overrides: Sequence[str]
) -> tuple[str, list[str]]:
    """The settings of the run: YAML of those that the student learnt with, and what differs.

    Args:
        loaded: The student.
        run: The run's folder, in which the skeleton is written unless it is a built-in one.
        start: Where the student is.
        minutes: Wall time of the training.
        overrides: Settings of the user's.
    """
    values = [
        *_SETTINGS,
        f"data.store={json.dumps(str(run / STORE))}",
        f"student.start={json.dumps(str(start))}",
        f"student.sides_by_prior={str(holds_naming(loaded.model.state_dict())).lower()}",
        f"training.minutes={minutes}",
    ]
    if loaded.config.model.skeleton not in list_skeletons():
        file = run / "skeleton.yaml"
        write_text(file, yaml.safe_dump(loaded.skeleton.to_dict(), sort_keys=False))
        values.append(f"model.skeleton={json.dumps(str(file))}")
    return loaded.config.to_yaml(), [*values, *overrides]


def gather(
    detector: Detector,
    given: Sequence[str],
    run: Path,
    *,
    boxes: Follow | None,
    objects: int,
    frames: int,
    counting: Counting,
) -> IngestSummary:
    """Keep the frames to learn from in the run: squares around the objects.

    What an earlier call has found and kept is not done again.

    Args:
        detector: Looks where the objects are.
        given: Videos, folders and patterns.
        run: The run's folder.
        boxes: Where they are, from a file; None to look for them.
        objects: For how many.
        frames: How many to keep, at most, of all objects together: of longer videos stretches of
            100, evenly spread. Where these would nearly touch a video is kept whole.
        counting: Shows progress.

    Raises:
        DataError: No video can be used.
    """
    found = find_sources(given)
    skipped, notes = list(found.skipped), [say_others(found.others)] if found.others else []
    of_all, alone = boxes_of_all(boxes), len(found.sources) == 1
    summary = None
    for source, name in name_clips(found.sources).items():
        file = run / PLACES / f"{name}.csv"
        try:
            if not file.exists():
                if boxes is None:
                    with counting(f"looking at {source.name}") as progress:
                        places = detector.look(source, objects=objects, progress=progress)
                else:
                    places = places_in(source, boxes, file=of_all, alone=alone)
                _write_places(places, file, most=frames // len(found.sources))
            follow = Follow(str(file), margin=_SPACE, follow_size=True)
            with counting(f"keeping {source.name}") as progress:
                summary = ingest(
                    source,
                    run / STORE,
                    size=detector.size,
                    quality=_QUALITY,
                    crop=follow,
                    masks=MASK_PATTERN,
                    progress=progress,
                )
        except DataError as error:
            if disk_is_full(error):
                raise  # the next source would fail likewise
            skipped.append((str(source), str(error)))
            continue
        skipped += summary.skipped
        notes += summary.notes
    if summary is None:
        reasons = "; ".join(f"{source}: {reason}" for source, reason in skipped)
        raise DataError(f"Expected a video that can be learnt from, got none. {reasons}")
    return replace(summary, skipped=tuple(skipped), notes=tuple(notes))


def compare(before: Detector, after: Detector, run: Path) -> Change:
    """Read frames of the run with both, and draw those that changed most."""
    store = Store.open(run / STORE)
    total = store.clips[-1].start + store.clips[-1].frames
    rows = np.unique(np.linspace(0, total - 1, min(total, _COMPARED)).astype(np.int64))
    frames = store.frames(rows)
    old, new = (detector.predict(frames, reframe=False) for detector in (before, after))
    mirror = list(before.skeleton.mirror)
    moved, crossed = (
        100 / store.size * np.linalg.norm(xy - old.xy, axis=-1).mean(axis=-1)
        for xy in (new.xy, new.xy[:, mirror])
    )
    clips = np.searchsorted([clip.start for clip in store.clips], rows, side="right")
    chosen = _most_changed(moved, clips)
    path = run / FIGURES / f"{PICTURE}.png"
    make_folder(path.parent)
    with whole_file(path) as beside:
        _sheet(frames[chosen], frames_of(old, chosen), frames_of(new, chosen)).save(beside)
    return Change(
        moved=float(moved.mean()),
        much=float((moved > 5).mean()),
        exchanged=float((crossed < moved).mean()),
        confidence=(float(old.confidence.mean()), float(new.confidence.mean())),
        picture=path,
    )


def _write_places(places: Places, path: Path, *, most: int) -> None:
    """A file of boxes: the squares of upright objects, of long videos so many in some stretches."""
    seen, counts = np.unique(places.frames, return_counts=True)
    if not len(seen):
        raise DataError("expected an object in at least two frames, found none")
    total = int(seen[-1]) + 1
    kept = np.isin(places.frames, _stretches(total, int(most / counts.mean())))
    if places.turns is not None:
        kept &= places.turns == 0
    make_folder(path.parent)
    with whole_file(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["frame", "x0", "y0", "x1", "y1", "track"])
        for row in np.flatnonzero(kept):
            square = [round(value, 2) for value in places.squares[row].tolist()]
            rows.writerow([places.frames[row], *square, places.names[places.owners[row]]])


def _stretches(total: int, most: int) -> Int64[ndarray, " frame"]:
    """Which of `total` frames are learnt from: all, or stretches far enough apart to be clips."""
    every = np.arange(total)
    period = total / max(most / _STRETCH, 1)
    if total <= most or period <= _STRETCH + MAX_GAP + 1:
        return every
    return every[every % period < _STRETCH]


def _most_changed(
    moved: Float[ndarray, " frame"], clips: Int64[ndarray, " frame"]
) -> Int64[ndarray, " shown"]:
    """The frames that changed most, few of a clip."""
    shown: dict[int, int] = {}
    chosen: list[int] = []
    for place in np.argsort(-moved).tolist():
        clip = int(clips[place])
        if len(chosen) < _SHOWN and shown.get(clip, 0) < _SHOWN_OF_A_CLIP:
            shown[clip] = shown.get(clip, 0) + 1
            chosen.append(place)
    return np.array(chosen)


def _sheet(frames: ndarray, old: Poses, new: Poses) -> Image.Image:
    """Each frame twice, side by side: before at the left, after at the right."""
    twice = np.repeat(np.arange(len(frames)), 2)
    after = np.arange(len(twice)) % 2 == 1
    both = replace(
        frames_of(old, twice),
        xy=np.where(after[:, None, None], new.xy[twice], old.xy[twice]),
        confidence=np.where(after[:, None], new.confidence[twice], old.confidence[twice]),
    )
    drawn = draw_sheet(list(frames[twice]), both, columns=2 * _PAIRS, scale=2)
    sheet = Image.new("RGB", (drawn.shape[1], drawn.shape[0] + _HEADER), "white")
    sheet.paste(Image.fromarray(drawn), (0, _HEADER))
    titles = ImageDraw.Draw(sheet)
    for left in range(0, drawn.shape[1], 2 * frames.shape[2]):
        word = "after" if left // (2 * frames.shape[2]) % 2 else "before"
        titles.text((left + 3, 2), word, fill="black")
    return sheet
