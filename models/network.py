"""The network: bureau, offices, streets and towns, liaison points (组织树)."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Float, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Json, UtcDateTime, UuidKey, sealed, text_enum


class Level(StrEnum):
    """A rung of the chain of three (三方联动), bureau downwards."""

    BUREAU = "bureau"
    OFFICE = "office"
    STREET = "street"
    POINT = "point"


AUTHORITY: frozenset[Level] = frozenset({Level.OFFICE, Level.BUREAU})
"""The market authority (市场监管部门): only there is a complaint received and a clue checked."""


class Organisation(UuidKey):
    """A member of the network (机构). ``chat`` is the address of its staff's group, once bound.

    ``simulated`` marks a chat that only the sandbox or the terminal made. ``confirmed_at`` is when
    its staff joined: until then nobody is told that it holds a case.
    """

    __tablename__ = "organisation"
    __mapper_args__ = {"polymorphic_on": "level"}  # noqa: RUF012

    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120), index=True)
    level: Mapped[Level] = mapped_column(text_enum(Level), index=True)
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    serial: Mapped[int] = mapped_column(unique=True)
    lat: Mapped[float | None] = mapped_column(Float)
    lon: Mapped[float | None] = mapped_column(Float)
    precision: Mapped[str] = mapped_column(String(20), default="unknown")
    chat: Mapped[str | None] = mapped_column(String(120), index=True)
    simulated: Mapped[bool] = mapped_column(default=False)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Bureau(Organisation):
    """区市场监督管理局."""

    __mapper_args__ = {"polymorphic_identity": Level.BUREAU}  # noqa: RUF012


class Office(Organisation):
    """市场监管所."""

    __mapper_args__ = {"polymorphic_identity": Level.OFFICE}  # noqa: RUF012


class Street(Organisation):
    """街道、镇."""

    __mapper_args__ = {"polymorphic_identity": Level.STREET}  # noqa: RUF012


class LiaisonPoint(Organisation):
    """消费维权联络点: ``type`` committee, mall, market, firm…; ``tier`` 市级示范/百佳/优秀/普通.

    ``datum`` is the coordinate system its place was first given in; the place itself is WGS-84.
    ``contacts`` are public and stand on its poster; ``prepay_fen`` is the most it pays in advance
    (先行赔付), ``fast_return_minutes`` its promise (快速退货), ``substitute`` a desk's code; a table last confirmed it at ``checked_at``.
    """

    __mapper_args__ = {"polymorphic_identity": Level.POINT}  # noqa: RUF012

    type: Mapped[str] = mapped_column(String(40), nullable=True)
    tier: Mapped[str] = mapped_column(String(20), nullable=True)
    address: Mapped[str] = mapped_column(String(200), nullable=True)
    hours: Mapped[str] = mapped_column(String(200), nullable=True)
    takes: Mapped[Any] = mapped_column(Json, nullable=True)
    merchants: Mapped[Any] = mapped_column(Json, nullable=True)
    source: Mapped[str] = mapped_column(String(200), nullable=True)
    datum: Mapped[str] = mapped_column(String(20), nullable=True)
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=True)
    contacts: Mapped[Any] = mapped_column(Json, nullable=True)
    languages: Mapped[Any] = mapped_column(Json, nullable=True)
    prepay_fen: Mapped[int] = mapped_column(BigInteger, nullable=True)
    fast_return_minutes: Mapped[int] = mapped_column(nullable=True)
    substitute: Mapped[str] = mapped_column(String(40), nullable=True)


class Staff(UuidKey):
    """An account that works for an organisation (工作人员): it was invited, and the inviter approved it.

    From ``away_from`` to ``away_until`` (休假, both days in Shanghai, inclusive) it is not there, and the
    account ``substitute_id`` acts for it.
    """

    __tablename__ = "staff"

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), index=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    away_from: Mapped[date | None]
    away_until: Mapped[date | None]
    substitute_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))


class Robot(UuidKey):
    """A group robot (群机器人) of WeCom, DingTalk or Feishu that an organisation gets word by.

    ``name`` is that of the robots' file, where its address and secret are; neither is kept here. ``kinds`` are
    codes of what is forwarded; ``failing_since`` and ``error`` tell how it stands.
    """

    __tablename__ = "robot"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    kinds: Mapped[Any] = mapped_column(Json, default=list)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(String(200), default="")


class InvitationState(StrEnum):
    """``claimed``: somebody opened it and waits for the inviter's word."""

    OPEN = "open"
    CLAIMED = "claimed"
    APPROVED = "approved"
    REFUSED = "refused"
    REVOKED = "revoked"


class Invitation(UuidKey):
    """A single-use invitation to become staff (邀请); of its token only the hash is kept.

    ``by_id`` is None when an operator made it: then any admin decides. ``label`` says for whom it is.
    """

    __tablename__ = "invitation"

    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    label_sealed: Mapped[bytes | None]
    state: Mapped[InvitationState] = mapped_column(text_enum(InvitationState))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))

    label = sealed("label")
