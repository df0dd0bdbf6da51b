"""Consumer-education notices (消费教育通知) and to whom they went."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UtcDateTime, UuidKey, text_enum


class NoticeState(StrEnum):
    """A notice is written, then sent or dropped."""

    DRAFT = "draft"
    SENDING = "sending"
    DROPPED = "dropped"


class Notice(UuidKey):
    """A text for all subscribers; it carries no personal data."""

    __tablename__ = "notice"

    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[NoticeState] = mapped_column(text_enum(NoticeState))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Delivery(UuidKey):
    """One subscriber's copy of a notice; how it went is told by its outbox row."""

    __tablename__ = "delivery"
    __table_args__ = (UniqueConstraint("notice_id", "account_id"),)

    notice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notice.id"), index=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    outbox_id: Mapped[uuid.UUID] = mapped_column(unique=True)
