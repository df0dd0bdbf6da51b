"""Take a case (接单): the first taker owns it; the person's story goes to her private talk alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview import flow
from bot.ports import Incoming
from bot.services import accounts
from bot.services.chain import authority, hand_over, refer
from bot.services.consumer import act_for, drafts, joint, keep_evidence
from bot.services.consumer.reading import reading
from bot.services.mediation import fast_refund, mediate
from bot.services.privacy import audit
from bot.services.sending import Answer, Rows, button, minute_words, tell
from bot.services.staff import merge, notes, pass_on, relay
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, Evidence
from models.lifecycle import OPEN, Action, CaseStatus, allowed
from models.party import Account
from models.privacy import Act

MORE = "sw"
NEXT = {
    "dispute": "told.taken_dispute",
    "advice": "told.taken_advice",
    "clue": "told.taken_clue",
    "consult": "told.taken_consult",
}
"""What the consumer may expect of the taker, by the desk's part in the case."""


async def take(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    case: Case,
    account: Account,
) -> Say:
    """Own a waiting case: in the group of the desk that holds it or from the list in private, by its staff;
    in the demonstration by anybody in the group. A second taker is told who has it."""
    desk = await hand_over.desk_of(session, case)
    if desk is None or (not heard.private and await accounts.chat_of(session, desk) != heard.chat):
        return say("toast.not_yours")
    if (heard.private or not tables.demo) and not await accounts.may_act(
        session, tables, account, desk
    ):
        return say("toast.not_staff")
    if account.id.hex in pass_on.withdrew(case):
        return say("toast.withdrew")
    if case.status is not CaseStatus.WAITING:
        if case.taker_id == account.id:
            return say("toast.you_have_it")
        return await who_has(session, case)
    minutes = fast_refund.promised(tables, case, desk.code)
    case.apply(
        Action.TAKE,
        at=tables.clock.now(),
        by=account.id,
        details={
            "who": account.name or "",
            "desk": desk.name,
            **({"fast": minutes} if minutes else {}),
        },
    )
    case.taker_id = account.id
    account.awaiting = None
    expect = await authority.receive(session, tables, case, desk, account)
    await hand_over.send_card(session, tables, case, desk, anew=False)
    await show_details(session, tables, case, account, key=f"{heard.key}:details")
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.taken", number=case.number or "", desk=desk.name, who=account.name or ""),
        expect or say(NEXT[case.part]),
        case=case,
        buttons=[[button("button.progress", "tp", case), button("button.add", "ta", case)]],
    )
    await fast_refund.begin(session, tables, case)
    return say("toast.taken")


async def open_private(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    """The taker opens her case from a link or a button; her colleagues are told where it stands, anyone
    else nothing of it."""
    if not await accounts.holds(session, tables, account, case):
        desk = await hand_over.desk_of(session, case)
        colleague = desk is not None and (
            # In the demonstration whoever is there works there.
            tables.demo or await accounts.serves(session, tables, account, desk)
        )
        known = colleague and case.taker_id not in {None, account.id}
        await answer(await who_has(session, case) if known else say("toast.not_yours"))
    elif Action.VIEW not in allowed(case.status):
        # Withdrawn: what she took back is no longer read, since no view of it would be on record.
        await answer(say("toast.not_now", status=say(f"status.{case.status}")))
    else:
        await show_details(session, tables, case, account)


async def who_has(session: AsyncSession, case: Case) -> Say:
    """Who took it, or how it stands."""
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if taker is not None:
        return say("toast.taken_by", who=taker.name or "")
    return say("toast.not_now", status=say(f"status.{case.status}"))


async def show_details(
    session: AsyncSession, tables: Tables, case: Case, account: Account, key: str | None = None
) -> None:
    """Story, contact and evidence to the taker, with what was merged into it; each view is logged and the
    consumer sees it."""
    parts = await merge.merged_into(session, case)
    for each in (case, *parts):
        each.apply(
            Action.VIEW, at=tables.clock.now(), by=account.id, details={"who": account.name or ""}
        )
        await audit.record(session, tables.clock.now(), Act.VIEW, account, each)
    alike = await merge.similar(session, tables, case)
    added = [
        (event.details or {}).get("text")
        for event in case.events
        if event.action in {Action.ADD, Action.ANSWER}
        and (event.details or {}).get("text")
        and not event.details.get("agent")
    ]
    await tell(
        session,
        tables,
        account.address,
        say("details.head", number=case.number or "", status=say(f"status.{case.status}")),
        say("details.lines", lines=_told(case, tables)),
        act_for.line(case),
        await joint.for_staff(session, case),
        *reading(case),
        say("details.added", lines=[say("details.added_line", text=text) for text in added])
        if added
        else None,
        say("details.evidence", lines=[_evidence_line(e) for e in case.evidence])
        if case.evidence
        else say("details.no_evidence"),
        *await mediate.shown(session, case, inside=True),
        say("details.talk", lines=said) if (said := relay.shown(case, relay.LATELY)) else None,
        say("details.notes", lines=noted) if (noted := notes.shown(case)) else None,
        *(_part(part, tables) for part in parts),
        say("merge.hint", lines=merge.lines(tables, alike)) if alike else None,
        say("details.private"),
        case=case,
        media=keep_evidence.media([one for each in (case, *parts) for one in each.evidence]),
        buttons=[
            *([[button("button.merge", merge.VERB, case)]] if alike else []),
            *actions(case),
        ],
        key=key,
    )


def _told(case: Case, tables: Tables) -> list[Say]:
    """All that she answered."""
    # What was only read in her words was hers to check; to the taker it is simply what she said.
    answers = {key: {**said, "by": "person"} for key, said in (case.answers or {}).items()}
    return [line for _, line in flow.review(answers, drafts.context(case, tables))]


def _part(case: Case, tables: Tables) -> Say:
    """A case that was merged into another, within that one's details."""
    return say("merge.part", number=case.number or "", lines=_told(case, tables))


def actions(case: Case) -> Rows:
    """What the taker can do next."""
    if case.status not in OPEN:
        return []
    back = button("button.return", "sr", case)
    if case.status is CaseStatus.AGREED:
        return [*mediate.rows(case), [back]]
    if authority.can(case):
        down = button("refer.button.down", refer.DOWN, case)
        return [
            [button("button.ask", "sa", case)],
            *([[button("button.settle", "ss", case)]] if authority.accepted(case) else []),
            *authority.buttons(case),
            [
                *([down] if refer.may_go_down(case) else []),
                *([] if authority.accepted(case) else [back]),
            ],
        ]
    if refer.delegated(case) is not None:
        return [
            [button("button.ask", "sa", case)],
            [button("button.settle", "ss", case), button("refer.button.back", "sr", case)],
        ]
    return [
        [button("button.ask", "sa", case), button("button.talk", relay.STAFF_VERB, case)],
        [button("mediate.button.menu", mediate.MENU, case)],
        [button("button.settle", "ss", case), button("button.end", "se", case)],
        [button("relabel.button.open", "sl", case), back],
        *([[button("refer.button.up", refer.UP, case)]] if refer.may_go_up(case) else []),
        [button("button.more", MORE, case)],
    ]


def more(case: Case) -> Rows:
    """What the taker needs less often."""
    return [
        [button("button.templates", "sf", case), button("button.note", notes.VERB, case)],
        [button("button.pass_on", pass_on.VERB, case), button("button.recuse", "sq", case)],
        [button("button.merge", merge.VERB, case)],
        [button("button.code", "sk", case)],
        [button("button.history", relay.STAFF_VERB, case, "all")],
        [button("button.details", "sv", case)],
    ]


def _evidence_line(kept: Evidence) -> Say:
    about, extra = kept.about or {}, kept.extra or {}
    line = say(
        "details.evidence_forwarded" if about.get("from") else "details.evidence_line",
        number=kept.number,
        kind=say(f"file_kind.{kept.kind}"),
        who=about.get("from") or "",
        sent=minute_words(datetime.fromisoformat(sent)) if (sent := about.get("sent")) else "",
        caption=about.get("caption") or "",
    )
    if extra.get("unfit"):
        return say("details.evidence_unfit", line=line, why=say(f"unfit.{extra['unfit']}"))
    waits = (
        keep_evidence.held_back(kept) and not kept.vault_key and kept.kind != keep_evidence.WORDS
    )
    return say("details.evidence_waiting", line=line) if waits else line
