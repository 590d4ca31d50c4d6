"""Reading the configuration: TOML, `${NAME}` from the environment, `THREADBRIDGE__SECTION__KEY` over both.

Every mistake is a `ConfigError` whose sentence names the key and says what to write.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.errors import ConfigError
from core.settings import KINDS, Section

PREFIX = "THREADBRIDGE__"

S = TypeVar("S", bound=Section)


def load(schema: type[S], path: Path | None, environ: Mapping[str, str] | None = None) -> S:
    """Reads the file (none: only the environment) into `schema`. Raises `ConfigError`."""
    environ = os.environ if environ is None else environ
    where = str(path) if path else "the environment"
    tree = _read(path) if path else {}
    tree = _expanded(tree, environ, ())
    for name, value in environ.items():
        if name.upper().startswith(PREFIX):
            _overlay(tree, name, name[len(PREFIX) :].lower().split("__"), value)
    try:
        return schema.model_validate(tree)
    except ValidationError as error:
        found = [_sentence(schema, tree, one) for one in error.errors(include_url=False, include_input=False)]
        raise ConfigError(f"{where}: " + " ".join(dict.fromkeys(found))) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"There is no configuration at {path}. Have one written by threadbridge init, "
            "or name it with --config or THREADBRIDGE_CONFIG."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{path} cannot be read: {reason}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None


_NAME = re.compile(r"\$(\$)?\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _expanded(value: Any, environ: Mapping[str, str], at: tuple[str, ...]) -> Any:
    """`${NAME}` becomes the environment's value; `$${NAME}` stands for itself."""

    def one(match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:]
        if match[2] not in environ:
            raise ConfigError(
                f"{'.'.join(at)} takes its value from ${{{match[2]}}}, which is not set in the environment. "
                "Set it there, or write the value into the file."
            )
        return environ[match[2]]

    match value:
        case str():
            return _NAME.sub(one, value)
        case dict():
            return {key: _expanded(item, environ, (*at, key)) for key, item in value.items()}
        case list():
            return [_expanded(item, environ, at) for item in value]
        case _:
            return value


def _overlay(tree: dict[str, Any], name: str, keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"{name} is set in the environment, but {key} is not a section.")
    tree[keys[-1]] = value


def _sentence(schema: type[BaseModel], tree: Mapping[str, Any], error: ErrorDetails) -> str:
    keys = _location(error["loc"], tree)
    name = ".".join(keys)
    match error["type"]:
        case "extra_forbidden":
            known = sorted({key for model in _models(schema, keys[:-1], tree) for key in model.model_fields})
            near = difflib.get_close_matches(keys[-1], known, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}."
            return f"{name} is not a key that Threadbridge knows; {hint}"
        case "missing":
            meaning = _help(schema, keys, tree)
            return f"{name} is missing: {meaning}." if meaning else f"{name} is missing."
        case "union_tag_invalid" | "union_tag_not_found":
            return f"{name}.kind has to be one of {', '.join(KINDS)}."
        case "value_error":
            return f"{name} {error['ctx']['error']}."
        case _:
            return f"{name}: {error['msg'][:1].lower()}{error['msg'][1:]}."


def _location(loc: tuple[int | str, ...], tree: Mapping[str, Any]) -> list[str]:
    """The path as the operator wrote it: without the tags that discriminated unions put into it."""
    keys: list[str] = []
    node: Any = tree
    for index, item in enumerate(loc):
        if isinstance(node, Mapping) and node.get("kind") == item and index < len(loc) - 1 and item not in node:
            continue
        keys.append(str(item))
        node = node.get(item) if isinstance(node, Mapping) else None
    return keys


def _models(schema: object, keys: list[str], tree: Any) -> Iterator[type[BaseModel]]:
    """The models that may stand at this path; of a union with kinds, the one that the tree chose."""
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        kind = schema.model_fields.get("kind")
        if kind is not None and isinstance(tree, Mapping) and tree.get("kind") not in get_args(kind.annotation):
            return
        if not keys:
            yield schema
        elif keys[0] in schema.model_fields:
            below = tree.get(keys[0], {}) if isinstance(tree, Mapping) else {}
            yield from _models(schema.model_fields[keys[0]].annotation, keys[1:], below)
    elif get_origin(schema) in (Union, UnionType, Annotated):
        for option in get_args(schema):
            yield from _models(option, keys, tree)
    elif get_origin(schema) is dict and keys:
        below = tree.get(keys[0], {}) if isinstance(tree, Mapping) else {}
        yield from _models(get_args(schema)[1], keys[1:], below)


def _help(schema: type[BaseModel], keys: list[str], tree: Mapping[str, Any]) -> str:
    for model in _models(schema, keys[:-1], tree):
        field = model.model_fields.get(keys[-1])
        if field is not None and field.description:
            return field.description.rstrip(".")
    return ""
