"""What a person may do in the chats, by way of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.files import File
from sandbox.playground.errors import Refused
from sandbox.playground.mirror import Mirror
from sandbox.playground.people import is_here
from sandbox.playground.stand_ins import StandIns
from sandbox.playground.uploads import MOST, Uploads


class Chats:
    def __init__(self, stand_ins: StandIns, mirrors: Mapping[str, Mirror]) -> None:
        self._stand_ins = stand_ins
        self._mirrors = mirrors
        self.uploads = Uploads()

    async def say(
        self, platform: str, place: str, text: str, author: str, parent: str | None = None, files: Sequence[str] = ()
    ) -> str:
        """A person writes; returns the message's id. In Discord's forum it is a new post, named for its beginning.
        `files`: the ids of uploads, which are the message's from then on. Raises `Refused`; so do the others."""
        mirror = self._mirrors.get(platform)
        where = next((one for one in mirror.places if one.id == place), None) if mirror is not None else None
        if mirror is None or where is None:
            raise Refused("There is no such place.")
        _known(author)
        if not text.strip() and not files:
            raise Refused("Write something first.")
        if parent is not None and mirror.view(place, parent) is None:
            raise Refused("The message that it answers is not there.")
        if len(files) > MOST:
            raise Refused(f"A message has {MOST} files at most.")
        uploads = [self.uploads.get(id) for id in files]
        post = platform == "discord" and where.kind == "forum" and parent is None
        try:
            said = await self._stand_ins.say(
                platform, place, text, author=author, parent=parent, post=post, files=uploads
            )
        except ValueError as error:
            raise Refused(f"{platform.capitalize()} does not take it: {error}") from None
        for id in files:
            self.uploads.drop(id)
        return said

    async def press(self, platform: str, place: str, message: str, button: str, author: str) -> None:
        """A person presses the button with this label."""
        mirror = self._mirrors.get(platform)
        view = mirror.view(place, message) if mirror is not None else None
        if view is None or button not in view.buttons:
            raise Refused("That button is not there any more.")
        _known(author)
        try:
            await self._stand_ins.press(platform, place, message, button, author=author)
        except ValueError as error:
            raise Refused(f"{platform.capitalize()} does not take it: {error}") from None

    def file(self, platform: str, place: str, message: str, number: int) -> File:
        """One of the files of a message."""
        mirror = self._mirrors.get(platform)
        found = mirror.files(place, message) if mirror is not None else []
        if not 0 <= number < len(found):
            raise Refused("There is no such file.")
        return found[number]


def _known(author: str) -> None:
    if not is_here(author):
        raise Refused("There is nobody of that name.")
