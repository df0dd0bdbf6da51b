"""The network's books (账本): what each desk did with each case, its other work, its rating and its plan.

Figures are plain codes, days and sums, so that they can be added up; of a person nothing stands here. An
erased case stays counted: its figure loses the case and keeps no number and no hour.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigKey, Json, UtcDateTime, UuidKey, sealed, text_enum


class Outcome(StrEnum):
    """What became of a case at a desk: the last four are of a desk that has it no longer.

    ``recused``: it had to give it back for its ties (回避); ``moved``: nobody there came in time.
    """

    OPEN = "open"
    SOLVED = "solved"
    UNSOLVED = "unsolved"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    RETURNED = "returned"
    RECUSED = "recused"
    REFERRED = "referred"
    MOVED = "moved"


class CaseFigure(Base):
    """One desk's part in one filed case (经办账目), made from its events by ``books/write_up.py``.

    ``held`` marks the desk that has or closed it, so that each case counts once; the others gave it away.
    ``day`` is when it was filed, in Shanghai. Minutes are office time: from the hand-over until it was taken,
    and from then to its end without the time that the consumer was asked; ``prompt`` says that it was
    taken within the desk's promise. ``first`` is false for a further consultation of one person on one day.
    ``received`` to ``gave_up`` are 0 or 1, so that a report is a sum (bot/figures/tally.py says of what); money and
    marks are 0 where ``received`` is.
    """

    __tablename__ = "case_figure"
    __table_args__ = (
        # Every report is answered from this index alone, whatever it is broken down by.
        Index(
            "ix_case_figure_report",
            *("day", "desk_id", "object", "nature"),
            *("received", "complaints", "clues", "consults", "taken", "solved", "unsolved"),
            *("withdrawn", "open", "gave_up", "returned_fen", "rate_sum", "rate_count"),
            *("take_minutes", "handle_minutes"),
        ),
        Index("ix_case_figure_desk_id_day", "desk_id", "day"),
    )

    id: Mapped[BigKey]
    case_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("case_file.id"), index=True)
    desk_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    held: Mapped[bool]
    day: Mapped[date]
    part: Mapped[str] = mapped_column(String(20))
    object: Mapped[str] = mapped_column(String(40))
    nature: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[Outcome] = mapped_column(text_enum(Outcome))
    take_minutes: Mapped[int | None]
    handle_minutes: Mapped[int | None]
    prompt: Mapped[bool | None]
    first: Mapped[bool] = mapped_column(default=True)
    received: Mapped[int] = mapped_column(SmallInteger)
    complaints: Mapped[int] = mapped_column(SmallInteger)
    clues: Mapped[int] = mapped_column(SmallInteger)
    consults: Mapped[int] = mapped_column(SmallInteger)
    taken: Mapped[int] = mapped_column(SmallInteger)
    solved: Mapped[int] = mapped_column(SmallInteger)
    unsolved: Mapped[int] = mapped_column(SmallInteger)
    withdrawn: Mapped[int] = mapped_column(SmallInteger)
    open: Mapped[int] = mapped_column(SmallInteger)
    gave_up: Mapped[int] = mapped_column(SmallInteger)
    returned_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    rate_sum: Mapped[int] = mapped_column(default=0)
    rate_count: Mapped[int] = mapped_column(default=0)


class WorkKind(StrEnum):
    """What a desk notes by hand (工作台账); what the bot does itself is never typed again."""

    TRAINING = "training"
    LEAFLET = "leaflet"
    LECTURE = "lecture"
    CONSULT = "consult"
    CLUE = "clue"


class WorkEntry(UuidKey):
    """A line of the work ledger: so many people (培训, 讲座, 咨询), leaflets or clues on a day, perhaps with a photo.

    ``photo`` is the channel's own name of it. Who undid it stands in ``undone_by_id``; it counts no more.
    """

    __tablename__ = "work_entry"
    __table_args__ = (Index("ix_work_entry_desk_id_day", "desk_id", "day"),)

    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[WorkKind] = mapped_column(text_enum(WorkKind))
    count: Mapped[int]
    day: Mapped[date] = mapped_column(index=True)
    photo: Mapped[str] = mapped_column(String(300), default="")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))


class WorkPlan(UuidKey):
    """What a point means to reach in a month (PDCA): a share of solved cases, and the next thing it does, by when."""

    __tablename__ = "work_plan"
    __table_args__ = (UniqueConstraint("desk_id", "month"),)

    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    month: Mapped[date]
    target_percent: Mapped[int]
    action_sealed: Mapped[bytes | None]
    due_on: Mapped[date]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    action = sealed("action")


class SnapshotState(StrEnum):
    """A rating waits for a second person, then is adopted or refused."""

    WAITING = "waiting"
    ADOPTED = "adopted"
    REFUSED = "refused"


class RatingSnapshot(UuidKey):
    """A rating of all points (评定) over a period, frozen: by which version of the formula, and who decided."""

    __tablename__ = "rating_snapshot"

    first_day: Mapped[date]
    last_day: Mapped[date]
    formula: Mapped[str] = mapped_column(String(40))
    state: Mapped[SnapshotState] = mapped_column(text_enum(SnapshotState))
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    decided_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RatingRow(Base):
    """One point in a snapshot: its score from 0 to 100 with its parts, the tier it had and the tier it gets.

    ``score`` is None for a point with too few cases to be rated: it keeps its tier. Never changed afterwards.
    """

    __tablename__ = "rating_row"
    __table_args__ = (UniqueConstraint("snapshot_id", "desk_id"),)

    id: Mapped[BigKey]
    snapshot_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("rating_snapshot.id"))
    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    score: Mapped[float | None]
    parts: Mapped[Any] = mapped_column(Json)
    former: Mapped[str] = mapped_column(String(20))
    tier: Mapped[str] = mapped_column(String(20))


class AppealState(StrEnum):
    """What the bureau said to it."""

    OPEN = "open"
    KEPT = "kept"
    CHANGED = "changed"


class RatingAppeal(UuidKey):
    """A point's appeal (申诉) against its rating, once for each snapshot, and the bureau's word with its reason.

    ``tier`` is what it was changed to: the frozen row stays as it is.
    """

    __tablename__ = "rating_appeal"
    __table_args__ = (UniqueConstraint("snapshot_id", "desk_id"),)

    snapshot_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("rating_snapshot.id"))
    desk_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    state: Mapped[AppealState] = mapped_column(text_enum(AppealState))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tier: Mapped[str] = mapped_column(String(20), default="")
    text_sealed: Mapped[bytes | None]
    reason_sealed: Mapped[bytes | None]

    text = sealed("text")
    reason = sealed("reason")
