"""The models that the page offers."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from keypointgan.app.models import Models
from keypointgan.checkpoint import DESCRIPTION, list_pretrained
from keypointgan.data.store import Store
from keypointgan.errors import CheckpointError, ConfigError, StoreError


def test_runs_are_found_in_the_folders_below(tiny_run: Path, tmp_path: Path) -> None:
    deep = tmp_path / "mine" / "demo" / "run"
    deep.mkdir(parents=True)
    shutil.copy(tiny_run / "config.yaml", deep)
    models = Models([tmp_path, tiny_run], device="cpu")
    assert models.runs() == sorted([str(deep), str(tiny_run)])
    assert models.names()[: -len(list_pretrained())] == [str(tiny_run)], "the other has only begun"


@pytest.mark.parametrize("part", ["checkpoints/last", "checkpoints/last/model.safetensors"])
def test_a_checkpoint_is_a_model_too(tiny_run: Path, part: str) -> None:
    models = Models([tiny_run / part], device="cpu")
    assert models.names()[: -len(list_pretrained())] == [str(tiny_run / part)]
    assert models.runs() == []
    assert models.get(models.names()[0]).loaded.step == 6


def test_a_model_is_loaded_once_until_it_is_trained_on(tiny_run: Path) -> None:
    models = Models([tiny_run], device="cpu")
    first = models.get(str(tiny_run))
    assert models.get(str(tiny_run)) is first
    description = tiny_run / "checkpoints" / "best" / DESCRIPTION
    os.utime(description, (0, 0))
    assert models.get(str(tiny_run)) is not first


def test_without_a_run_the_page_offers_what_comes_with_the_package(tmp_path: Path) -> None:
    models = Models([tmp_path], device="cpu")
    assert sorted(models.names()) == list_pretrained()
    assert models.names()[0] == "humans", "what the page opens with: pictures are of people"
    assert models.get("faces").loaded.skeleton.name == "face68"


def test_a_model_of_the_package_has_no_videos_to_try(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'faces' comes without.*Upload a picture instead"):
        Models([tmp_path], device="cpu").example("faces")


def test_without_a_model_the_page_says_how_to_get_one(tmp_path: Path) -> None:
    models = Models([tmp_path], device="cpu")
    with pytest.raises(CheckpointError, match="keypointgan app RUN"):
        models.get(None)


def test_an_example_is_a_frame_of_the_store_with_its_clips_background(
    tiny_run: Path, tiny_store: Path
) -> None:
    """The plate is the clip's median: where nothing moves it is the frame."""
    example = Models([tiny_run], device="cpu").example(str(tiny_run), seed=0)
    frames = Store.open(tiny_store).frames(list(range(36)))
    assert (frames == example.frame).all(axis=(1, 2, 3)).any()
    same = (np.abs(example.frame.astype(int) - example.plate).max(axis=-1) < 30).mean()
    assert 0.5 < same < 1


def test_a_store_that_is_gone_is_named(tiny_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(tiny_run, run)
    for description in run.glob("checkpoints/*/" + DESCRIPTION):
        text = description.read_text(encoding="utf-8")
        start = text.index('"store": "') + len('"store": "')
        gone = text[:start] + str(tmp_path / "gone") + text[text.index('"', start) :]
        description.write_text(gone, encoding="utf-8")
    with pytest.raises(StoreError, match=r"gone.*Upload a picture instead"):
        Models([run], device="cpu").example(str(run), seed=0)
