"""The page itself: its tabs and how it is served. Needs Gradio."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from keypointgan.app.models import Models
from keypointgan.app.style import CSS, INTRODUCTION
from keypointgan.app.tabs_detect import picture_tab, video_tab, webcam_tab
from keypointgan.app.tabs_look import prior_tab, swap_tab, training_tab
from keypointgan.errors import ConfigError


def serve(
    models: Models,
    *,
    host: str,
    port: int | None,
    open_browser: bool,
    say: Callable[[str], None],
) -> None:
    """Show the page until Ctrl-C.

    Args:
        models: What it offers.
        host: Address to listen on; 127.0.0.1 is this machine only.
        port: Its port; the first free one from 7860 if none is given.
        open_browser: Whether to open the page in the browser.
        say: Told the address once the page is there.

    Raises:
        ConfigError: The port is taken.
    """
    with TemporaryDirectory(prefix="keypointgan-app-") as folder:
        page = build_page(models, Path(folder))
        try:
            _, address, _ = page.launch(
                prevent_thread_lock=True,
                quiet=True,  # of Gradio's own words, which speak of links for other people
                server_name=host,
                server_port=port,
                inbrowser=open_browser,
                share=False,
                ssr_mode=False,
                pwa=False,
                mcp_server=False,
                enable_monitoring=False,
                run_history=False,
                footer_links=[],
                theme=_theme(),
                css=CSS,
                show_error=True,
            )
        except OSError as error:
            raise ConfigError(
                f"Expected a free port, but {port or 'all from 7860 to 7959'} cannot be used "
                f"({str(error).splitlines()[0].partition('. ')[0]}). Choose another with --port."
            ) from error
        say(f"The page is at {address}  Ctrl-C ends it.")
        page.block_thread()


def build_page(models: Models, folder: Path) -> gr.Blocks:
    """Return the page.

    Args:
        models: What it offers.
        folder: For files made on the way, such as downloads.
    """
    names = models.names()
    with gr.Blocks(title="keypointgan", analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gr.Markdown(INTRODUCTION)
        model = gr.Dropdown(
            names,
            value=names[0] if names else None,
            label="Model",
            info="A run, a checkpoint, a .safetensors file or a name; type that of another.",
            allow_custom_value=True,
            elem_id="model",
        )
        page.load(lambda: gr.Dropdown(models.names()), None, model)
        with gr.Tab("Picture", id="picture"):
            picture_tab(models, model, folder)
        with gr.Tab("Video", id="video"):
            video_tab(models, model, folder)
        with gr.Tab("Webcam", id="webcam"):
            webcam_tab(models, model)
        with gr.Tab("Swap pose and appearance", id="swap"):
            swap_tab(models, model)
        with gr.Tab("Prior", id="prior"):
            prior_tab(models, model, folder)
        with gr.Tab("Training", id="training"):
            training_tab(models, page)
    return page


def _theme() -> Any:
    """Plain, with the machine's own fonts: others would be loaded from a server."""
    return gr.themes.Default(
        primary_hue="indigo",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
