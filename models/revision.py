"""One home for all data that is edited while the product runs (版本).

Rules, law, hotlines, limits, promises, templates: the packaged file is version 0 and holds while no
row of its kind is active. A case keeps the versions that decided it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Json, UtcDateTime, UuidKey


class Revision(UuidKey):
    """A version of the data named ``kind``; at most one version of a kind is active."""

    __tablename__ = "revision"
    __table_args__ = (
        UniqueConstraint("kind", "version"),
        Index(
            "ix_revision_active",
            "kind",
            unique=True,
            sqlite_where=text("active"),
            postgresql_where=text("active"),
        ),
    )

    kind: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    body: Mapped[Any] = mapped_column(Json)
    author: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    active: Mapped[bool] = mapped_column(default=False)
