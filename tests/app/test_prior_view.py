"""The picture of a prior beside frames."""

from pathlib import Path

import pytest
from PIL import Image

from keypointgan.app.models import Models
from keypointgan.app.prior_view import config_of_file, draw_prior
from keypointgan.errors import ConfigError, PriorError


def test_the_prior_of_a_run_is_drawn_beside_its_frames(tiny_run: Path, tmp_path: Path) -> None:
    config = Models([tiny_run], device="cpu").get(str(tiny_run)).loaded.config
    with_frames = draw_prior(config, tmp_path / "both.png", count=4, seed=0)
    alone = config.model_copy(update={"data": config.data.model_copy(update={"store": None})})
    without = draw_prior(alone, tmp_path / "prior.png", count=4, seed=0)
    with Image.open(with_frames) as both, Image.open(without) as prior:
        assert both.width > 1.6 * prior.width


def test_a_file_of_poses_is_drawn_too(tiny_prior: Path, tmp_path: Path) -> None:
    config = config_of_file(tiny_prior, skeleton="h36m17", place="fit")
    assert draw_prior(config, tmp_path / "prior.png", count=9, seed=0).stat().st_size > 1000


def test_a_file_that_holds_no_poses_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "poses.npz"
    file.write_text("not poses", encoding="utf-8")
    with pytest.raises(PriorError, match=r"poses\.npz"):
        draw_prior(
            config_of_file(file, skeleton="h36m17", place="fit"),
            tmp_path / "prior.png",
            count=4,
            seed=0,
        )


def test_a_model_of_the_package_has_no_prior_to_draw(tmp_path: Path) -> None:
    config = Models([tmp_path], device="cpu").get("faces").loaded.config
    with pytest.raises(ConfigError, match="choose 'of a file'"):
        draw_prior(config, tmp_path / "prior.png", count=4, seed=0)
