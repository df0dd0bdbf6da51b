"""a case may be relabelled."""

from __future__ import annotations

from alembic import op

revision = "4b1d7e0c92aa"
down_revision = "8dbc63fbe7b1"
branch_labels = None
depends_on = None

ACTIONS = (
    "file",
    "hand_over",
    "queue",
    "take",
    "ask",
    "answer",
    "settle",
    "end",
    "withdraw",
    "reopen",
    "send_back",
    "discard",
    "add",
    "view",
    "call_back",
    "rate",
)


def upgrade() -> None:
    _allow((*ACTIONS, "relabel"))


def downgrade() -> None:
    _allow(ACTIONS)


def _allow(actions: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{action}'" for action in actions)
    with op.batch_alter_table("event") as event:
        event.drop_constraint(op.f("ck_event_action"), type_="check")
        event.create_check_constraint(op.f("ck_event_action"), f"action IN ({listed})")
