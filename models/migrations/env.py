"""How Alembic sees this project; run by ``bot.adapters.migrate``, which passes the connection."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON

import models
from models.base import Base, UtcDateTime

FOREIGN_TABLES = "procrastinate_"
"""Tables of the queue engine, which keeps its own schema."""

for module in pkgutil.iter_modules(models.__path__):
    if not module.ispkg:
        importlib.import_module(f"models.{module.name}")


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    return not (kind == "table" and name is not None and name.startswith(FOREIGN_TABLES))


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A migration must not change when our own types do."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_name=include_name,
    render_item=render_item,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
