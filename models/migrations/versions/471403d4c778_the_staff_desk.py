"""The staff desk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "471403d4c778"
down_revision = "71845d25ce08"
branch_labels = None
depends_on = None


STATUSES = (
    "draft", "filed", "waiting", "triage", "handling", "asking", "settled", "ended", "withdrawn",
    "discarded", "concluded", "agreed",
)  # fmt: skip
ACTIONS = (
    "file", "hand_over", "queue", "take", "ask", "answer", "settle", "end", "withdraw", "reopen",
    "send_back", "discard", "add", "view", "call_back", "rate", "relabel", "pass",
    "propose", "decline", "refer", "receive", "accept", "refuse", "terminate", "appraise", "appraised",
    "extend", "checked", "delegate", "record", "agree", "sign", "wish", "fulfil", "break", "advance", "claim",
)  # fmt: skip
NEW_STATUSES = ("merged",)
NEW_ACTIONS = ("talk", "note", "merge", "unmerge", "code", "link")


def _among(table: str, name: str, column: str, values: tuple[str, ...]) -> None:
    """The values that an enum column may have."""
    constraint = op.f(f"ck_{table}_{name}")
    listed = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.drop_constraint(constraint, type_="check")
        batch_op.create_check_constraint(constraint, f"{column} IN ({listed})")


def _lifecycle(statuses: tuple[str, ...], actions: tuple[str, ...]) -> None:
    """The statuses of a case, and the actions that an event may have."""
    _among("case_file", "casestatus", "status", statuses)
    _among("event", "casestatus", "status", statuses)
    _among("event", "was_status", "was", statuses)
    _among("event", "action", "action", actions)


def upgrade() -> None:
    op.create_table(
        "case_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_case_code_by_id")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_file.id"], name=op.f("fk_case_code_case_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["used_by_id"], ["account.id"], name=op.f("fk_case_code_used_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_case_code_code_hash")),
    )
    with op.batch_alter_table("case_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_code_case_id"), ["case_id"], unique=False)

    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("same_as_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("entered_by_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_case_file_same_as_id"), ["same_as_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_case_file_entered_by_id"), "account", ["entered_by_id"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_case_file_same_as_id"), "case_file", ["same_as_id"], ["id"]
        )
    _lifecycle((*STATUSES, *NEW_STATUSES), (*ACTIONS, *NEW_ACTIONS))


def downgrade() -> None:
    event = sa.table("event", sa.column("action", sa.String))
    op.execute(event.delete().where(event.c.action.in_(NEW_ACTIONS)))
    op.execute("UPDATE case_file SET status = 'ended' WHERE status = 'merged'")
    op.execute("UPDATE event SET status = 'ended' WHERE status = 'merged'")
    op.execute("UPDATE event SET was = 'ended' WHERE was = 'merged'")
    _lifecycle(STATUSES, ACTIONS)
    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_case_file_same_as_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_case_file_entered_by_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_case_file_same_as_id"))
        batch_op.drop_column("entered_by_id")
        batch_op.drop_column("same_as_id")

    with op.batch_alter_table("case_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_code_case_id"))

    op.drop_table("case_code")
