"""Flood control: how many messages a bot may send, overall, to one chat and to one group."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from datetime import datetime

from bot.sandbox.errors import ApiError, Json, too_many


class Flood:
    """Off until switched on. ``limits`` maps a scope to (messages, seconds): so many in so long.

    The figures are those that Telegram tells bot authors: about 30 a second overall, one a
    second to a chat, twenty a minute to a group.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.on = False
        self.limits: dict[str, tuple[int, float]] = {
            "all": (30, 1.0),
            "chat": (1, 1.0),
            "group": (20, 60.0),
        }
        self._now = now
        self._sent: dict[tuple[str, int], deque[float]] = {}

    def check(self, chat: int, count: int = 1) -> ApiError | None:
        """Counts ``count`` messages to a chat, or says why they are too many."""
        if not self.on:
            return None
        now = self._now().timestamp()
        scopes = [("all", 0), ("chat", chat)] + ([("group", chat)] if chat < 0 else [])
        wait = 0.0
        for scope in scopes:
            most, seconds = self.limits[scope[0]]
            sent = self._sent.setdefault(scope, deque())
            while sent and sent[0] <= now - seconds:
                sent.popleft()
            if len(sent) >= most:
                wait = max(wait, sent[0] + seconds - now)
        if wait > 0:
            return too_many(max(1, math.ceil(wait)))
        for scope in scopes:
            self._sent[scope].extend([now] * count)
        return None

    def to_json(self) -> Json:
        return {"on": self.on, "limits": {name: list(pair) for name, pair in self.limits.items()}}
