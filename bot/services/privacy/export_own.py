"""导出我的数据: all that is kept of a person as JSON, with her files, sent to her own chat (PIPL art. 45).

An errand, since it reads files. The archive lies sealed in the vault for a day, so that it can be sent again.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Media, Vault
from bot.services.admin.export_cases import events_of, head_of, said_in
from bot.services.consumer import joint
from bot.services.privacy import audit, drop_file
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.queue.drain import Store
from bot.services.sending import Answer, button, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.base import uuid7
from models.case import Case, Evidence
from models.delivery import Outbox
from models.joint import JointPart
from models.outreach import Activity, SignUp
from models.party import Account
from models.privacy import Act, Audit, Consent

ERRAND = "own_data"
MOST_BYTES = 45 * 1024 * 1024
"""Of one archive: a bot may upload 50 MB (Bot API)."""


async def order(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer
) -> Say | None:
    """Owe the archive: one an hour, so that a second tap gets no second one."""
    now = tables.clock.now()
    once = f"{ERRAND}:{account.id}:{now:%Y%m%d%H}"
    if await session.scalar(select(exists().where(Outbox.dedupe_key == once))):
        await answer(say("export_own.already"), buttons=[[button("mydata.button.home", "d")]])
        return say("export_own.already_toast")
    payload = {"account": str(account.id), "key": str(uuid7())}
    await owe_errand(session, ERRAND, payload, now=now, key=once)
    await audit.record(session, now, Act.OWN_EXPORT, account, account)
    return say("export_own.coming")


def exporter(db: Store, tables: Tables, vault: Vault) -> Errand:
    """The errand ``own_data``; run twice it makes the same archives under the same keys."""

    async def work(payload: Mapping[str, Any]) -> Finish | None:
        async with db.read() as session:
            account = await session.get(Account, UUID(payload["account"]))
            if account is None:
                return None
            told, kept = await _gather(session, tables, account)
        parts = await _pack(told, kept, vault)
        keys = [uuid5(UUID(payload["key"]), str(number)) for number in range(len(parts))]
        for key, part in zip(keys, parts, strict=True):
            await vault.put(str(key), part)

        async def finish(session: AsyncSession) -> None:
            now = tables.clock.now()
            for key in keys:
                await drop_file.keep_a_day(session, tables, key)
            receiver = await session.get(Account, account.id)
            if receiver is None:
                return
            for number, key in enumerate(keys, 1):
                name = f"suda-{now.astimezone(SHANGHAI):%Y%m%d}-{number}.zip"
                last = number == len(keys)
                await tell(
                    session,
                    tables,
                    receiver.address,
                    say("export_own.here") if last else None,
                    media=[Media("document", "", str(key), name)],
                    buttons=[[button("mydata.button.home", "d")]] if last else (),
                    key=f"{ERRAND}:{key}",
                )

        return finish

    return work


async def _gather(
    session: AsyncSession, tables: Tables, account: Account
) -> tuple[dict[str, Any], list[tuple[str, Evidence]]]:
    """All that is kept, as JSON, and the files with the names that they get."""
    rows = await session.scalars(
        select(Case).where(Case.account_id == account.id).order_by(Case.created_at)
    )
    cases = rows.all()
    consents = await session.scalars(
        select(Consent).where(Consent.account_id == account.id).order_by(Consent.given_at)
    )
    kept = [(_name(case, one), one) for case in cases for one in case.evidence if one.vault_key]
    seen = await session.scalars(
        select(Audit)
        .where(Audit.about.in_([audit.who(account), *(audit.what(case) for case in cases)]))
        .order_by(Audit.seq)
    )
    found = await session.execute(
        select(SignUp, Activity)
        .join(Activity, Activity.id == SignUp.activity_id)
        .where(SignUp.account_id == account.id)
        .order_by(SignUp.at)
    )
    events = found.all()
    numbers = {audit.what(case): case.number or case.token for case in cases}
    return {
        "account": {
            "address": account.address,
            "name": account.name,
            "consent_version": account.consent_version,
            "consented_at": _iso(account.consented_at),
            "subscribed": account.subscribed,
            "notices_of_street": account.street_code,
            "notices_of_topics": [topic for topic in account.topics.split(",") if topic],
            "notices_by_own_cases": account.by_cases,
            "first_seen": _iso(account.created_at),
            "last_seen": _iso(account.seen_at),
        },
        "consents": [
            {"kind": one.kind.value, "version": one.version, "at": _iso(one.given_at)}
            for one in consents
        ],
        "events": [
            {
                "title": activity.title,
                "starts_at": _iso(activity.starts_at),
                "state": row.state.value,
                "came_at": _iso(row.came_at),
            }
            for row, activity in events
        ],
        "cases": [await _case(session, case, tables) for case in cases],
        "audit": [
            {"at": _iso(row.at), "act": row.act, "case": numbers.get(row.about, "")} for row in seen
        ],
    }, kept


async def _case(session: AsyncSession, case: Case, tables: Tables) -> dict[str, Any]:
    own = await session.scalar(select(JointPart).where(JointPart.case_id == case.id))
    return {
        **head_of(case, {}, await joint.size(session, case)),
        "joint_part": None
        if own is None
        else {
            "consented_at": _iso(own.consented_at),
            "left_at": _iso(own.left_at),
            "represents_since": _iso(own.stands_at),
        },
        "merchant": case.merchant,
        "created_at": _iso(case.created_at),
        "answers": [
            {"question": label, "answer": value} for _, label, value, _ in said_in(case, tables)
        ],
        "evidence": [
            {
                "number": one.number,
                "kind": one.kind,
                "bytes": one.size,
                "added_at": _iso(one.added_at),
                "file": _name(case, one) if one.vault_key else "",
                **(one.about or {}),
            }
            for one in case.evidence
        ],
        "events": events_of(case, tables),
    }


def _name(case: Case, one: Evidence) -> str:
    """A name that no system takes for a path: the case's number, the evidence's, and an ending."""
    given = str((one.about or {}).get("name") or "")
    ending = re.sub(r"[^A-Za-z0-9]", "", PurePath(given).suffix)[:8]
    return f"{case.number or case.token}-{one.number:02d}-{one.kind}{'.' * bool(ending)}{ending}"


async def _pack(
    told: Mapping[str, Any], kept: Iterable[tuple[str, Evidence]], vault: Vault
) -> list[bytes]:
    """Archives of at most MOST_BYTES each; the first holds the JSON."""
    parts: list[bytes] = []
    members = [("data.json", json.dumps(told, ensure_ascii=False, indent=1).encode())]
    size = len(members[0][1])
    for name, one in kept:
        try:
            content = await vault.get(one.vault_key)
        except KeyError:
            continue
        if size + len(content) > MOST_BYTES:
            parts.append(_zipped(members))
            members, size = [], 0
        members.append((name, content))
        size += len(content)
    return [*parts, _zipped(members)]


def _zipped(members: Iterable[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            # The time that a ZIP begins with: the same again gives the same bytes.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds") if moment else None
