"""Slack's own streams: a message that is appended to (https://docs.slack.dev/reference/methods/chat.startStream)."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

from bridges.slack.askers import Askers
from bridges.slack.errors import TokenRefused
from bridges.slack.pace import stops
from bridges.slack.thread import Thread
from bridges.slack.web import Json, Web
from core.errors import MessageMissing, PlatformRefused, PlatformUnavailable, SlowDown
from core.model import MessageId

log = logging.getLogger(__name__)

LIFE = 260.0
"""Seconds after which a stream is left: Slack ends each after about five minutes
(https://github.com/slackapi/python-slack-sdk/issues/1859)."""
MOST = 8
"""Streams at once. They share the calls of a workspace with each other and need two more each, so beyond a few of them
readers are served better by edits, which have calls of their own."""
BEGUN_A_MINUTE = 12
"""`chat.startStream` is in tier 2, as `chat.stopStream` is: 20 calls in a minute for a workspace."""
NOWHERE = frozenset(
    {"access_denied", "deprecated_endpoint", "feature_not_enabled", "invalid_chunks", "method_deprecated"}
    | {"method_not_supported", "missing_scope", "no_permission", "not_allowed_token_type", "unknown_method"}
)
"""Refusals that every other stream would meet too."""
NO_SUCH_METHOD = frozenset({"status 404", "status 405", "status 501"})
"""What a server without these methods answers that does not answer as Slack does."""
THIS_ONE = frozenset(
    {"cannot_reply_to_message", "channel_not_found", "invalid_thread_ts", "is_archived", "message_not_found"}
    | {"invalid_recipient_team_id", "invalid_recipient_user_id", "not_in_channel", "thread_not_found"}
    | {"user_not_found", "user_not_in_channel"}
)
"""Refusals that another question in the same channel need not meet."""


class Streams:
    """The streams of one workspace."""

    def __init__(self, web: Web, askers: Askers, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._web = web
        self._askers = askers
        self._refused: set[str] = set()
        """The channels without streams; the empty name: there are none at all."""
        self._closed_until = 0.0
        self._begun: deque[float] = deque(maxlen=BEGUN_A_MINUTE)
        self._open: dict[MessageId, float] = {}

    async def begin(self, place: Thread, asked_by: MessageId | None, chunks: Sequence[Json]) -> MessageId | None:
        """A stream that shows this already; None where there can be none: then nothing was posted. Raises what may
        have created one, or what no other call would survive."""
        if place.root is None or not self._may_begin(place.channel):
            return None
        team, user = None, None
        if not place.direct:
            asker = await self._askers.find(place, asked_by)
            if asker is None:
                return None
            team, user = asker
        self._begun.append(self.clock())
        try:
            answer = await self._web(
                self._web.api.chat_startStream(
                    channel=place.channel,
                    thread_ts=place.root,
                    chunks=list(chunks),
                    recipient_team_id=team,
                    recipient_user_id=user,
                )
            )
        except SlowDown as refusal:
            self._closed_until = self.clock() + refusal.retry_after
            return None
        except TokenRefused:
            raise
        except (MessageMissing, PlatformRefused) as refusal:
            if refusal.detail not in THIS_ONE:
                self._remember("" if refusal.detail in NOWHERE else place.channel, refusal.detail)
            return None
        except PlatformUnavailable as error:
            if error.detail not in NO_SUCH_METHOD:
                raise
            self._remember("", error.detail)
            return None
        ts = answer.get("ts")
        if not isinstance(ts, str):
            raise PlatformUnavailable(detail="chat.startStream answered without a ts")
        self._open[MessageId(ts)] = self.clock()
        return MessageId(ts)

    async def append(self, place: Thread, message: MessageId, chunks: Sequence[Json]) -> None:
        await self._web(self._web.api.chat_appendStream(channel=place.channel, ts=message, chunks=list(chunks)))

    async def end(
        self, place: Thread, message: MessageId, chunks: Sequence[Json], metadata: Json, foot: Sequence[Json] = ()
    ) -> Json:
        """What Slack shows then; `foot`: blocks below it."""
        answer = await stop(self._web, place, message, chunks, metadata, foot)
        self.left(message)
        return answer

    def left(self, message: MessageId) -> None:
        """A stream is none any more."""
        self._open.pop(message, None)

    def _may_begin(self, channel: str) -> bool:
        now = self.clock()
        for message in [one for one, begun in self._open.items() if now - begun > LIFE]:
            self.left(message)
        rested = len(self._begun) < BEGUN_A_MINUTE or now - self._begun[0] > 60
        return (
            "" not in self._refused
            and channel not in self._refused
            and now >= self._closed_until
            and rested
            and len(self._open) < MOST
        )

    def _remember(self, channel: str, why: str) -> None:
        self._refused.add(channel)
        log.info("no native streams in %s (%s): answers grow by edits there", channel or "Slack", why)


async def stop(
    web: Web,
    place: Thread,
    message: MessageId,
    chunks: Sequence[Json] = (),
    metadata: Json | None = None,
    foot: Sequence[Json] = (),
) -> Json:
    """Ends a stream. Raises `NotStreaming` where it is none."""
    try:
        return await web(
            web.api.chat_stopStream(
                channel=place.channel,
                ts=message,
                chunks=list(chunks) or None,
                blocks=list(foot) or None,
                metadata=metadata,
            )
        )
    except SlowDown as refusal:
        raise SlowDown(refusal.retry_after, budget=stops(place).name, detail=refusal.detail) from None
