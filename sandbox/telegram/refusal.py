"""A call that the server refuses."""

from __future__ import annotations

from typing import Any

PREFIX = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}


class Refusal(Exception):
    """The HTTP status and the description that go back, with `parameters` where the Bot API has them."""

    def __init__(self, status: int, reason: str = "", *, parameters: dict[str, Any] | None = None) -> None:
        prefix = PREFIX.get(status, "")
        self.status = status
        self.description = f"{prefix}: {reason}" if prefix and reason else reason or prefix or "Internal Server Error"
        self.parameters = parameters
        super().__init__(self.description)

    @property
    def body(self) -> dict[str, Any]:
        answer = {"ok": False, "error_code": self.status, "description": self.description}
        return answer | {"parameters": self.parameters} if self.parameters else answer

    @property
    def headers(self) -> dict[str, str]:
        wait = (self.parameters or {}).get("retry_after")
        return {"Retry-After": str(wait)} if wait else {}


def slow_down(seconds: int) -> Refusal:
    return Refusal(429, f"Too Many Requests: retry after {seconds}", parameters={"retry_after": seconds})
