"""The tabs to look around: pose and appearance exchanged, a prior, a run while it trains."""

from pathlib import Path
from secrets import randbelow
from typing import Any

import gradio as gr
import numpy as np

from keypointgan.app.models import Example, Models
from keypointgan.app.parts import picture_given, picture_made, told
from keypointgan.app.prior_view import config_of_file, draw_prior
from keypointgan.app.swapping import swap
from keypointgan.app.watching import curves_of, newest_panel, stamp_of, summarise
from keypointgan.errors import ConfigError
from keypointgan.skeletons import list_skeletons

REFRESH_SECONDS = 5
_NO_RUN = (
    "<p class='state'>No run found here. Start the page with the folder of one: "
    "<code>keypointgan app RUN</code>. <code>keypointgan train</code> makes runs, "
    "<code>keypointgan demo</code> makes one in ten minutes.</p>"
)
_LOW = 300  # height of pictures of which there are three in a row
_PLACES = {"fit each pose": "fit", "one scale for all": "body", "as in the file": "as_is"}


def swap_tab(models: Models, model: Any) -> None:
    """Lay out the tab that gives one picture the pose of another."""
    gr.Markdown(
        "The decoder paints the object of one picture in the pose of the other. Of the pose "
        "it sees nothing but the drawn keypoints."
    )
    known = gr.State(None)
    with gr.Row():
        pose = picture_given("Pose of this", "swap-pose", camera=False, height=_LOW)
        appearance = picture_given(
            "Appearance of this", "swap-appearance", camera=False, height=_LOW
        )
        result = picture_made("Both together", "swap-result", height=_LOW)
    with gr.Row():
        example = gr.Button("Try two frames of its training videos", elem_id="swap-example")
        exchange = gr.Button("Exchange the two")
    with gr.Row():
        drawn = picture_made("What the encoder draws of the pose", "swap-drawn", height=_LOW)
        rendered = picture_made(
            "Its keypoints, all the decoder sees of it", "swap-rendered", height=_LOW
        )

    @told
    def combine(
        pose: np.ndarray | None,
        appearance: np.ndarray | None,
        known: Example | None,
        name: str | None,
    ) -> Any:
        if pose is None or appearance is None:
            return None, None, None
        same = known is not None and np.array_equal(known.frame, appearance)
        plate = known.plate if known is not None and same else None
        swapped = swap(models.get(name), pose=pose, appearance=appearance, plate=plate)
        return swapped.result, swapped.skeleton_image, swapped.rendered

    @told
    def two_frames(name: str | None) -> Any:
        second = models.example(name)
        return models.example(name).frame, second.frame, second

    gr.on(
        [pose.change, appearance.change, model.change],
        combine,
        [pose, appearance, known, model],
        [result, drawn, rendered],
        show_progress="minimal",
    )
    example.click(two_frames, model, [pose, appearance, known])
    exchange.click(lambda first, second: (second, first), [pose, appearance], [pose, appearance])


def prior_tab(models: Models, model: Any, folder: Path) -> None:
    """Lay out the tab that draws random poses of a prior; pictures are made in `folder`."""
    gr.Markdown(
        "Random poses of the prior, placed as in training, beside frames of the videos. Place, "
        "size, orientation and variety should look alike on both sides."
    )
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            source = gr.Radio(["of the model", "of a file"], value="of the model", label="Prior")
            with gr.Group(visible=False) as of_file:
                poses = gr.File(
                    label="Poses: .npz, .csv, .slp ...",
                    type="filepath",
                    elem_id="prior-file",
                    height=140,
                )
                skeleton = gr.Dropdown(list_skeletons(), value="h36m17", label="Skeleton")
                place = gr.Dropdown(list(_PLACES), value="fit each pose", label="Placement")
            count = gr.Slider(4, 36, value=16, step=1, label="Poses")
            draw = gr.Button("Draw poses", variant="primary", elem_id="prior-draw")
        with gr.Column(scale=3):
            picture = picture_made("", "prior-out", height=None)
    source.change(lambda chosen: gr.Group(visible=chosen == "of a file"), source, of_file)

    @told
    def view(
        chosen: str, name: str | None, path: str | None, skeleton: str, place: str, count: float
    ) -> str:
        if chosen == "of the model":
            config = models.get(name).loaded.config
        elif path is None:
            raise ConfigError("Expected a file of poses, got none. Upload one first.")
        else:
            config = config_of_file(Path(path), skeleton=skeleton, place=_PLACES[place])
        output = folder / f"prior_{randbelow(10**9)}.png"
        return str(draw_prior(config, output, count=int(count), seed=randbelow(2**31)))

    draw.click(view, [source, model, poses, skeleton, place, count], picture)


def training_tab(models: Models, page: gr.Blocks) -> None:
    """Lay out the tab that shows a run and looks again every few seconds."""
    runs = models.runs()
    run = gr.Dropdown(
        runs,
        value=runs[0] if runs else None,
        label="Run",
        allow_custom_value=True,
        elem_id="run",
        info=f"Looked at every {REFRESH_SECONDS} seconds, while it trains or afterwards.",
    )
    shown = gr.State((None, 0.0))
    summary = gr.HTML(elem_id="run-summary")
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            caption = gr.Markdown()
            panel = picture_made("", "run-panel", height=None)
        with gr.Column(scale=3, min_width=320):
            curves = gr.HTML(elem_id="run-curves")

    @told
    def look(name: str | None, shown: tuple[str | None, float]) -> Any:
        if not name:
            return _NO_RUN, *[gr.skip()] * 4
        run = Path(name)
        summary, now = summarise(run), (name, stamp_of(run))
        if now == tuple(shown):
            return summary, *[gr.skip()] * 4
        newest = newest_panel(run)
        title = f"Panel of update {int(newest.stem):,}" if newest else "No panel drawn yet"
        return summary, curves_of(run), title, None if newest is None else str(newest), now

    outputs = [summary, curves, caption, panel, shown]
    timer = gr.Timer(REFRESH_SECONDS)
    gr.on([page.load, run.change, timer.tick], look, [run, shown], outputs, show_progress="hidden")
    page.load(lambda: gr.Dropdown(models.runs()), None, run)
