"""The command that takes a student on to other videos."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keypointgan.commands.options import (
    PARTLY,
    Boxes,
    FollowSize,
    Margin,
    Overrides,
    following,
    tell_skipped,
)
from keypointgan.errors import ConfigError
from keypointgan.wording import counted

if TYPE_CHECKING:
    from keypointgan.commands.adapting import Change


def adapt(
    model: Annotated[
        Path,
        typer.Argument(
            help="The student to go on from: a run of 'distill', or the name of a detector that "
            "comes with keypointgan: faces, humans, flies, dark_flies."
        ),
    ],
    sources: Annotated[list[str], typer.Argument(help="Videos, folders, patterns.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="RUN", help="The run's folder.")
    ],
    boxes: Boxes = None,
    objects: Annotated[
        int, typer.Option(min=1, help="Without --boxes, look for up to so many objects.")
    ] = 1,
    margin: Margin = None,
    follow_size: FollowSize = False,
    minutes: Annotated[float, typer.Option(min=0.01, help="Wall time of the training.")] = 10.0,
    frames: Annotated[
        int,
        typer.Option(min=2, help="Learn from so many frames, spread over the videos, at most."),
    ] = 3000,
    overrides: Overrides = None,
) -> None:
    """Take a student on to your videos: it learns from its own guesses there, without a label.

    The result is a run like any other, for 'predict', 'evaluate' and 'app'. Guesses make what is
    nearly right better; they do not mend what is wrong in most frames. Ctrl-C saves, and the same
    command goes on.
    """
    from keypointgan.commands.adapting import (
        compare,
        gather,
        load_start,
        settings_of,
    )
    from keypointgan.commands.console import TrainingView, counting
    from keypointgan.commands.runs import distill
    from keypointgan.commands.settings import resolve
    from keypointgan.hardware import choose_device
    from keypointgan.inference.detector import Detector
    from keypointgan.report import write_report

    if boxes is not None and objects > 1:
        raise ConfigError(f"Expected either --boxes or --objects {objects}, got both.")
    follow = following(boxes, margin, follow_size=follow_size)
    start = load_start(model)
    base, values = settings_of(
        start, output, start=model, minutes=minutes, overrides=overrides or []
    )
    config = resolve(output, None, values, student=True, base=base)
    device = choose_device(config.training.device)
    before = Detector.load(model, device=str(device))
    summary = gather(
        before,
        sources,
        output,
        boxes=follow,
        objects=objects,
        frames=frames,
        counting=counting,
    )
    for note in summary.notes:
        typer.echo(f"look at {note}", err=True)
    tell_skipped(summary.skipped)
    kept = f"{counted(summary.clips, 'clip')}, {counted(summary.frames, 'frame')}"
    typer.echo(f"{kept} to learn from", err=True)
    with TrainingView() as view:
        outcome = distill(output, config, listener=view)
    done = counted(outcome.step, "update")
    if outcome.reason == "interrupted":
        typer.echo(f"Interrupted after {done}. The same command goes on.", err=True)
    else:
        typer.echo(f"Done: {done}.", err=True)
        _tell(compare(before, Detector.load(output, device=str(device)), output))
    typer.echo(f"report: {write_report(output, output / 'report.html')}", err=True)
    typer.echo(output)
    if summary.skipped:
        raise typer.Exit(PARTLY)


def _tell(change: "Change") -> None:
    before, after = change.confidence
    typer.echo(
        f"Keypoints moved by {change.moved:.1f} % of the square's side on average, in "
        f"{change.much:.0%} of the frames by more than 5 %; left and right are exchanged in "
        f"{change.exchanged:.0%}. Mean confidence {before:.2f} before, "
        f"{after:.2f} after; learning from oneself raises it in any case.",
        err=True,
    )
    typer.echo(f"look at the frames that changed most: {change.picture}", err=True)
