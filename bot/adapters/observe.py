"""The durable rows as a visitor of the sandbox may see them: states and codes, no one's words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import NullPool, create_engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.adapters.database import driver_url
from bot.texts.catalogue import Catalogue, say
from models.case import Case
from models.delivery import Inbox, Outbox
from models.network import Organisation

NEWEST = 40


def observer(url: str, texts: Catalogue) -> Callable[[], dict[str, Any]]:
    """A function that reads the newest rows; an empty answer while there is no database yet."""
    parsed = driver_url(url)
    if parsed.get_backend_name() == "sqlite":
        parsed = parsed.set(drivername="sqlite")
    engine = create_engine(parsed, poolclass=NullPool, hide_parameters=True)

    def observe() -> dict[str, Any]:
        try:
            with Session(engine) as session:
                return _read(session, texts)
        except DBAPIError:
            return {"inbox": [], "cases": [], "outbox": [], "desks": {}}

    return observe


def _read(session: Session, texts: Catalogue) -> dict[str, Any]:
    inbox = session.execute(
        select(Inbox.key, Inbox.chat_key, Inbox.state, Inbox.attempts, Inbox.received_at)
        .order_by(Inbox.received_at.desc())
        .limit(NEWEST)
    ).all()
    outbox = session.execute(
        select(
            Outbox.target,
            Outbox.kind,
            Outbox.slot,
            Outbox.state,
            Outbox.attempts,
            Outbox.created_at,
        )
        .order_by(Outbox.id.desc())
        .limit(NEWEST)
    ).all()
    cases = session.execute(
        select(
            Case.number,
            Case.token,
            Case.status,
            Case.object,
            Case.asking,
            Case.touched_at,
            Organisation.name,
        )
        .outerjoin(Organisation, Organisation.id == Case.desk_id)
        .order_by(Case.touched_at.desc())
        .limit(NEWEST)
    ).all()
    desks = session.execute(
        select(Organisation.chat, Organisation.name).where(Organisation.chat.is_not(None))
    ).all()
    return {
        "inbox": [
            {"what": chat, "state": state, "at": _iso(at), "attempts": attempts}
            for _, chat, state, attempts, at in reversed(inbox)
        ],
        "cases": [
            {
                "what": number or token,
                "state": texts.plain(say(f"status.{status}")),
                "at": _iso(at),
                "note": " · ".join(
                    filter(
                        None,
                        (
                            texts.plain(say(f"object.{object_}")) if object_ else "",
                            _asked(texts, asking) if number is None else "",
                            desk,
                        ),
                    )
                ),
            }
            for number, token, status, object_, asking, at, desk in reversed(cases)
        ],
        "outbox": [
            {
                "what": target,
                "state": state,
                "at": _iso(at),
                "note": slot or kind,
                "attempts": attempts,
            }
            for target, kind, slot, state, attempts, at in reversed(outbox)
        ],
        "desks": {chat.removeprefix("tg:"): name for chat, name in desks if chat},
    }


def _asked(texts: Catalogue, question: str) -> str:
    """What is being asked, in the words of the review; "" where nothing is."""
    key = f"label.{question}"
    return texts.raw(key) if key in texts else ""


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
