"""Looking for an answer in the upstream's own record, instead of asking again."""

from __future__ import annotations

import logging
from datetime import timedelta

from core.conversations import Conversations
from core.model import Prompt
from core.tables import Turn
from core.upstream import Asked, CanRecall

log = logging.getLogger(__name__)

CLOCKS = timedelta(minutes=2)
"""How far an upstream's clock may be from ours."""
BEGINNING = timedelta(hours=1)
"""More than it takes from our beginning of a conversation to its coming about, all waiting included."""


async def recollected(conversations: Conversations, upstream: CanRecall, turn: Turn, prompt: Prompt) -> str | None:
    """The finished answer to this prompt, with which the turn asked now or in an earlier attempt; None: there is none,
    none beyond doubt, or the upstream does not tell. Raises `DatabaseError`."""
    since = turn.started_at or turn.accepted_at
    begins = prompt.conversation_id is None
    asked = Asked(
        prompt,
        since=since - CLOCKS,
        before=await conversations.times_sent(turn),
        taken=await conversations.known_since(since - BEGINNING, upstream.name) if begins else frozenset(),
    )
    try:
        found = await upstream.recall(asked)
    except Exception as error:
        # whatever goes wrong here, there is still another way to an answer
        log.warning("the record of %s could not be read: %s", upstream.name, getattr(error, "detail", repr(error)))
        return None
    log.info("turn %d: %s", turn.id, "the answer is not on record" if found is None else "its answer was recalled")
    return found
