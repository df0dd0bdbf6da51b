"""The consumer's side after filing: progress, add, answer, withdraw, not solved, rate."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import show_money
from bot.facts.phones import parse_phone
from bot.interview import asides
from bot.ports import Button, Incoming, Press
from bot.services import accounts
from bot.services.chain import hand_over, refer, remind
from bot.services.consumer import (
    act_for,
    change_claim,
    choose_point,
    drafts,
    joint,
    keep_evidence,
    prepare_text,
)
from bot.services.consumer.call_back import due, note
from bot.services.mediation import agree, case_papers, fast_refund, mediate, print_papers
from bot.services.sending import Answer, Rows, button, day_words, moment_words, tell
from bot.services.staff import merge, relay, split_clue
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind, Event
from models.lifecycle import CLOSED, OPEN, Action, CaseStatus, allowed
from models.network import Organisation
from models.party import Account

VERBS = frozenset(
    {
        *("tp", "ta", "tw", "twy", "twn", "to", "tr", "tl", relay.CONSUMER_VERB),
        *(choose_point.VERB, prepare_text.VERB, merge.CONSUMER_VERB),
        *(agree.WISH, agree.CAME, change_claim.VERB, act_for.VERB, print_papers.VERB),
        *(refer.CONSENT, split_clue.VERB, joint.VERB),
    }
)
SHOWN = frozenset(
    {
        Action.FILE,
        Action.HAND_OVER,
        Action.QUEUE,
        Action.TAKE,
        Action.ASK,
        Action.ANSWER,
        Action.SETTLE,
        Action.END,
        Action.WITHDRAW,
        Action.REOPEN,
        Action.SEND_BACK,
        Action.ADD,
        Action.VIEW,
        Action.RELABEL,
        Action.PASS,
        Action.PROPOSE,
        Action.DECLINE,
        Action.REFER,
        Action.RECEIVE,
        Action.ACCEPT,
        Action.REFUSE,
        Action.TERMINATE,
        Action.APPRAISE,
        Action.APPRAISED,
        Action.EXTEND,
        Action.CHECKED,
        Action.DELEGATE,
        Action.RECORD,
        Action.AGREE,
        Action.SIGN,
        Action.WISH,
        Action.FULFIL,
        Action.BREAK,
        Action.ADVANCE,
        Action.CLAIM,
        Action.TALK,
        Action.MERGE,
        Action.UNMERGE,
        Action.CODE,
        Action.LINK,
    }
)
CLOSES = frozenset({Action.SETTLE, Action.FULFIL, Action.END})
ASPECTS = ("solved", "manner", "speed")
SCORES = ("3", "2", "1")
DROPPED = {
    "call_back": "human.dropped",
    "add": "add.dropped",
    relay.TALKING: "relay.left",
    change_claim.VERB: "claim.dropped",
    act_for.VERB: "agent.dropped",
}
"""What is said when she does not want to write what a button asked for."""

A_YES = "aside.fine"
"""是的, 可以: chit-chat elsewhere, but an answer when the staff asked something."""


async def overview(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """查进度: every case, newest first; one alone is shown at once."""
    cases = await drafts.filed(session, account)
    draft = await drafts.current(session, account)
    if len(cases) == 1 and draft is None:
        await show(session, tables, cases[0], answer)
        return
    rows = [[button("button.resume", "go", value="resume")]] if draft is not None else []
    if not cases:
        rows = rows or [[button("button.complaint", "go", value="complaint")]]
        await answer(
            say("progress.none_draft" if draft is not None else "progress.none"),
            buttons=[*rows, [button("button.menu", "go", value="menu")]],
        )
        return
    rows += [
        [
            button(
                say("progress.line", number=c.number or "", status=say(f"status.{c.status}")),
                "tp",
                c,
            )
        ]
        for c in cases[:20]
    ]
    await answer(say("progress.list", count=len(cases)), buttons=rows)


async def show(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer, *before: Say
) -> None:
    """The timeline: what was done, who holds it, what comes next."""
    await answer(
        *before,
        say(
            "progress.card",
            number=case.number or "",
            object=say(f"object.{case.object}"),
            status=say(f"status.{case.status}"),
            lines=_timeline(case),
        ),
        await _holder(session, case),
        await _linked(session, case),
        await joint.line(session, case),
        act_for.line(case),
        *await mediate.shown(session, case, inside=False),
        await _next(session, tables, case),
        buttons=[*await _to_kept(session, tables, case), *_buttons(tables, case)],
    )


def _timeline(case: Case) -> list[Say]:
    """Each event once: a card opened again within the minute is one view to her."""
    spoken = {event.seq for event, _ in relay.lines(case)}
    lines: list[Say] = []
    for event, of_one_talk in _runs(case):
        if event.action is not Action.TALK:
            lines.append(_event_line(event))
        elif count := len(spoken.intersection(of_one_talk)):
            lines.append(say("event.talk", at=hand_over.moment_words(event.at), count=count))
    return [line for place, line in enumerate(lines) if line not in lines[:place]]


def _runs(case: Case) -> list[tuple[Event, list[int]]]:
    """Each event that is shown; what follows one another of a talk is one, with the numbers of its lines."""
    runs: list[tuple[Event, list[int]]] = []
    for event in case.events:
        if event.action not in SHOWN or (event.details or {}).get("inward"):
            continue
        if event.action is Action.TALK and runs and runs[-1][0].action is Action.TALK:
            runs[-1][1].append(event.seq)
        else:
            runs.append((event, [event.seq]))
    return runs


def _event_line(event: Event) -> Say:
    at = event.at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")
    details = event.details or {}
    files = len(details.get("evidence") or ())
    decided = event.action in {Action.ACCEPT, Action.REFUSE}
    key = f"official.event.{event.action}" if decided else f"event.{event.action}"
    if files and not details.get("text"):
        key = f"event.{event.action}_files"
    if details.get("paper"):
        key = f"event.{event.action}_desk"
    return say(
        key,
        at=at,
        files=files,
        desk=details.get("desk", ""),
        office=details.get("office", ""),
        who=details.get("who", ""),
        text=details.get("text", ""),
        number=details.get("number", ""),
        money=show_money(int(details.get("fen") or 0)),
        reason=Say.from_json(details["reason"]) if isinstance(details.get("reason"), dict) else "",
    )


async def _holder(session: AsyncSession, case: Case) -> Say | None:
    if case.status not in OPEN:
        return None
    desk = await hand_over.desk_of(session, case)
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if desk is None:
        return say("progress.with_triage")
    if taker is not None:
        return say("progress.with_taker", desk=desk.name, who=taker.name or "")
    return say("progress.with_desk", desk=desk.name)


async def _linked(session: AsyncSession, case: Case) -> Say | None:
    """What was merged into it."""
    parts = [part.number or "" for part in await merge.merged_into(session, case)]
    return say("progress.parts", numbers=parts) if parts else None


async def _to_kept(session: AsyncSession, tables: Tables, case: Case) -> list[list[Button]]:
    """From a merged case to the one that goes on, and apart again."""
    kept = await session.get(Case, case.same_as_id) if case.same_as_id else None
    if kept is None:
        return []
    rows = [[button(say("merge.button.kept", number=kept.number or ""), "tp", kept)]]
    if merge.may_undo(tables, case):
        rows.append([button("merge.button.not_same", merge.CONSUMER_VERB, case)])
    return rows


async def _next(session: AsyncSession, tables: Tables, case: Case) -> Say:
    if case.status is CaseStatus.WAITING:
        due = await remind.promised(session, tables, case)
        now = tables.clock.now()
        return say("next.waiting", day=moment_words(due, now)) if due > now else say("next.late")
    if case.status is CaseStatus.AGREED:
        agreed = next(event for event in reversed(case.events) if event.action is Action.AGREE)
        return say("next.agreed_by", day=day_words(date.fromisoformat(agreed.details["due"])))
    if (
        case.status in CLOSED
        and Action.REOPEN in allowed(case.status)
        and not _may_reopen(tables, case)
    ):
        return say("next.too_late", days=tables.policy.reopen_days)
    return say(f"next.{case.status}")


def _buttons(tables: Tables, case: Case) -> Rows:
    can = allowed(case.status)
    rows = []
    if Action.FULFIL in can:
        rows.append([button("agree.button.came", agree.CAME, case, "yes")])
        rows.append([button("agree.button.not_kept", agree.CAME, case, "no")])
    if Action.ADD in can:
        rows.append([button("button.add", "ta", case)])
    if Action.CLAIM in can and case.kind is CaseKind.COMPLAINT:
        rows.append(
            [
                button("button.claim", change_claim.VERB, case),
                button("button.agent", act_for.VERB, case),
            ]
        )
    if joint.possible(case):
        rows.append([button("joint.button.open", joint.VERB, case)])
    if Action.TALK in can:
        rows.append([button("button.talk", relay.CONSUMER_VERB, case)])
    if Action.WITHDRAW in can:
        rows.append([button("button.withdraw", "tw", case)])
    if (case.route or {}).get("door"):
        rows.append([button("button.packet", prepare_text.VERB, case)])
    if split_clue.possible(case):
        rows.append([button("split.button.open", split_clue.VERB, case)])
    if print_papers.has_any(case):
        rows.append([button("button.papers", print_papers.VERB, case)])
    if choose_point.changeable(case):
        rows.append([button("button.change_point", choose_point.VERB, case)])
    if _may_reopen(tables, case):
        rows.append([button("button.not_solved", "to", case)])
    return [*rows, [button("button.menu", "go", value="menu")]]


def _may_reopen(tables: Tables, case: Case) -> bool:
    if Action.REOPEN not in allowed(case.status) or case.closed_at is None:
        return False
    return tables.clock.now() - case.closed_at <= timedelta(days=tables.policy.reopen_days)


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """A button under a filed case; only its owner's presses count."""
    case = await drafts.by_token(session, press.case)
    if case is None or case.account_id != account.id or case.filed_at is None:
        await answer(say("talk.stale_gone"), buttons=[[button("button.menu", "go", value="menu")]])
        return say("toast.stale")
    asked = (account.awaiting or {}).get("verb")
    if asked in {change_claim.VERB, act_for.VERB} and asked != press.verb:
        account.awaiting = None
    match press.verb:
        case "tp":
            await show(session, tables, case, answer)
        case "ta" if Action.ADD in allowed(case.status):
            account.awaiting = {"verb": "add", "case": case.token}
            await answer(say("add.ask", number=case.number or ""))
        case "tw" if Action.WITHDRAW in allowed(case.status):
            await answer(
                say("withdraw.sure", number=case.number or ""),
                buttons=[
                    [button("button.withdraw_no", "tp", case)],
                    [button("button.withdraw_yes", "twy", case)],
                ],
            )
        case "twy" if Action.WITHDRAW in allowed(case.status):
            await _withdraw(session, tables, case, account, answer)
        case "twn" if Action.WITHDRAW in allowed(case.status):
            await answer(
                say("withdraw.goes_on", number=case.number or ""),
                buttons=[[button("button.progress", "tp", case)]],
            )
            await _tell_holder(session, tables, case, say("desk.goes_on", number=case.number or ""))
        case merge.CONSUMER_VERB:
            return await merge.consumer_pressed(session, tables, case, account, answer)
        case "to" if _may_reopen(tables, case):
            await _reopen(session, tables, case, account, answer)
        case relay.CONSUMER_VERB if press.question == "off" or Action.TALK in allowed(case.status):
            return await relay.consumer_pressed(
                session, tables, case, account, answer, press.question
            )
        case "tr" if Action.RATE in allowed(case.status):
            return await _rate(tables, case, account, answer, press)
        case choose_point.VERB:
            return await choose_point.pressed_after(session, tables, case, account, answer, press)
        case prepare_text.VERB:
            await prepare_text.give(session, tables, case, answer, press.value)
        case split_clue.VERB:
            return await split_clue.pressed(session, tables, case, account, answer, press)
        case joint.VERB:
            return await joint.pressed(session, tables, case, answer, press)
        case refer.CONSENT:
            return await refer.consented(session, tables, case, account, answer, press)
        case "tl":
            await answer(say("rate.later"))
        case print_papers.VERB if print_papers.has_any(case):
            await print_papers.give(session, tables, case, account, answer)
        case change_claim.VERB if Action.CLAIM in allowed(case.status):
            return await change_claim.pressed(session, tables, case, account, answer, press)
        case act_for.VERB if Action.CLAIM in allowed(case.status):
            await act_for.pressed(session, case, account, answer, press)
        case agree.WISH if Action.WISH in allowed(case.status):
            return await agree.wished(session, tables, case, account, answer, press)
        case agree.CAME if Action.FULFIL in allowed(case.status):
            return await agree.came(session, tables, case, account, answer, press)
        case _:
            await show(session, tables, case, answer, say("talk.not_now"))
            return say("toast.stale")
    return None


async def awaited(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
    answer: Answer,
    text: str,
) -> bool:
    """Words or files that a button asked for: a phone number, or more for a case. Whether they were.

    A word that steers is none, and what waits for a number keeps nothing else from its place.
    """
    waiting = account.awaiting or {}
    case = await drafts.by_token(session, waiting["case"]) if waiting.get("case") else None
    verb = waiting.get("verb")
    steers = asides.control(text) if text and not heard.files else None
    replying = (
        verb in {"add", relay.TALKING} and case is not None and case.status is CaseStatus.ASKING
    )
    if replying and steers not in {"human", "status", "help"}:
        steers = None  # "不要了" is what the staff asked for.
    if verb in DROPPED and steers in {"cancel", "back", "skip"}:
        account.awaiting = None
        await answer(say(DROPPED[verb]))
        return True
    if verb in DROPPED and steers is not None:
        account.awaiting = None
        return False
    match verb:
        case "call_back" if not heard.files:
            phone = heard.contact_phone or parse_phone(text)
            if phone is None:
                await answer(say("wrong.phone"), say("example.phone"), say("human.or_not"))
                return True
            account.awaiting = None
            await note(session, tables, case, account, phone)
            await answer(say("human.thanks", day=due(tables)))
            return True
        case change_claim.VERB if case is not None and case.account_id == account.id and text:
            await change_claim.typed(tables, case, account, answer, text)
            return True
        case act_for.VERB if case is not None and case.account_id == account.id and text:
            await act_for.typed(session, tables, case, account, answer, text)
            return True
        case "add" if case is not None and case.account_id == account.id:
            album = waiting.get("album")
            if album and heard.album != album:
                account.awaiting = None
                return False
            if not text and not heard.files:
                await answer(say("add.ask", number=case.number or ""))
                return True
            account.awaiting = None
            await add(session, tables, case, account, answer, text, heard)
            return True
        case relay.TALKING if case is not None and case.account_id == account.id:
            if not await _talk(session, tables, heard, case, account, answer, text):
                # The talk is over: what she said is not, and she is asked what it is for.
                account.awaiting = None
                return await said(session, tables, heard, account, answer, text)
            return True
    return False


async def _talk(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    case: Case,
    account: Account,
    answer: Answer,
    text: str,
) -> bool:
    """A line to the taker; to a question that the staff asked it is the answer. Whether there is a talk."""
    if case.status is CaseStatus.ASKING and (text or heard.files):
        waiting = account.awaiting
        await add(session, tables, case, account, answer, text, heard)
        account.awaiting = account.awaiting or waiting
        return True
    if not relay.is_on(case):
        return False
    await relay.consumer_line(session, tables, heard, case, account, answer, text)
    return True


async def said(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
    answer: Answer,
    text: str,
) -> bool:
    """Words or files outside a draft that belong to a filed case. Returns whether they did."""
    still = await taking(session, account)
    asking = [c for c in still if c.status is CaseStatus.ASKING]
    talking = [c for c in still if relay.is_on(c)]
    steers = bool(text) and not heard.files and asides.control(text) is not None
    if len(talking) == 1 and asking in ([], talking) and not steers:
        return await _talk(session, tables, heard, talking[0], account, answer, text)
    aside = asides.aside(text, None) if text else None
    replies = bool(text or heard.files) and (aside is None or aside.key == A_YES)
    if asking and replies and (len(asking) == 1 or heard.files):
        await add(session, tables, asking[0], account, answer, text, heard)
        return True
    if heard.files and still:
        await add(session, tables, still[0], account, answer, text, heard)
        return True
    if not (replies if asking else aside is None and len(text) >= 4):
        return False
    if (account.awaiting or {}).get("verb") == "use":
        text = f"{(account.awaiting or {})['text']}\n{text}"
    return await where_to(session, account, answer, text)


async def taking(session: AsyncSession, account: Account) -> list[Case]:
    """Her cases that still take words and files: first those where the staff wait for an answer."""
    mine = await drafts.filed(session, account)
    asking = [c for c in mine if c.status is CaseStatus.ASKING]
    asking.sort(key=lambda c: c.touched_at, reverse=True)
    return [*asking, *(c for c in mine if Action.ADD in allowed(c.status) and c not in asking)]


async def where_to(session: AsyncSession, account: Account, answer: Answer, text: str) -> bool:
    """Ask which of her cases the words are for, or whether they are a new matter. False without any."""
    still = await taking(session, account)
    if not still:
        return False
    account.awaiting = {"verb": "use", "text": text}
    await answer(
        say("use.ask"),
        buttons=[
            *[
                [button(say("use.add", number=c.number or ""), "use", value=c.token, version=0)]
                for c in still[:5]
            ],
            [button("use.new", "use", value="new")],
        ],
    )
    return True


async def add(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    text: str,
    heard: Incoming | None = None,
) -> None:
    """More facts or files for a filed case; they answer the staff's question when there is one.

    The other parts of an album go where its first part went.
    """
    action = Action.ANSWER if case.status is CaseStatus.ASKING else Action.ADD
    if action not in allowed(case.status):
        await show(session, tables, case, answer, say("talk.not_now"))
        return
    before = len(case.evidence)
    kept: Say | None = None
    if heard is not None and heard.files:
        kept = await keep_evidence.keep(session, tables, heard, case, text)
        if heard.album:
            account.awaiting = {"verb": "add", "case": case.token, "album": heard.album}
        if not text and len(case.evidence) == before:
            await answer(kept)
            return
    case.apply(
        action,
        at=tables.clock.now(),
        by=account.id,
        details={"text": text, "evidence": [e.number for e in case.evidence[before:]]},
    )
    await answer(kept, say(f"add.{action}", number=case.number or ""))
    if action is Action.ANSWER:
        await hand_over.refresh_card(session, tables, case)
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if taker is not None:
        await tell(
            session,
            tables,
            taker.address,
            say(f"desk.told_{action}", number=case.number or "", text=text or say("desk.no_words")),
            case=case,
            media=keep_evidence.media(case.evidence[before:]),
            buttons=[[button("button.details", "sv", case)]],
        )


async def _withdraw(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    desk = await hand_over.desk_of(session, case)
    case.apply(Action.WITHDRAW, at=tables.clock.now(), by=account.id)
    case.closed_at = tables.clock.now()
    await case_papers.drop_open(session, case)
    await case_papers.drop_unpaid(session, case)
    await fast_refund.stop(session, tables, case)
    await answer(
        say("withdraw.done", number=case.number or ""),
        buttons=[[button("button.menu", "go", value="menu")]],
    )
    await _tell_desk(session, tables, case, desk, say("desk.withdrawn", number=case.number or ""))


async def _reopen(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    """Not solved: back to the same desk, which sees that it was there before."""
    desk = await hand_over.desk_of(session, case)
    case.apply(Action.REOPEN, at=tables.clock.now(), by=account.id)
    case.closed_at = None
    case.result = ""
    case.returned_fen = None
    former = case.taker_id
    case.taker_id = None
    account.awaiting = {"verb": "add", "case": case.token}
    if desk is not None and await hand_over.can_hold(session, tables, desk):
        await answer(say("reopen.done", number=case.number or "", desk=desk.name))
        await hand_over.send_card(session, tables, case, desk)
        await remind.plan(session, tables, case)
    else:
        await answer(say("reopen.triage", number=case.number or ""))
        reason = say("card.unreachable", desk=desk.name) if desk else say("card.no_desk")
        await hand_over.requeue(session, tables, case, reason)
    taker = await session.get(Account, former) if former else None
    if taker is not None:
        await tell(
            session,
            tables,
            taker.address,
            say("desk.reopened", number=case.number or ""),
            case=case,
        )


async def _tell_holder(session: AsyncSession, tables: Tables, case: Case, text: Say) -> None:
    """Tell the taker; while nobody has the case, the group of its desk."""
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    desk = await hand_over.desk_of(session, case)
    chat = await accounts.chat_of(session, desk) if desk is not None else None
    target = taker.address if taker is not None else chat
    if target is not None:
        await tell(session, tables, target, text, case=case)


async def _tell_desk(
    session: AsyncSession, tables: Tables, case: Case, desk: Organisation | None, text: Say
) -> None:
    """Bring the group's card up to date and tell the taker."""
    if desk is not None:
        await hand_over.send_card(session, tables, case, desk, anew=False)
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if taker is not None:
        await tell(session, tables, taker.address, text, case=case)


async def _rate_next(case: Case, answer: Answer, at: int) -> None:
    aspect = ASPECTS[at]
    await answer(
        say(f"rate.{aspect}"),
        buttons=[
            [button(f"rate.{aspect}_{score}", "tr", case, aspect, score) for score in SCORES],
            [button("button.rate_no", "tl", case)],
        ],
        slot=f"rate:{case.token}",
    )


async def _rate(
    tables: Tables, case: Case, account: Account, answer: Answer, press: Press
) -> Say | None:
    """One tap an aspect, once per close."""
    if press.question not in ASPECTS or press.value not in SCORES:
        return say("toast.stale")
    since = max((e.seq for e in case.events if e.action in CLOSES), default=0)
    given = [
        (e.details or {}).get("aspect")
        for e in case.events
        if e.action is Action.RATE and e.seq > since
    ]
    if press.question in given:
        return say("toast.rated")
    case.apply(
        Action.RATE,
        at=tables.clock.now(),
        by=account.id,
        details={"aspect": press.question, "score": int(press.value)},
    )
    left = [i for i, aspect in enumerate(ASPECTS) if aspect not in (*given, press.question)]
    if left:
        await _rate_next(case, answer, left[0])
    else:
        await answer(say("rate.thanks"), slot=f"rate:{case.token}")
    return say("toast.thanks")
