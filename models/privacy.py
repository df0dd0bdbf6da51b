"""Consents, erasures and the audit chain (同意、删除、审计): proofs that hold no personal data."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, UtcDateTime, UuidKey, sealed, text_enum


class ConsentKind(StrEnum):
    """What was agreed to; the last two apart from the first (单独同意, PIPL art. 23, 29).

    ``base``: to keep what she says. ``sensitive``: accounts, money and health in one case.
    ``pass_on``: that one case goes to the desk that the review named.
    """

    BASE = "base"
    SENSITIVE = "sensitive"
    PASS_ON = "pass_on"


class Consent(UuidKey):
    """One consent (同意): to which version of the text, when, and whether it was taken back."""

    __tablename__ = "consent"

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    case_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("case_file.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[ConsentKind] = mapped_column(text_enum(ConsentKind))
    version: Mapped[str] = mapped_column(String(20))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Rule(StrEnum):
    """By which rule something was erased: she asked, she took her consent back, or its time was over."""

    ASKED = "asked"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed_period"
    DRAFT = "draft_period"


class Erasure(UuidKey):
    """What was erased (删除), by which rule, and how far the messages are; afterwards the proof of it.

    ``hashes`` are keyed fingerprints of the cases' ids. ``waiting`` counts messages that are still to be
    taken back; ``deleted``, ``emptied`` and ``left`` what came of the others. ``report_to`` is where the
    end is told, and is emptied then.
    """

    __tablename__ = "erasure"

    rule: Mapped[Rule] = mapped_column(text_enum(Rule))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    report_to_sealed: Mapped[bytes | None]
    cases: Mapped[int] = mapped_column(default=0)
    rows: Mapped[int] = mapped_column(default=0)
    files: Mapped[int] = mapped_column(default=0)
    accounts: Mapped[int] = mapped_column(default=0)
    waiting: Mapped[int] = mapped_column(default=0)
    deleted: Mapped[int] = mapped_column(default=0)
    emptied: Mapped[int] = mapped_column(default=0)
    left: Mapped[int] = mapped_column(default=0)
    hashes: Mapped[Any] = mapped_column(Json, default=list)

    report_to = sealed("report_to")


class Act(StrEnum):
    """What the audit chain records: who saw or took out personal data, and who changed what governs."""

    VIEW = "view"
    TOLD = "told"
    REVEAL = "reveal"
    EXPORT = "export"
    OWN_EXPORT = "own_export"
    CORRECT = "correct"
    CONSENT = "consent"
    WITHDRAW_CONSENT = "withdraw_consent"
    ERASE = "erase"
    ERASED = "erased"
    ADMIN = "admin"
    STAFF_IN = "staff_in"
    STAFF_OUT = "staff_out"
    DUTY = "duty"
    BIND = "bind"
    OPERATOR = "operator"
    NOTICE = "notice"
    RULES = "rules"
    LAW = "law"
    LIMIT = "limit"
    RESTRICT = "restrict"
    APPEAL = "appeal"
    SEARCH = "search"
    ROBOT = "robot"
    NETWORK = "network"
    RELEASE = "release"
    NAMES = "names"
    RATING = "rating"
    KEY_NEW = "key_new"
    KEY_DROPPED = "key_dropped"


class Audit(Base):
    """A link of the audit chain (审计链), never changed and never removed.

    ``by`` and ``about`` are ``kind:id`` (``account:<uuid>``, ``case:<uuid>``, ``operator:<login>``,
    ``bot``); ``details`` holds codes and counts. No name, number or word of a person stands here, so an
    erasure leaves it whole. ``mac`` seals the line together with ``prev``, the mac of the line before.
    """

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    act: Mapped[str] = mapped_column(String(40))
    by: Mapped[str] = mapped_column(String(160))
    about: Mapped[str] = mapped_column(String(160), index=True)
    details: Mapped[Any] = mapped_column(Json)
    prev: Mapped[bytes]
    mac: Mapped[bytes]
