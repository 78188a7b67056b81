"""A trained detector as a file that runs elsewhere."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    checkpoint: Annotated[
        Path,
        typer.Argument(help="A run, a checkpoint, a .safetensors file or the name of a model."),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The file to write, .onnx.")
    ] = Path("model.onnx"),
) -> None:
    """Write a detector as an ONNX file, which runs without torch, after checking it."""
    from keypointgan.commands.outputs import check_output
    from keypointgan.inference.detector import Detector
    from keypointgan.inference.export import export_onnx

    check_output(output, suffixes=(".onnx",))
    exported = export_onnx(Detector.load(checkpoint, device="cpu"), output)
    typer.echo(
        f"opset {exported.opset}, any batch; keypoints differ by at most "
        f"{exported.difference:.2g} pixels, confidence by {exported.confidence_difference:.2g}",
        err=True,
    )
    typer.echo(exported.path)
