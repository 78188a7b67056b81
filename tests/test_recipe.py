from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keypointgan.config import Config
from keypointgan.errors import ConfigError
from keypointgan.recipe import list_recipes, load_config, make_config


def _recipe(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_override_beats_the_recipe_which_beats_the_default(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, "training: {steps: 10, batch_size: 2}")
    config = load_config(recipe, ["training.steps=20"])
    assert (config.training.steps, config.training.batch_size) == (20, 2)
    assert config.training.log_every == load_config().training.log_every


@given(st.integers(1, 10**9), st.floats(1e-6, 1e3), st.booleans())
def test_settings_survive_the_way_through_yaml(steps: int, weight: float, mirror: bool) -> None:
    config = make_config(
        {
            "training": {"steps": steps},
            "loss": {"adversarial": weight},
            "data": {"mirror": mirror, "store": "some/folder"},
        }
    )
    assert load_config(base=config.to_yaml()) == config


@pytest.mark.parametrize("recipe", list_recipes())
def test_every_built_in_recipe_is_valid(recipe: str) -> None:
    assert isinstance(load_config(recipe), Config)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainig: {steps: 1}", r"unknown setting 'trainig'\. Did you mean 'training'\?"),
        ("training: {step: 1}", r"unknown setting 'training\.step'\. Did you mean 'training\.st"),
        ("training: {steps: 0}", r"training\.steps: input should be greater than 0, got 0"),
        ("training: {steps: many}", r"training\.steps: .*integer.*, got 'many'"),
        ("loss: {features: resnet}", r"loss\.features: .*'vgg19'.*, got 'resnet'"),
        ("loss: {adversarial: .nan}", r"loss\.adversarial: .*finite.*, got nan"),
        ("training: {steps: 1}\ntraining: {steps: 2}", r"'training' again in line 2"),
        ("loss:\n  pool: 1\n  pool: 2", r"'pool' again in line 3"),
        ("training: [", r"expected YAML"),
        ("- training", r"expected sections of settings, got list"),
        ("data: {gap: [5, 2]}", r"data\.gap: expected \(least, most\), got \(5, 2\)"),
        ("loss: {features: squeezenet}", r"loss\.features_weights: expected the path"),
        ("training: {supervised: true}", r"training\.supervised_labels: expected the labels"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named_with_its_file(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)recipe\.yaml: .*{message}"):
        load_config(_recipe(tmp_path, text))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.steps", "Expected a setting such as training.steps=1000, got 'training.steps'"),
        ("=5", "got '=5'"),
        ("training.steps.more=5", "'steps' is a setting, not a section"),
        ("training.stesp=5", "Did you mean 'training.steps'"),
    ],
)
def test_what_is_wrong_in_an_override_is_named(tmp_path: Path, override: str, message: str) -> None:
    recipe = _recipe(tmp_path, "training: {steps: 10}")
    with pytest.raises(ConfigError, match=message):
        load_config(recipe, [override])


def test_the_value_of_an_override_is_yaml() -> None:
    config = load_config(None, ["data.gap=[2, 5]", "model.skeleton=face68", "data.mirror=true"])
    assert (config.data.gap, config.model.skeleton, config.data.mirror) == ((2, 5), "face68", True)


def test_a_section_may_be_left_empty(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, "training:\n")
    assert load_config(recipe, ["training.steps=3"]).training.steps == 3


def test_an_unknown_recipe_lists_the_built_in_ones() -> None:
    with pytest.raises(ConfigError, match=r"Expected a built-in recipe .* got 'no such recipe'"):
        load_config("no such recipe")
