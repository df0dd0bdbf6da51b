"""The machine's clock, moved by an offset: the database server's, or the sandbox's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SystemClock:
    """A ``bot.ports.Clock``. ``offset`` is added to the machine's time.

    Several hosts on one PostgreSQL server agree by :meth:`follow` with its time; in the sandbox
    the control API moves bot and sandbox alike.
    """

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset
        self._behind = timedelta()

    def now(self) -> datetime:
        """Aware, in UTC."""
        return datetime.now(UTC) + self._behind + self.offset

    def follow(self, moment: datetime) -> None:
        """Take ``moment`` (aware), the server's time, for this machine's."""
        self._behind = moment - datetime.now(UTC)
