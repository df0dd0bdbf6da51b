"""Joint complaints (共同投诉): several people with the same dispute against the same operator (order 121 art. 12)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UtcDateTime, UuidKey


class Joint(UuidKey):
    """A joint complaint and the code that opens it to many; only the code's hash is kept.

    It tells nothing itself: what it is about is read from the case of whoever began it, the merchant's name
    only when she ``shows_merchant``. The code holds until ``until``, and no longer than ``ended_at``.
    """

    __tablename__ = "joint"

    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    shows_merchant: Mapped[bool]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class JointPart(UuidKey):
    """One person's part in it, which is her consent to it: her own case, since when, and until when.

    ``begins`` marks the case of whoever began it; ``stands_at`` is when she offered to be a representative (代表人).
    """

    __tablename__ = "joint_part"

    joint_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("joint.id"), index=True)
    case_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("case_file.id", ondelete="CASCADE"), unique=True
    )
    begins: Mapped[bool] = mapped_column(default=False)
    consented_at: Mapped[datetime] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stands_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
