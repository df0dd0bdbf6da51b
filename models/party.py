"""Who talks to Suda: an account on a channel (账号)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import String, false, true
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UtcDateTime, UuidKey, sealed, sealed_json


class Account(UuidKey):
    """A person as one channel knows her; her name and phone for a case stand in that case.

    ``address`` is the channel's, such as ``tg:1001``. ``awaiting`` is what the next typed line is
    for when a staff member or an admin was asked something: ``{"verb": …, "case": token, …}``.
    ``point_code`` is the liaison point whose poster was scanned, for the next case.
    ``paced_at`` is when she may send more without being ahead of a person's pace; ``hushed`` in a flood.
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
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)

    name = sealed("name")
    awaiting = sealed_json("awaiting")
    helped = sealed_json("helped")
