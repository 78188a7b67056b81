"""Predictions of one source after the other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keypointgan.commands.outputs import (
    check_not_read,
    check_overlay,
    check_place,
    check_poses_file,
)
from keypointgan.data.boxes import BoxFile, read_boxes
from keypointgan.data.plans import Follow
from keypointgan.data.sources import NAME, beside, find_sources, name_clips
from keypointgan.data.store import Progress
from keypointgan.data.video import probe
from keypointgan.data.whole_files import make_folder
from keypointgan.errors import ConfigError, ExportError, VideoError
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import check_suffix, save_poses
from keypointgan.inference.overlay import PICTURES, write_overlay
from keypointgan.inference.places import Places
from keypointgan.inference.poses import Poses
from keypointgan.inference.smoothing import Method, smooth
from keypointgan.inference.streamed import write_csv_parts
from keypointgan.wording import counted

_DOUBTFUL = 0.5
"""Mean confidence under which users are told: people in films have 0.55, a fly read in the whole
of its arena, where it is much too small, 0.49."""


@dataclass(frozen=True)
class Target:
    """A source, and what is written about it.

    Attributes:
        source: The video, the image, the folder or the pattern of images.
        output: The file of poses.
        overlay: The video with the poses drawn on it; None for none.
    """

    source: Path
    output: Path
    overlay: Path | None

    @property
    def files(self) -> list[Path]:
        """Those that are written."""
        return [path for path in (self.output, self.overlay) if path is not None]

    def check(self) -> None:
        """Refuse what could not be written when the poses are there.

        Raises:
            ExportError: The source tells no frame rate and the file needs one, or a picture is to
                show several frames.
            MissingExtraError: The file needs a package that is not installed.
        """
        picture = self.overlay is not None and self.overlay.suffix.lower() in PICTURES
        if not picture and check_suffix(self.output) != ".nwb":
            check_poses_file(self.output, fps=0)
            return
        try:
            info = probe(self.source)
        except VideoError:
            return  # whoever reads it says why
        check_poses_file(self.output, fps=info.fps)
        if self.overlay is not None:
            check_overlay(self.overlay, frames=info.frames)


def check_targets(
    targets: Sequence[Target], follow: Follow | None
) -> tuple[list[Target], list[tuple[str, str]]]:
    """Return the targets that can be written, and the sources of the others, with the reason.

    Raises:
        ExportError: A file to write is one that is read, a source or boxes, or there is not a
            single target that can be written.
    """
    reads = [target.source for target in targets]
    if follow is not None:
        reads += {beside(target.source, follow.boxes) for target in targets}
    for target in targets:
        for path in target.files:
            check_not_read(path, reads)
    good: list[Target] = []
    skipped: list[tuple[str, str]] = []
    for target in targets:
        try:
            for path in target.files:
                check_place(path)
        except ExportError as error:
            if len(skipped) + 1 == len(targets):
                raise
            skipped.append((str(target.source), str(error)))
        else:
            good.append(target)
    return good, skipped


def find_targets(
    given: Sequence[str], output: str, overlay: str | None
) -> tuple[list[Target], list[tuple[str, str]]]:
    """Return what is to be written for each source, and what cannot be a source, with the reason.

    Args:
        given: Videos, images, folders and patterns.
        output: File of poses, `{name}` standing for the name of a source.
        overlay: The video, likewise; None for none.

    Raises:
        ConfigError: There are several sources for one file.
    """
    found = find_sources(given, copies=True)
    for pattern in (output, overlay):
        if pattern is not None and NAME not in pattern and len(found.sources) > 1:
            suffix = Path(pattern).suffix
            raise ConfigError(
                f"Expected a file for each of {counted(len(found.sources), 'source')}, got "
                f"'{pattern}'. Put their names into it, such as 'folder/{{name}}{suffix}'."
            )
    targets = [
        Target(
            source,
            Path(output.replace(NAME, name)),
            None if overlay is None else Path(overlay.replace(NAME, name)),
        )
        for source, name in name_clips(found.sources).items()
    ]
    return targets, found.skipped


class Written(NamedTuple):
    """The files of a source, and how sure its keypoints are on average; NaN without any."""

    files: list[Path]
    confidence: float

    @property
    def doubtful(self) -> bool:
        """Whether the model may well have found nothing."""
        return self.confidence < _DOUBTFUL


class Prediction:
    """How keypoints are found and written, the same for all sources.

    Args:
        detector: The trained model.
        follow: Where the animals are; None for some anywhere.
        alone: Whether there is one source only, so that boxes without its name are of it.
        objects: How many there are at most, where nothing is followed.
        smoothing: How tracks are smoothed; not at all without.
        batch_size: Squares the model sees at once.
        reframe: Look first, then read; None as `Detector.predict` does.
        flip_average: Average with the mirrored frame.
        name_sides: Name left and right along each track; None as `Detector.predict` does.
        bfloat16: Compute in bfloat16.
    """

    def __init__(
        self,
        detector: Detector,
        *,
        follow: Follow | None,
        alone: bool,
        objects: int,
        smoothing: Method | None,
        batch_size: int,
        reframe: bool | None,
        flip_average: bool,
        name_sides: bool | None,
        bfloat16: bool,
    ) -> None:
        self._detector = detector
        self._follow, self._alone, self._objects = follow, alone, objects
        self._smoothing: Method | None = smoothing
        self._batch_size, self._reframe = batch_size, reframe
        self._flip_average, self._bfloat16 = flip_average, bfloat16
        self._name_sides = name_sides
        self._boxes = boxes_of_all(follow)

    def write(self, target: Target, *, progress: Progress | None = None) -> Written:
        """Find the keypoints in a source and return what was written.

        A CSV file without smoothing or overlay is written while frames are read: the memory
        needed does not grow with the length of the video.

        Raises:
            DataError: The source or its boxes cannot be used.
            ExportError: The files cannot be written.
        """
        places = self._places(target.source)
        sureness = _Sureness()
        parts = sureness.of(
            self._detector.predict_batches(
                target.source,
                places,
                objects=self._objects,
                batch_size=self._batch_size,
                reframe=self._reframe,
                flip_average=self._flip_average,
                name_sides=self._name_sides,
                bfloat16=self._bfloat16,
                progress=progress,
            )
        )
        for path in target.files:
            make_folder(path.parent)
        whole = self._smoothing is not None or target.overlay is not None
        if check_suffix(target.output) == ".csv" and not whole:
            write_csv_parts(parts, target.output, places=places)
            return Written([target.output], sureness.mean)
        poses = [Poses.concatenate(animal) for animal in zip(*parts, strict=True)]
        if self._smoothing is not None:
            poses = [smooth(each, method=self._smoothing) for each in poses]
        save_poses(poses, target.output)
        if target.overlay is None:
            return Written([target.output], sureness.mean)
        try:
            write_overlay(poses[0] if len(poses) == 1 else poses, target.source, target.overlay)
        except ExportError as error:
            raise ExportError(f"{error} The poses are in {target.output}.") from error.__cause__
        return Written([target.overlay, target.output], sureness.mean)

    def _places(self, source: Path) -> Places | None:
        if self._follow is None:
            return None
        return places_in(source, self._follow, file=self._boxes, alone=self._alone)


def places_in(source: Path, follow: Follow, *, file: BoxFile | None, alone: bool) -> Places:
    """Where the animals of a source are.

    Args:
        source: The video.
        follow: How they are followed.
        file: The boxes of all sources; None for a file beside each.
        alone: Whether there is one source only, so that boxes without its name are of it.

    Raises:
        DataError: The boxes cannot be read, or are of another source.
    """
    boxes = file or read_boxes(beside(source, follow.boxes))
    tracks = boxes.of(source, alone=alone or file is None)
    return Places.of_tracks(tracks, margin=follow.margin, follow_size=follow.follow_size)


def boxes_of_all(follow: Follow | None) -> BoxFile | None:
    """The one file of boxes for all sources; None where each has its own, or there are none."""
    if follow is None or NAME in follow.boxes:
        return None
    return read_boxes(follow.boxes)


class _Sureness:
    """The mean confidence of all keypoints that pass by."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def of(self, parts: Iterable[tuple[Poses, ...]]) -> Iterator[tuple[Poses, ...]]:
        """The same parts."""
        for part in parts:
            for animal in part:
                seen = animal.confidence[np.isfinite(animal.xy).all(axis=-1)]
                self._sum, self._count = self._sum + float(seen.sum()), self._count + seen.size
            yield part

    @property
    def mean(self) -> float:
        """Of those so far; NaN of none."""
        return self._sum / self._count if self._count else float("nan")
