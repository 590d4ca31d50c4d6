"""Emoji below a message: https://docs.slack.dev/reference/methods/reactions.add"""

from __future__ import annotations

import re

from sandbox.slack.world import Post, SlackError

EMOJI, EACH = 50, 23
"""How many different emoji one message takes, and how many of one person."""

_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


def add(post: Post, name: str, user: str) -> None:
    users = post.reactions.get(_checked(name), [])
    if user in users:
        raise SlackError("already_reacted")
    mine = sum(user in others for others in post.reactions.values())
    if mine >= EACH or (not users and len(post.reactions) >= EMOJI):
        raise SlackError("too_many_reactions")
    post.reactions[name] = [*users, user]


def remove(post: Post, name: str, user: str) -> None:
    users = post.reactions.get(_checked(name), [])
    if user not in users:
        raise SlackError("no_reaction")
    users.remove(user)
    if not users:
        del post.reactions[name]


def _checked(name: str) -> str:
    """The name of an emoji, which stands without colons. Whether there is one of that name is not known here."""
    if not _NAME.fullmatch(name):
        raise SlackError("invalid_name")
    return name
