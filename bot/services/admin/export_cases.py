"""Cases for operators (案件清单): a list, one case's timeline, a table without anyone's words.

What identifies a person is masked unless the caller asks for it plainly (PIPL art. 6: no more than
the purpose needs).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload

from bot.facts.phones import mask_phone, mask_text
from bot.interview import flow
from bot.services.consumer import drafts, joint
from bot.services.consumer.file_case import blind_phone
from bot.services.privacy import audit
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Catalogue, Say, say
from models.case import Case, Event
from models.lifecycle import Action, CaseStatus
from models.network import Organisation
from models.party import Account
from models.privacy import Act

HIDDEN = "****"
PERSONAL = frozenset({"name", "phone", "address", "home"})
"""Answers that are about the person herself."""

EVENTS: Mapping[Action, str] = {
    Action.FILE: "cli.event.file",
    Action.HAND_OVER: "cli.event.hand_over",
    Action.QUEUE: "cli.event.queue",
    Action.TAKE: "cli.event.take",
    Action.ASK: "cli.event.ask",
    Action.ANSWER: "cli.event.answer",
    Action.SETTLE: "cli.event.settle",
    Action.END: "cli.event.end",
    Action.WITHDRAW: "cli.event.withdraw",
    Action.REOPEN: "cli.event.reopen",
    Action.SEND_BACK: "cli.event.send_back",
    Action.ADD: "cli.event.add",
    Action.VIEW: "cli.event.view",
    Action.CALL_BACK: "cli.event.call_back",
    Action.RATE: "cli.event.rate",
    Action.PASS: "cli.event.pass",
    Action.RECORD: "cli.event.record",
    Action.AGREE: "cli.event.agree",
    Action.SIGN: "cli.event.sign",
    Action.WISH: "cli.event.wish",
    Action.FULFIL: "cli.event.fulfil",
    Action.BREAK: "cli.event.break",
    Action.ADVANCE: "cli.event.advance",
    Action.CLAIM: "cli.event.claim",
}
"""How an operator reads what happened; anything newer shows its own name."""

Row = tuple[str | float | None, ...]


async def find(
    session: AsyncSession,
    status: CaseStatus | None = None,
    since: datetime | None = None,
    phone: str = "",
) -> list[dict[str, Any]]:
    """Filed cases, newest first, as JSON objects of codes, places, amounts (fen) and times.

    ``phone``: only those of this number, found by its fingerprint without opening anything.
    """
    names, together = await _desks(session), await joint.sizes(session)
    return [
        head_of(case, names, together.get(case.id))
        for case in await _filed(session, status, since, phone)
    ]


async def rows(
    session: AsyncSession,
    tables: Tables,
    by: str,
    status: CaseStatus | None = None,
    since: datetime | None = None,
) -> list[Row]:
    """One row a case under the headings of ``cli.case.headings``: amounts in yuan, names and
    phones masked, and no free text of anyone's. That ``by`` took it out is recorded."""
    found = await table(session, tables, status, since)
    await audit.record(session, tables.clock.now(), Act.EXPORT, by, cases=len(found))
    return found


async def table(
    session: AsyncSession,
    tables: Tables,
    status: CaseStatus | None = None,
    since: datetime | None = None,
) -> list[Row]:
    """The rows of :func:`rows`, for a caller that has recorded who takes them out."""
    names, together = await _desks(session), await joint.sizes(session)
    return [
        _row(case, names, tables.texts, together.get(case.id))
        for case in await _filed(session, status, since)
    ]


async def _filed(
    session: AsyncSession, status: CaseStatus | None, since: datetime | None, phone: str = ""
) -> Sequence[Case]:
    wanted = select(Case).where(Case.filed_at.is_not(None)).options(lazyload("*"))
    if status is not None:
        wanted = wanted.where(Case.status == status)
    if since is not None:
        wanted = wanted.where(Case.filed_at >= since)
    if phone:
        wanted = wanted.where(Case.phone_blind == blind_phone(phone))
    return (await session.scalars(wanted.order_by(Case.filed_at.desc(), Case.number.desc()))).all()


async def _desks(session: AsyncSession) -> dict[uuid.UUID | None, str]:
    found = await session.execute(select(Organisation.id, Organisation.name))
    return dict(found.all())


def head_of(
    case: Case, desks: Mapping[uuid.UUID | None, str], joined: joint.Size | None
) -> dict[str, Any]:
    """What stands in plain columns, as JSON; ``desks`` are names by id, ``joined`` is the size of the joint
    complaint that it is in."""
    return {
        "number": case.number,
        "status": case.status.value,
        "kind": case.kind.value,
        "object": case.object,
        "nature": case.nature,
        "channel": case.means,
        "fraud": case.fraud,
        "merchant": mask_text(case.merchant or ""),
        "street": case.street_code,
        "desk": desks.get(case.desk_id, ""),
        "amount_fen": case.amount_fen,
        "returned_fen": case.returned_fen,
        "joint": asdict(joined) if joined is not None else None,
        "result": case.result,
        "filed_at": _iso(case.filed_at),
        "touched_at": _iso(case.touched_at),
        "closed_at": _iso(case.closed_at),
    }


def _row(
    case: Case,
    desks: Mapping[uuid.UUID | None, str],
    texts: Catalogue,
    joined: joint.Size | None,
) -> Row:
    answers = case.answers or {}

    def word(beginning: str, code: str) -> str:
        key = f"{beginning}.{code}"
        return texts.raw(key) if key in texts else code

    return (
        case.number,
        word("kind", case.kind),
        word("status", case.status),
        word("object", case.object),
        word("nature", case.nature),
        word("channel", case.means),
        texts.raw("cli.case.yes") if case.fraud else "",
        mask_text(case.merchant or ""),
        case.street_code,
        desks.get(case.desk_id, ""),
        _yuan(case.amount_fen),
        _yuan(case.returned_fen),
        joined.people if joined is not None else None,
        joined.standing if joined is not None else None,
        word("result", case.result),
        _clock(case.filed_at),
        _clock(case.touched_at),
        _clock(case.closed_at),
        _initial(_said(answers, "name")),
        mask_phone(_said(answers, "phone")) if _said(answers, "phone") else "",
    )


@dataclass(frozen=True, slots=True)
class Veil:
    """Hides what identifies a person; with ``reveal`` it hides nothing."""

    names: frozenset[str]
    reveal: bool

    def text(self, text: str) -> str:
        """Running text: known names, phones, ID and card numbers."""
        if self.reveal:
            return text
        for name in sorted(self.names, key=len, reverse=True):
            text = text.replace(name, _initial(name))
        return mask_text(text)

    def answer(self, key: str, text: str) -> str:
        """The answer to a question; what is about the person herself is hidden whole."""
        if self.reveal or key not in PERSONAL:
            return self.text(text)
        if key == "name":
            return _initial(text)
        return mask_phone(text) if key == "phone" else HIDDEN


async def show(
    session: AsyncSession, tables: Tables, number: str, reveal: bool = False, by: str = ""
) -> dict[str, Any] | None:
    """The whole of one case as JSON, None when no case has the number.

    ``reveal`` unmasks it; that ``by`` saw it is recorded, and the consumer sees that.

    Beside the keys of :func:`find`: ``consumer`` (her address on the channel, None unless revealed),
    ``answers`` (key, label, value), ``route`` (reasons), ``evidence`` and ``events``.
    """
    case: Case | None = await session.scalar(select(Case).where(Case.number == number))
    if case is None:
        return None
    owner = await session.get_one(Account, case.account_id)
    if reveal:
        await audit.record(session, tables.clock.now(), Act.REVEAL, by, case)
    veil = Veil(_names(case, owner), reveal)
    head = head_of(case, await _desks(session), await joint.size(session, case))
    return {
        **head,
        "merchant": veil.text(case.merchant or ""),
        "consumer": owner.address if reveal else None,
        "answers": [
            {"key": key, "label": label, "value": veil.answer(key, value) if said else value}
            for key, label, value, said in said_in(case, tables)
        ],
        "route": [
            veil.text(tables.texts.plain(Say.from_json(reason)))
            for reason in (case.route or {}).get("because", ())
        ],
        "evidence": [
            {
                "number": kept.number,
                "kind": kept.kind,
                "mime": kept.mime,
                "bytes": kept.size,
                "kept": bool(kept.vault_key),
                "name": veil.text((kept.about or {}).get("name") or ""),
                "added_at": _iso(kept.added_at),
            }
            for kept in case.evidence
        ],
        "events": [_event(event, tables.texts, veil) for event in case.events],
    }


def events_of(case: Case, tables: Tables) -> list[dict[str, Any]]:
    """Everything that happened to a case, unmasked: for the person whose it is."""
    return [_event(event, tables.texts, Veil(frozenset(), True)) for event in case.events]


def said_in(case: Case, tables: Tables) -> Iterable[tuple[str, str, str, bool]]:
    """Of each answer: key, label, value as read, and whether anything was said there."""
    context = drafts.context(case, tables)
    said = {key: {**record, "by": "person"} for key, record in (case.answers or {}).items()}
    for key, _ in flow.review(said, context):
        shown = flow.show(key, said, context)
        value = tables.texts.plain(shown) if isinstance(shown, Say) else shown or ""
        yield key, tables.texts.plain(say(f"label.{key}")), value, bool(_said(said, key))


def _event(event: Event, texts: Catalogue, veil: Veil) -> dict[str, Any]:
    details = event.details or {}
    reason = details.get("reason")
    line = say(
        EVENTS.get(event.action, "cli.event.other"),
        desk=details.get("desk", ""),
        who=details.get("who", ""),
        text=details.get("text", ""),
        reason=Say.from_json(reason) if isinstance(reason, dict) else "",
        action=event.action.value,
        aspect=details.get("aspect", ""),
        score=details.get("score", ""),
        phone=details.get("phone", ""),
    )
    return {
        "seq": event.seq,
        "at": _iso(event.at),
        "action": event.action.value,
        "was": event.was.value,
        "status": event.status.value,
        "says": veil.text(texts.plain(line).strip()),
    }


def _names(case: Case, owner: Account) -> frozenset[str]:
    told = {str((event.details or {}).get("who") or "") for event in case.events}
    told |= {owner.name or "", _said(case.answers or {}, "name")}
    return frozenset(name for name in told if len(name) > 1)


def _said(answers: Mapping[str, Any], key: str) -> str:
    return str(answers.get(key, {}).get("v") or "")


def _initial(name: str) -> str:
    return f"{name[0]}**" if name else ""


def _yuan(fen: int | None) -> float | None:
    return None if fen is None else fen / 100


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds") if moment else None


def _clock(moment: datetime | None) -> str:
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if moment else ""
