"""What has to be known of each platform: where on its pages it comes from, and what is written of it."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

from pydantic import SecretStr

from bridges.settings import SlackSettings
from bridges.setup.draft import Draft
from bridges.setup.file import write
from bridges.setup.questions import Judge, Questions
from bridges.setup.toml import Key, Table

MANIFEST = "slack-manifest.json"


def slack(questions: Questions, draft: Draft, folder: Path) -> None:
    from bridges.slack.manifest import EVENTS_PATH

    questions.tell(
        "Slack delivers messages over a connection that this program opens (socket), which works anywhere, or to a\n"
        "public https address of yours (http)."
    )
    mode = questions.text("slack-mode", "Socket or http", "socket", one_of("socket", "http"))
    http = mode == "http"
    address = ""
    if http:
        address = questions.text(
            "public-url", "Public address of this program, as https://bot.example.org", None, https
        )
        address = address.rstrip("/")
    _write_manifest(questions, folder / MANIFEST, mode, address)
    last = (
        "3. Basic Information → App Credentials → Signing Secret → Show. Copy it."
        if http
        else "3. Basic Information → App-Level Tokens → Generate Token and Scopes: add the scope connections:write.\n"
        "     Copy the token; it starts with xapp-."
    )
    questions.tell(
        f"Slack: the app\n"
        f"  1. https://api.slack.com/apps → Create New App → From a manifest: choose the workspace, and paste what is\n"
        f"     in {folder / MANIFEST}.\n"
        f"  2. Install App → Install to Workspace. Copy the Bot User OAuth Token; it starts with xoxb-.\n"
        f"  {last}"
    )
    bot = questions.secret("SLACK_BOT_TOKEN", "Bot token", begins("xoxb-"))
    keys = [
        Key(
            "bot_token",
            draft.secret("SLACK_BOT_TOKEN", "the Bot User OAuth Token, from Install App (xoxb-…)", bot),
            "from Install App",
        )
    ]
    if http:
        secret = questions.secret("SLACK_SIGNING_SECRET", "Signing secret")
        value = draft.secret("SLACK_SIGNING_SECRET", "the Signing Secret, from Basic Information", secret)
        keys += [
            Key("mode", "http", f"Slack sends events to {address}{EVENTS_PATH}"),
            Key("signing_secret", value, "from Basic Information"),
        ]
    else:
        app = questions.secret("SLACK_APP_TOKEN", "App-level token", begins("xapp-"))
        value = draft.secret("SLACK_APP_TOKEN", "the app-level token, from Basic Information (xapp-…)", app)
        keys.append(Key("app_token", value, "from Basic Information, with connections:write"))
    draft.tables += [
        Table("bridges.slack", keys),
        Table("access.slack", [Key("policy", "members", "or open: guests from other organisations too; or list")]),
    ]


def _write_manifest(questions: Questions, file: Path, mode: str, address: str) -> None:
    from bridges.slack.manifest import manifest

    none = SecretStr("")
    settings = SlackSettings(
        bot_token=none, app_token=none, signing_secret=none, mode="http" if mode == "http" else "socket"
    )
    text = json.dumps(manifest(settings, "Threadbridge", address), indent=2) + "\n"
    same = file.exists() and file.read_text("utf-8", "replace") == text
    if not file.exists() or (not same and questions.agree(f"{file} is another one. Overwrite it?")):
        write(file, text)


def discord(questions: Questions, draft: Draft) -> None:
    questions.tell(
        "Discord: the bot\n"
        "  1. https://discord.com/developers/applications → New Application.\n"
        "  2. Bot → Privileged Gateway Intents: switch on Message Content Intent, and save.\n"
        "  3. Bot → Reset Token. Copy the token."
    )
    token = questions.secret("DISCORD_TOKEN", "Bot token")
    draft.tables += [
        Table(
            "bridges.discord",
            [
                Key("token", draft.secret("DISCORD_TOKEN", "the bot's token, from the Bot page", token), "from Bot"),
                Key("answer_in", "thread", "answer a mention in a thread of its own, not in the channel", on=False),
            ],
        ),
        Table("access.discord", [Key("policy", "open", "everyone who can write to the bot; or list")]),
    ]


def telegram(questions: Questions, draft: Draft) -> None:
    questions.tell(
        "Telegram: the bot\n"
        "  1. In Telegram, write /newbot to @BotFather and answer its questions. Copy the token.\n"
        "  2. Write to @userinfobot: it answers with your own id, a number. People whose id is listed here are let in\n"
        "     at once; others get a code, which threadbridge pair confirms."
    )
    token = questions.secret("TELEGRAM_TOKEN", "Bot token", _telegram_token)
    users = questions.text(
        "telegram-users", "Ids of those who need no code, with commas (Enter: nobody)", "", _ids
    )
    draft.tables += [
        Table(
            "bridges.telegram",
            [
                Key(
                    "token",
                    draft.secret("TELEGRAM_TOKEN", "the token that @BotFather gave you", token),
                    "from @BotFather",
                )
            ],
        ),
        Table(
            "access.telegram",
            [
                Key("policy", "pairing", "others get a code, for threadbridge pair; or list: only users; or open: all"),
                Key("users", re.findall(r"\d+", users), "ids, from @userinfobot; they need no code"),
            ],
        ),
    ]


def web(draft: Draft) -> None:
    """Nobody has to be asked: the token is ours to make."""
    keys = [Key("token", secrets.token_hex(24), "opens the chat page; a section for each client")]
    draft.tables.append(Table("bridges.web.clients.me", keys))


def one_of(*words: str) -> Judge:
    return lambda answer: None if answer in words else f"Please answer {' or '.join(words)}."


def begins(start: str) -> Judge:
    return lambda answer: None if answer.startswith(start) else f"This is another kind: it has to start with {start}"


def https(answer: str) -> str | None:
    return None if re.fullmatch(r"https://[^/\s]+/?", answer) else "This has to be https:// and a name, without a path."


def _telegram_token(answer: str) -> str | None:
    return None if re.fullmatch(r"\d+:[\w-]+", answer) else "A bot token looks like 123456789:AAE…"


def _ids(answer: str) -> str | None:
    return None if re.fullmatch(r"\s*(\d+[\s,]*)*", answer) else "Ids are numbers, with commas between them."
