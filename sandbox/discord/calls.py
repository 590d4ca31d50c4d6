"""What each call of the REST API does. The answer is JSON, or None for 204; a broken rule raises `Refusal`."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from sandbox.discord import components, interactions, payloads, reactions
from sandbox.discord.people import People
from sandbox.discord.records import FORUM, LARGEST_FILE, SUPPRESS_EMBEDS, THREADS, Channel, File, Refusal, invalid_form

Params = dict[str, str]


class Calls(People):
    """Each takes the request, the parameters of its path, and the JSON of its body."""

    sessions_left = 999
    """Told by `gateway.bot`; sessions that begin are not counted."""

    @property
    def gateway_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def message_content_allowed(self) -> bool:
        """Is the message content intent switched on for this application?"""
        return self.gateway.message_content_allowed

    @message_content_allowed.setter
    def message_content_allowed(self, allowed: bool) -> None:
        self.gateway.message_content_allowed = allowed

    async def _me(self, _: web.Request, __: Params, ___: dict[str, Any]) -> Any:
        return payloads.user(self.world.users[self.world.bot])

    async def _user(self, _: web.Request, params: Params, __: dict[str, Any]) -> Any:
        if params["user"] not in self.world.users:
            raise Refusal(404, 10013, "Unknown User")
        return payloads.user(self.world.users[params["user"]])

    async def _member(self, _: web.Request, params: Params, __: dict[str, Any]) -> Any:
        if params["guild"] != self.world.guild:
            raise Refusal(404, 10004, "Unknown Guild")
        if params["user"] not in self.world.users:
            raise Refusal(404, 10007, "Unknown Member")
        one = self.world.users[params["user"]]
        return {**payloads.member(self.world, one), "user": payloads.user(one)}

    async def _application(self, _: web.Request, __: Params, ___: dict[str, Any]) -> Any:
        return payloads.application(self.world, message_content=self.message_content_allowed)

    async def _where(self, _: web.Request, __: Params, ___: dict[str, Any]) -> Any:
        return {"url": self.gateway_url}

    async def _where_for_bots(self, _: web.Request, __: Params, ___: dict[str, Any]) -> Any:
        sharding = self.gateway.sharding
        start = {
            "total": 1000,
            "remaining": self.sessions_left,
            "reset_after": 14_400_000,
            "max_concurrency": sharding.max_concurrency,
        }
        return {"url": self.gateway_url, "shards": sharding.required, "session_start_limit": start}

    async def _open_direct(self, _: web.Request, __: Params, body: dict[str, Any]) -> Any:
        return payloads.channel(self.world, self.world.direct_with(str(body.get("recipient_id"))))

    async def _channel(self, _: web.Request, params: Params, __: dict[str, Any]) -> Any:
        return payloads.channel(self.world, self.world.seen(params["channel"]))

    async def _modify(self, _: web.Request, params: Params, body: dict[str, Any]) -> Any:
        channel = self.world.seen(params["channel"])
        if channel.kind not in THREADS:
            raise Refusal(403, 50013, "Missing Permissions")
        if channel.locked and body.get("archived") is False:
            raise Refusal(403, 50013, "Missing Permissions")
        channel.archived = bool(body.get("archived", channel.archived))
        self.gateway.channel("THREAD_UPDATE", channel)
        return payloads.channel(self.world, channel)

    async def _list(self, request: web.Request, params: Params, _: dict[str, Any]) -> Any:
        channel = self.world.seen(params["channel"])
        self.world.need(channel, "READ_MESSAGE_HISTORY")
        limit = int(request.query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise invalid_form("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
        history = self.world.history(channel.id)
        if "around" in request.query:
            at = int(request.query["around"])
            first = max(0, sum(int(m.id) < at for m in history) - limit // 2)
            history = history[first : first + limit]
        elif "after" in request.query:
            history = [m for m in history if int(m.id) > int(request.query["after"])][:limit]
        elif "before" in request.query:
            history = [m for m in history if int(m.id) < int(request.query["before"])][-limit:]
        trusted = self.message_content_allowed and not self.gateway.strip_content
        shapes = [(m, payloads.message(self.world, m, self.url)) for m in reversed(history[-limit:])]
        return [payloads.readable(self.world, m, shape, trusted=trusted) for m, shape in shapes]

    async def _get(self, _: web.Request, params: Params, __: dict[str, Any]) -> Any:
        channel = self.world.seen(params["channel"])
        self.world.need(channel, "READ_MESSAGE_HISTORY")
        return payloads.message(self.world, self.world.message(channel, params["message"]), self.url)

    async def _create(self, _: web.Request, params: Params, body: dict[str, Any]) -> Any:
        channel = self.world.seen(params["channel"])
        self.world.need(channel, "SEND_MESSAGES_IN_THREADS" if channel.kind in THREADS else "SEND_MESSAGES")
        files: list[File] = body.get("_files", [])
        if files:
            self.world.need(channel, "ATTACH_FILES")
            if any(len(file.content) > LARGEST_FILE for file in files):
                raise Refusal(413, 40005, "Request entity too large")
        buttons = components.checked(body.get("components"))
        was_archived = channel.archived
        nonce = body.get("nonce")
        message, new = self.world.write(
            channel,
            self.world.bot,
            body.get("content") or "",
            nonce=None if nonce is None else str(nonce),
            enforce_nonce=bool(body.get("enforce_nonce")),
            flags=int(body.get("flags") or 0),
            reference=self._reference(channel, body.get("message_reference")),
            allowed=body.get("allowed_mentions"),
            files=files,
        )
        if new:
            message.components = buttons
            if was_archived:
                self.gateway.channel("THREAD_UPDATE", channel)
            self.appeared(message)
        shape = payloads.message(self.world, message, self.url)
        return shape if message.nonce is None else {**shape, "nonce": message.nonce}

    def _reference(self, channel: Channel, reference: dict[str, Any] | None) -> str | None:
        if reference is None:
            return None
        if self.world.lacks(channel, "READ_MESSAGE_HISTORY"):
            raise Refusal(403, 160002, "Cannot reply without permission to read message history")
        target = self.world.messages.get(str(reference.get("message_id")))
        if target is not None and target.channel == channel.id:
            return target.id
        if reference.get("fail_if_not_exists", True):
            raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None

    async def _edit(self, _: web.Request, params: Params, body: dict[str, Any]) -> Any:
        channel = self.world.seen(params["channel"])
        message = self.world.message(channel, params["message"])
        content = (body["content"] or "") if "content" in body else None
        flags = int(body["flags"]) & SUPPRESS_EMBEDS if body.get("flags") is not None else None
        buttons = components.checked(body["components"]) if "components" in body else message.components
        self.world.edit(message, self.world.bot, content, flags)
        message.components = buttons
        self.changed(message)
        return payloads.message(self.world, message, self.url)

    async def _delete(self, _: web.Request, params: Params, __: dict[str, Any]) -> Any:
        channel = self.world.seen(params["channel"])
        message = self.world.message(channel, params["message"])
        if message.author != self.world.bot:
            self.world.need(channel, "MANAGE_MESSAGES")
        self.remove(message.id)

    async def _react(self, _: web.Request, params: Params, __: dict[str, Any]) -> Any:
        channel = self.world.seen(params["channel"])
        message = self.world.message(channel, params["message"])
        reactions.add(self.world, channel, message, params["emoji"], self.world.bot)
        self.reacted(message)

    async def _unreact(self, _: web.Request, params: Params, __: dict[str, Any]) -> Any:
        message = self.world.message(self.world.seen(params["channel"]), params["message"])
        reactions.remove(message, params["emoji"], self.world.bot)
        self.reacted(message)

    async def _thread(self, _: web.Request, params: Params, body: dict[str, Any]) -> Any:
        channel = self.world.seen(params["channel"])
        self.world.need(channel, "CREATE_PUBLIC_THREADS")
        minutes = int(body.get("auto_archive_duration") or 1440)
        thread = self.world.start_thread(
            channel, params["message"], str(body.get("name") or ""), self.world.bot, minutes
        )
        self.thread_appeared(thread)
        return payloads.channel(self.world, thread)

    async def _post(self, _: web.Request, params: Params, body: dict[str, Any]) -> Any:
        forum = self.world.seen(params["channel"])
        self.world.need(forum, "SEND_MESSAGES")
        if forum.kind != FORUM or "message" not in body:
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        first = body["message"]
        thread = self.world.post(forum, str(body.get("name") or ""), self.world.bot)
        message, _new = self.world.write(
            thread,
            self.world.bot,
            first.get("content") or "",
            key=thread.id,
            flags=int(first.get("flags") or 0),
            allowed=first.get("allowed_mentions"),
        )
        self.thread_appeared(thread)
        self.appeared(message)
        shape = payloads.channel(self.world, thread)
        return {**shape, "message": payloads.message(self.world, message, self.url)}

    async def _typing(self, _: web.Request, params: Params, __: dict[str, Any]) -> Any:
        channel = self.world.seen(params["channel"])
        self.world.need(channel, "SEND_MESSAGES_IN_THREADS" if channel.kind in THREADS else "SEND_MESSAGES")
        self.feed.publish("typing", place=channel.id)
        self.gateway.typing(channel, self.world.bot, time.time())

    # --- commands -----------------------------------------------------------------------------------------------

    async def _commands(self, _: web.Request, params: Params, __: dict[str, Any]) -> Any:
        self._ours(params)
        return self.world.commands

    async def _replace_commands(self, _: web.Request, params: Params, body: dict[str, Any]) -> Any:
        self._ours(params)
        made = [interactions.checked(one, self.world.snowflake(), self.world.bot) for one in body["_list"]]
        if len({(one["type"], one["name"]) for one in made}) < len(made):
            raise invalid_form(
                "name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique"
            )
        self.world.commands = made
        return made

    def _ours(self, params: Params) -> None:
        if params["application"] != self.world.bot:
            raise Refusal(403, 20012, "You are not authorized to perform this action on this application")

    async def _respond(self, _: web.Request, params: Params, body: dict[str, Any]) -> Any:
        interaction = self.interactions.respond(params["interaction"], params["token"], body)
        self.feed.publish("responded", id=interaction.id)
        data = body.get("data") or {}
        if body["type"] == interactions.MESSAGE and not int(data.get("flags") or 0) & interactions.EPHEMERAL:
            message, _new = self.world.write(
                self.world.channels[interaction.channel],
                self.world.bot,
                data["content"],
                flags=int(data.get("flags") or 0),
                allowed=data.get("allowed_mentions"),
            )
            slash = interaction.data.get("type") == interactions.SLASH
            message.kind = interactions.CHAT_INPUT_COMMAND if slash else interactions.CONTEXT_MENU_COMMAND
            self.appeared(message)
