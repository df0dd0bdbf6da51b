"""Consumer-education notices (消费教育通知) and to whom they went; events (活动) and who comes to them."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, Uuid, false, text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, remote

from models.base import Base, Json, UtcDateTime, UuidKey, text_enum
from models.delivery import OutboxState, Priority
from models.party import Account


class NoticeState(StrEnum):
    """A notice is written, waits for a second person, then is sent, refused or dropped: at once, or when it
    is due (``scheduled``). While it is sent it may be paused or stopped, and rests at night; what was
    sent may be taken back (``recalling``)."""

    DRAFT = "draft"
    WAITING = "waiting"
    REFUSED = "refused"
    DROPPED = "dropped"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    RESTING = "resting"
    STOPPED = "stopped"
    DONE = "done"
    RECALLING = "recalling"
    RECALLED = "recalled"


class Repeat(StrEnum):
    """How often a notice comes again, as a new one that waits for a second person."""

    NEVER = ""
    MONTHLY = "monthly"
    YEARLY = "yearly"


class Notice(UuidKey):
    """A text for subscribers or staff; it carries no personal data.

    ``marks`` are those of ``bot.texts.marked`` on ``body``; ``media`` the one picture or file, ``links`` pairs of
    a label and an https address; ``audience`` the frozen filter of :mod:`bot.services.outreach.readers`, None for
    all subscribers; ``for_staff`` says that it is one of staff. It goes out at ``due_at``, None for at once, and has to rest from ``rests_at`` on
    (quiet hours), None while it is not being sent and for what a second person called ``urgent``. ``again_of`` is the notice that it repeats, ``activity_id``
    the event that it announces. ``quits`` counts those who unsubscribed by its button; ``recall`` is how far
    its copies were taken back: ``{to, deleted, emptied, left}``.
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
    marks: Mapped[Any | None] = mapped_column(Json)
    media: Mapped[Any | None] = mapped_column(Json)
    links: Mapped[Any | None] = mapped_column(Json)
    audience: Mapped[Any | None] = mapped_column(Json)
    for_staff: Mapped[bool] = mapped_column(default=False, server_default=false())
    state: Mapped[NoticeState] = mapped_column(text_enum(NoticeState))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rests_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    urgent: Mapped[bool] = mapped_column(default=False, server_default=false())
    repeat: Mapped[str] = mapped_column(String(10), default="", server_default="")
    again_of: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("notice.id"))
    activity_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("activity.id"))
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
    quits: Mapped[int] = mapped_column(default=0, server_default="0")
    recall: Mapped[Any | None] = mapped_column(Json)
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
    ``read_at`` is when its reader, one of the staff, said that she had read it.
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
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

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


class ActivityState(StrEnum):
    """An event is open for those who sign up, or called off, or over and counted."""

    OPEN = "open"
    CANCELLED = "cancelled"
    HELD = "held"


class Activity(UuidKey):
    """An event (活动) of a desk's: a lecture, a fair on 15 March. ``places`` is how many may sign up.

    Whoever opens the link with ``code``, which is shown at the venue, has come. ``came`` counts those of
    the list, ``walk_ins`` the others who were there, as its staff say; both stay when people are erased.
    """

    __tablename__ = "activity"

    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    title: Mapped[str] = mapped_column(String(60))
    place: Mapped[str] = mapped_column(String(120))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    places: Mapped[int]
    state: Mapped[ActivityState] = mapped_column(text_enum(ActivityState))
    code: Mapped[str] = mapped_column(String(10), unique=True)
    came: Mapped[int] = mapped_column(default=0)
    walk_ins: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignUpState(StrEnum):
    """``waiting`` is the list of those for whom there is no place yet."""

    GOING = "going"
    WAITING = "waiting"
    LEFT = "left"


class SignUp(UuidKey):
    """A person's name on an event's list (报名), in the order of ``at``; ``came_at`` when she was seen there."""

    __tablename__ = "sign_up"
    __table_args__ = (UniqueConstraint("activity_id", "account_id"),)

    activity_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("activity.id", ondelete="CASCADE"))
    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[SignUpState] = mapped_column(text_enum(SignUpState))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    came_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
