"""What the tabs of the page share."""

import re
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from secrets import randbelow
from typing import Any

import gradio as gr

from keypointgan.app.detecting import save_poses_file
from keypointgan.errors import KeypointGANError
from keypointgan.inference.formats import WRITERS
from keypointgan.inference.poses import Poses

HEIGHT = 420
"""Of pictures and videos, in pixels of the screen."""
_FORMATS = {
    ".csv": "CSV table",
    ".npz": "NumPy (npz)",
    ".dlc.csv": "DeepLabCut (csv)",
    ".h5": "DeepLabCut (h5)",
    ".slp": "SLEAP (slp)",
    ".json": "COCO keypoints (json)",
    ".nwb": "NWB (ndx-pose)",
}
_UPLOADED = re.compile(r"\S*[/\\][0-9a-f]{64}[/\\]")  # where Gradio keeps what is uploaded
_COLUMNS = ["object", "joint", "x", "y", "confidence"]


def results(prefix: str) -> tuple[Any, Any, Any]:
    """A table of keypoints, a choice of formats and a button to download."""
    with gr.Row():
        table = gr.Dataframe(
            headers=_COLUMNS,
            datatype=["number", "str", "number", "number", "number"],
            interactive=False,
            label="Keypoints in pixels, (0, 0) the upper left corner",
            elem_id=f"{prefix}-table",
            max_height=320,
            scale=3,
        )
        with gr.Column(scale=1, min_width=200):
            formats = [(_FORMATS.get(suffix, suffix), suffix) for suffix in WRITERS]
            format_ = gr.Dropdown(formats, value=formats[0][1], label="Format")
            download = gr.DownloadButton(
                "Download", interactive=False, elem_id=f"{prefix}-download"
            )
    return table, format_, download


def picture_made(label: str, name: str, *, height: int | None = HEIGHT) -> Any:
    """A place for a picture that the page makes; `name` is its id in the page."""
    return gr.Image(
        label=label,
        show_label=bool(label),
        height=height,
        interactive=False,
        elem_id=name,
        elem_classes="filled",
        format="png",
        buttons=["download", "fullscreen"],  # not to share it on somebody's server
    )


def picture_given(label: str, name: str, *, camera: bool, height: int = HEIGHT) -> Any:
    """A place for a picture of the user's; `name` is its id in the page."""
    return gr.Image(
        label=label,
        height=height,
        elem_id=name,
        elem_classes="filled",
        sources=["upload", "webcam", "clipboard"] if camera else ["upload", "clipboard"],
        webcam_options=gr.WebcamOptions(mirror=False),
        buttons=["fullscreen"],
    )


def fade_box() -> Any:
    """A box to tick: confidence as opacity."""
    return gr.Checkbox(True, label="Draw unsure keypoints faintly", container=False)


def objects_field(name: str) -> Any:
    """How many objects to look for; `name` is the field's id in the page."""
    return gr.Number(
        1,
        label="Objects to look for",
        info="At most so many people, faces or animals.",
        minimum=1,
        precision=0,
        elem_id=name,
    )


def download_of(poses: Sequence[Poses] | None, folder: Path, source: str, suffix: str) -> Any:
    """The button that downloads the poses as a file with that suffix, named after `source`."""
    if poses is None:
        return no_download()
    path = save_poses_file(poses, folder / str(randbelow(10**9)), source=source, suffix=suffix)
    return gr.DownloadButton(value=str(path), label=f"Download {path.name}", interactive=True)


def no_download() -> Any:
    """The button while there is nothing to download."""
    return gr.DownloadButton(value=None, label="Download", interactive=False)


def told(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with errors of the user's shown on the page instead of in a traceback."""

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except KeypointGANError as error:
            message = _UPLOADED.sub("", str(error))
        raise gr.Error(message, print_exception=False)

    return call
