"""Who looked a table of our own through last, and when (核对): the limits, and the texts that staff send often.

A version carries it along until somebody looks again; before anybody did, the date of the packaged file holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.services.accounts import today
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.party import Account
from models.revision import Revision


@dataclass(frozen=True, slots=True)
class Look:
    """``by`` is None as long as only the packaged file was looked through."""

    on: date
    by: str | None = None

    def told(self) -> Say:
        """One line for the head of the table."""
        if self.by is None:
            return say("looked.packaged", on=self.on.isoformat())
        return say("looked.by", who=self.by, on=self.on.isoformat())


def last(row: Revision | None, packaged: date) -> Look:
    """By the version in force (None: the packaged file, looked through on ``packaged``)."""
    found = row.body.get("checked") if row is not None else None
    return Look(date.fromisoformat(found["on"]), found["by"]) if found else Look(packaged)


def now(body: dict[str, Any], tables: Tables, account: Account) -> dict[str, Any]:
    """The same table, looked through today."""
    return {**body, "checked": {"by": account.name or "", "on": today(tables).isoformat()}}
