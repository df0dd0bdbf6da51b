"""notices and events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "b7645f381437"
down_revision = "f31c88d9612b"
branch_labels = None
depends_on = None

STATES = (
    "draft",
    "waiting",
    "refused",
    "dropped",
    "sending",
    "paused",
    "stopped",
    "done",
)
NEW = ("scheduled", "resting", "recalling", "recalled")


def _among(values: tuple[str, ...]) -> None:
    """The states that a notice may have."""
    name = op.f("ck_notice_noticestate")
    among = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_constraint(name, type_="check")
        batch_op.create_check_constraint(name, f"state IN ({among})")


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("desk_id", sa.Uuid(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "cancelled",
                "held",
                name="activitystate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.String(length=10), nullable=False),
        sa.Column("came", sa.Integer(), nullable=False),
        sa.Column("walk_ins", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_activity_by_id")),
        sa.ForeignKeyConstraint(["desk_id"], ["organisation.id"], name=op.f("fk_activity_desk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
        sa.UniqueConstraint("code", name=op.f("uq_activity_code")),
    )
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_activity_desk_id"), ["desk_id"], unique=False)

    op.create_table(
        "sign_up",
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "going",
                "waiting",
                "left",
                name="signupstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_sign_up_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["activity_id"],
            ["activity.id"],
            name=op.f("fk_sign_up_activity_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_up")),
        sa.UniqueConstraint(
            "activity_id", "account_id", name=op.f("uq_sign_up_activity_id_account_id")
        ),
    )
    with op.batch_alter_table("sign_up", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_up_account_id"), ["account_id"], unique=False)

    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("street_code", sa.String(length=20), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("topics", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("by_cases", sa.Boolean(), server_default=sa.false(), nullable=False)
        )

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "marks", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
            )
        )
        batch_op.add_column(
            sa.Column(
                "media", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
            )
        )
        batch_op.add_column(
            sa.Column(
                "links", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
            )
        )
        batch_op.add_column(
            sa.Column(
                "audience", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
            )
        )
        batch_op.add_column(
            sa.Column("for_staff", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("rests_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("repeat", sa.String(length=10), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("again_of", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("activity_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("quits", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(
            sa.Column(
                "recall", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
            )
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_notice_again_of"), "notice", ["again_of"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_notice_activity_id"), "activity", ["activity_id"], ["id"]
        )

    _among((*STATES, *NEW))


def downgrade() -> None:
    # What waits for its hour or rests is sent by nobody; what was taken back was sent.
    op.execute("UPDATE notice SET state = 'dropped' WHERE state = 'scheduled'")
    op.execute("UPDATE notice SET state = 'paused' WHERE state = 'resting'")
    op.execute("UPDATE notice SET state = 'stopped' WHERE state IN ('recalling', 'recalled')")
    _among(STATES)
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_notice_activity_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_notice_again_of"), type_="foreignkey")
        batch_op.drop_column("recall")
        batch_op.drop_column("quits")
        batch_op.drop_column("activity_id")
        batch_op.drop_column("again_of")
        batch_op.drop_column("repeat")
        batch_op.drop_column("urgent")
        batch_op.drop_column("rests_at")
        batch_op.drop_column("due_at")
        batch_op.drop_column("for_staff")
        batch_op.drop_column("audience")
        batch_op.drop_column("links")
        batch_op.drop_column("media")
        batch_op.drop_column("marks")

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_column("read_at")

    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_column("by_cases")
        batch_op.drop_column("topics")
        batch_op.drop_column("street_code")

    with op.batch_alter_table("sign_up", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_up_account_id"))

    op.drop_table("sign_up")
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_desk_id"))

    op.drop_table("activity")
