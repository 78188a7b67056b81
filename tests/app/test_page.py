"""The page in a real browser: headless Chromium clicks, uploads, downloads and looks.

The screenshots of the documentation are taken by the same clicks, of a run worth looking at:

    KEYPOINTGAN_SCREENSHOTS=docs/images KEYPOINTGAN_APP_RUN=demo/run \\
        pytest -m slow tests/app/test_page.py -k picture_of_each_tab
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image

from keypointgan.data.video import write_video
from keypointgan.inference.detector import Detector
from keypointgan.inference.formats import load_poses

pytest.importorskip("gradio", reason="the extra 'app' is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.slow

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera that shows a green clock
    "--use-fake-ui-for-media-stream",  # and is allowed to
)
PATIENCE = 120.0
"""Seconds that anything may take on a busy machine."""


@pytest.fixture(scope="module")
def run(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the run whose metrics a test may change."""
    folder = tmp_path_factory.mktemp("app") / "runs" / "tiny"
    shutil.copytree(tiny_run, folder)
    return folder


def serve(*paths: Path, log: Path) -> Iterator[str]:
    """The address of a page about these runs, which closes when the test is over."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "keypointgan.cli", "app", *map(str, paths), "--no-open"]
    with log.open("wb") as file:
        server = subprocess.Popen(
            [*command, "--port", str(port), "--device", "cpu"], stdout=file, stderr=file
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(address, server, log)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            assert server.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.3)
    pytest.fail(f"no page at {address}: {log.read_text(encoding='utf-8')}")


@pytest.fixture(scope="module")
def address(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serve(run.parent, log=tmp_path_factory.mktemp("log") / "log.txt")


@pytest.fixture(scope="module")
def browser() -> "Iterator[playwright.Browser]":
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "playwright.Browser", address: str) -> "Iterator[playwright.Page]":
    """The page, opened afresh; a request to another machine or an error in it fails the test."""
    yield from open_page(browser, address)


def open_page(browser: "playwright.Browser", address: str) -> "Iterator[playwright.Page]":
    context = browser.new_context(
        viewport={"width": 1240, "height": 1000}, permissions=["camera"], accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    hosts: set[str] = set()
    errors: list[str] = []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector("#model")
    yield page
    context.close()
    assert {host for host in hosts if host} == {address.removeprefix("http://")}
    assert errors == []


def open_tab(page: "playwright.Page", name: str) -> None:
    page.get_by_role("tab", name=name).click()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "my picture.png"
    values = np.random.default_rng(0).integers(0, 256, (12, 18, 3), np.uint8)
    Image.fromarray(values).resize((180, 120), Image.Resampling.BICUBIC).save(file)
    return file


@pytest.fixture
def video(tmp_path: Path) -> Path:
    frames = np.random.default_rng(0).integers(0, 256, (6, 64, 96, 3), np.uint8)
    file = tmp_path / "my video.mp4"
    write_video(file, iter(frames), 10.0)
    return file


def test_the_address_is_told_and_nothing_about_links_for_others(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    for address in serve(tmp_path, log=log):
        started = time.monotonic()
        while f"The page is at {address}" not in log.read_text(encoding="utf-8"):
            assert time.monotonic() - started < PATIENCE
            time.sleep(0.1)
    assert "share" not in log.read_text(encoding="utf-8")


def test_a_port_in_use_is_said_to_be(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "keypointgan.cli", "app", tmp_path, "--no-open"]
        refused = subprocess.run(
            [*command, "--port", port], capture_output=True, text=True, check=False
        )
    assert refused.returncode == 1
    assert f"a free port, but {port} cannot be used" in refused.stderr
    assert "launch()" not in refused.stderr


def test_an_uploaded_picture_gets_keypoints_a_table_and_a_file(
    page: "playwright.Page", run: Path, picture: Path, tmp_path: Path
) -> None:
    page.set_input_files("#picture-in input[type=file]", picture)
    page.wait_for_selector("#picture-out img")
    table = page.locator("#picture-table")
    table.get_by_text("pelvis").first.wait_for()
    button = page.locator("#picture-download:not([disabled])")
    button.wait_for()
    with page.expect_download() as started:
        button.click()
    assert started.value.suggested_filename == "picture_keypoints.csv"
    file = tmp_path / "downloaded.csv"
    started.value.save_as(file)
    expected = Detector.load(run, device="cpu").predict(picture)
    np.testing.assert_allclose(load_poses(file)[0].xy, expected.xy, atol=1e-3)


def test_another_number_of_objects_is_looked_for_at_once(
    page: "playwright.Page", picture: Path
) -> None:
    page.set_input_files("#picture-in input[type=file]", picture)
    first = page.wait_for_selector("#picture-out img").get_attribute("src")
    page.fill("#picture-objects input", "")  # as somebody does who writes another number
    page.fill("#picture-objects input", "3")
    page.wait_for_function(
        "first => document.querySelector('#picture-out img').src !== first", arg=first
    )


def test_a_frame_of_the_training_videos_needs_no_upload(page: "playwright.Page") -> None:
    page.click("#picture-example")
    page.wait_for_selector("#picture-in img")
    page.wait_for_selector("#picture-out img")


def test_a_video_gets_keypoints_in_every_frame(
    page: "playwright.Page", video: Path, tmp_path: Path
) -> None:
    open_tab(page, "Video")
    page.set_input_files("#video-in input[type=file]", video)
    page.wait_for_selector("#video-in video")
    page.click("#video-start")
    page.wait_for_selector("#video-out video")
    assert page.locator("#video-frame input[type=range]").get_attribute("max") == "5"
    with page.expect_download() as started:
        page.locator("#video-download:not([disabled])").click()
    file = tmp_path / "downloaded.csv"
    started.value.save_as(file)
    assert len(load_poses(file)[0]) == 6
    assert started.value.suggested_filename == "my video_keypoints.csv"


def test_a_text_file_called_mp4_is_refused_in_words(
    page: "playwright.Page", tmp_path: Path
) -> None:
    file = tmp_path / "text.mp4"
    file.write_text("this is no video", encoding="utf-8")
    open_tab(page, "Video")
    page.set_input_files("#video-in input[type=file]", file)
    page.wait_for_selector("#video-in video")
    page.click("#video-start")
    page.get_by_text("text.mp4: expected a video").wait_for()
    assert page.locator("#video-download[disabled]").count() == 1


def test_the_camera_shows_keypoints_as_it_runs(page: "playwright.Page") -> None:
    open_tab(page, "Webcam")
    page.get_by_text("Click to Access Webcam").click()
    page.locator("#camera-in button").filter(has_text="Record").first.click()
    shown = page.wait_for_selector("#camera-out img")
    first = shown.get_attribute("src")
    page.wait_for_function(
        "first => document.querySelector('#camera-out img').src !== first", arg=first
    )


def test_pose_and_appearance_are_swapped(page: "playwright.Page", picture: Path) -> None:
    open_tab(page, "Swap pose and appearance")
    page.click("#swap-example")
    first = page.wait_for_selector("#swap-result img").get_attribute("src")
    page.locator("#swap-appearance button[aria-label='Clear']").or_(
        page.locator("#swap-appearance button[aria-label='Remove Image']")
    ).first.click()
    page.set_input_files("#swap-appearance input[type=file]", picture)
    page.wait_for_function(
        "first => { const shown = document.querySelector('#swap-result img');"
        " return shown && shown.src !== first; }",
        arg=first,
    )
    page.wait_for_selector("#swap-rendered img")


def test_poses_of_the_prior_are_drawn(page: "playwright.Page", tiny_prior: Path) -> None:
    open_tab(page, "Prior")
    page.click("#prior-draw")
    first = page.wait_for_selector("#prior-out img").get_attribute("src")
    page.get_by_label("of a file").check()
    page.set_input_files("#prior-file input[type=file]", tiny_prior)
    page.get_by_text(tiny_prior.stem).first.wait_for()
    page.click("#prior-draw")
    page.wait_for_function(
        "first => document.querySelector('#prior-out img').src !== first", arg=first
    )


def test_a_run_is_seen_to_train(page: "playwright.Page", run: Path) -> None:
    """A line that training writes appears without a click."""
    open_tab(page, "Training")
    page.wait_for_selector("#run-panel img")
    page.wait_for_selector("#run-curves img")
    assert "update 6 of 6" in page.inner_text("#run-summary")
    settings = run / "config.yaml"
    text = settings.read_text(encoding="utf-8").replace("  steps: 6\n", "  steps: 900\n")
    settings.write_text(text, encoding="utf-8")
    line = {"step": 77, "seconds": 60.0, "phase": "train", "loss_reconstruction": 1.0}
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    page.get_by_text("update 77 of 900").wait_for()


@pytest.fixture(scope="module")
def address_without_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("empty")
    yield from serve(folder, log=tmp_path_factory.mktemp("log") / "log.txt")


def test_without_a_run_a_model_of_the_package_finds_keypoints(
    browser: "playwright.Browser", address_without_runs: str, picture: Path
) -> None:
    for page in open_page(browser, address_without_runs):
        page.set_input_files("#picture-in input[type=file]", picture)
        page.wait_for_selector("#picture-out img")
        page.locator("#picture-table").get_by_text("r_wrist").first.wait_for()


def test_without_a_run_each_tab_says_what_it_needs(
    browser: "playwright.Browser", address_without_runs: str
) -> None:
    for page in open_page(browser, address_without_runs):
        page.click("#picture-example")
        page.get_by_text("Upload a picture instead").first.wait_for()
        open_tab(page, "Prior")
        page.click("#prior-draw")
        page.get_by_text("choose 'of a file'").first.wait_for()
        open_tab(page, "Training")
        page.get_by_text("keypointgan app RUN").first.wait_for()


def test_without_a_model_the_page_says_how_to_get_one(
    browser: "playwright.Browser", address_without_runs: str, picture: Path
) -> None:
    for page in open_page(browser, address_without_runs):
        page.fill("#model input", "")
        page.press("#model input", "Tab")
        page.set_input_files("#picture-in input[type=file]", picture)
        page.get_by_text("keypointgan app RUN").first.wait_for()


def test_a_picture_of_each_tab(
    browser: "playwright.Browser", tiny_run: Path, video: Path, tmp_path: Path
) -> None:
    """Nothing overlaps or overflows: the page is never wider than its window."""
    folder = Path(os.environ.get("KEYPOINTGAN_SCREENSHOTS", tmp_path)).resolve()
    shown = Path(os.environ.get("KEYPOINTGAN_APP_RUN", tiny_run))
    film = next(iter(sorted(shown.parent.glob("video.mp4"))), video)
    for address in serve(shown, log=tmp_path / "log.txt"):
        for page in open_page(browser, address):
            page.click("#picture-example")
            page.wait_for_selector("#picture-out img")
            take(page, folder / "app-picture.png")
            open_tab(page, "Video")
            page.set_input_files("#video-in input[type=file]", film)
            page.wait_for_selector("#video-in video")
            page.click("#video-start")
            page.wait_for_selector("#video-out video")
            take(page, folder / "app-video.png")
            open_tab(page, "Swap pose and appearance")
            page.click("#swap-example")
            page.wait_for_selector("#swap-rendered img")
            take(page, folder / "app-swap.png")
            open_tab(page, "Prior")
            page.click("#prior-draw")
            page.wait_for_selector("#prior-out img")
            take(page, folder / "app-prior.png")
            open_tab(page, "Training")
            page.wait_for_selector("#run-panel img")
            take(page, folder / "app-training.png")


def take(page: "playwright.Page", path: Path) -> None:
    """Write a small picture of the page as it is, once it has come to rest."""
    page.wait_for_timeout(3000)  # pictures fade in
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.screenshot(path=path, full_page=True)
    with Image.open(path) as picture:
        picture.load()
        colours = picture.convert("RGB")
    assert len(colours.getcolors(1 << 24) or ()) > 100, "a blank page"
    colours.quantize(256).save(path, optimize=True)
