"""Promises and limits (承诺与限额): seen with their source and date, changed within bounds, taken back.

A change is shown before it is kept, holds in every process within seconds, and is a version of its own.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.limits import Limit, changed, limits, value
from bot.ports import Button, Press
from bot.services.admin import looked_through, revisions
from bot.services.admin.live_policy import KIND
from bot.services.network.bind_desk import stop
from bot.services.privacy import audit
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.delivery import WAKES
from models.party import Account
from models.privacy import Act
from models.revision import Revision

VERB = "mk"
GROUPS = ("promise", "reminder", "limit")


async def home(session: AsyncSession, tables: Tables, answer: Answer) -> None:
    """The groups, where the values come from, and when somebody last looked them through."""
    row = await revisions.active(session, KIND)
    body = row.body if row is not None else {}
    packaged = tables.limits.packaged
    await answer(
        say("limits.home", source=packaged.source, changed=len(body.get("values", {}))),
        looked_through.last(row, packaged.checked_on).told(),
        buttons=[
            *[
                [button(f"limits.group.{group}", VERB, question="group", value=group)]
                for group in GROUPS
            ],
            [button("looked.button", VERB, question="checked")],
            *([[button("limits.button.undo", VERB, question="undo")]] if row else []),
            [button("admin.button.menu", "m", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """``group``: its values; ``see`` one, ``edit`` it, ``keep`` what was typed; ``undo`` the last change, ``back``
    after it was shown; ``checked``: somebody looked them through. The version is that which was shown."""
    waiting = account.awaiting or {}
    account.awaiting = None
    row = await revisions.active(session, KIND)
    version, body = (row.version, row.body) if row is not None else (0, {})
    limit = limits().get(press.value)
    match press.question:
        case "group" if press.value in GROUPS:
            await _group(tables, body, press.value, answer)
            return None
        case "see" if limit is not None:
            await _see(tables, body, limit, answer)
            return None
        case "edit" if limit is not None:
            account.awaiting = {"verb": VERB, "name": limit.name}
            await answer(
                say("limits.ask", name=_name(limit), least=limit.least, most=limit.most),
                buttons=[[stop()]],
            )
            return None
        case "keep" if limit is not None and waiting.get("name") == limit.name:
            if press.version != version or "value" not in waiting:
                await home(session, tables, answer)
                return say("toast.stale")
            new = int(waiting["value"])
            values = {**body.get("values", {}), limit.name: new}
            old = _now(tables, body, limit)
            body = {**body, "values": values}
            await _keep(session, tables, account, body, name=limit.name, old=old, new=new)
            await answer(
                say("limits.kept", name=_name(limit), value=_amount(limit, new)),
                buttons=[
                    [button("limits.button.undo", VERB, question="undo")],
                    [button("limits.button.home", VERB)],
                ],
            )
            return say("limits.toast.kept")
        case "undo" if row is not None:
            await _sure(session, tables, row, answer)
            return None
        case "back" if row is not None:
            if press.version != version:
                await home(session, tables, answer)
                return say("toast.stale")
            former = await revisions.before(session, row)
            await _keep(session, tables, account, former.body if former else {}, undone=version)
            await home(session, tables, answer)
            return say("limits.toast.undone")
        case "checked":
            body = looked_through.now(body, tables, account)
            await _keep(session, tables, account, body, checked=body["checked"]["on"])
            await home(session, tables, answer)
            return say("looked.toast")
    await home(session, tables, answer)
    return None


async def typed(
    session: AsyncSession, tables: Tables, text: str, account: Account, answer: Answer
) -> None:
    """The new value; shown beside the old one before it is kept."""
    limit = limits().get(str((account.awaiting or {}).get("name")))
    if limit is None:
        account.awaiting = None
        await home(session, tables, answer)
        return
    row = await revisions.active(session, KIND)
    version, body = (row.version, row.body) if row is not None else (0, {})
    digits = text.strip()
    new = int(digits) if digits.isdecimal() and len(digits) < 6 else -1
    if not limit.fits(new):
        await answer(
            say("limits.wrong", name=_name(limit), least=limit.least, most=limit.most),
            buttons=[[stop()]],
        )
        return
    old = _now(tables, body, limit)
    if new == old:
        await answer(say("limits.same", value=_amount(limit, new)), buttons=[[stop()]])
        return
    account.awaiting = {"verb": VERB, "name": limit.name, "value": new}
    await answer(
        say(
            "limits.preview",
            name=_name(limit),
            old=_amount(limit, old),
            new=_amount(limit, new),
            what=say(f"limits.effect.{limit.group}"),
        ),
        buttons=[
            [button("limits.button.keep", VERB, None, "keep", limit.name, version)],
            [stop()],
        ],
    )


async def _group(tables: Tables, body: dict[str, Any], group: str, answer: Answer) -> None:
    shown = [limit for limit in limits().values() if limit.group == group]
    await answer(
        say(f"limits.group.{group}"),
        say("limits.lines", lines=[_line(tables, body, limit) for limit in shown]),
        buttons=[
            *[[button(_name(limit), VERB, question="see", value=limit.name)] for limit in shown],
            [button("limits.button.home", VERB)],
        ],
    )


async def _see(tables: Tables, body: dict[str, Any], limit: Limit, answer: Answer) -> None:
    before = value(tables.limits.packaged, limit.name)
    now = _now(tables, body, limit)
    await answer(
        say("limits.one", name=_name(limit), value=_amount(limit, now)),
        say("limits.packaged", value=_amount(limit, before)) if now != before else None,
        say("limits.bounds", least=limit.least, most=_amount(limit, limit.most)),
        buttons=[
            [button("limits.button.edit", VERB, question="edit", value=limit.name)],
            [_to_group(limit.group)],
        ],
    )


async def _sure(session: AsyncSession, tables: Tables, row: Revision, answer: Answer) -> None:
    """What taking the last change back would alter."""
    former = await revisions.before(session, row)
    body = former.body if former is not None else {}
    lines = [
        say(
            "limits.would",
            name=_name(limit),
            old=_amount(limit, _now(tables, row.body, limit)),
            new=_amount(limit, _now(tables, body, limit)),
        )
        for limit in limits().values()
        if _now(tables, row.body, limit) != _now(tables, body, limit)
    ]
    await answer(
        say("limits.sure"),
        say("limits.lines", lines=lines) if lines else say("limits.only_checked"),
        buttons=[
            [button("limits.button.back", VERB, None, "back", "", row.version)],
            [button("limits.button.home", VERB)],
        ],
    )


async def _keep(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    body: dict[str, Any],
    **details: str | int,
) -> None:
    now = tables.clock.now()
    reason = " ".join(f"{key}={what}" for key, what in details.items())
    row = await revisions.keep(session, now, KIND, body, account, reason)
    session.info.setdefault(WAKES, set()).add(KIND)
    await audit.record(session, now, Act.LIMIT, account, "", version=row.version, **details)


def _now(tables: Tables, body: dict[str, Any], limit: Limit) -> int:
    """The value by a version; this process may not have taken it up yet."""
    return value(changed(tables.limits.packaged, body.get("values", {})), limit.name)


def _line(tables: Tables, body: dict[str, Any], limit: Limit) -> Say:
    return say("limits.line", name=_name(limit), value=_amount(limit, _now(tables, body, limit)))


def _name(limit: Limit) -> Say:
    return say(f"limits.name.{limit.name}")


def _amount(limit: Limit, number: int) -> Say:
    return say(f"limits.unit.{limit.unit}", n=number)


def _to_group(group: str) -> Button:
    return button(f"limits.group.{group}", VERB, question="group", value=group)
