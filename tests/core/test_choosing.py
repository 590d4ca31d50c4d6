"""Several assistants in one place: a person chooses one for a thread, and it is told what was said before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import URL

from core.answering import Assistant
from core.controls import Control, Controls, pressed
from core.database import opened
from core.model import Done, Exchange, Message, Opened, Text, ThreadId
from core.relay import Relay, Route
from core.settings import Relaying
from core.store import Store
from tests.fakes import FakeUpstream, OfferingBridge
from tests.messages import message

OTHER = ThreadId("fake:elsewhere")
LONG = "an assistant with a name that no button of any platform could ever hold"


class Run:
    def __init__(self, store: Store) -> None:
        self.store, self.bridge = store, OfferingBridge(limit=2_000)
        self.upstreams = {name: self._upstream(name) for name in ("Main", "Second", "Sea", LONG)}
        self.configure()

    def configure(self, *names: str, buttons: bool = True) -> None:
        """As if it was started with these; without any, with all."""
        chains = {name: (Assistant(self.upstreams[name], 20, 48_000),) for name in names or self.upstreams}
        route = Route(self.bridge, chains["Main"], buttons, choices=chains if len(chains) > 1 else {})
        self.relay = Relay(self.store, {"fake": route}, Relaying())

    def _upstream(self, name: str) -> FakeUpstream:
        return FakeUpstream([Opened(f"c-{name}"), Text(f"from {name}"), Done()], name=name)

    async def press(self, controls: Controls, name: str) -> str:
        """Somebody presses the button with this name."""
        said = pressed(controls.data(Control.USE, name))
        assert said is not None
        reply = await self.say(said.key, command=str(said.control), about=said.turn)
        await self.relay.settled()
        return reply

    async def say(self, text: str, **changed: object) -> str:
        one: Message = message(text, **changed)
        await self.store.record("fake", one)
        await self.relay.drain(one.thread)
        return self.bridge.texts(one.thread)[-1]


@pytest.fixture
async def run(url: URL) -> AsyncIterator[Run]:
    @asynccontextmanager
    async def begun() -> AsyncIterator[Run]:
        async with opened(url) as engine:
            yield Run(Store(engine))

    async with begun() as found:
        yield found


async def test_what_is_chosen_answers_from_then_on_in_that_thread_alone(run: Run) -> None:
    assert await run.say("one") == "from Main"
    assert "**Second** answers here" in await run.say("second", command="use")
    assert await run.say("two") == "from Second"
    assert run.upstreams["Second"].prompts[0].history == (Exchange("one", "from Main"),)
    assert await run.say("elsewhere", thread=OTHER) == "from Main"
    await run.say("MAIN", command="use")
    assert await run.say("three") == "from Main"
    back = run.upstreams["Main"].prompts[-1]
    assert (back.conversation_id, back.history) == ("c-Main", (Exchange("two", "from Second"),))


@pytest.mark.parametrize("name", ["", "s", "nobody"])
async def test_a_name_that_tells_nobody_apart_changes_nothing(run: Run, name: str) -> None:
    said = await run.say(name, command="use")
    assert all(one in said for one in ("**Main** (now)", "**Second**", "**Sea**"))
    assert await run.say("one") == "from Main"


async def test_the_beginning_of_a_name_is_enough(run: Run) -> None:
    await run.say("sec", command="use")
    assert await run.say("one") == "from Second"


async def test_status_says_who_is_asked_and_how_full_it_is(run: Run) -> None:
    await run.say("one")
    said = await run.say("", command="status")
    assert "**Main**" in said
    assert "It holds one answer." in said
    assert "**Second**" in said


# --- by buttons -------------------------------------------------------------------------------------------------------


async def test_without_a_name_all_are_offered_and_the_one_that_is_pressed_answers(run: Run) -> None:
    await run.say("one")
    await run.say("", command="use")
    menu = run.bridge.below("Assistants here")
    assert [(one.name, one.present) for one in menu.choices] == [
        ("Main", True),
        ("Second", False),
        ("Sea", False),
        (LONG, False),
    ]
    assert "**Second** answers here" in await run.press(menu, "Second")
    assert not run.bridge.below("Assistants here"), "it is chosen: the menu has gone"
    assert await run.say("two") == "from Second"
    assert f"**{LONG}** answers here" in await run.press(menu, LONG)
    assert await run.say("three") == f"from {LONG}"


async def test_whoever_has_chosen_may_ask_the_last_question_again(run: Run) -> None:
    await run.say("one")
    await run.say("sea", command="use")
    assert Control.RETRY in run.bridge.below("answers here").offered
    assert await run.say("", command="retry", about=2) == "from Sea"
    assert run.upstreams["Sea"].prompts[0].text == "one"


async def test_a_menu_works_after_a_restart_and_one_who_is_not_here_any_more_is_said(run: Run) -> None:
    await run.say("", command="use")
    menu = run.bridge.below("Assistants here")
    run.configure("Main", "Sea")
    assert "There is no assistant `Second` here." in await run.press(menu, "Second")
    assert [one.name for one in run.bridge.below("no assistant").choices] == ["Main", "Sea"]
    said = await run.press(menu, LONG)
    assert "There is no assistant `an assistant with a name" in said
    assert "**Sea** answers here" in await run.press(menu, "Sea")
    run.configure("Main")
    assert "nothing to choose" in await run.press(menu, "Sea")


async def test_a_name_that_nobody_has_is_said_in_words_of_ours(run: Run) -> None:
    said = await run.say("`x` " + "y" * 100, command="use")
    assert said.startswith("There is no assistant `x y")
    assert "yyy` here. Assistants here:" in said
    assert run.bridge.below("no assistant").choices


async def test_where_no_buttons_are_wanted_there_is_none(run: Run) -> None:
    run.configure(buttons=False)
    await run.say("", command="use")
    await run.say("sea", command="use")
    assert not any(run.bridge.buttons.values())
