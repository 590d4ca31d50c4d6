"""The sections of the configuration that belong to the core; each bridge defines its own, and the composition root puts
them together. `core.loading` reads them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


class Section(BaseModel):
    """A table of the configuration; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


def _split(value: object) -> object:
    """A list may be given as one string with commas, as the environment does."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def _words(value: object) -> object:
    """Ids are strings to us; people write them as numbers too."""
    value = _split(value)
    return [str(item) if isinstance(item, int) else item for item in value] if isinstance(value, list) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Numbers = Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_split)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _address(value: object) -> object:
    if isinstance(value, str) and not re.match(r"(https?|wss?)://[^/\s]+", value):
        raise ValueError("is not an address: it has to start with http:// or https:// (ws:// or wss:// for a socket)")
    return value.rstrip("/") if isinstance(value, str) else value


Address = Annotated[str, BeforeValidator(_address)]
"""An http(s) or ws(s) address, without its last slash."""


class Database(Section):
    url: str = "sqlite:///threadbridge.db"
    """`sqlite:///file` or `postgresql://user@host/name`."""


class Http(Section):
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    """0: any that is free."""
    admin_token: SecretStr | None = None
    """Opens the operator's pages and their API; without it there are none."""


class Relaying(Section):
    recover_within: Seconds = 900
    """Seconds: how old an unfinished turn, or a message that was missed, may be to be answered after a stop."""
    drain_within: Seconds = 20
    """Seconds that running turns may take to finish when the program is told to stop."""
    concurrency: int = Field(1000, ge=1)
    """How many threads one process answers at once; others wait for their turn."""
    recover_concurrency: int = Field(100, ge=1)
    """How many turns that an earlier run left open are answered at once in one process, so that a long outage does not
    end in a flood."""


class Logging(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    messages: bool = False
    """Write what people say, and what they are answered, into the log."""


class RetentionSection(Section):
    """How long what people say stays on record."""

    text: str = Field("forever", pattern=r"^(forever|none|[1-9][0-9]{0,4}d)$")
    """`forever`; days, such as `30d`; or `none`: gone as soon as the answer is there. Then only ids, times and costs
    are left: such a turn cannot be asked again, and an upstream that remembers nothing is not told of it."""

    @property
    def kept(self) -> timedelta | None:
        """None: for ever."""
        if self.text == "forever":
            return None
        return timedelta(days=0 if self.text == "none" else int(self.text.removesuffix("d")))


class HealthSection(Section):
    """When `/readyz` says that something is wrong."""

    deaf_after: Seconds = 25
    """Seconds without any sign of life from a platform; one that is well gives one every 15."""
    undelivered_after: Seconds = 30
    """Seconds for which nothing that is to be shown gets out."""
    waiting_after: Seconds = 60
    """Seconds that a turn may wait although nothing in its thread is being answered."""
    quiet_after: Seconds = 0
    """Seconds without a message from anybody, for a bot that is always spoken to; 0: no limit."""


class Limits(Section):
    """How much may be used. 0: no limit."""

    turns_per_minute: int = Field(0, ge=0)
    """Messages to the assistant in any 60 seconds."""
    turns_per_day: int = Field(0, ge=0)
    """Messages to the assistant in any 24 hours."""
    waiting_turns: int = Field(0, ge=0)
    """Messages that wait for their answer at the same time, the one that is being answered not counted."""
    tokens_per_day: int = Field(0, ge=0)
    """Tokens in any 24 hours, questions and answers together, where the upstream tells."""
    credits_per_day: float = Field(0, ge=0, allow_inf_nan=False)
    """The upstream's credits in any 24 hours, where it tells."""


class Access(Limits):
    """Who may talk to the assistant on one bridge, and how much. The limits here are those of each person."""

    policy: Literal["open", "list", "members", "pairing"] | None = None
    """`open`: everyone. `list`: those in `users` or with one of the `roles`. `members`: everyone of the bot's own
    organisation. `pairing`: a stranger is given a code, which `threadbridge pair CODE` confirms."""
    users: Words = ()
    """Stable ids of people who are let in, whatever the policy."""
    operators: Words = ()
    """Stable ids of people who are let in everywhere and without limits."""
    roles: Words = ()
    """Ids of roles whose members are let in; with any, `open` is for them alone."""
    guilds: Words = ()
    """Ids of servers; with any, only in these. People in `users` may write directly as well."""
    channels: Words = ()
    """With any, only in these; direct messages count as channels of their own."""
    denied: Literal["note", "silence"] = "note"
    """What people hear who are not let in: a short note once a day, or nothing."""
    characters: int = Field(0, ge=0)
    """Of one message."""
    channel: Limits = Limits()
    bridge: Limits = Limits()


class Overlapping(Section):
    """What becomes of a message that comes while an earlier one of its thread is still open."""

    overlap: Literal["queue", "merge", "interrupt"] = "queue"
    """A message that comes during an answer: `queue` answers it afterwards; `merge` answers all that the person wrote
    meanwhile at once; `interrupt` stops the answer to the same person and goes on with the new message."""
    gather_within: float = Field(0, ge=0, le=60)
    """Seconds of silence after which a person has finished: messages that follow each other faster are answered as
    one. 0: each by itself; the pictures of an album belong together in any case."""


KEY = "the key of your account at this service"


class UpstreamSection(Section):
    """What every kind of upstream has."""

    base_url: Address
    """The service's root; the adapter adds its paths."""
    api_key: SecretStr | None = None
    backup: Words = ()
    """Names of the upstreams that answer, in this order, while this one is unavailable. Their own backups are not
    asked."""
    announce_backup: bool = False
    """Say below a reply that a backup wrote it."""
    connect_timeout: Seconds = 10
    """Until the connection stands."""
    first_text_timeout: Seconds = 120
    """Until the first text; 0: no limit. A keep-alive is no text. While the upstream says that it thinks or uses a
    tool, and where an answer comes in one piece, this time does not run."""
    idle_timeout: Seconds = 120
    """Without a byte from the upstream, a keep-alive included."""
    total_timeout: Seconds = 900
    """For a whole answer."""
    concurrency: int = Field(0, ge=0)
    """How many answers are asked for at a time in one process; 0: no limit. Who comes first is served first."""
    retries: int = Field(4, ge=0, le=10)
    """How often a refusal that passes is asked again, before the body was accepted."""
    history_exchanges: int = Field(20, ge=0)
    """How many earlier exchanges an upstream that remembers nothing is given."""
    history_characters: int = Field(48_000, ge=0)
    """And how many characters of them, counted from the newest."""
    image_hosts: Words = ()
    """Hosts from which images in the text of an answer are fetched, to be posted as files: these and all below them,
    besides the upstream's own; `*`: all. Whoever can put words into an answer can have such an address asked for."""


class GoApi(UpstreamSection):
    kind: Literal["goapi"]
    base_url: Address = "https://api.goapi.ai"
    api_key: SecretStr = Field(description=KEY)
    model: str = "gpt-4o"
    gizmo_id: str | None = None
    """The GPT to talk to, as in its address after `/g/`, without its name."""


class GptBots(UpstreamSection):
    kind: Literal["gptbots"]
    base_url: Address = "https://api.gptbots.ai"
    api_key: SecretStr = Field(description=KEY)
    api_version: Literal[1, 2] = 2
    """Which of the two message calls; the vendor deprecates 1."""
    response_mode: Literal["streaming", "blocking"] = "streaming"
    short_term_memory: bool | None = None
    """Without it, as the bot is set up."""
    long_term_memory: bool | None = None
    """Without it, as the bot is set up."""
    knowledge_data_ids: Words | None = None
    """Only these knowledge documents are searched; an empty list: none."""
    knowledge_group_ids: Words | None = None
    """Only these groups of knowledge documents are searched (version 2)."""


class MyGptAssistants(UpstreamSection):
    kind: Literal["mygptassistants"]
    base_url: Address = "https://api.mygptassistants.com/api/v1"
    api_key: SecretStr = Field(description=KEY)
    bot_id: str
    """The bot's id, from its page at this service."""


class OpenAi(UpstreamSection):
    kind: Literal["openai"]
    base_url: Address = "https://api.openai.com/v1"
    model: str
    """The model's name, as the server lists it."""
    system: str | None = None
    """A system message in front of every conversation."""
    max_tokens: int | None = Field(None, gt=0)
    """Of one answer."""
    temperature: float | None = Field(None, ge=0, le=2)
    modalities: Words | None = None
    """What answers may be made of, for models that make pictures: `["text", "image"]`."""


AnyUpstream = Annotated[GoApi | GptBots | MyGptAssistants | OpenAi, Field(discriminator="kind")]

KINDS = ("goapi", "gptbots", "mygptassistants", "openai")
