"""Settings from recipes, from a run's own file and from the command line; strict YAML.

An unknown or duplicate key is an error that names its nearest neighbour.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from keypointgan.config import Config
from keypointgan.errors import ConfigError


class _StrictLoader(yaml.SafeLoader):
    """A YAML loader to which a key given twice is an error."""


def _mapping_without_duplicates(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            line = key_node.start_mark.line + 1
            raise ConfigError(f"expected each key once, got '{key}' again in line {line}")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(
    yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_duplicates
)


def load_config(
    recipe: str | Path | None = None, overrides: Sequence[str] = (), *, base: str | None = None
) -> Config:
    """Return the defaults, changed by a recipe, changed by `key.key=value` overrides.

    Args:
        recipe: A built-in recipe's name or the path of a YAML file.
        overrides: Settings such as `training.steps=1000`; values are YAML.
        base: YAML text used in place of a recipe (a run's own `config.yaml`).

    Raises:
        ConfigError: An unknown or duplicate key, a value out of range, or no such recipe.
    """
    text, where = (base, "config.yaml") if base is not None else _recipe_text(recipe)
    try:
        values = yaml.load(text or "", Loader=_StrictLoader) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: expected YAML, got {error}.") from error
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: expected sections of settings, got {type(values).__name__}.")
    for override in overrides:
        _apply(values, override)
    return make_config(values, where=where)


def make_config(values: Mapping[str, Any], *, where: str = "settings") -> Config:
    """Return the configuration of a nested mapping.

    Raises:
        ConfigError: With the first thing that is wrong, in one line.
    """
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_explain(error)}") from error


def list_recipes() -> list[str]:
    """Return the names of the built-in recipes."""
    folder = files("keypointgan") / "recipes"
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    )


def _recipe_text(recipe: str | Path | None) -> tuple[str, str]:
    if recipe is None:
        return "", "settings"
    if str(recipe) in list_recipes():
        built_in = files("keypointgan") / "recipes" / f"{recipe}.yaml"
        return built_in.read_text(encoding="utf-8"), f"recipe {recipe}"
    path = Path(recipe)
    if not path.is_file():
        near = get_close_matches(str(recipe), list_recipes(), n=1, cutoff=0.4)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ConfigError(
            f"Expected a built-in recipe ({', '.join(list_recipes())}) or a YAML file, "
            f"got '{recipe}'.{hint}"
        )
    return path.read_text(encoding="utf-8"), str(path)


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"Expected a setting such as training.steps=1000, got '{override}'.")
    *sections, name = key.strip().split(".")
    for section in sections:
        if values.setdefault(section, {}) is None:
            values[section] = {}
        values = values[section]
        if not isinstance(values, dict):
            raise ConfigError(f"'{override}': '{section}' is a setting, not a section.")
    values[name] = yaml.safe_load(text)


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = get_close_matches(place, _dotted_keys(), n=1, cutoff=0.6)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return f"unknown setting '{place}'.{hint}"
    came = first.get("input")
    got = f", got {came!r}" if place and not isinstance(came, dict | BaseModel) else ""
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message[0].lower()}{message[1:]}{got}." if place else f"{message}."


def _dotted_keys(settings: type[BaseModel] = Config, prefix: str = "") -> list[str]:
    keys = []
    for name, field in settings.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _dotted_keys(field.annotation, f"{prefix}{name}.")
    return keys
