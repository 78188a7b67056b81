"""The web page on this machine."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from keypointgan.commands.options import Device


def app(
    models: Annotated[
        list[Path] | None,
        typer.Argument(help="Runs, checkpoints, or folders of them; by default the folder here."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Port; by default the first free one from 7860.")
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = True,
    device: Device = "auto",
) -> None:
    """Show a page in the browser: keypoints of pictures, videos and the webcam; priors; runs."""
    from keypointgan.checkpoint import list_pretrained
    from keypointgan.errors import CheckpointError, MissingExtraError

    if find_spec("gradio") is None:
        raise MissingExtraError("gradio", extra="app", purpose="show the page")
    from keypointgan.app.models import Models
    from keypointgan.app.page import serve

    paths = models or [Path()]
    for path in paths:
        if not path.exists() and str(path) not in list_pretrained():
            raise CheckpointError(
                f"Expected a run, a checkpoint, a folder of them or a name of "
                f"{', '.join(list_pretrained())}, got '{path}'."
            )
    serve(
        Models(paths, device=device),
        host=host,
        port=port,
        open_browser=open_browser,
        say=lambda line: typer.echo(line, err=True),
    )
