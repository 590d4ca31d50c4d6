"""The whole configuration: the sections of the core and those of each bridge."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from core.settings import (
    Access,
    Address,
    AnyUpstream,
    Database,
    HealthSection,
    Http,
    Logging,
    Numbers,
    Overlapping,
    Relaying,
    RetentionSection,
    Section,
    Words,
)


class SlackSettings(Overlapping):
    bot_token: SecretStr = Field(description="the bot token of your Slack app, it starts with xoxb-")
    app_token: SecretStr | None = None
    """For Socket Mode, with `connections:write`; it starts with xapp-."""
    mode: Literal["socket", "http"] = "socket"
    """`http`: Slack sends events to `/slack/events` of the HTTP server."""
    sockets: int = Field(1, ge=1, le=10)
    """Socket Mode connections of this process; Slack takes ten for an app, in all processes together."""
    signing_secret: SecretStr | None = None
    """For `http`, from the app's Basic Information."""
    api_url: Address = "https://slack.com/api"
    upstream: str | None = None
    """The name of the upstream behind this bridge; without it, the first."""
    upstreams: Words = ()
    """Names of others that people may choose in a thread, with `use` and a name."""
    buttons: bool = True
    """Buttons below a reply: to stop it, and below the newest of each conversation to retry, to begin another, and to
    say what you think of it."""
    waiting_sign: bool = True
    """A sign on a message that waits while an earlier one of its conversation is being answered."""
    command: str = Field("/assistant", pattern=r"^/[a-z0-9_-]{1,31}$")
    """The slash command, as the app's manifest is to have it."""
    direct_messages: Literal["threads", "one"] = "threads"
    """What is one conversation in a direct message: each message at the top with its thread, as in Slack's agent view,
    or the whole of it."""
    streaming: Literal["auto", "off"] = "auto"
    """How an answer in a thread grows: as one of Slack's own streams, where the workspace allows that, or always by
    edits of its message."""

    @model_validator(mode="after")
    def _complete(self) -> SlackSettings:
        if self.mode == "socket" and self.app_token is None:
            raise ValueError('needs app_token (it starts with xapp-) when mode is "socket"')
        if self.mode == "http" and self.signing_secret is None:
            raise ValueError('needs signing_secret when mode is "http"')
        return self


class DiscordSettings(Overlapping):
    token: SecretStr = Field(description="the bot token, from the Bot page of your application")
    api_url: Address = "https://discord.com/api/v10"
    gateway_url: Address = "wss://gateway.discord.gg"
    upstream: str | None = None
    """The name of the upstream behind this bridge; without it, the first."""
    upstreams: Words = ()
    """Names of others that people may choose in a thread, with `use` and a name."""
    buttons: bool = True
    """Buttons below a reply: to stop it, and below the newest of each conversation to retry, to begin another, and to
    say what you think of it."""
    waiting_sign: bool = True
    """A sign on a message that waits while an earlier one of its conversation is being answered."""
    answer_in: Literal["channel", "thread"] = "channel"
    """Where a mention in a channel is answered: in the channel, or in a new thread."""
    shards: int = Field(1, ge=1)
    """How many gateway sessions the servers are divided over, in all processes together; one is enough for 2,500."""
    shard_ids: Numbers = ()
    """Which of them this process listens to, counted from 0; without any, all."""

    @model_validator(mode="after")
    def _possible(self) -> DiscordSettings:
        if any(number >= self.shards for number in self.shard_ids):
            raise ValueError(f"has shards = {self.shards}, so that shard_ids are below {self.shards}, counted from 0")
        if len(set(self.shard_ids)) < len(self.shard_ids):
            raise ValueError("names a shard twice in shard_ids")
        return self

    @property
    def own_shards(self) -> tuple[int, ...]:
        return self.shard_ids or tuple(range(self.shards))


class TelegramSettings(Overlapping):
    token: SecretStr = Field(description="the bot token that @BotFather gave you")
    mode: Literal["polling", "webhook"] = "polling"
    """`webhook`: Telegram sends updates to `/telegram/webhook` of the HTTP server."""
    public_url: Address | None = None
    """Where Telegram reaches the HTTP server, without a path, in webhook mode."""
    api_url: Address = "https://api.telegram.org"
    upstream: str | None = None
    """The name of the upstream behind this bridge; without it, the first."""
    upstreams: Words = ()
    """Names of others that people may choose in a thread, with `use` and a name."""
    buttons: bool = True
    """Buttons below a reply: to stop it, and below the newest of each conversation to retry, to begin another, and to
    say what you think of it."""
    waiting_sign: bool = True
    """A sign on a message that waits while an earlier one of its conversation is being answered."""
    drafts: bool = False
    """In private chats a reply grows as a draft and becomes a message at its end, instead of growing by edits. Some
    apps flicker."""

    @model_validator(mode="after")
    def _complete(self) -> TelegramSettings:
        if self.mode == "webhook" and self.public_url is None:
            raise ValueError('needs public_url (where Telegram reaches this program) when mode is "webhook"')
        return self


SHORTEST_TOKEN = 20
_CLIENT = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def _long_enough(token: SecretStr) -> SecretStr:
    if len(token.get_secret_value()) < SHORTEST_TOKEN:
        raise ValueError(f"is too short: take {SHORTEST_TOKEN} characters or more, as from openssl rand -hex 24")
    return token


class WebClient(Section):
    token: Annotated[SecretStr, AfterValidator(_long_enough)] = Field(
        description="what this client sends as Authorization: Bearer; make one with openssl rand -hex 24"
    )


class WebSettings(Overlapping):
    clients: dict[str, WebClient] = Field(description="who may use the page and the API: clients.NAME.token for each")
    origins: Words = ()
    """Web sites whose pages may use the API in a browser, as `https://www.example.org`."""
    page: bool = True
    """Serve the chat page at `/web/`."""
    upstream: str | None = None
    """The name of the upstream behind this bridge; without it, the first."""
    upstreams: Words = ()
    """Names of others that people may choose in a thread, with `use` and a name."""

    @model_validator(mode="after")
    def _apart(self) -> WebSettings:
        if not self.clients:
            raise ValueError("needs a client: add a section bridges.web.clients.NAME with its token")
        if wrong := next((name for name in self.clients if not _CLIENT.fullmatch(name)), None):
            raise ValueError(f'has a client "{wrong}": names are small letters, digits, - and _, at most 40')
        if len({client.token.get_secret_value() for client in self.clients.values()}) < len(self.clients):
            raise ValueError("has two clients with the same token: each needs its own")
        if wrong := next((one for one in self.origins if not re.fullmatch(r"https?://[^/\s]+", one)), None):
            raise ValueError(f'has an origin "{wrong}": write https://NAME, without a path')
        return self


class Bridges(Section):
    slack: SlackSettings | None = None
    discord: DiscordSettings | None = None
    telegram: TelegramSettings | None = None
    web: WebSettings | None = None


class AccessSections(Section):
    """S1: Telegram starts closed, Slack with its own workspace, Discord open where it was invited, the web to whoever
    has a client's token."""

    slack: Access = Access(policy="members")
    discord: Access = Access(policy="open")
    telegram: Access = Access(policy="pairing")
    web: Access = Access(policy="open")

    @model_validator(mode="after")
    def _known_there(self) -> AccessSections:
        """A rule that a platform knows nothing of would let in everybody, or nobody."""
        for name in ("slack", "telegram", "web"):
            access: Access = getattr(self, name)
            if access.roles or access.guilds:
                raise ValueError(f"has roles or guilds in {name}, which only Discord has: use users and channels there")
        for name in ("telegram", "web"):
            if getattr(self, name).policy == "members":
                raise ValueError(f'has policy = "members" in {name}, which has no members: use pairing, list or open')
        return self


class Settings(Section):
    database: Database = Database()
    http: Http = Http()
    relay: Relaying = Relaying()
    log: Logging = Logging()
    health: HealthSection = HealthSection()
    retention: RetentionSection = RetentionSection()
    bridges: Bridges = Bridges()
    upstreams: dict[str, AnyUpstream] = Field(default_factory=dict)
    access: AccessSections = AccessSections()
