"""ChatGPT's delta encoding, version 1: a document that grows by small operations, without any I/O.

A delta is an object with a path `p` (a JSON pointer), an operation `o`, a value `v` and a channel `c`, which names one
of several documents. What is left out of `p`, `o` and `c` is as it was in the delta before.
"""

from __future__ import annotations

from typing import Any

from core.upstream.fields import Unreadable, table


class DeltaDocuments:
    """The documents of one stream. Appending to the same text again and again takes time linear in what is added."""

    def __init__(self) -> None:
        self._documents: dict[int | str, Any] = {}
        self._path = ""
        self._operation = "add"
        self._channel: int | str = 0
        self._appending = False  # the last delta appended to a text
        self._tail: list[str] = []  # what was appended to it since, not yet in the document

    @property
    def path(self) -> str:
        """Where the last delta applied."""
        return self._path

    def document(self) -> dict[str, Any]:
        """The document that the last delta changed; empty if it is no object. Belongs to this object."""
        self._settle()
        return table(self._documents.get(self._channel))

    def apply(self, delta: dict[str, Any]) -> str | None:
        """Applies one delta. Returns the text that it appended where the one before appended too, so that nothing
        else can have changed; else None. Raises `Unreadable` for an operation that does not fit the document."""
        path, operation, channel = delta.get("p"), delta.get("o"), delta.get("c")
        value = delta.get("v")
        same = (
            (path is None or path == self._path)
            and (operation is None or operation == self._operation)
            and (channel is None or channel == self._channel)
        )
        if same and self._appending and isinstance(value, str):
            self._tail.append(value)
            return value
        self._settle()
        self._path = path if isinstance(path, str) else self._path
        self._operation = operation if isinstance(operation, str) else self._operation
        self._channel = channel if isinstance(channel, int | str) else self._channel
        target = _value_at(self._documents.get(self._channel), _steps(self._path))
        self._appending = False
        if self._operation == "append" and isinstance(value, str) and isinstance(target, str):
            self._appending = True
            self._tail.append(value)
        else:
            self._change(self._path, self._operation, value)
        return None

    def _settle(self) -> None:
        if self._tail:
            added = "".join(self._tail)
            self._tail.clear()
            self._change(self._path, "append", added)

    def _change(self, path: str, operation: str, value: Any) -> None:
        try:
            self._documents[self._channel] = _changed(
                self._documents.get(self._channel), _steps(path), operation, value
            )
        except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
            raise Unreadable(f"delta {operation} at {path[:100]}: {type(error).__name__}") from None


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _value_at(node: Any, steps: list[str]) -> Any:
    for step in steps:
        match node:
            case dict():
                node = node.get(step)
            case list() if step.isdigit() and len(step) < 9 and int(step) < len(node):
                node = node[int(step)]
            case _:
                return None
    return node


def _changed(node: Any, steps: list[str], operation: str, value: Any) -> Any:
    """The node after the operation below it; containers are changed in place."""
    if not steps:
        return _applied(node, operation, value)
    step, rest = steps[0], steps[1:]
    match node:
        case list():
            index = len(node) if step == "-" else int(step)
            if index == len(node) and not rest and operation in ("add", "replace", "append"):
                node.append(value)
            elif rest or operation not in ("add", "remove"):
                node[index] = _changed(node[index], rest, operation, value)
            elif operation == "remove":
                del node[index]
            else:
                node.insert(index, value)
        case dict():
            if operation == "remove" and not rest:
                node.pop(step, None)
            else:
                node[step] = _changed(node[step] if rest else node.get(step), rest, operation, value)
        case _:
            raise TypeError(step)
    return node


def _applied(node: Any, operation: str, value: Any) -> Any:
    match operation, node, value:
        case (("add" | "replace"), _, _):
            return value
        case "append", None, _:
            return value
        case "append", str(), str():
            return node + value
        case "append", list(), list():
            return [*node, *value]
        case "append", list(), _:
            return [*node, value]
        case "append", dict(), dict():
            return node | value
        case "truncate", (str() | list()), int():
            return node[:value]
        case "remove", _, _:
            return None
        case "patch", _, list():
            for one in value:
                fields = table(one)
                node = _changed(node, _steps(fields.get("p") or ""), fields.get("o") or "", fields.get("v"))
            return node
        case _:
            raise TypeError(operation)
