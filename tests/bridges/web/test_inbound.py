"""What clients say, understood or refused with a sentence; and whose it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bridges.web.clients import Clients
from bridges.web.inbound import Refused, asked
from bridges.web.thread import NAME, client_of, name_of, thread_of
from core.model import ThreadId
from tests.web import ANN, BOB

names = st.from_regex(NAME, fullmatch=True)


@pytest.mark.parametrize(
    ("said", "command", "text"),
    [
        ({"text": " Hello "}, "", "Hello"),
        ({"command": "stop"}, "stop", ""),
        ({"command": "use", "text": "second"}, "use", "second"),
        ({"text": "/new"}, "new", ""),
        ({"text": "Retry"}, "retry", ""),
        ({"text": "stop that, please"}, "", "stop that, please"),
        ({"text": "!help me"}, "help", "me"),
    ],
)
def test_words_and_commands(said: dict[str, str], command: str, text: str) -> None:
    found = asked(json.dumps(said).encode())
    assert (found.command, found.text) == (command, text)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "JSON object"),
        (b"[]", "JSON object"),
        (b'{"text": "a', "JSON object"),
        (b"\xff\xfe", "JSON object"),
        (b"[" * 100_000, "JSON object"),
        (b"{}", "text is empty"),
        (b'{"text": "  "}', "text is empty"),
        (b'{"text": 5}', "text has to be a text"),
        (b'{"text": "a", "id": "a b"}', "id has to be"),
        (b'{"text": "a", "id": "../x"}', "id has to be"),
        (json.dumps({"text": "a", "id": "x" * 65}).encode(), "id has to be"),
        (json.dumps({"text": "a", "user": "x" * 101}).encode(), "user has to be"),
        (b'{"text": "a", "user": "a\\nb"}', "user has to be"),
        (b'{"text": "a", "command": "reboot"}', "command has to be one of help, new, retry, status, stop, use"),
        (b'{"text": "a", "txt": "b"}', "txt is not known"),
    ],
)
def test_what_cannot_be_understood_is_said(body: bytes, says: str) -> None:
    with pytest.raises(Refused) as caught:
        asked(body)
    assert caught.value.status == 400
    assert says in caught.value.sentence


@pytest.mark.parametrize(
    ("sent", "client"),
    [
        (f"Bearer {ANN}", "ann"),
        (f"bearer  {BOB} ", "bob"),
        *((sent, None) for sent in ("", "Bearer", "Bearer ", f"Basic {ANN}", ANN, f"Bearer {ANN}x", "Bearer ä\udcff")),
    ],
)
def test_whose_a_request_is(sent: str, client: str | None) -> None:
    assert Clients({"ann": SecretStr(ANN), "bob": SecretStr(BOB)}).named(sent) == client


@given(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,39}", fullmatch=True), names)
def test_a_conversation_is_its_clients_and_has_its_name(client: str, name: str) -> None:
    thread = thread_of(client, name)
    assert (client_of(thread), name_of(thread)) == (client, name)
    assert len(thread) <= 200


@pytest.mark.parametrize("thread", ["web:ann", "web::x", "web:ann:a/b", "slack:ann:x", "web:ann:x\n"])
def test_what_this_bridge_has_not_made_is_refused(thread: str) -> None:
    with pytest.raises(ValueError, match="not a conversation"):
        name_of(ThreadId(thread))
