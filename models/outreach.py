"""Consumer-education notices (消费教育通知) and to whom they went."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, remote

from models.base import Base, Json, UtcDateTime, UuidKey, text_enum
from models.delivery import OutboxState, Priority
from models.party import Account


class NoticeState(StrEnum):
    """A notice is written, waits for a second person, then is sent, refused or dropped; while it is sent
    it may be paused or stopped."""

    DRAFT = "draft"
    WAITING = "waiting"
    REFUSED = "refused"
    DROPPED = "dropped"
    SENDING = "sending"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"


class Notice(UuidKey):
    """A text for all subscribers; it carries no personal data.

    ``message`` is what each of them gets, frozen when another admin was asked, ``reviewer_id`` who said
    yes or no to it; nobody, while there is one admin only. ``reached`` is the last account
    that copies were made for, ``spread_at`` when there was one for everybody. ``total`` counts the
    copies, the columns named as in ``OUTCOMES`` those that came to an end; each changes in the
    commit that changes the copy. ``seen`` is how far it was when its progress was last shown.
    """

    __tablename__ = "notice"

    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    body: Mapped[str] = mapped_column(Text)
    message: Mapped[Any | None] = mapped_column(Json)
    state: Mapped[NoticeState] = mapped_column(text_enum(NoticeState))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reached: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    spread_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    total: Mapped[int] = mapped_column(default=0)
    sent: Mapped[int] = mapped_column(default=0)
    blocked: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    unknown: Mapped[int] = mapped_column(default=0)
    left: Mapped[int] = mapped_column(default=0)
    seen: Mapped[Any | None] = mapped_column(Json)

    @property
    def waiting(self) -> int:
        """Copies that have not come to an end."""
        ended = (self.sent, self.blocked, self.failed, self.unknown, self.left)
        return self.total - sum(ended)


OUTCOMES = ("sent", "blocked", "failed", "unknown", "left")
"""How a copy ends: ``left`` when its reader unsubscribed before, ``unknown`` when it may or may not
have arrived and is not sent again."""


class Delivery(Base):
    """One subscriber's copy of a notice: a row of the queue like one of ``outbox``, with the text in
    its notice. There may be a million of them, so it has no key of its own, and no foreign keys:
    PostgreSQL would check each by itself. A copy whose account is gone is never claimed.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index(
            "ix_delivery_due",
            "notice_id",
            "run_at",
            sqlite_where=text("state = 'due'"),
            postgresql_where=text("state = 'due'"),
        ),
        Index(
            "ix_delivery_leased",
            "lease_until",
            sqlite_where=text("state = 'leased'"),
            postgresql_where=text("state = 'leased'"),
        ),
        {"sqlite_with_rowid": False},
    )

    notice_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    state: Mapped[OutboxState] = mapped_column(text_enum(OutboxState), default=OutboxState.DUE)
    attempts: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_token: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(String(500), default="")
    message_ids: Mapped[list[Any] | None] = mapped_column(Json)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    notice: Mapped[Notice] = relationship(
        primaryjoin=lambda: foreign(Delivery.notice_id) == remote(Notice.id),
        lazy="raise",
        viewonly=True,
    )
    account: Mapped[Account] = relationship(
        primaryjoin=lambda: foreign(Delivery.account_id) == remote(Account.id),
        lazy="raise",
        viewonly=True,
    )

    kind = "message"
    slot = ""
    priority = Priority.NOTICE
    case_id = None

    @property
    def target(self) -> str:
        """The chat it goes to; only of a copy that was read with its account."""
        return self.account.address

    @property
    def channel(self) -> str:
        return self.target.partition(":")[0]

    @property
    def payload(self) -> Any:
        """The message; only of a copy that was read with its notice."""
        return self.notice.message
