"""The description of the API for programs (OpenAPI 3.1), made from the operations themselves."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from console.api import LAST_PAGE, LONGEST_SEARCH, MOST_DAYS, OPERATIONS, Operation
from core.reading import LARGEST_PAGE

_PARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "page": ({"type": "integer", "minimum": 1, "maximum": LAST_PAGE, "default": 1}, "Counted from 1."),
    "limit": ({"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": 20}, "Of one page."),
    "since": ({"type": "string", "format": "date-time"}, "Only what is newer."),
    "search": (
        {"type": "string", "maxLength": LONGEST_SEARCH},
        "Part of what was said or of a name; or the whole id of a person, channel, thread or upstream conversation.",
    ),
    "until": ({"type": "string", "format": "date-time"}, "Search is for what was said before that moment."),
    "bridge": ({"type": "string", "maxLength": LONGEST_SEARCH}, "Only of this platform."),
    "days": ({"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": 30}, "Today (UTC) included."),
}
_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
}
_ERROR = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        },
    },
}
_ERRORS = {
    "400": "A parameter or the body is not right",
    "401": "The token is missing or wrong",
    "404": "There is no such thing",
    "405": "Not this method",
    "409": "There is nothing to do",
    "429": "Too many wrong tokens",
    "503": "The database cannot be used",
}


def described(version: str) -> dict[str, Any]:
    answers = {operation.answer for operation in OPERATIONS}
    bodies = {operation.body for operation in OPERATIONS if operation.body is not None}
    ordered = sorted(answers | bodies, key=lambda one: one.__name__)
    _, schemas = models_json_schema(
        [(one, "validation" if one in bodies else "serialization") for one in ordered],
        by_alias=True,
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Threadbridge", "version": version, "description": "What the operator sees and does."},
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas["$defs"], "Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "http.admin_token"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [_ID] if "{id}" in operation.path else []
    for name in operation.query:
        schema, text = _PARAMETERS[name]
        parameters.append({"name": name, "in": "query", "description": text, "schema": schema})
    answer = {
        "type": "object",
        "required": ["success", "data"],
        "properties": {"success": {"const": True}, "data": _ref(operation.answer.__name__)},
    }
    responses = {"200": {"description": "Done", "content": _json(answer)}}
    responses |= {status: {"description": text, "content": _json(_ref("Error"))} for status, text in _ERRORS.items()}
    found: dict[str, Any] = {"summary": operation.summary, "parameters": parameters, "responses": responses}
    if operation.body is not None:
        found["requestBody"] = {"required": True, "content": _json(_ref(operation.body.__name__))}
    return found


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
