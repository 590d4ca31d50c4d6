"""Files that an app posts: https://docs.slack.dev/messaging/working-with-files#uploading_files"""

from __future__ import annotations

import base64
import mimetypes
import secrets
from dataclasses import dataclass, field

from sandbox.slack.world import BOT_USER, File, SlackError, World

LARGEST = 2**30


@dataclass(slots=True)
class Upload:
    """A file on its way; it is nowhere to be seen until it is completed."""

    id: str
    name: str
    length: int
    content: bytes | None = None


@dataclass(slots=True)
class Uploads:
    """By the secret part of the address that the bytes go to."""

    waiting: dict[str, Upload] = field(default_factory=dict)

    def begin(self, world: World, name: str, length: int) -> tuple[str, str]:
        """The file's id, and the secret. Raises `SlackError`."""
        if length <= 0 or length > LARGEST:
            raise SlackError("invalid_arguments", "[ERROR] must be greater than 0 [json-pointer:/length]")
        upload = Upload(world.next_id("F"), name, length)
        secret = secrets.token_urlsafe(24)
        self.waiting[secret] = upload
        return upload.id, secret

    def receive(self, secret: str, content: bytes) -> bool:
        """Takes the bytes; False if they are not the announced ones."""
        upload = self.waiting.get(secret)
        if upload is None or len(content) != upload.length:
            return False
        upload.content = content
        return True

    def complete(self, id: str, title: str) -> File:
        """The file, once. Raises `SlackError`."""
        secret = next((key for key, one in self.waiting.items() if one.id == id), None)
        if secret is None or self.waiting[secret].content is None:
            raise SlackError("file_not_found")
        upload = self.waiting.pop(secret)
        assert upload.content is not None
        media_type = mimetypes.guess_type(upload.name)[0] or "application/octet-stream"
        return File(
            id, title or upload.name, media_type, BOT_USER, base64.b64encode(upload.content).decode(), upload.length
        )
