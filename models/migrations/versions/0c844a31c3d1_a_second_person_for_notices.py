"""a second person for notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0c844a31c3d1"
down_revision = "95df97926063"
branch_labels = None
depends_on = None

STATES = ("draft", "dropped", "sending", "paused", "stopped", "done")
NEW = ("waiting", "refused")


def _among(values: tuple[str, ...]) -> None:
    """The states that a notice may have."""
    name = op.f("ck_notice_noticestate")
    among = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_constraint(name, type_="check")
        batch_op.create_check_constraint(name, f"state IN ({among})")


def upgrade() -> None:
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reviewer_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_notice_reviewer_id"), "account", ["reviewer_id"], ["id"]
        )
    _among((*STATES, *NEW))


def downgrade() -> None:
    # What was not sent yet is sent by nobody.
    op.execute("UPDATE notice SET state = 'dropped' WHERE state IN ('waiting', 'refused')")
    _among(STATES)
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_notice_reviewer_id"), type_="foreignkey")
        batch_op.drop_column("reviewer_id")
