"""Methods by name, what a class must say of itself, and what a dataset fixes for it."""

from __future__ import annotations

from inspect import isabstract
from typing import Any, Final

from recapbench import registry
from recapbench.data.datasets import DatasetRecord
from recapbench.data.query import INPUTS
from recapbench.methods.base import ImageSpec, Method, MethodConfig
from recapbench.registry import Plugin, PluginError

_SHOWN: Final = 100
"""Characters of a bad value in a message."""


def find_method(name: str) -> type[Method[Any]]:
    """The class of a registered method.

    Raises:
        UsageError: if the name is unknown; the nearest known one is suggested.
        PluginError: if it cannot be imported, shares its name, or is not declared as it must be.
    """
    plugin = registry.find(registry.METHODS, name)
    cls = plugin.load()
    check_declaration(cls, plugin)
    return cls


def check_declaration(cls: Any, plugin: Plugin) -> None:
    """Make sure that what a plugin registers is a method, and says of itself what it must.

    Raises:
        PluginError: naming everything that is wrong.
    """
    wrong = declaration_problems(cls, plugin.name)
    if wrong:
        raise PluginError(f"{plugin} is declared wrongly: {'; '.join(wrong)}")


def declaration_problems(cls: Any, name: str) -> list[str]:
    """What a class registered under a name says wrongly of itself, each with what was expected."""
    if not (isinstance(cls, type) and issubclass(cls, Method)):
        return [f"expected a subclass of Method, got {_shown(cls)}"]
    wrong = []
    if isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        wrong.append(f"expected a class that can be made, got one without {missing}")
    said, title = getattr(cls, "name", None), getattr(cls, "title", None)
    if said != name:
        wrong.append(f"expected name {name!r} as its entry point has it, got {_shown(said)}")
    if not (isinstance(title, str) and title.strip()):
        wrong.append(f"expected a title of one line, got {_shown(title)}")
    return wrong + _input_problems(getattr(cls, "inputs", None)) + _config_problems(cls)


def _input_problems(inputs: Any) -> list[str]:
    if not isinstance(inputs, frozenset):
        return [f"expected inputs as a frozenset of names, got {_shown(inputs)}"]
    strange = sorted(map(str, inputs - INPUTS))
    if strange:
        return [f"expected inputs among {', '.join(sorted(INPUTS))}, got {', '.join(strange)}"]
    return []


def _config_problems(cls: type[Method[Any]]) -> list[str]:
    config = cls.config_class
    if not (isinstance(config, type) and issubclass(config, MethodConfig)):
        return [f"expected config_class to be a subclass of MethodConfig, got {_shown(config)}"]
    rules = config.model_config
    if not rules.get("frozen") or rules.get("extra") != "forbid":
        return ["expected a config_class that is frozen and forbids unknown keys, got another"]
    return []


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + " ..."


def image_spec(record: DatasetRecord) -> ImageSpec:
    """What a dataset fixes for a method."""
    return ImageSpec(*record.image_size, parts=record.parts, settings=record.settings)
