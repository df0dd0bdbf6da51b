"""What a taker brings about (调解): records of mediation, agreements, and payments in advance.

Money is in fen (分). What was said and agreed is sealed; codes, sums and times are plain, so that a
ledger can be asked.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UtcDateTime, UuidKey, sealed_json, text_enum


class Mediation(UuidKey):
    """One talk with both sides (调解记录), numbered within its case; ``record`` is as it was filled in."""

    __tablename__ = "mediation"
    __table_args__ = (UniqueConstraint("case_id", "number"),)

    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id", ondelete="CASCADE"))
    number: Mapped[int]
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    way: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(20))
    record_sealed: Mapped[bytes | None]

    record = sealed_json("record")


class SettlementState(StrEnum):
    """Whether what was agreed is done: ``dropped`` when the case went another way before."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    DROPPED = "dropped"


class Settlement(UuidKey):
    """An agreement (和解协议): who does what by when. At most one of a case is open.

    ``under`` is in whose name it was mediated; ``side`` how the merchant agreed, who is not in the talk.
    ``wish`` is the consumer's own tap, ``same`` or ``different``: her wish, not a signature.
    """

    __tablename__ = "settlement"
    __table_args__ = (UniqueConstraint("case_id", "number"),)

    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id", ondelete="CASCADE"))
    number: Mapped[int]
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[SettlementState] = mapped_column(text_enum(SettlementState))
    fen: Mapped[int] = mapped_column(BigInteger)
    due_on: Mapped[date]
    under: Mapped[str] = mapped_column(String(20))
    side: Mapped[str] = mapped_column(String(20))
    wish: Mapped[str] = mapped_column(String(20), default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    terms_sealed: Mapped[bytes | None]

    terms = sealed_json("terms")


class AdvanceState(StrEnum):
    """A payment in advance is asked for, decided by a second person above a sum, and paid."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    PAID = "paid"
    DROPPED = "dropped"


class Recourse(StrEnum):
    """How far the money has come back from the merchant (追偿)."""

    NOT_YET = "not_yet"
    ASKING = "asking"
    PARTLY = "partly"
    BACK = "back"
    GIVEN_UP = "given_up"


class AdvancePayment(UuidKey):
    """What a point pays instead of the merchant (先行赔付), and what it got back.

    ``second`` says that a second person decides; ``due_at`` is by when the tier wants it paid.
    """

    __tablename__ = "advance_payment"
    __table_args__ = (Index("ix_advance_payment_desk_id_asked_at", "desk_id", "asked_at"),)

    case_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("case_file.id", ondelete="CASCADE"), index=True
    )
    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    decided_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    state: Mapped[AdvanceState] = mapped_column(text_enum(AdvanceState))
    fen: Mapped[int] = mapped_column(BigInteger)
    second: Mapped[bool]
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recourse: Mapped[Recourse] = mapped_column(text_enum(Recourse), default=Recourse.NOT_YET)
    recovered_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    reason_sealed: Mapped[bytes | None]

    reason = sealed_json("reason")
