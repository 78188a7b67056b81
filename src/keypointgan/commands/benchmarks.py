"""The command that says which public data sets can be read, and writes their unpaired poses."""

from pathlib import Path
from typing import Annotated

import typer

from keypointgan.errors import ConfigError
from keypointgan.wording import counted


def benchmarks(
    name: Annotated[str | None, typer.Argument(help="One of them; all by default.")] = None,
    prior: Annotated[
        Path | None, typer.Option(help="Write its unpaired poses here, an .npz.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="Its folder; by default NAME in KEYPOINTGAN_DATA.")
    ] = None,
) -> None:
    """List the public data sets: whose they are, where to get them, how they must lie on disk."""
    from rich.table import Table

    from keypointgan.commands.console import tables_console
    from keypointgan.commands.outputs import check_output
    from keypointgan.data.benchmarks.registry import (
        BENCHMARKS,
        find_benchmark,
        write_benchmark_prior,
    )
    from keypointgan.data.whole_files import make_folder

    if prior is not None:
        if name is None:
            raise ConfigError("--prior: expected the name of a data set before it, got none.")
        check_output(prior, suffixes=(".npz",))
        make_folder(prior.parent)
        typer.echo(counted(write_benchmark_prior(name, root, prior), "pose"), err=True)
        typer.echo(prior)
        return
    if name is not None:
        typer.echo(find_benchmark(name).describe())
        return
    table = Table(
        title="Read one with: keypointgan ingest --benchmark NAME --split SPLIT -o STORE\n"
        "Licence, layout and protocol: keypointgan benchmarks NAME",
        title_justify="left",
        title_style="",
    )
    table.add_column("name", no_wrap=True)
    for column in ("what", "skeleton", "splits", "scored as", "licence"):
        table.add_column(column)
    for benchmark in BENCHMARKS.values():
        table.add_row(
            benchmark.name,
            benchmark.title,
            benchmark.skeleton,
            ", ".join(benchmark.splits),
            benchmark.scored_as or "-",
            " ".join(benchmark.licence.split()),
        )
    tables_console().print(table)
