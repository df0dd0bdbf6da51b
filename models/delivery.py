"""What was taken in and what is owed to the outside, as rows that outlive any process.

``Inbox`` holds updates until they are handled; ``Outbox`` holds messages and errands until they
are done; ``Timer`` holds what is due later; ``RateSlot`` holds the send budgets. Payloads are
sealed, and blanked as soon as they are done with.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Index,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    bindparam,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigKey, Json, UtcDateTime, UuidKey, sealed_json, text_enum

WAKES = "wakes"
"""In a write session's ``info``: the set of kinds (inbox, outbox, timer) to wake after its commit."""


class InboxState(StrEnum):
    """``dead`` is set aside for the admin after repeated failure."""

    OPEN = "open"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


class OutboxState(StrEnum):
    """``unknown`` may or may not have arrived, and is not sent again silently."""

    DUE = "due"
    LEASED = "leased"
    SENT = "sent"
    DEAD = "dead"
    UNKNOWN = "unknown"


class TimerState(StrEnum):
    """``cancelled`` timers were overtaken by a later generation; ``dead`` ones failed repeatedly."""

    WAITING = "waiting"
    FIRED = "fired"
    CANCELLED = "cancelled"
    DEAD = "dead"


class Priority:
    """What goes first when the send budget is short."""

    REPLY = 0
    HAND_OVER = 1
    NOTICE = 2
    ALL = (REPLY, HAND_OVER, NOTICE)


_INBOX_OPEN = text("state IN ('open', 'leased')")
_OUTBOX_OPEN = text("state IN ('due', 'leased')")


def literally(*states: StrEnum) -> BindParameter[Any]:
    """A state to compare with, or several for ``.in_()``, written into the statement: a partial
    index is not used for a bound value, and a claim without its index takes the square of the
    backlog."""
    if len(states) == 1:
        return bindparam(None, states[0], literal_execute=True)
    return bindparam(None, list(states), expanding=True, literal_execute=True)


class Inbox(UuidKey):
    """One update as it came. ``source`` is ``tg:<bot id>`` or ``terminal``; within a chat, rows
    are handled by ``seq``."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("source", "key"),
        Index(
            "ix_inbox_open",
            "chat_key",
            "seq",
            sqlite_where=_INBOX_OPEN,
            postgresql_where=_INBOX_OPEN,
        ),
        Index("ix_inbox_state_run_at", "state", "run_at"),
        Index("ix_inbox_source_seq", "source", "seq"),
    )

    source: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(128))
    seq: Mapped[int] = mapped_column(BigInteger)
    chat_key: Mapped[str] = mapped_column(String(128))
    payload_sealed: Mapped[bytes | None]
    payload = sealed_json("payload")
    state: Mapped[InboxState] = mapped_column(text_enum(InboxState), default=InboxState.OPEN)
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_token: Mapped[UUID | None] = mapped_column(Uuid)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(Text, default="")
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Outbox(UuidKey):
    """One thing owed. ``kind`` is ``message`` or the name of an errand (a file to fetch, a webhook).

    ``target`` is a chat address (``tg:123``). Rows of one ``ordering_key`` go one after another.
    ``hold_until``: until then a row in back-off keeps later rows of its key waiting.
    ``message_ids``: what the channel called the messages it made of this row.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        Index(
            "ix_outbox_due",
            "channel",
            "priority",
            "run_at",
            sqlite_where=text("state = 'due'"),
            postgresql_where=text("state = 'due'"),
        ),
        Index(
            "ix_outbox_order",
            "ordering_key",
            "id",
            sqlite_where=_OUTBOX_OPEN,
            postgresql_where=_OUTBOX_OPEN,
        ),
        Index(
            "ix_outbox_slot",
            "target",
            "slot",
            "id",
            sqlite_where=text("slot <> ''"),
            postgresql_where=text("slot <> ''"),
        ),
        Index("ix_outbox_case_id", "case_id"),
        Index("ix_outbox_state_done_at", "state", "done_at"),
    )

    dedupe_key: Mapped[str] = mapped_column(String(200))
    channel: Mapped[str] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(String(128))
    ordering_key: Mapped[str] = mapped_column(String(160))
    kind: Mapped[str] = mapped_column(String(32), default="message")
    slot: Mapped[str] = mapped_column(String(128), default="")
    priority: Mapped[int] = mapped_column(default=Priority.REPLY)
    payload_sealed: Mapped[bytes | None]
    payload = sealed_json("payload")
    state: Mapped[OutboxState] = mapped_column(text_enum(OutboxState), default=OutboxState.DUE)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    hold_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_token: Mapped[UUID | None] = mapped_column(Uuid)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(Text, default="")
    message_ids: Mapped[list[Any] | None] = mapped_column(Json)
    case_id: Mapped[UUID | None] = mapped_column(Uuid)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Timer(Base):
    """Something due later about a case or a notice; an answered case bumps ``generation``, and older
    timers mean nothing. ``attempts`` counts the firings that failed."""

    __tablename__ = "timer"
    __table_args__ = (
        UniqueConstraint("about_id", "kind", "generation"),
        Index(
            "ix_timer_due",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[BigKey]
    about_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(String(64))
    generation: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[TimerState] = mapped_column(text_enum(TimerState), default=TimerState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[UUID | None] = mapped_column(Uuid)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RateSlot(Base):
    """A send budget by the generic cell rate algorithm: ``tat`` is when its next send is free."""

    __tablename__ = "rate_slot"

    key: Mapped[str] = mapped_column(String(160), primary_key=True)
    tat: Mapped[datetime] = mapped_column(UtcDateTime)


class Meta(Base):
    """Small facts of the installation: the next update to ask for, the admin link's hash."""

    __tablename__ = "meta"

    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)


class Refused(Exception):
    """The outside did not take it, in words that no channel owns.

    ``final``: trying again is of no use. ``retry_after``: not before this long. ``migrate_to``: the
    chat has a new address. ``blocked``: the person or group shut the bot out. ``unknown``: it may
    have arrived. ``down``: the whole channel cannot be reached.
    """

    def __init__(
        self,
        reason: str,
        *,
        final: bool = False,
        retry_after: timedelta | None = None,
        migrate_to: str | None = None,
        blocked: bool = False,
        unknown: bool = False,
        down: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        self.retry_after = retry_after
        self.migrate_to = migrate_to
        self.blocked = blocked
        self.unknown = unknown
        self.down = down
