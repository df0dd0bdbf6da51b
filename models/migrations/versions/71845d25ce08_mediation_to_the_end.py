"""Mediation to the end; settings of an account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "71845d25ce08"
down_revision = "82cad2eb3d69"
branch_labels = None
depends_on = None


ACTIONS = (
    *("file", "hand_over", "queue", "take", "ask", "answer", "settle", "end", "withdraw", "reopen"),
    *("send_back", "discard", "add", "view", "call_back", "rate", "relabel", "pass"),
    *("propose", "decline", "refer", "receive", "accept", "refuse", "terminate", "appraise"),
    *("appraised", "extend", "checked", "delegate"),
)
NEW = ("record", "agree", "sign", "wish", "fulfil", "break", "advance", "claim")
STATUSES = (
    *("draft", "filed", "waiting", "triage", "handling", "asking", "settled", "ended"),
    *("withdrawn", "discarded", "concluded"),
)
AGREED = "agreed"


def _among(table: str, column: str, constraint: str, values: tuple[str, ...]) -> None:
    """The values that a column may have."""
    name = op.f(f"ck_{table}_{constraint}")
    among = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.drop_constraint(name, type_="check")
        batch_op.create_check_constraint(name, f"{column} IN ({among})")


def _allow(actions: tuple[str, ...], statuses: tuple[str, ...]) -> None:
    _among("event", "action", "action", actions)
    _among("event", "was", "was_status", statuses)
    _among("event", "status", "casestatus", statuses)
    _among("case_file", "status", "casestatus", statuses)


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column, sa.String()) for column in columns))


def upgrade() -> None:
    op.create_table(
        "advance_payment",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("desk_id", sa.Uuid(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "approved",
                "refused",
                "paid",
                "dropped",
                name="advancestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("second", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "recourse",
            sa.Enum(
                "not_yet",
                "asking",
                "partly",
                "back",
                "given_up",
                name="recourse",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("recovered_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_advance_payment_by_id")),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["case_file.id"],
            name=op.f("fk_advance_payment_case_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["account.id"], name=op.f("fk_advance_payment_decided_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["desk_id"], ["organisation.id"], name=op.f("fk_advance_payment_desk_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advance_payment")),
    )
    with op.batch_alter_table("advance_payment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_advance_payment_case_id"), ["case_id"], unique=False)
        batch_op.create_index(
            "ix_advance_payment_desk_id_asked_at", ["desk_id", "asked_at"], unique=False
        )

    op.create_table(
        "mediation",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("record_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_mediation_by_id")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_file.id"], name=op.f("fk_mediation_case_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mediation")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_mediation_case_id_number")),
    )
    op.create_table(
        "settlement",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "kept",
                "broken",
                "dropped",
                name="settlementstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("under", sa.String(length=20), nullable=False),
        sa.Column("side", sa.String(length=20), nullable=False),
        sa.Column("wish", sa.String(length=20), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terms_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_settlement_by_id")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case_file.id"], name=op.f("fk_settlement_case_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_settlement_case_id_number")),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("short_lines", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("reminders", sa.Boolean(), server_default=sa.true(), nullable=False)
        )

    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.add_column(sa.Column("papers_sealed", sa.LargeBinary(), nullable=True))

    _allow((*ACTIONS, *NEW), (*STATUSES, AGREED))


def downgrade() -> None:
    case, event = _table("case_file", "status"), _table("event", "action", "was", "status")
    op.execute(sa.update(case).where(case.c.status == AGREED).values(status="handling"))
    gone = event.c.action.in_(NEW) | (event.c.was == AGREED) | (event.c.status == AGREED)
    op.execute(sa.delete(event).where(gone))
    _allow(ACTIONS, STATUSES)
    with op.batch_alter_table("case_file", schema=None) as batch_op:
        batch_op.drop_column("papers_sealed")

    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_column("reminders")
        batch_op.drop_column("short_lines")

    op.drop_table("settlement")
    op.drop_table("mediation")
    with op.batch_alter_table("advance_payment", schema=None) as batch_op:
        batch_op.drop_index("ix_advance_payment_desk_id_asked_at")
        batch_op.drop_index(batch_op.f("ix_advance_payment_case_id"))

    op.drop_table("advance_payment")
