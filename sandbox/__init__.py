"""Stand-ins on loopback of Slack, Discord, Telegram and the upstreams: what the tests and the playground run on.

Each speaks its protocol well enough that the unmodified library connects to it over sockets, and enforces the real
rules: lengths, formatting errors, rate limits with the real answers, edits, ids, order, redelivery. Nothing in here
imports `core` or `bridges`: a stand-in that shared code with the program would share its mistakes.
"""

from __future__ import annotations
