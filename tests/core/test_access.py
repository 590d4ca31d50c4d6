"""Who may talk: the rules alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access import Entry, entry
from core.settings import Access
from tests.messages import message

SOME = st.lists(st.sampled_from("abc"), max_size=2).map(tuple)


@pytest.mark.parametrize(
    ("rules", "said", "expected"),
    [
        ({"policy": "open"}, {}, Entry.LET_IN),
        ({"policy": "list"}, {}, Entry.STRANGER),
        ({"policy": "list", "users": ("u1",)}, {}, Entry.LET_IN),
        ({"policy": "list", "users": ("u2",)}, {}, Entry.STRANGER),
        ({"policy": "list", "roles": ("crew",)}, {"roles": frozenset({"crew", "all"})}, Entry.LET_IN),
        ({"policy": "list", "roles": ("crew",)}, {"roles": frozenset({"all"})}, Entry.STRANGER),
        ({"policy": "members"}, {}, Entry.LET_IN),
        ({"policy": "members"}, {"outsider": True}, Entry.STRANGER),
        ({"policy": "members", "users": ("u1",)}, {"outsider": True}, Entry.LET_IN),
        ({"policy": "pairing"}, {}, Entry.STRANGER),
        ({"policy": "pairing", "users": ("u1",)}, {}, Entry.LET_IN),
        # roles narrow what is open
        ({"policy": "open", "roles": ("crew",)}, {}, Entry.STRANGER),
        ({"policy": "open", "roles": ("crew",)}, {"roles": frozenset({"crew"})}, Entry.LET_IN),
        ({"policy": "open", "roles": ("crew",), "users": ("u1",)}, {}, Entry.LET_IN),
        # places
        ({"policy": "open", "channels": ("harbour",)}, {}, Entry.LET_IN),
        ({"policy": "open", "channels": ("elsewhere",)}, {}, Entry.PLACE),
        ({"policy": "open", "channels": ("elsewhere",), "users": ("u1",)}, {}, Entry.PLACE),
        ({"policy": "open", "guilds": ("g1",)}, {"organisation": "g1"}, Entry.LET_IN),
        ({"policy": "open", "guilds": ("g1",)}, {"organisation": "g2"}, Entry.PLACE),
        ({"policy": "open", "guilds": ("g1",)}, {}, Entry.PLACE),
        ({"policy": "open", "guilds": ("g1",), "users": ("u1",)}, {}, Entry.LET_IN),
        ({"policy": "open", "guilds": ("g1",), "roles": ("crew",)}, {"roles": frozenset({"crew"})}, Entry.PLACE),
        # operators
        ({"policy": "list", "operators": ("u1",), "channels": ("elsewhere",)}, {}, Entry.OPERATOR),
    ],
)
def test_the_rules(rules: dict[str, Any], said: dict[str, Any], expected: Entry) -> None:
    assert entry(Access(**rules), message(**said)) is expected


@given(
    policy=st.sampled_from(["open", "list", "members", "pairing", None]),
    users=SOME,
    roles=SOME,
    guilds=SOME,
    channels=SOME,
    outsider=st.booleans(),
    has=st.frozensets(st.sampled_from("abc")),
)
def test_nobody_but_operators_is_let_in_outside_of_the_listed_channels(
    policy: Any, users: Any, roles: Any, guilds: Any, channels: Any, outsider: bool, has: frozenset[str]
) -> None:
    access = Access(policy=policy, users=users, roles=roles, guilds=guilds, channels=channels)
    said = message(author="a", channel="b", organisation="c", outsider=outsider, roles=has)
    found = entry(access, said)
    if channels and "b" not in channels:
        assert found is Entry.PLACE
    elif "a" in users:
        assert found is Entry.LET_IN
    operated = access.model_copy(update={"operators": ("a",)})
    assert entry(operated, said) is Entry.OPERATOR
