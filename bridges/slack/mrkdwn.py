"""Slack's markup of a message as Markdown: https://docs.slack.dev/messaging/formatting-message-text

Pure. Names are looked up before and given as mappings; an id without a name stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_CODE = re.compile(r"```(?P<fence>.*?)```|`(?P<span>[^`\n]+)`", re.DOTALL)
_TOKEN = re.compile(r"<([^<>\n]+)>")
_STYLES = ((re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]*?[^\s*])\*(?![\w*])"), r"**\1**"),
           (re.compile(r"(?<![\w~])~(?=[^\s~])([^~\n]*?[^\s~])~(?![\w~])"), r"~~\1~~"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id."""

    users: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)


def mentions(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The people and the channels that are mentioned without their names."""
    users, channels = set(), set()
    for token in _TOKEN.finditer(text):
        target, _, label = token[1].partition("|")
        if label:
            continue
        if target.startswith("@"):
            users.add(target[1:])
        elif target.startswith("#"):
            channels.add(target[1:])
    return frozenset(users), frozenset(channels)


def mentioned(text: str, user: str) -> bool:
    return re.search(rf"<@{re.escape(user)}(\|[^<>]*)?>", text) is not None


def without_mention(text: str, user: str) -> str:
    """The text without the mention of this user: at the beginning with the comma or colon after it."""
    token = rf"<@{re.escape(user)}(?:\|[^<>]*)?>"
    text = re.sub(rf"\A\s*(?:{token}\s*)+[,:]?\s*", "", text)
    text = re.sub(rf"[ \t]*{token}(?=[ \t]*(?:\n|\Z)|[.,:;!?])", "", text)
    return re.sub(rf"{token}[ \t]*", "", text).strip()


def markdown(text: str, names: Names) -> str:
    said: list[str] = []
    end = 0
    for code in _CODE.finditer(text):
        said.append(_prose(text[end : code.start()], names))
        if code["fence"] is None:
            said.append(f"`{_unescaped(_code(code['span'], names))}`")
        else:
            inner = _unescaped(_code(code["fence"], names)).strip("\n")
            before = "\n" if said[-1] and not said[-1].endswith("\n") else ""
            after = "" if text.startswith("\n", code.end()) or code.end() == len(text) else "\n"
            said.append(f"{before}```\n{inner}\n```{after}")
        end = code.end()
    said.append(_prose(text[end:], names))
    return "".join(said)


def _prose(text: str, names: Names) -> str:
    """Styles are read between the tokens only: an address may hold any of their signs."""
    said: list[str] = []
    held: list[str] = []

    def hold(token: re.Match[str]) -> str:
        held.append(_shown(token[1], names))
        return f"\x00{len(held) - 1}\x00"

    for line in _TOKEN.sub(hold, text.replace("\x00", "\ufffd")).split("\n"):
        for style, replacement in _STYLES:
            line = style.sub(replacement, line)
        said.append(_unescaped(line))
    return re.sub("\x00(\\d+)\x00", lambda mark: held[int(mark[1])], "\n".join(said))


def _code(text: str, names: Names) -> str:
    """In code a link is its text, and nothing is formatted."""
    return _TOKEN.sub(lambda token: token[1].partition("|")[2] or _shown(token[1], names), text)


def _shown(token: str, names: Names) -> str:
    target, _, label = token.partition("|")
    label = _unescaped(label)
    match target[:1], target[1:]:
        case "", _:
            return f"<{_unescaped(token)}>"
        case "@", user:
            return f"@{(label or names.users.get(user, user)).removeprefix('@')}"
        case "#", channel:
            return f"#{(label or names.channels.get(channel, channel)).removeprefix('#')}"
        case "!", special:
            return label or f"@{special.partition('^')[0]}"
        case _:
            return _link(_unescaped(target), label)


def _link(address: str, label: str) -> str:
    bare = re.sub(r"^(?:mailto|tel):", "", address)
    if not label or label in (address, bare) or address == f"http://{label}":
        return bare
    label = re.sub(r"([\[\]\\])", r"\\\1", label)
    return f"[{label}](<{address}>)" if re.search(r"[\s()]", address) else f"[{label}]({address})"


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
