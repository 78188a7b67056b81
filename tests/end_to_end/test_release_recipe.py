"""The release's recipe runs as its header says, on a generated copy of the data set's layout."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keypointgan.cli import main
from keypointgan.data.benchmarks.simplified_human36m import SUBJECTS

scipy_io = pytest.importorskip("scipy.io")

SMALL = (
    "model.width=2",
    "loss.features=pyramid",  # VGG-19's weights would have to be downloaded
    "data.size=64",
    "data.validation_fraction=0.2",
    "pretrain.steps=2",
    "pretrain.batch_size=2",
    "training.steps=2",
    "training.batch_size=2",
    "training.device=cpu",
    "training.precision=32-true",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Noise with random points: six frames of a walk of each subject."""
    random = np.random.default_rng(0)
    for subject in SUBJECTS["train"] + SUBJECTS["test"]:
        folder = tmp_path / "human_images" / subject
        for kind in ("WithBackground", "BackgroudMask", "Landmarks"):
            (folder / kind / "Walking_1").mkdir(parents=True)
        for number in range(1, 7):
            noise = random.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(noise).save(folder / "WithBackground" / "Walking_1" / f"{number}.jpg")
            mask = Image.fromarray(np.full((32, 32), 255, np.uint8))
            mask.save(folder / "BackgroudMask" / "Walking_1" / f"{number}.png")
            points = {"keypoints_2d": random.uniform(0.2, 0.8, (32, 2))}
            scipy_io.savemat(folder / "Landmarks" / "Walking_1" / f"{number}.mat", points)
    return tmp_path / "human_images"


def test_ingest_prior_train_and_evaluate_follow_each_other(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, test, prior, run = (tmp_path / name for name in ("train", "test", "p.npz", "run"))
    settings = (f"data.store={store}", f"prior.poses={prior}", *SMALL)
    ingest = ("ingest", "--benchmark", "simplified_human36m", "--root", root)
    for command in (
        (*ingest, "--split", "train", "-o", store),
        (*ingest, "--split", "test", "-o", test),
        ("prior", "build", root, "--skeleton", "h36m32", "-o", prior),
        ("train", "--recipe", "simplified_human36m", "-o", run, *_set(settings)),
        ("evaluate", run, test),
    ):
        with pytest.raises(SystemExit) as stop:
            main([*map(str, command)])
        assert not stop.value.code, capsys.readouterr().err
    shown = capsys.readouterr().out
    assert "simplified_human36m" in shown
    assert "flip-min error" in shown


def _set(settings: tuple[str, ...]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]
