"""A dispute, clue or consultation (案件) and everything that happened to it."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.orm.attributes import flag_modified

from models.base import Json, UtcDateTime, UuidKey, sealed, sealed_json, text_enum
from models.lifecycle import Action, CaseStatus, after

TOKEN_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_token() -> str:
    """Ten letters that fit a button and a deep link; no authority hangs on them."""
    return "".join(secrets.choice(TOKEN_LETTERS) for _ in range(10))


def token_shown(token: str) -> str:
    """A token as it is printed and read aloud: in two halves."""
    return f"{token[:5]}-{token[5:]}"


def token_digest(token: str) -> str:
    """What is kept of a token on which authority does hang."""
    return hashlib.sha256(token.encode()).hexdigest()


class CaseKind(StrEnum):
    """What the person came for; a complaint and a clue are handled apart (order 121 art. 9)."""

    COMPLAINT = "complaint"
    CLUE = "clue"
    CONSULT = "consult"


class Case(UuidKey):
    """One matter, from draft to its end.

    ``asking`` names the interview question now open (or ``review``), ``version`` counts the
    questions put, so that an old button is known as old. Plain columns carry codes, places, amounts
    and times only; the person's words are sealed, and so is ``merchant``: the other side may be a
    person. ``amount_fen`` is in fen (分). ``linked_id`` is the complaint that a clue was split from (order
    121 art. 9): the complaint does not know of it, so that nobody who has the one learns of the other.
    ``merchant_mark`` is a keyed fingerprint of the merchant's name, by which cases about it are counted.
    ``papers`` holds what its taker has begun to write down and not yet confirmed: ``{form: {step: value}}``.
    ``same_as_id`` is the case that it was merged into (合并), ``entered_by_id`` the staff member who filed
    it for somebody at the desk (代登记).
    ``phone_blind`` is that of her phone number, by which her cases are found without being opened.
    ``booked`` says that the books (models/books.py) know all that happened to it.
    """

    __tablename__ = "case_file"
    __table_args__ = (
        # All that the hot list and the bursts read of a case.
        Index(
            "ix_case_file_lately",
            *("filed_at", "kind", "status", "object", "street_code", "account_id", "phone_blind"),
        ),
        Index(
            "ix_case_file_unbooked",
            "id",
            sqlite_where=text("NOT booked AND filed_at IS NOT NULL"),
            postgresql_where=text("NOT booked AND filed_at IS NOT NULL"),
        ),
    )

    token: Mapped[str] = mapped_column(String(10), unique=True, default=new_token)
    number: Mapped[str | None] = mapped_column(String(20), unique=True)
    status: Mapped[CaseStatus] = mapped_column(text_enum(CaseStatus), index=True)
    kind: Mapped[CaseKind] = mapped_column(text_enum(CaseKind))
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    asking: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[int] = mapped_column(default=0)
    editing: Mapped[bool] = mapped_column(default=False)
    paused: Mapped[bool] = mapped_column(default=False)
    consented_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answers_sealed: Mapped[bytes | None]
    decision_sealed: Mapped[bytes | None]
    object: Mapped[str] = mapped_column(String(40), default="")
    nature: Mapped[str] = mapped_column(String(40), default="")
    means: Mapped[str] = mapped_column(String(40), default="")
    fraud: Mapped[bool] = mapped_column(default=False)
    rule_version: Mapped[str] = mapped_column(String(40), default="")
    merchant_sealed: Mapped[bytes | None]
    phone_blind: Mapped[bytes | None] = mapped_column(index=True)
    street_code: Mapped[str] = mapped_column(String(20), default="")
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    desk_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    meant_code: Mapped[str] = mapped_column(String(40), default="")
    asked_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    role: Mapped[str] = mapped_column(String(20), default="dispute")
    route_sealed: Mapped[bytes | None]
    papers_sealed: Mapped[bytes | None]
    taker_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    same_as_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("case_file.id"), index=True)
    entered_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    result: Mapped[str] = mapped_column(String(40), default="")
    returned_fen: Mapped[int | None] = mapped_column(BigInteger)
    linked_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("case_file.id"), index=True)
    merchant_mark: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    touched_at: Mapped[datetime] = mapped_column(UtcDateTime)
    filed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    booked: Mapped[bool] = mapped_column(default=False, server_default=false())

    answers = sealed_json("answers")
    decision = sealed_json("decision")
    route = sealed_json("route")
    papers = sealed_json("papers")
    merchant = sealed("merchant")

    events: Mapped[list[Event]] = relationship(
        back_populates="case",
        order_by="Event.seq",
        lazy="selectin",
        cascade="all, delete-orphan",
    )
    evidence: Mapped[list[Evidence]] = relationship(
        back_populates="case",
        order_by="Evidence.number",
        lazy="selectin",
        cascade="all, delete-orphan",
    )

    @property
    def part(self) -> str:
        """What its desk is to do: ``dispute``, ``advice``, ``clue`` or ``consult``."""
        return self.role if self.kind is CaseKind.COMPLAINT else self.kind.value

    def apply(
        self,
        action: Action,
        *,
        at: datetime,
        by: uuid.UUID | None = None,
        details: dict[str, Any] | None = None,
    ) -> Event:
        """The only writer of ``status``; appends the Event. Raises NotPossible."""
        was, self.status = self.status, after(self.status, action)
        event = Event(
            seq=len(self.events) + 1,
            at=at,
            action=action,
            by_id=by,
            was=was,
            status=self.status,
        )
        event.details = details or {}
        self.events.append(event)
        self.touched_at = at
        self.booked = False
        # Written even where it stood so when it was read: the books may have been written up since.
        flag_modified(self, "booked")
        return event


class Event(UuidKey):
    """One thing that happened to a case (经过)."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("case_id", "seq"),)

    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id", ondelete="CASCADE"))
    seq: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    action: Mapped[Action] = mapped_column(text_enum(Action))
    by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    was: Mapped[CaseStatus] = mapped_column(text_enum(CaseStatus, "was_status"))
    status: Mapped[CaseStatus] = mapped_column(text_enum(CaseStatus))
    details_sealed: Mapped[bytes | None]

    details = sealed_json("details")
    case: Mapped[Case] = relationship(back_populates="events")


ADVICE_GIVEN = "advice_given"
"""``Case.result`` of a case that ended with advice, as it was meant to."""

SIGNED = "signed"
"""``Evidence.extra["at"]`` of a signed paper's picture, which is the taker's and not the consumer's."""


class CaseCode(UuidKey):
    """A one-time code (查询码) by which somebody links a case to her own account; only its hash is kept.

    It holds until ``until``, and no longer than ``ended_at``: used by ``used_by_id``, or replaced by a newer one.
    """

    __tablename__ = "case_code"

    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    case_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("case_file.id", ondelete="CASCADE"), index=True
    )
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))


class Evidence(UuidKey):
    """A file the consumer gave (证据材料), or the taker's picture of a signed agreement (``SIGNED``),
    numbered within its case.

    ``about`` (sealed) holds name, caption, sender of a forwarded message and its time; the file
    itself lies sealed in the vault under ``vault_key`` once it has been fetched. ``size`` in bytes.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("case_id", "number"),
        UniqueConstraint("case_id", "source_key"),
    )

    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_file.id", ondelete="CASCADE"))
    number: Mapped[int]
    source_key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    file_id: Mapped[str] = mapped_column(String(300))
    unique_id: Mapped[str] = mapped_column(String(120))
    mime: Mapped[str] = mapped_column(String(120), default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    vault_key: Mapped[str] = mapped_column(String(120), default="")
    about_sealed: Mapped[bytes | None]
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    extra: Mapped[Any] = mapped_column(Json, default=dict)

    about = sealed_json("about")
    case: Mapped[Case] = relationship(back_populates="evidence")
