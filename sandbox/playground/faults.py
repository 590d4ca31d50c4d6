"""The faults that the page offers, in people's words, and what each is at each stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sandbox.faults import Fault

Strikes = Literal["post", "edit", "answer"]

STRIKES: Mapping[tuple[str, Strikes], str] = {
    ("slack", "post"): "chat.[ps][ot][sa]*",  # postMessage, startStream
    ("slack", "edit"): "chat.[aus][pt][pdo]*",  # update, appendStream, stopStream
    ("discord", "post"): "messages.create",
    ("discord", "edit"): "messages.edit",
    ("telegram", "post"): "sendMessage",
    ("telegram", "edit"): "editMessageText",
    ("goapi", "answer"): "goapi.[cm]*",  # create, message: the first message creates the conversation
    ("gptbots", "answer"): "gptbots.message",
    ("mygptassistants", "answer"): "mygptassistants.[ms]*",  # message, stream
    ("openai", "answer"): "openai.chat",
}
"""The names of calls at each stand-in, as its server states them."""


@dataclass(frozen=True, slots=True)
class Offer:
    label: str
    strikes: Strikes
    fault: Fault = field(repr=False)
    """Without the name of the call."""

    @property
    def where(self) -> str:
        """`platform`: at any of the three; or `upstream`."""
        return "upstream" if self.strikes == "answer" else "platform"


OFFERS: Mapping[str, Offer] = {
    "edit-429": Offer("Too many edits (429)", "edit", Fault("", "status", status=429, retry_after=5)),
    "edit-drop": Offer("Connection drops in an edit", "edit", Fault("", "drop")),
    "edit-slow": Offer("Three edits of 4 s each", "edit", Fault("", "slow", times=3, seconds=4)),
    "post-500": Offer("Posting fails (500)", "post", Fault("", "status", status=500)),
    "post-lost": Offer("Posted, but answer lost", "post", Fault("", "lost")),
    "answer-slow": Offer("Takes 8 s to begin", "answer", Fault("", "slow", seconds=8)),
    "answer-503": Offer("Refuses twice (503)", "answer", Fault("", "status", times=2, status=503)),
    "answer-401": Offer("Refuses the key (401)", "answer", Fault("", "status", status=401)),
    "answer-error": Offer("Reports an error in mid-answer", "answer", Fault("", "error", words=20)),
    "answer-break": Offer("Breaks off in mid-answer", "answer", Fault("", "break", words=30)),
}


def fault_for(where: str, kind: str, offer: str) -> Fault | None:
    """A fault of that offer at a stand-in; `kind` is the upstream that is in use. None: there is none such."""
    found = OFFERS.get(offer)
    if found is None:
        return None
    on = STRIKES.get((kind if where == "upstream" else where, found.strikes))
    return None if on is None else replace(found.fault, on=on)
