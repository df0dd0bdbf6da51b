"""Who talks to Suda: an account on a channel (账号)."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, false, true
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Json, UtcDateTime, UuidKey, sealed, sealed_json, text_enum


class Account(UuidKey):
    """A person as one channel knows her; her name and phone for a case stand in that case.

    ``address`` is the channel's, such as ``tg:1001``. ``awaiting`` is what the next typed line is
    for when a staff member or an admin was asked something: ``{"verb": …, "case": token, …}``.
    ``point_code`` is the liaison point whose poster was scanned, for the next case.
    ``paced_at`` is when she may send more without being ahead of a person's pace; ``hushed`` in a flood.
    Until ``restricted_until`` a Restriction may hold for her; ``digest`` off: no daily digest is sent.
    ``short_lines`` shows her one short line and one button a row; ``reminders`` off: what only reminds is
    not sent. ``street_code`` and ``topics`` (codes between commas, ``,invest,home,``) narrow what notices she gets
    besides those to all, and ``by_cases`` says that her own past cases may do so too. ``helped`` is the help shown of late: ``{need: {"at": ISO time, "told": how many were told}}``.
    """

    __tablename__ = "account"

    address: Mapped[str] = mapped_column(String(120), unique=True)
    name_sealed: Mapped[bytes | None]
    awaiting_sealed: Mapped[bytes | None]
    helped_sealed: Mapped[bytes | None]
    is_admin: Mapped[bool] = mapped_column(default=False)
    subscribed: Mapped[bool] = mapped_column(default=False)
    blocked: Mapped[bool] = mapped_column(default=False)
    short_lines: Mapped[bool] = mapped_column(default=False, server_default=false())
    reminders: Mapped[bool] = mapped_column(default=True, server_default=true())
    street_code: Mapped[str] = mapped_column(String(20), default="", server_default="")
    topics: Mapped[str] = mapped_column(String(200), default="", server_default="")
    by_cases: Mapped[bool] = mapped_column(default=False, server_default=false())
    consented_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    consent_version: Mapped[str] = mapped_column(String(20), default="")
    focus_id: Mapped[uuid.UUID | None]
    point_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    paced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hushed: Mapped[bool] = mapped_column(default=False, server_default=false())
    restricted_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    digest: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)

    name = sealed("name")
    awaiting = sealed_json("awaiting")
    helped = sealed_json("helped")


class RestrictionKind(StrEnum):
    """``ban`` (封禁): only help, hotlines, one's own data and an appeal. ``mute`` (静音): all but words to staff."""

    BAN = "ban"
    MUTE = "mute"


class Restriction(UuidKey):
    """What an account may not do, why and until when (封禁、静音); she is told, and may appeal once.

    ``reason`` is a code; ``lifted_at`` when it ended early; ``answered_at`` when her appeal was answered.
    """

    __tablename__ = "restriction"

    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[RestrictionKind] = mapped_column(text_enum(RestrictionKind))
    reason: Mapped[str] = mapped_column(String(40))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    appeal_sealed: Mapped[bytes | None]
    appealed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    appeal = sealed("appeal")


class StepKind(StrEnum):
    """What wants a second person: to make or unmake an admin, to ban one, to take everything out."""

    ADMIN_IN = "admin_in"
    ADMIN_OUT = "admin_out"
    BAN_ADMIN = "ban_admin"
    EXPORT_ALL = "export_all"


class StepState(StrEnum):
    """``open``: an invitation that nobody has opened yet; ``waiting``: for the second person's word."""

    OPEN = "open"
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    DROPPED = "dropped"


class SecondStep(UuidKey):
    """A dangerous act that one admin asked for and another decides (第二步确认).

    ``about_id``: whom it is about. Of an invitation's token only the hash is kept. ``body`` holds codes and
    numbers that the act needs.
    """

    __tablename__ = "second_step"

    kind: Mapped[StepKind] = mapped_column(text_enum(StepKind))
    state: Mapped[StepState] = mapped_column(text_enum(StepState))
    by_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    about_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    body: Mapped[Any] = mapped_column(Json, default=dict)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
