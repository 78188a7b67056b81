"""The command line: parse, call, print.

Nothing heavy is imported before a command runs, so `--help` is instant. What users cause prints as
one line and ends with exit code 1; results go to standard output, the path of what was written as
its last line; progress and messages go to standard error.
"""

import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keypointgan.commands import (
    adapt,
    benchmarks,
    data,
    draw,
    export,
    measure,
    predict,
    priors,
    tools,
)
from keypointgan.commands import app as page
from keypointgan.commands.options import Device, Joints, Overrides, Recipe, joint_map
from keypointgan.errors import KeypointGANError
from keypointgan.wording import counted

if TYPE_CHECKING:
    from keypointgan.commands.console import TrainingView
    from keypointgan.config import Config
    from keypointgan.training.trainer import Outcome

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
)

Run = Annotated[Path, typer.Option("-o", "--output", metavar="RUN", help="The run's folder.")]

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors that a user can cause print as one line and exit with 1."""
    try:
        app(arguments)
    except KeypointGANError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        _fail(f"{error.filename or 'The disk'}: cannot be written ({error.strerror}).")


def _print_version(asked: bool) -> bool:
    if asked:
        from keypointgan import __version__

        typer.echo(f"keypointgan {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Learn a detector of interpretable keypoints from unlabelled videos and unpaired poses."""


app.command()(data.ingest)
app.command()(benchmarks.benchmarks)
app.add_typer(priors.prior_app, name="prior")


@app.command()
def recommend(
    store: Annotated[Path, typer.Argument(help="A folder of ingested frames.")],
    prior: Annotated[Path, typer.Option(help="A file of unpaired poses.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The recipe to write (.yaml).")],
    skeleton: Annotated[
        str | None, typer.Option(help="A built-in skeleton or a YAML file; by default the poses'.")
    ] = None,
    joints: Joints = None,
    hours: Annotated[
        float | None, typer.Option(min=0.01, help="For the training; by default 1, on a GPU 4.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Write a recipe for STORE and a prior: reasons, expected time, and what to look at."""
    from keypointgan.commands.outputs import check_output
    from keypointgan.commands.recommend import recommend_recipe
    from keypointgan.data.whole_files import write_text

    check_output(output, reads=[prior])
    found = recommend_recipe(
        store,
        prior,
        skeleton=skeleton,
        joint_map=joint_map(joints),
        hours=hours,
        device=device,
        say=lambda line: typer.echo(line, err=True),
    )
    write_text(output, found.recipe)
    for line in (*found.summary, *(f"look at this: {note}" for note in found.notes)):
        typer.echo(line, err=True)
    typer.echo(output)


@app.command()
def train(
    output: Run,
    recipe: Recipe = None,
    overrides: Overrides = None,
    supervised: Annotated[
        bool, typer.Option("--supervised", help="Train on labels instead: the twin, a bound.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the settings and what the run would cost.")
    ] = False,
) -> None:
    """Train a detector; a run that is there already is taken up where it stopped."""
    from keypointgan.commands.settings import resolve

    config = resolve(output, recipe, overrides or [], supervised=supervised)
    if dry_run:
        typer.echo(config.to_yaml())
        from keypointgan.commands.cost import describe, measure

        typer.echo(describe(measure(config), config))
        return
    _train(output, config, only_pretrain=False)


@app.command()
def pretrain(output: Run, recipe: Recipe = None, overrides: Overrides = None) -> None:
    """Train the regressor alone, on drawn poses of the prior; 'train' goes on from there."""
    from keypointgan.commands.settings import resolve

    _train(output, resolve(output, recipe, overrides or []), only_pretrain=True)


@app.command()
def distill(
    output: Run,
    recipe: Recipe = None,
    overrides: Overrides = None,
    teacher: Annotated[
        Path | None,
        typer.Option(
            help="A run of 'train', whose guesses and painted frames teach first; or a student."
        ),
    ] = None,
    supervised: Annotated[
        bool, typer.Option("--supervised", help="Train on labels instead: the bound.")
    ] = False,
) -> None:
    """Train a student: one faster network, taught by figures, a teacher and its own guesses."""
    from keypointgan.commands.runs import distill as distill_run
    from keypointgan.commands.settings import resolve

    config = resolve(output, recipe, overrides or [], supervised=supervised, student=True)
    again = "distill" if teacher is None else f"distill --teacher {teacher}"

    def work(view: "TrainingView") -> "Outcome":
        return distill_run(output, config, teacher=teacher, listener=view)

    _run(output, work, command=again)


app.command()(adapt.adapt)
app.command()(measure.evaluate)
app.command()(measure.calibrate)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The page; by default in the run.")
    ] = None,
) -> None:
    """Write one self-contained HTML page about a run: curves, pictures, tables, warnings."""
    from keypointgan.commands.outputs import check_output
    from keypointgan.report import write_report

    if output is not None:
        check_output(output)
    typer.echo(write_report(run, output or run / "report.html"))


@app.command()
def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of everything made.")
    ] = Path("demo"),
    minutes: Annotated[float, typer.Option(min=0.1, help="Wall time of the training.")] = 6.5,
) -> None:
    """Learn synthetic figures from scratch: videos, prior, training, scores, overlay, report."""
    from keypointgan.commands.console import tables_console
    from keypointgan.commands.demo import run_demo

    path, scored = run_demo(output, minutes=minutes, say=lambda line: typer.echo(line, err=True))
    tables_console().print(scored.to_table())
    typer.echo(path)


app.command()(draw.draw)
app.add_typer(tools.convert_app, name="convert")
app.command()(predict.predict)
app.command()(export.export)
app.command(name="app")(page.app)
app.command()(tools.skeletons)
app.command()(tools.recipes)
app.command()(tools.doctor)


def _train(run: Path, config: "Config", *, only_pretrain: bool) -> None:
    from keypointgan.commands.runs import train as train_run

    def work(view: "TrainingView") -> "Outcome":
        return train_run(run, config, listener=view, only_pretrain=only_pretrain)

    _run(run, work, command="train")


def _run(run: Path, work: "Callable[[TrainingView], Outcome]", *, command: str) -> None:
    """Carry out a run with its progress shown, and say how it goes on or where its report is."""
    from keypointgan.commands.console import TrainingView
    from keypointgan.report import write_report

    with TrainingView() as view:
        outcome = work(view)
    done = counted(outcome.step, "update")
    if outcome.reason in {"interrupted", "minutes"}:
        how = "Interrupted" if outcome.reason == "interrupted" else "The time is up"
        more = "" if outcome.reason == "interrupted" else " --set training.minutes=MORE"
        typer.echo(
            f"{how} after {done}. Go on with: keypointgan {command} -o {run}{more}", err=True
        )
    elif outcome.reason == "pretrained":
        typer.echo(f"Pre-trained. Go on with: keypointgan train -o {run}", err=True)
    else:
        typer.echo(f"Done: {done}.", err=True)
    typer.echo(f"report: {write_report(run, run / 'report.html')}", err=True)
    typer.echo(run)


def _fail(message: str) -> None:
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
