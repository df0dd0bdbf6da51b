"""Early warning (预警): bursts that were found, firms whose names were released, and what firms are also called."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Float, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UtcDateTime, UuidKey, sealed, text_enum


class Burst(UuidKey):
    """More people than usual about one kind in one street (突增), as it was found and told; counts only.

    ``since`` and ``until`` are days in Shanghai, the first in and the last in; ``expected`` is how many people were to be
    expected. ``notice_id`` is the alert that came of it.
    """

    __tablename__ = "burst"
    __table_args__ = (Index("ix_burst_cell", "object", "street_code", "found_at"),)

    object: Mapped[str] = mapped_column(String(40))
    street_code: Mapped[str] = mapped_column(String(20))
    since: Mapped[date]
    until: Mapped[date]
    people: Mapped[int]
    expected: Mapped[float] = mapped_column(Float)
    chance: Mapped[float] = mapped_column(Float)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    notice_id: Mapped[uuid.UUID | None]


class ReleaseState(StrEnum):
    """``shown``: the public list has it; ``withdrawn``: it had it."""

    WAITING = "waiting"
    SHOWN = "shown"
    REFUSED = "refused"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"


class Release(UuidKey):
    """A firm's name made public (曝光) by an officer, with the reason and the source, and a second person's yes.

    ``mark`` is the keyed fingerprint of the name by which it is found again.
    """

    __tablename__ = "firm_release"

    name_sealed: Mapped[bytes | None]
    reason_sealed: Mapped[bytes | None]
    source_sealed: Mapped[bytes | None]
    why_not_sealed: Mapped[bytes | None]
    mark: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    state: Mapped[ReleaseState] = mapped_column(text_enum(ReleaseState), index=True)
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    shown_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    name = sealed("name")
    reason = sealed("reason")
    source = sealed("source")
    why_not = sealed("why_not")


class MerchantAlias(UuidKey):
    """Another name of a firm (别名), as an officer entered it: ``also`` is counted as ``name``."""

    __tablename__ = "merchant_alias"

    also_sealed: Mapped[bytes | None]
    name_sealed: Mapped[bytes | None]
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)

    also = sealed("also")
    name = sealed("name")
