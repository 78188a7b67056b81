import pytest
import yaml
from pydantic import BaseModel

from keypointgan.config import Config
from keypointgan.errors import ConfigError
from keypointgan.recipe import load_config, make_config


def test_the_defaults_are_those_of_the_release() -> None:
    """METHOD 3: weights 10 and 10, 0.9 and 0.1; Adam at 2e-4 with 0.5, 0.999; batches of 16."""
    config = load_config()
    assert (config.loss.reconstruction, config.loss.adversarial) == (10, 10)
    assert (config.loss.regressor_prior, config.loss.regressor_cycle) == (0.9, 0.1)
    assert (config.optimiser.learning_rate, config.optimiser.betas) == (2e-4, (0.5, 0.999))
    assert (config.optimiser.clip, config.loss.pool, config.training.batch_size) == (1, 50, 16)
    assert (config.model.sigma, config.model.falloff) == (0.2, "linear")


def test_a_photograph_is_its_own_reference_only_if_it_is_warped() -> None:
    with pytest.raises(ConfigError, match=r"data\.gap.*needs data\.warp"):
        make_config({"data": {"gap": [0, 0]}})
    assert make_config({"data": {"gap": [0, 0], "warp": True}}).data.gap == (0, 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((), "expected student.backbone to be 'mobilenet_v2', whose weights they are"),
        (("student.backbone=mobilenet_v2", "student.start=humans"), "begins with either"),
    ],
)
def test_weights_of_a_backbone_are_for_a_new_student_that_has_it(
    settings: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(None, ["student.backbone_weights=weights.pth", *settings])


def test_settings_cannot_be_changed_once_made() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_config().training.steps = 3  # type: ignore[misc] # the test is that this fails


def test_every_setting_says_what_it_is() -> None:
    def undocumented(settings: type[BaseModel], place: str) -> list[str]:
        found = []
        for name, field in settings.model_fields.items():
            if not field.description:
                found.append(f"{place}{name}")
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                found += undocumented(field.annotation, f"{place}{name}.")
        return found

    assert undocumented(Config, "") == []


def test_paths_are_written_as_text() -> None:
    written = yaml.safe_load(make_config({"prior": {"poses": "a/b.npz"}}).to_yaml())
    assert written["prior"]["poses"] == "a/b.npz"
