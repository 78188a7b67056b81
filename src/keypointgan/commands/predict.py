"""The command that finds keypoints in videos and images."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keypointgan.commands.options import (
    PARTLY,
    Boxes,
    Device,
    FollowSize,
    Margin,
    following,
    tell_skipped,
)
from keypointgan.errors import ConfigError, DataError, ExportError
from keypointgan.wording import counted

if TYPE_CHECKING:
    from keypointgan.commands.predicting import Target


class Smoothing(StrEnum):
    """How tracks are smoothed."""

    one_euro = "one-euro"
    savitzky_golay = "savitzky-golay"


def predict(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            help="A run, a checkpoint, a .safetensors file, or the name of a detector that comes "
            "with keypointgan: faces, humans, flies, dark_flies."
        ),
    ],
    sources: Annotated[
        list[str], typer.Argument(help="Videos, images, folders, patterns such as 'frames/*.png'.")
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            help="Where to: .csv, .npz, .slp, .h5, .dlc.csv, .json or .nwb; {name} is the name of "
            "a source.",
        ),
    ] = "{name}.csv",
    boxes: Boxes = None,
    objects: Annotated[
        int,
        typer.Option(
            min=1,
            help="Without --boxes, look for up to so many objects, and follow each: a track for "
            "each person in a group.",
        ),
    ] = 1,
    margin: Margin = None,
    follow_size: FollowSize = False,
    smooth: Annotated[
        Smoothing | None, typer.Option(help="Smooth the tracks; what was found is kept in a .npz.")
    ] = None,
    overlay: Annotated[
        str | None,
        typer.Option(
            help="Also write the video, or the picture, with the skeletons drawn: "
            "{name}_overlay.mp4, photo_overlay.jpg, ..."
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Squares at once.")] = 64,
    reframe: Annotated[
        bool | None,
        typer.Option(
            "--reframe/--no-reframe",
            help="Look first where the object is, then read it in a square around it; by default "
            "without --boxes, by students with student.margin. Otherwise the central square of "
            "each frame is read.",
        ),
    ] = None,
    flip_average: Annotated[
        bool, typer.Option("--flip-average", help="Average with the mirrored frame.")
    ] = False,
    name_sides: Annotated[
        bool | None,
        typer.Option(
            "--name-sides/--no-name-sides",
            help="Name left and right, and follow joints, along each track; by default in videos, "
            "by students that learnt to.",
        ),
    ] = None,
    bfloat16: Annotated[
        bool,
        typer.Option(
            "--bfloat16",
            help="Compute in half precision: about twice as fast, and off by a tenth of a pixel of "
            "the model's frames.",
        ),
    ] = False,
    device: Device = "auto",
) -> None:
    """Write the keypoints of every frame, in its pixels, with their confidence.

    Without --boxes one object is looked for in each frame (--reframe), or several (--objects).
    Sources that cannot be used, and files that cannot be written, are named and skipped; the exit
    code is then 3. A full disk ends the command.
    """
    from keypointgan.commands.console import counting
    from keypointgan.commands.outputs import disk_is_full
    from keypointgan.commands.predicting import Prediction, check_targets, find_targets
    from keypointgan.hardware import NO_BFLOAT16, has_bfloat16
    from keypointgan.inference.detector import Detector
    from keypointgan.inference.formats import check_suffix
    from keypointgan.inference.overlay import PICTURES, VIDEOS

    check_suffix(output)
    if overlay is not None and Path(overlay).suffix.lower() not in VIDEOS | PICTURES:
        raise ConfigError(
            "Expected an overlay .mp4, .mov or .mkv, or .png or .jpg for a picture, got "
            f"'{overlay}'."
        )
    if objects > 1 and (boxes is not None or reframe is False):
        other = "--no-reframe" if boxes is None else "--boxes"
        raise ConfigError(f"Expected either {other} or --objects {objects}, got both.")
    follow = following(boxes, margin, follow_size=follow_size)
    targets, skipped = find_targets(sources, output, overlay)
    alone = len(targets) == 1
    targets, unwritable = check_targets(targets, follow)
    skipped += unwritable
    detector = Detector.load(checkpoint, device=device)
    if bfloat16 and not has_bfloat16(detector.device):
        typer.echo(f"note: {NO_BFLOAT16}", err=True)
        bfloat16 = False
    prediction = Prediction(
        detector,
        follow=follow,
        alone=alone,
        objects=objects,
        smoothing=None if smooth is None else smooth.value,
        batch_size=batch_size,
        reframe=reframe,
        flip_average=flip_average,
        name_sides=name_sides,
        bfloat16=bfloat16,
    )
    written = 0
    for target in targets:
        try:
            target.check()
            with counting(target.source.name) as progress:
                found = prediction.write(target, progress=progress)
        except (DataError, ExportError) as error:
            if disk_is_full(error):
                tell_skipped(skipped)
                raise ExportError(f"{error} {_go_on(targets, target, written)}") from error
            if isinstance(error, ExportError) and alone and not skipped:
                raise
            skipped.append((str(target.source), str(error)))
            continue
        written += 1
        for path in found.files:
            typer.echo(path)
        if found.doubtful:
            ways = (
                ""
                if boxes is not None or objects > 1
                else "; where it is small or at one side, give --boxes"
            )
            typer.echo(
                f"warning: {target.source.name}: mean confidence {found.confidence:.2f}: perhaps "
                f"the model did not find what it knows. Look at it with --overlay{ways}.",
                err=True,
            )
    if not written:
        reasons = "; ".join(reason for _, reason in skipped)
        if len(skipped) == 1:
            raise DataError(f"{skipped[0][0]}: {reasons.removeprefix(f'{skipped[0][0]}: ')}")
        tell_skipped(skipped)
        raise DataError(f"Expected videos or images, none of {len(skipped)} could be used.")
    tell_skipped(skipped)
    if skipped:
        raise typer.Exit(PARTLY)


def _go_on(targets: Sequence["Target"], stopped: "Target", written: int) -> str:
    """What to do where the disk was full, and what need not be done again."""
    if len(targets) == 1:
        return "Make room and run the same command again."
    left = targets[targets.index(stopped) :]
    rest = str(left[0].source)
    if len(left) > 1:
        rest += f" and the {counted(len(left) - 1, 'source')} after it"
    done = f"The files of {counted(written, 'source')} are complete. " if written else ""
    return f"{done}Make room and run the command again for {rest}."
