"""The tabs that find keypoints: in a picture, in a video, before the camera."""

from pathlib import Path
from secrets import randbelow
from typing import Any

import gradio as gr
import numpy as np

from keypointgan.app.detecting import detect_picture, detect_video, table_of
from keypointgan.app.models import Models
from keypointgan.app.parts import (
    HEIGHT,
    download_of,
    fade_box,
    no_download,
    objects_field,
    picture_given,
    picture_made,
    results,
    told,
)
from keypointgan.errors import ConfigError

_PROGRESS = gr.Progress()  # Gradio knows by this default what it has to hand over


def picture_tab(models: Models, model: Any, folder: Path) -> None:
    """Lay out the tab for one picture; files to download are made in `folder`."""
    gr.Markdown(
        "Upload a picture, paste one or take one with the camera. The model reads **a square** "
        "around each object that it finds, or the central one; what it does not see is darkened."
    )
    poses = gr.State(None)
    with gr.Row():
        picture = picture_given("Picture", "picture-in", camera=True)
        drawn = picture_made("Keypoints", "picture-out")
    with gr.Row():
        example = gr.Button("Try a frame of its training videos", elem_id="picture-example")
        with gr.Column():
            objects = objects_field("picture-objects")
            fade = fade_box()
    table, format_, download = results("picture")

    @told
    def detect(
        picture: np.ndarray | None, name: str | None, objects: int | None, fade: bool, suffix: str
    ) -> Any:
        if picture is None:
            return None, None, [], no_download()
        if objects is None:  # somebody is about to write another number
            return gr.skip()
        detector = models.get(name).detector
        shown, found = detect_picture(detector, picture, fade=fade, objects=objects)
        return shown, found, table_of(found, 0), download_of(found, folder, "picture", suffix)

    inputs = [picture, model, objects, fade, format_]
    gr.on(
        [picture.change, model.change, objects.change, fade.change],
        detect,
        inputs,
        [drawn, poses, table, download],
        show_progress="minimal",
    )
    example.click(told(lambda name: models.example(name).frame), model, picture)
    format_.change(
        told(lambda found, suffix: download_of(found, folder, "picture", suffix)),
        [poses, format_],
        download,
    )


def video_tab(models: Models, model: Any, folder: Path) -> None:
    """Lay out the tab for a video; files to download are made in `folder`."""
    gr.Markdown(
        "Upload a video or film one; every frame gets its keypoints, in pixels of the video, "
        "and each object its own track."
    )
    poses, name_of_video = gr.State(None), gr.State("video")
    with gr.Row():
        video = gr.Video(
            label="Video",
            elem_id="video-in",
            sources=["upload", "webcam"],
            webcam_options=gr.WebcamOptions(mirror=False),
        )
        drawn = gr.Video(
            label="Keypoints",
            interactive=False,
            elem_id="video-out",
            buttons=["download"],
            autoplay=True,
            loop=True,
        )
    with gr.Row():
        start = gr.Button("Find keypoints", variant="primary", elem_id="video-start")
        with gr.Column():
            objects = objects_field("video-objects")
            fade = fade_box()
    frame = gr.Slider(0, 1, value=0, step=1, label="Frame", visible=False, elem_id="video-frame")
    table, format_, download = results("video")

    @told
    def detect(
        path: str | None,
        name: str | None,
        objects: int | None,
        fade: bool,
        suffix: str,
        progress: Any = _PROGRESS,
    ) -> Any:
        if path is None:
            raise ConfigError("Expected a video, got none. Upload one first.")
        if objects is None:
            raise ConfigError("Expected how many objects to look for, got nothing: 1 or more.")
        output = folder / f"{Path(path).stem}_{randbelow(10**9)}.mp4"

        def show(done: int, total: int) -> None:
            progress((done, total), desc="reading frames", unit="frames")

        found = detect_video(
            models.get(name).detector,
            Path(path),
            output,
            fade=fade,
            objects=objects,
            progress=show,
        )
        slider = gr.Slider(maximum=max(len(found[0]) - 1, 1), value=0, visible=True)
        return (
            str(output),
            found,
            path,
            slider,
            table_of(found, 0),
            download_of(found, folder, path, suffix),
        )

    start.click(
        detect,
        [video, model, objects, fade, format_],
        [drawn, poses, name_of_video, frame, table, download],
        show_progress_on=[drawn],
    )
    frame.change(
        lambda found, row: table_of(found, int(row)) if found is not None else [],
        [poses, frame],
        table,
        show_progress="hidden",
    )
    format_.change(
        told(lambda found, path, suffix: download_of(found, folder, path, suffix)),
        [poses, name_of_video, format_],
        download,
    )


def webcam_tab(models: Models, model: Any) -> None:
    """Lay out the tab that shows keypoints before the camera."""
    gr.Markdown(
        "Click on the camera, press **Record** and stand in the middle: keypoints as you move. "
        "Nothing leaves this machine."
    )
    with gr.Row():
        camera = gr.Image(
            label="Camera",
            sources=["webcam"],
            streaming=True,
            height=HEIGHT,
            elem_id="camera-in",
            webcam_options=gr.WebcamOptions(mirror=False),
        )
        drawn = picture_made("Keypoints", "camera-out")
    fade = fade_box()

    @told
    def detect(picture: np.ndarray | None, name: str | None, fade: bool) -> Any:
        if picture is None:
            return None
        drawn, _ = detect_picture(models.get(name).detector, picture, fade=fade, search=False)
        return drawn

    camera.stream(
        detect,
        [camera, model, fade],
        drawn,
        stream_every=0.2,
        concurrency_limit=1,
        show_progress="hidden",
    )
