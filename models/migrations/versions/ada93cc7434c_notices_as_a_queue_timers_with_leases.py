"""notices as a queue, timers with leases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "ada93cc7434c"
down_revision = "c5d0c97eb519"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)
COUNTS = ("total", "sent", "blocked", "failed", "unknown", "left")


def upgrade() -> None:
    # Until now each copy was a row of the outbox. Those still due there go out from there; a notice
    # that was sent keeps no more than how many it was for.
    op.execute(
        "CREATE TABLE notice_before AS SELECT id, author_id, body, state, created_at, sent_at,"
        " (SELECT count(*) FROM delivery WHERE notice_id = notice.id) AS total FROM notice"
    )
    op.drop_table("delivery")
    op.drop_table("notice")
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("message", JSON),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "dropped",
                "sending",
                "paused",
                "stopped",
                "done",
                name="noticestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("reached", sa.Uuid()),
        sa.Column("spread_at", TIME),
        sa.Column("ended_at", TIME),
        *(sa.Column(count, sa.Integer(), nullable=False) for count in COUNTS),
        sa.Column("seen", JSON),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], name=op.f("fk_notice_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.execute(
        "INSERT INTO notice (id, author_id, body, state, created_at, sent_at, spread_at, ended_at,"
        ' total, sent, blocked, failed, unknown, "left")'
        " SELECT id, author_id, body, CASE state WHEN 'sending' THEN 'done' ELSE state END,"
        " created_at, sent_at, sent_at, sent_at, total, total, 0, 0, 0, 0 FROM notice_before"
    )
    op.drop_table("notice_before")
    op.create_table(
        "delivery",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "due",
                "leased",
                "sent",
                "dead",
                "unknown",
                name="outboxstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_at", TIME, nullable=False),
        sa.Column("lease_token", sa.Uuid()),
        sa.Column("lease_until", TIME),
        sa.Column("last_error", sa.String(500), nullable=False),
        sa.Column("message_ids", JSON),
        sa.Column("done_at", TIME),
        sa.PrimaryKeyConstraint("notice_id", "account_id", name=op.f("pk_delivery")),
        sqlite_with_rowid=False,
    )
    _partial("ix_delivery_due", "delivery", ["notice_id", "run_at"], "state = 'due'")
    _partial("ix_delivery_leased", "delivery", ["lease_until"], "state = 'leased'")
    # Nothing has set a timer so far.
    op.drop_table("timer")
    op.create_table(
        "timer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("about_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "fired",
                "cancelled",
                "dead",
                name="timerstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.Uuid()),
        sa.Column("lease_until", TIME),
        sa.Column("fired_at", TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timer")),
        sa.UniqueConstraint(
            "about_id", "kind", "generation", name=op.f("uq_timer_about_id_kind_generation")
        ),
    )
    _partial("ix_timer_due", "timer", ["due_at"], "state = 'waiting'")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
