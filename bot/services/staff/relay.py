"""The talk (对话) of consumer and taker through the bot: each line is an event, and a message to the other side.

Nobody sees an account: the consumer reads the desk's name, the taker the case's number. It is on from the
first who wants it until either turns it off, or the case leaves the taker's hands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.redact import redact
from bot.ports import Button, Incoming, Media, Message
from bot.services.chain import hand_over
from bot.services.consumer import keep_evidence
from bot.services.consumer.keep_evidence import ALBUM_PAUSE
from bot.services.privacy import audit
from bot.services.queue.deliver import owe
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, Event
from models.lifecycle import TAKEN, Action, after
from models.party import Account
from models.privacy import Act

STAFF_VERB, CONSUMER_VERB = "sm", "tm"
STAFF, CONSUMER = "staff", "consumer"
TALKING = "talk"
"""What a consumer's next lines are for (``Account.awaiting``) after she chose to reply."""

CHANGES_HANDS = frozenset(
    {Action.TAKE, Action.PASS, Action.SEND_BACK, Action.REOPEN, Action.REFER, Action.DELEGATE}
)
LATELY = 5
"""Lines that the taker sees with the case; all of them are a button away."""


def turned(case: Case) -> tuple[str, str]:
    """``("on" | "off" | "", side)``: how the talk was last turned since the case came into this hand."""
    for event in reversed(case.events):
        if event.action in CHANGES_HANDS:
            break
        if event.action is Action.TALK and (event.details or {}).get("turn"):
            details = event.details or {}
            return str(details["turn"]), str(details["side"])
    return "", ""


def is_on(case: Case) -> bool:
    """Whether lines are carried now."""
    return case.status in TAKEN and turned(case)[0] == "on"


def lines(case: Case) -> list[tuple[Event, str]]:
    """What was said, oldest first, each in its last wording."""
    words: dict[int, str] = {}
    said: list[Event] = []
    for event in case.events:
        details = event.details or {}
        if event.action is not Action.TALK or details.get("turn"):
            continue
        if "edits" in details:
            words[int(details["edits"])] = str(details["text"])
        else:
            said.append(event)
            words[event.seq] = str(details.get("text") or "")
    return [(event, words[event.seq]) for event in said]


def shown(case: Case, most: int = 0) -> list[Say]:
    """The talk as the taker reads it; the last ``most`` lines, or all."""
    return [
        say(
            "relay.line",
            at=hand_over.moment_words(event.at),
            who=say(f"relay.who_{(event.details or {})['side']}"),
            text=text or say("relay.files", count=len((event.details or {}).get("files") or ())),
        )
        for event, text in lines(case)[-most:]
    ]


async def staff_pressed(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, what: str
) -> Say | None:
    """The taker: begin or go on, ``off``, ``all`` that was said, ``this`` line typed before. Raises
    NotPossible."""
    waiting = account.awaiting or {}
    account.awaiting = None
    if what == "off":
        return await _turn_off(session, tables, case, account, answer, STAFF)
    if what == "all":
        now = tables.clock.now()
        case.apply(Action.VIEW, at=now, by=account.id, details={"who": account.name or ""})
        await audit.record(session, now, Act.VIEW, account, case)
        said = shown(case)
        await answer(
            say("relay.history", number=case.number or "", lines=said)
            if said
            else say("relay.nothing", number=case.number or ""),
            buttons=[[button("button.talk", STAFF_VERB, case)]],
        )
        return None
    after(case.status, Action.TALK)
    if turned(case) == ("off", CONSUMER):
        await answer(say("relay.she_is_off"), buttons=[[button("button.ask", "sa", case)]])
        return None
    _turn_on(tables, case, account, STAFF)
    account.awaiting = {"verb": STAFF_VERB, "case": case.token}
    if what == "this" and waiting.get("verb") == "use":
        await _carry(session, tables, None, case, account, answer, STAFF, str(waiting["text"]))
        return None
    await answer(
        say("relay.staff_on", number=case.number or ""),
        buttons=[[button("relay.button.off", STAFF_VERB, case, "off")]],
    )
    return None


async def consumer_pressed(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, what: str
) -> Say | None:
    """The consumer: reply, or ``off``. Raises NotPossible."""
    account.awaiting = None
    if what == "off":
        return await _turn_off(session, tables, case, account, answer, CONSUMER)
    after(case.status, Action.TALK)
    _turn_on(tables, case, account, CONSUMER)
    account.awaiting = {"verb": TALKING, "case": case.token}
    await answer(
        say("relay.consumer_on", number=case.number or ""),
        buttons=[[button("relay.button.off", CONSUMER_VERB, case, "off")]],
    )
    return None


def _turn_on(tables: Tables, case: Case, account: Account, side: str) -> None:
    if not is_on(case):
        case.apply(
            Action.TALK,
            at=tables.clock.now(),
            by=account.id,
            details={"turn": "on", "side": side},
        )


async def _turn_off(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, side: str
) -> Say | None:
    if not is_on(case):
        return say("relay.toast_off")
    case.apply(
        Action.TALK, at=tables.clock.now(), by=account.id, details={"turn": "off", "side": side}
    )
    other = await other_side(session, case, side)
    ways = _ways_after(case, side)
    await answer(say(f"relay.off_{side}", number=case.number or ""), buttons=ways)
    if side == CONSUMER and other is not None:
        if (other.awaiting or {}).get("case") == case.token:
            other.awaiting = None
        await tell(
            session,
            tables,
            other.address,
            say("relay.told_off", number=case.number or ""),
            case=case,
            buttons=[[button("button.ask", "sa", case)], [button("button.details", "sv", case)]],
        )
    return None


def _ways_after(case: Case, side: str) -> list[list[Button]]:
    if side == STAFF:
        return [[button("button.details", "sv", case)]]
    return [
        [button("button.talk", CONSUMER_VERB, case)],
        [button("button.progress", "tp", case), button("button.add", "ta", case)],
    ]


async def staff_line(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    case: Case,
    account: Account,
    answer: Answer,
) -> None:
    """What the taker typed or sent while she talks with the consumer. Raises NotPossible."""
    if not is_on(case):
        account.awaiting = {"verb": "use", "text": heard.text}
        await answer(say("relay.not_sent_off"), buttons=[[button("button.ask", "sa", case)]])
        return
    clean = redact(heard.text)
    if clean.kinds:
        await answer(
            say(
                "talk.redacted",
                kinds=[tables.texts.raw(f"redacted.{kind}") for kind in sorted(clean.kinds)],
            )
        )
    await _carry(session, tables, heard, case, account, answer, STAFF, clean.text)


async def consumer_line(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    case: Case,
    account: Account,
    answer: Answer,
    text: str,
) -> None:
    """What the consumer typed or sent to the taker; her files are evidence too. Raises NotPossible."""
    await _carry(session, tables, heard, case, account, answer, CONSUMER, text)


async def _carry(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming | None,
    case: Case,
    account: Account,
    answer: Answer,
    side: str,
    text: str,
) -> None:
    """One line to the other side; ``heard`` is None for one that was typed earlier."""
    files = [] if heard is None else [_packed(file) for file in heard.files]
    place = list(heard.place) if heard is not None and heard.place else []
    if not text and not files and not place:
        await answer(say("relay.cannot"))
        return
    kept: Say | None = None
    before = len(case.evidence)
    if side == CONSUMER and heard is not None and heard.files:
        kept = await keep_evidence.keep(session, tables, heard, case, text)
    album = heard.album if heard is not None else ""
    event = case.apply(
        Action.TALK,
        at=tables.clock.now(),
        by=account.id,
        details={
            "side": side,
            "text": text,
            "msg": heard.message_id if heard is not None else "",
            "album": album,
            "files": files,
            "evidence": [one.number for one in case.evidence[before:]],
            "place": [*place, heard.place_title] if place and heard is not None else [],
        },
    )
    other = await other_side(session, case, side)
    if other is None:
        return
    first = await _send(session, tables, case, event, other, side)
    if first:
        await answer(
            kept,
            say(f"relay.sent_{side}", number=case.number or ""),
            buttons=[
                [
                    button(
                        "relay.button.off",
                        STAFF_VERB if side == STAFF else CONSUMER_VERB,
                        case,
                        "off",
                    )
                ]
            ],
        )


async def _send(
    session: AsyncSession, tables: Tables, case: Case, event: Event, to: Account, side: str
) -> bool:
    """Owe the line; parts of an album go as one. Returns whether it is the first of its album, or alone."""
    details = event.details or {}
    album = details["album"]
    parts = [event]
    if album:
        parts = [
            each
            for each, _ in lines(case)
            if (each.details or {}).get("album") == album and (each.details or {})["side"] == side
        ]
    now = tables.clock.now()
    whole = await message(session, case, parts, side)
    waits = await owe(
        session,
        to.address,
        whole,
        now=now,
        key=f"talk:{case.token}:{side}:{album or event.seq}",
        slot=slot(case, parts[0]),
        case_id=case.id,
        run_at=now + ALBUM_PAUSE if album else None,
    )
    if not waits:
        # The rest of the album has gone out already.
        await owe(
            session,
            to.address,
            await message(session, case, [event], side),
            now=now,
            key=f"talk:{case.token}:{side}:{event.seq}",
            case_id=case.id,
        )
    return len(parts) == 1


async def message(
    session: AsyncSession, case: Case, parts: Sequence[Event], side: str, edited: bool = False
) -> Message:
    """The line as the other side sees it."""
    words = {event.seq: text for event, text in lines(case)}
    texts = [words[part.seq] for part in parts if words[part.seq]]
    files = [Media(*file) for part in parts for file in (part.details or {}).get("files") or ()]
    place = (parts[0].details or {}).get("place") or ()
    title: Say | str = "\n".join(texts)
    if edited:
        title = say("relay.edited", text=title)
    elif not title:
        title = say("relay.see_file")
    head: Say
    if side == STAFF:
        desk = await hand_over.desk_of(session, case)
        name = desk.name if desk is not None else ""
        head = say("relay.to_consumer", number=case.number or "", desk=name, text=title)
    else:
        head = say("relay.to_staff", number=case.number or "", text=title)
    return Message(
        (head,),
        _replies(case, side),
        tuple(files),
        venue=(place[0], place[1], str(place[2]) or (case.number or ""), "") if place else None,
    )


def _replies(case: Case, side: str) -> tuple[tuple[Button, ...], ...]:
    if side == STAFF:
        return (
            (
                button("relay.button.reply", CONSUMER_VERB, case),
                button("relay.button.off", CONSUMER_VERB, case, "off"),
            ),
        )
    return (
        (
            button("relay.button.reply", STAFF_VERB, case),
            button("button.details", "sv", case),
        ),
    )


def slot(case: Case, event: Event) -> str:
    return f"talk:{case.token}:{event.seq}"


def _packed(file: Any) -> list[str]:
    return [file.kind, file.file_id, "", file.name]


async def other_side(session: AsyncSession, case: Case, side: str) -> Account | None:
    wanted = case.account_id if side == STAFF else case.taker_id
    return await session.get(Account, wanted) if wanted is not None else None
