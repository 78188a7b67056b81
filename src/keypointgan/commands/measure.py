"""The commands that measure a detector against labels, and its confidence."""

from pathlib import Path
from typing import Annotated

import typer

from keypointgan.commands.options import Device, Joints, joint_map
from keypointgan.wording import counted


def evaluate(
    checkpoint: Annotated[
        Path,
        typer.Argument(help="A run, a checkpoint, a .safetensors file or the name of a model."),
    ],
    store: Annotated[Path, typer.Argument(help="A folder of ingested frames.")],
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Labels (.npz), or poses in pixels of the videos (.slp, DeepLabCut, ...); by "
            "default labels.npz in the store."
        ),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="By default that of the labels, else the skeleton's.")
    ] = None,
    prior: Annotated[
        Path | None, typer.Option(help="Poses of the mean-pose baseline; by default the run's.")
    ] = None,
    twin: Annotated[
        Path | None, typer.Option(help="A run of 'train --supervised' to score beside.")
    ] = None,
    fit_on: Annotated[
        Path | None,
        typer.Option("--fit-on", help="A labelled store to fit the linear regression on."),
    ] = None,
    joints: Joints = None,
    reframe: Annotated[
        bool | None,
        typer.Option(
            "--reframe/--no-reframe",
            help="Read each frame again in a square around what was found in it; by default by "
            "students with student.margin.",
        ),
    ] = None,
    flip_average: Annotated[
        bool, typer.Option("--flip-average", help="Average with the mirrored frame.")
    ] = False,
    name_sides: Annotated[
        bool | None,
        typer.Option(
            "--name-sides/--no-name-sides",
            help="Name left and right, and follow joints, along each clip; by default where the "
            "student learnt to.",
        ),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Also print each action and joint.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The JSON; by default in the run.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Measure a detector against labels, beside the mean pose and the supervised twin."""
    from keypointgan.commands.console import tables_console
    from keypointgan.commands.outputs import check_output
    from keypointgan.commands.scoring import default_output, score
    from keypointgan.data.whole_files import write_text

    path = output or default_output(checkpoint, store)
    check_output(path)
    scored = score(
        checkpoint,
        store,
        labels_path=labels,
        protocol=protocol,
        prior=prior,
        twin=twin,
        joint_map=joint_map(joints),
        fit_on=fit_on,
        reframe=reframe,
        flip_average=flip_average,
        name_sides=name_sides,
        device=device,
    )
    tables_console().print(scored.to_table())
    if details:
        typer.echo(scored.evaluation.to_table(details=True))
    for note in (*scored.notes, *scored.evaluation.notes):
        typer.echo(note, err=True)
    write_text(path, scored.to_json())
    typer.echo(path)


def calibrate(
    checkpoint: Annotated[Path, typer.Argument(help="The run or checkpoint of a student.")],
    store: Annotated[Path, typer.Argument(help="Labelled frames it was not trained on.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The figures (.json); a diagram lies beside.")
    ],
    labels: Annotated[
        Path | None, typer.Option(help="Labels (.npz); by default labels.npz in the store.")
    ] = None,
    held_out: Annotated[
        bool,
        typer.Option("--held-out", help="Only clips that training kept apart from its own store."),
    ] = False,
    measure_only: Annotated[
        bool, typer.Option("--measure-only", help="Leave the checkpoint as it is.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Make a student's confidence mean what it says, and draw how well it does."""
    from keypointgan.commands.calibrating import calibrate as calibrate_student
    from keypointgan.commands.calibrating import write_reliability
    from keypointgan.commands.outputs import check_output

    check_output(output, suffixes=(".json",))
    found = calibrate_student(
        checkpoint,
        store,
        labels_path=labels,
        held_out=held_out,
        apply=not measure_only,
        device=device,
    )
    typer.echo(
        f"{counted(found.points, 'point')}: confidence off by {found.before.gap:.3f} on average, "
        f"{found.after.gap:.3f} with errors of {found.factor:.2f} times the stated ones to the "
        f"power of {found.power:.2f}.",
        err=True,
    )
    write_reliability(found, output)
    typer.echo(output)
