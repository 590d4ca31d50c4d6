"""The stream of GPTBots: records with a code each, one JSON object to a line. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.faults import Fault

Layout = Literal["lines", "data", "glued"]
"""`lines`: bare JSON, as the page prints it. `data`: server-sent events, as it calls them. `glued`: two objects on one
line, as in a copy of the page."""
Flow = Literal["step", "only", "none"]
"""What `FlowOutput` holds: the output of a step, as on the page; the whole answer, without any `Text`; or nothing."""

STEP = {"content": "Hello", "branch": None, "from_component_name": "User Input"}


def flow_output(flow: Flow, answer: str) -> list[dict[str, Any]]:
    match flow:
        case "step":
            return [STEP]
        case "only":
            return [{"content": answer, "branch": "1", "from_component_name": "LLM"}]
        case "none":
            return []


@dataclass(slots=True)
class Records:
    """11 MessageInfo, 3 Text as often as needed, 10 FlowOutput, 4 Cost, 0 End."""

    answer_id: str
    answer: str
    usage: dict[str, int]
    layout: Layout
    flow: Flow
    default_error: int
    content_type: str = "text/event-stream; charset=utf-8"
    _odd: bool = field(default=False, init=False)

    def opening(self) -> Iterable[bytes]:
        yield self._record(11, "MessageInfo", {"message_id": self.answer_id})

    def text(self, piece: str) -> bytes:
        return b"" if self.flow == "only" else self._record(3, "Text", piece)

    def closing(self) -> Iterable[bytes]:
        if output := flow_output(self.flow, self.answer):
            yield self._record(10, "FlowOutput", output)
        yield self._record(4, "Cost", {**self.usage, "completion_tokens_details": {"reasoning_tokens": 0}})
        yield self._record(0, "End", None)

    def error(self, fault: Fault) -> bytes:
        code, message = error_of(fault, self.default_error)
        return self._line(json.dumps({"code": code, "message": message}))

    def garbage(self) -> bytes:
        return self._line('{"code":3,"message":"Te')

    def _record(self, code: int, message: str, data: Any) -> bytes:
        record = {"code": code, "message": message, "data": data}
        return self._line(json.dumps(record, ensure_ascii=False, separators=(",", ":")))

    def _line(self, line: str) -> bytes:
        data = line.encode("utf-8", "replace")
        match self.layout:
            case "lines":
                return data + b"\n"
            case "data":
                return b"data:" + data + b"\n\n"
            case "glued":
                self._odd = not self._odd
                return data if self._odd else data + b"\n"


ERRORS = {
    40000: "Invalid parameter",
    40008: "Too many requests",
    40127: "Developer authentication failed",
    40356: "Conversation does not exist",
    40358: "conversation_id does not match bot or user",
    40364: "This Bot does not use an LLM that supports image mode",
    40378: "Bot deleted",
    20022: "Credit not enough",
    20040: "Exceeded question limit",
    20055: "API is switched off",
    20059: "Bot deleted",
    50000: "Internal server error",
}


def error_of(fault: Fault, default: int) -> tuple[int, str]:
    """The code and sentence of a fault, whose `error` is a code or a sentence."""
    if fault.error is None:
        return default, ERRORS[default]
    if fault.error.isdigit():
        return int(fault.error), ERRORS.get(int(fault.error), "Unknown error")
    return default, fault.error
