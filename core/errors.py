"""Every error of ours. The sentence of an `UpstreamError` is what the person in the chat reads.

```
ThreadbridgeError
├── ConfigError              the operator's: says which key is wrong and what to write instead
├── DatabaseError            the operator's: locked by another process, wrong schema, ...
│   └── DatabaseUnreachable  the server went away, and may be back soon
├── LeaseLost                another runner has the turn: stop at once, write nothing
├── AttachmentError          a person's file could not be read
├── UpstreamError
│   ├── UpstreamUnavailable  no connection, no text in time, 5xx
│   ├── UpstreamBusy         429 after the last retry
│   ├── UpstreamRefused      key, account, credit or address: only the operator can mend it
│   ├── PromptRejected       this message is not taken: too long, a kind of file, moderation
│   ├── ConversationUnknown  the upstream has forgotten the conversation
│   ├── AnswerInterrupted    it broke off after the body was accepted
│   └── AnswerMalformed      it said something that is not its protocol
└── PlatformError
    ├── SlowDown             the platform refuses for `retry_after` seconds
    ├── PlatformUnavailable  no connection, timeout, 5xx: may or may not have been done
    ├── MessageMissing       the message to edit is gone
    └── PlatformRefused      no permission, blocked, channel gone: trying again is no use
```

`detail` is for the log: it may hold what a server said, never a secret, and is never shown to a person.
"""

from __future__ import annotations


class ThreadbridgeError(Exception):
    """Something went wrong."""

    def __init__(self, sentence: str | None = None, *, detail: str = "") -> None:
        self.sentence = sentence or (type(self).__doc__ or "").strip()
        self.detail = detail
        super().__init__(self.sentence)


class ConfigError(ThreadbridgeError):
    """The configuration is wrong."""


class DatabaseError(ThreadbridgeError):
    """The database cannot be used."""


class DatabaseUnreachable(DatabaseError):
    """The database cannot be reached just now."""


class LeaseLost(ThreadbridgeError):
    """Another runner has taken this turn."""


class AttachmentError(ThreadbridgeError):
    """The attached file could not be read."""


class UpstreamError(ThreadbridgeError):
    """The assistant could not answer."""

    def __init__(self, sentence: str | None = None, *, detail: str = "", unheard: bool = False) -> None:
        self.unheard = unheard
        """It may have answered all the same, and only we did not hear it: its own record may tell."""
        super().__init__(sentence, detail=detail)


class UpstreamUnavailable(UpstreamError):
    """The assistant cannot be reached just now. Please try again in a few minutes."""


class UpstreamBusy(UpstreamError):
    """The assistant has too much to do just now. Please try again in a minute."""

    def __init__(self, sentence: str | None = None, *, retry_after: float | None = None, detail: str = "") -> None:
        self.retry_after = retry_after
        super().__init__(sentence, detail=detail)


class UpstreamRefused(UpstreamError):
    """The assistant refuses this bot's access. Its operator has to look at the key, the account or the address."""


class PromptRejected(UpstreamError):
    """The assistant did not accept this message. Please put it another way."""


class ConversationUnknown(UpstreamError):
    """The assistant no longer knows this conversation."""


class AnswerInterrupted(UpstreamError):
    """The assistant broke off before the end of its answer. Send **retry** to have it asked again."""


class AnswerMalformed(UpstreamError):
    """The assistant's answer could not be understood. Please ask again."""


class PlatformError(ThreadbridgeError):
    """The chat platform did not do what was asked."""


class SlowDown(PlatformError):
    """The platform asks to slow down."""

    def __init__(self, retry_after: float, *, budget: str | None = None, detail: str = "") -> None:
        self.retry_after = retry_after
        """Seconds, as the platform said."""
        self.budget = budget
        """The name of the budget that is spent; None: the one of the call that was refused."""
        super().__init__(detail=detail)


class PlatformUnavailable(PlatformError):
    """The platform did not answer: it may or may not have done it."""


class MessageMissing(PlatformError):
    """The message is gone."""


class PlatformRefused(PlatformError):
    """The platform does not allow it."""
