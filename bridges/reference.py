"""The reference of the configuration, written from the settings themselves: `python -m bridges.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bridges.settings import Settings

HEAD = """\
# Configuration

`threadbridge.toml` in the current folder, or the file named by `--config` or `THREADBRIDGE_CONFIG`. `${NAME}` takes a
value from the environment (`$${NAME}` stands for itself), and every key can be set as `THREADBRIDGE__SECTION__KEY`, a
list as words with commas. This page is written from the settings by `python -m bridges.reference`.
"""


def reference() -> str:
    """The whole page, as Markdown."""
    return "\n".join([HEAD, *_sections("", Settings)])


def _sections(path: str, model: type[BaseModel], defaults: object = None) -> Iterator[str]:
    fields = {name: field for name, field in model.model_fields.items() if not list(_models(field.annotation))}
    if fields and path:
        kind = fields.get("kind")
        yield f"## `[{path}]`" + (f" with `kind` `{get_args(kind.annotation)[0]}`" if kind else "") + "\n"
        if model.__doc__ and model.__doc__ != BaseModel.__doc__:
            yield f"{model.__doc__.strip()}\n"
        yield "| key | takes | default | |"
        yield "|---|---|---|---|"
        for name, field in fields.items():
            default = _default(field, getattr(defaults, name, None))
            yield f"| `{name}` | {_takes(field.annotation)} | {default} | {_meaning(field)} |"
        yield ""
    for name, field in model.model_fields.items():
        for below in _models(field.annotation):
            yield from _sections(_below(path, name, field.annotation), below, field.default)


def _below(path: str, name: str, annotation: Any) -> str:
    full = f"{path}.{name}" if path else name
    return f"{full}.NAME" if get_origin(annotation) is dict else full


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, Annotated, dict):
        for one in get_args(annotation):
            yield from _models(one)


def _takes(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return _takes(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return " \\| ".join(f"`{one}`" for one in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return " \\| ".join(_takes(one) for one in get_args(annotation) if one is not type(None))
    if get_origin(annotation) is tuple:
        return "list of words" if _takes(get_args(annotation)[0]) == "text" else "list of numbers"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", SecretStr: "secret"}
    return names.get(annotation, "text")


def _default(field: FieldInfo, chosen: object) -> str:
    """`chosen`: what the section above it says, which goes over the field's own."""
    if chosen:
        return f"`{chosen}`"
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default is None or field.default == ():
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _meaning(field: FieldInfo) -> str:
    text = " ".join((field.description or "").split())
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    sys.stdout.write(reference())
