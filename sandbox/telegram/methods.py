"""What the Bot API's methods do. Each takes the arguments as the server has them (strings) and returns the result."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sandbox.feed import Feed
from sandbox.telegram import reactions
from sandbox.telegram.arguments import Args, decoded, integer
from sandbox.telegram.buttons import Presses, keyboard
from sandbox.telegram.limits import Gate
from sandbox.telegram.people import Media, captioned, media
from sandbox.telegram.photos import check_photo
from sandbox.telegram.polling import Poller
from sandbox.telegram.refusal import Refusal, slow_down
from sandbox.telegram.text import LONGEST_RAW, accepted, detected
from sandbox.telegram.updates import Updates
from sandbox.telegram.webhook import Hook, Sender
from sandbox.telegram.world import BOT, Chat, Said, World

Method = Callable[[Args], Awaitable[Any]]

DRAFT_LASTS = 30.0
"""Seconds that a draft is shown."""
LARGEST_DOWNLOAD = 20 << 20
ACTIONS = frozenset(
    {
        *("typing", "choose_sticker", "find_location", "cancel"),
        *("upload_photo", "upload_video", "upload_voice", "upload_document", "upload_video_note"),
        *("record_video", "record_voice", "record_video_note"),
    }
)


SCOPES = frozenset({"default", "all_private_chats", "all_group_chats", "all_chat_administrators"})
"""Those that concern no single chat."""


@dataclass(slots=True)
class Draft:
    id: int
    content: dict[str, Any]
    until: float


@dataclass(slots=True)
class Methods:
    """The bot's side of the world."""

    world: World
    updates: Updates
    poller: Poller
    sender: Sender
    gate: Gate
    feed: Feed
    seen: Callable[[Said], dict[str, Any]]
    """The view of a message, for the feed."""
    place: Callable[[int, int | None], str]
    private_topics: bool
    privacy: bool
    drafts: dict[str, Draft] = field(default_factory=dict)
    presses: Presses = field(default_factory=Presses)
    _next_webhook: float = 0.0

    def named(self) -> dict[str, Method]:
        """By the method's name as the documentation spells it."""
        return {
            "getMe": self.get_me,
            "getUpdates": self.get_updates,
            "setWebhook": self.set_webhook,
            "deleteWebhook": self.delete_webhook,
            "getWebhookInfo": self.get_webhook_info,
            "sendMessage": self.send_message,
            "sendPhoto": partial(self.send_file, "photo"),
            "sendAudio": partial(self.send_file, "audio"),
            "sendVideo": partial(self.send_file, "video"),
            "sendDocument": partial(self.send_file, "document"),
            "editMessageText": self.edit_message_text,
            "deleteMessage": self.delete_message,
            "sendMessageDraft": self.send_message_draft,
            "sendChatAction": self.send_chat_action,
            "setMessageReaction": self.set_message_reaction,
            "answerCallbackQuery": self.answer_callback_query,
            "getFile": self.get_file,
            "setMyCommands": self.set_my_commands,
            "getMyCommands": self.get_my_commands,
        }

    # --- about the bot ------------------------------------------------------------------------------------------

    async def get_me(self, args: Args) -> dict[str, Any]:
        return self.world.users[BOT].json() | {
            "can_join_groups": True,
            "can_read_all_group_messages": not self.privacy,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
            "has_topics_enabled": self.private_topics,
        }

    async def set_my_commands(self, args: Args) -> bool:
        commands = decoded(args, "commands")
        if not isinstance(commands, list):
            raise Refusal(400, "can't parse commands: expected an Array of BotCommand")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", "")).removeprefix("/")):
                raise Refusal(400, "BOT_COMMAND_INVALID")
            if not 1 <= len(str(command.get("description", ""))) <= 256:
                raise Refusal(400, "command description length must not exceed 256")
        if len(commands) > 100:
            raise Refusal(400, "can't use more than 100 commands")
        self.world.commands[_scope(args)] = commands
        return True

    async def get_my_commands(self, args: Args) -> list[dict[str, str]]:
        return self.world.commands.get(_scope(args), [])

    # --- receiving ----------------------------------------------------------------------------------------------

    async def get_updates(self, args: Args) -> list[dict[str, Any]]:
        if self.sender.hook.url:
            raise await self.poller.conflict(
                Refusal(
                    409,
                    "can't use getUpdates method while webhook is active; "
                    "use deleteWebhook to delete the webhook first",
                )
            )
        self._allow(args)
        limit = min(max(integer(args, "limit", 100), 1), 100)
        return await self.poller.poll(integer(args, "offset"), limit, max(0, integer(args, "timeout")))

    async def set_webhook(self, args: Args) -> tuple[bool, str]:
        url = args.get("url", "")
        if not url:
            return await self.delete_webhook(args)
        if time.monotonic() < self._next_webhook:
            raise slow_down(1)
        self._next_webhook = time.monotonic() + 1
        # plain http is taken, as by a server that is run with --local; the real cloud wants https and its four ports
        if not re.match(r"https?://[^/]+", url):
            raise Refusal(400, "bad webhook: An HTTPS URL must be provided for webhook")
        secret = args.get("secret_token", "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
            raise Refusal(400, "secret token contains unallowed characters")
        if args.get("drop_pending_updates", "").lower() == "true":
            self.updates.waiting.clear()
        self._allow(args)
        hook = Hook(url, secret, min(max(integer(args, "max_connections", 40), 1), 100))
        same = (hook.url, hook.secret, hook.max_connections) == (
            self.sender.hook.url,
            self.sender.hook.secret,
            self.sender.hook.max_connections,
        )
        if not same:
            self.sender.hook = hook
            self.poller.end("terminated by setWebhook request")
            await self.sender.start()
        return True, "Webhook is already set" if same else "Webhook was set"

    async def delete_webhook(self, args: Args) -> tuple[bool, str]:
        if args.get("drop_pending_updates", "").lower() == "true":
            self.updates.waiting.clear()
        was = bool(self.sender.hook.url)
        self.sender.hook = Hook()
        await self.sender.stop()
        return True, "Webhook was deleted" if was else "Webhook is already deleted"

    async def get_webhook_info(self, args: Args) -> dict[str, Any]:
        return self.sender.hook.json(len(self.updates.waiting), self.updates.allowed)

    def _allow(self, args: Args) -> None:
        if "allowed_updates" in args:
            kinds = decoded(args, "allowed_updates")
            if isinstance(kinds, list):
                self.updates.allowed = [str(kind) for kind in kinds]

    # --- speaking -----------------------------------------------------------------------------------------------

    async def send_message(self, args: Args) -> dict[str, Any]:
        return self._post(args, _content(args) | _markup(args))

    async def send_file(self, kind: Media, args: Args) -> dict[str, Any]:
        upload = args.uploads.get(kind)
        if upload is None:
            raise Refusal(400, f"there is no {kind} in the request")
        if not upload.content:
            raise Refusal(400, "file must be non-empty")
        if kind == "photo":
            check_photo(upload.content)
        content = media(self.world, kind, upload.content, name=upload.name, media_type=upload.media_type)
        return self._post(args, content | captioned(args.get("caption", "")))

    def _post(self, args: Args, content: dict[str, Any]) -> dict[str, Any]:
        chat = self.world.chat(args.get("chat_id", ""), writing=True)
        topic = self.world.topic(chat, args.get("message_thread_id", ""))
        reply_to = self._reply(chat, args)
        self.gate.enter(chat.id, time.monotonic())
        said = self.world.add(chat, BOT, content, topic=topic, reply_to=reply_to)
        self.drafts.pop(self.place(chat.id, topic), None)
        self.feed.publish("message", place=self.place(chat.id, topic), id=str(said.id), view=self.seen(said))
        return self.world.json(said)

    def _reply(self, chat: Chat, args: Args) -> int | None:
        reply = decoded(args, "reply_parameters")
        if not isinstance(reply, dict):
            reply = {"message_id": args.get("reply_to_message_id", 0)}
        if not reply.get("message_id"):
            return None
        wanted = int(reply["message_id"])
        if wanted in chat.messages:
            return wanted
        if reply.get("allow_sending_without_reply"):
            return None
        raise Refusal(400, "message to be replied not found")

    async def edit_message_text(self, args: Args) -> dict[str, Any]:
        content = _content(args) | _markup(args)
        chat, said = self._own(args, "message to edit", "message can't be edited")
        self.gate.enter(chat.id, time.monotonic())
        self.world.edit(said, content)
        self.feed.publish("edit", place=self.place(chat.id, said.topic), id=str(said.id), view=self.seen(said))
        return self.world.json(said)

    async def delete_message(self, args: Args) -> bool:
        chat, said = self._own(args, "message to delete", "message can't be deleted")
        del chat.messages[said.id]
        self.feed.publish("delete", place=self.place(chat.id, said.topic), id=str(said.id))
        return True

    def _own(self, args: Args, what: str, otherwise: str) -> tuple[Chat, Said]:
        chat = self.world.chat(args.get("chat_id", ""), writing=False)
        said = self.world.message(chat, args.get("message_id", ""), what)
        if said.author != BOT or chat.moved_to is not None:
            raise Refusal(400, otherwise)
        return chat, said

    async def send_message_draft(self, args: Args) -> bool:
        if not integer(args, "draft_id"):
            raise Refusal(400, "draft_id must be non-zero")
        content = _content(args) if args.get("text") else {"text": ""}
        chat = self.world.chat(args.get("chat_id", ""), writing=True)
        if chat.kind != "private":
            raise Refusal(400, "TEXTDRAFT_PEER_INVALID")
        topic = self.world.topic(chat, args.get("message_thread_id", ""))
        self.gate.enter(chat.id, time.monotonic())
        place = self.place(chat.id, topic)
        self.drafts[place] = Draft(integer(args, "draft_id"), content, time.monotonic() + DRAFT_LASTS)
        self.feed.publish("draft", place=place, id=args["draft_id"])
        return True

    async def send_chat_action(self, args: Args) -> bool:
        if args.get("action", "") not in ACTIONS:
            raise Refusal(400, "wrong parameter action in request")
        chat = self.world.chat(args.get("chat_id", ""), writing=True)
        topic = self.world.topic(chat, args.get("message_thread_id", ""))
        self.feed.publish("typing", place=self.place(chat.id, topic), action=args["action"])
        return True

    async def set_message_reaction(self, args: Args) -> bool:
        emoji = reactions.wanted(decoded(args, "reaction"))
        chat = self.world.chat(args.get("chat_id", ""), writing=False)
        said = self.world.message(chat, args.get("message_id", ""), "message to react")
        self.gate.enter(chat.id, time.monotonic())
        said = reactions.react(chat, said, emoji)
        self.feed.publish("reaction", place=self.place(chat.id, said.topic), id=str(said.id), view=self.seen(said))
        return True

    async def answer_callback_query(self, args: Args) -> bool:
        self.presses.answer(args.get("callback_query_id", ""), args.get("text", ""))
        return True

    async def get_file(self, args: Args) -> dict[str, Any]:
        file_id = args.get("file_id", "")
        if file_id not in self.world.files:
            raise Refusal(400, "invalid file_id")
        path, content = self.world.files[file_id]
        if len(content) > LARGEST_DOWNLOAD:
            raise Refusal(400, "file is too big")
        return {
            "file_id": file_id,
            "file_unique_id": f"AgADu{file_id[-6:]}",
            "file_size": len(content),
            "file_path": path,
        }


def _content(args: Args) -> dict[str, Any]:
    text = args.get("text", "")
    if text and args.get("parse_mode", "").lower() not in ("", "none"):
        if len(text.encode("utf-8", "surrogatepass")) > LONGEST_RAW:
            raise Refusal(400, "text is too long")
        # a stand-in that parsed markup a little otherwise than the server would prove nothing
        raise Refusal(400, "unsupported parse_mode")
    text, entities = accepted(text, decoded(args, "entities"))
    entities = detected(text, entities)
    preview = decoded(args, "link_preview_options")
    content: dict[str, Any] = {"text": text}
    if entities:
        content["entities"] = entities
    if isinstance(preview, dict) and preview.get("is_disabled"):
        content["link_preview_options"] = {"is_disabled": True}
    return content


def _markup(args: Args) -> dict[str, Any]:
    markup = keyboard(decoded(args, "reply_markup"))
    return {"reply_markup": markup} if markup else {}


def _scope(args: Args) -> str:
    """For whom a menu is: the kind of scope, and a language if it is for one."""
    scope = decoded(args, "scope") or {"type": "default"}
    if not isinstance(scope, dict) or scope.get("type") not in SCOPES:
        raise Refusal(400, "can't parse BotCommandScope: unsupported type specified")
    return f"{scope['type']} {args.get('language_code', '')}".strip()
