"""Every place where a person can write something, and how somebody comes to stand there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview.questions import QUESTIONS
from bot.services.consumer import drafts
from models.case import Case, CaseKind
from models.mediation import AdvancePayment, AdvanceState, Recourse
from models.outreach import Notice, NoticeState
from models.party import Account
from tests.attack.siege import STORY, Scene, Siege
from tests.integration.admin_office import AUNT, BOSS, GROUP, NOON, OTHER_GROUP, TEACHER

STRANGER = "tg:1999"
MINE, QUEUED, ASKED = "PD-20261123-00001", "PD-20261123-00002", "PD-20261123-00003"


@dataclass(frozen=True)
class Field:
    """A place where something can be written: who writes, what she was asked, and in which chat.

    ``before`` stands ahead of what she writes (a command's name). ``papers``: what is filled in of the case's
    papers, so that the next step is open; ``entered``: she writes it down for somebody; ``paid``: how a payment in
    advance on the case stands."""

    who: str
    waiting: Mapping[str, Any] = field(default_factory=dict)
    asking: str = ""
    consented: bool = True
    kind: CaseKind = CaseKind.COMPLAINT
    paused: bool = False
    chat: str = ""
    before: str = ""
    case: str = ""
    papers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entered: bool = False
    paid: AdvanceState | None = None

    def scene(self, siege: Siege) -> Scene:
        async def scene(session: AsyncSession, account: Account) -> None:
            account.awaiting = dict(self.waiting) or None
            if "notice" in self.waiting:
                draft = Notice(
                    author_id=account.id,
                    body="天冷了",
                    state=NoticeState.DRAFT,
                    created_at=siege.office.clock.at,
                )
                session.add(draft)
                account.awaiting = {**self.waiting, "notice": draft.id.hex}
            if self.case:
                found = await session.scalars(select(Case).where(Case.number == self.case))
                about = found.one()
                about.papers = dict(self.papers) or None
                account.awaiting = {**self.waiting, "case": about.token}
                if self.paid is not None:
                    session.add(asked_for(about, self.paid, about.desk_id, about.taker_id))
            if self.asking:
                case = await drafts.begin(session, siege.office.tables, account, self.kind)
                case.answers = {"story": {"v": STORY, "said": STORY, "by": "person"}}
                case.consented_at = case.created_at if self.consented else None
                case.asking, case.paused = self.asking, self.paused
                case.entered_by_id = account.id if self.entered else None
            await session.flush()

        return scene


def asked_for(
    case: Case, state: AdvanceState, desk: UUID | None, taker: UUID | None
) -> AdvancePayment:
    """A payment in advance that the taker asked for, at that desk."""
    row = AdvancePayment(
        case_id=case.id,
        desk_id=desk,
        by_id=taker,
        state=state,
        fen=500_000,
        second=True,
        asked_at=NOON,
        due_at=NOON + timedelta(days=1),
        recourse=Recourse.NOT_YET,
        recovered_fen=0,
    )
    row.reason = {"fen": 500_000, "proof": ["purchase"], "why": "refuses"}
    return row


WHEN = {"on": "2026-11-23", "said": ""}
TALKED = {"when": WHEN, "way": "on_site", "place": "desk", "people": "both"}
PAYS = {"money": 32_000, "how": "cash", "also": "nothing"}
DUE = {"gives": "nothing", "due": "2026-11-26"}


def paper(verb: str, name: str, **filled: Any) -> Field:
    """The next step of one of the taker's papers."""
    return Field(TEACHER, {"verb": verb}, case=MINE, papers={name: filled} if filled else {})


FORMS: dict[str, Field] = {
    "when they talked": paper("szr", "record"),
    "where they talked": paper("szr", "record", when=WHEN, way="visit"),
    "who talked": paper("szr", "record", when=WHEN, way="phone"),
    "what the consumer wants": paper("szr", "record", **TALKED),
    "what the merchant says": paper("szr", "record", **TALKED, consumer="filed"),
    "when they talk again": paper(
        "szr", "record", **TALKED, consumer="filed", merchant="thinks", outcome="again"
    ),
    "the money agreed on": paper("szg", "agreement"),
    "how it is paid": paper("szg", "agreement", money=32_000),
    "what else is done": paper("szg", "agreement", money=32_000, how="cash"),
    "what is done instead of money": paper("szg", "agreement", money="none"),
    "what the consumer gives": paper("szg", "agreement", **PAYS),
    "by when": paper("szg", "agreement", **PAYS, gives="nothing"),
    "what the merchant said": paper("szg", "agreement", **PAYS, **DUE, side="call"),
    "the money paid in advance": paper("szp", "advance"),
    "why it is paid in advance": paper("szp", "advance", fen=50_000, proof=["purchase"]),
    "why it is not paid in advance": Field(
        BOSS, {"verb": "szq"}, case=MINE, paid=AdvanceState.ASKED
    ),
    "how much came back": Field(
        BOSS, {"verb": "szq", "back": True}, case=MINE, paid=AdvanceState.PAID
    ),
    "a line to the taker": Field(AUNT, {"verb": "talk"}, case=MINE),
    "a line to the consumer": Field(TEACHER, {"verb": "sm"}, case=MINE),
    "an internal note": Field(TEACHER, {"verb": "sn"}, case=MINE),
    "the money that came at the end": Field(
        TEACHER, {"verb": "scm", "result": "no_agreement", "fen": 0, "text": "谈不拢"}, case=MINE
    ),
    "a template's title": Field(BOSS, {"verb": "mx", "code": "0a1b2c3d"}),
    "a template's text": Field(BOSS, {"verb": "mx", "code": "0a1b2c3d", "title": "请补材料"}),
    "the story of somebody at the desk": Field(
        TEACHER, asking="story", consented=False, entered=True
    ),
    "the name of somebody at the desk": Field(TEACHER, asking="name", entered=True),
    "what she said on the telephone": Field(TEACHER, {"verb": "sy"}, case=MINE),
    "another claim": Field(AUNT, {"verb": "tzc"}, case=MINE),
    "for whom she acts": Field(AUNT, {"verb": "tza", "for": "elder", "guardian": False}, case=MINE),
    "a corrected name": Field(AUNT, {"verb": "d", "field": "name"}, case=MINE),
    "a corrected number": Field(AUNT, {"verb": "d", "field": "phone"}, case=MINE),
    "a corrected address": Field(AUNT, {"verb": "d", "field": "address"}, case=MINE),
    "a one-time code": Field(STRANGER, before="ABCDE-"),
    "a one-time code's link": Field(AUNT, before="/start code_"),
    "a joint complaint's link": Field(AUNT, before="/start joint_"),
}
"""What is filled in after filing: the taker's papers and the small forms of both sides."""

LEDGER, PLAN = "2.1.10.20261123.1", "50.2026-12"
"""What the ledger's and the plan's buttons carried: of the street of TEACHER, of one of its points."""

FIELDS: dict[str, Field] = {
    **{f"question {q.key}": Field(AUNT, asking=q.key) for q in QUESTIONS},
    "question story of a clue": Field(AUNT, asking="story", kind=CaseKind.CLUE),
    "question extra of a consultation": Field(AUNT, asking="extra", kind=CaseKind.CONSULT),
    "a new person's first words": Field(STRANGER),
    "before the consent": Field(AUNT, asking="consent", consented=False),
    "the review": Field(AUNT, asking="review"),
    "a paused draft": Field(AUNT, asking="amount", paused=True),
    "words beside open cases": Field(AUNT),
    "more for a case": Field(AUNT, {"verb": "add"}, case=MINE),
    "an answer to the staff": Field(AUNT, {"verb": "add"}, case=ASKED),
    "a number to call back": Field(AUNT, {"verb": "call_back", "case": ""}),
    "which case it is for": Field(AUNT, {"verb": "use", "text": "还有发票"}),
    "a command's argument": Field(AUNT, before="/start "),
    "an invitation": Field(AUNT, before="/start join_"),
    "a case's link": Field(AUNT, before="/start case_"),
    "the first admin's link": Field(AUNT, before="/start admin_"),
    "a poster's link": Field(AUNT, before="/start p_"),
    "a command": Field(AUNT, before="/"),
    "a question to the consumer": Field(TEACHER, {"verb": "sa"}, case=MINE),
    "the money returned": Field(TEACHER, {"verb": "ss"}, case=MINE),
    "the reason of an end": Field(
        TEACHER, {"verb": "sc", "result": "no_agreement", "fen": 0}, case=MINE
    ),
    "the reason of a settlement": Field(
        TEACHER, {"verb": "sc", "result": "settled", "fen": 100}, case=MINE
    ),
    "why it is returned": Field(TEACHER, {"verb": "srr"}, case=MINE),
    "the days of a leave": Field(TEACHER, {"verb": "jl"}),
    "a desk's name for staff": Field(BOSS, {"verb": "j"}),
    "a notice": Field(BOSS, {"verb": "mn"}),
    "a desk to bind": Field(BOSS, {"verb": "mb"}),
    "a desk to assign": Field(BOSS, {"verb": "mt"}, case=QUEUED),
    "a word for the rules": Field(BOSS, {"verb": "mw", "at": 1}),
    "an example for the rules": Field(
        BOSS, {"verb": "mw", "at": 1, "word": "跑路", "code": "prepaid_card", "step": "weak"}
    ),
    "a reason for the rules": Field(
        BOSS,
        {
            "verb": "mw",
            "at": 1,
            "word": "跑路",
            "code": "prepaid_card",
            "step": "weak",
            "example": "老板跑路了",
        },
    ),
    "a text to try": Field(BOSS, {"verb": "mr"}),
    "the operator's name": Field(BOSS, {"verb": "mo"}),
    "a word to search the library for": Field(AUNT, {"verb": "lc"}),
    "a firm to look up": Field(AUNT, {"verb": "lq"}),
    **{
        f"a firm to make public: {step}": Field(
            BOSS, {"verb": "wr", "step": step, "name": "某店", "reason": "停业", "source": "决定书"}
        )
        for step in ("name", "reason", "source", "sure")
    },
    "why a firm is not made public": Field(BOSS, {"verb": "wr", "step": "why_not", "row": "00"}),
    "another name of a firm": Field(BOSS, {"verb": "wn"}),
    "how many, for the ledger": Field(
        TEACHER, {"verb": "sh", "chat": TEACHER, "step": "count", "entry": LEDGER}
    ),
    "which day, for the ledger": Field(
        TEACHER, {"verb": "sh", "chat": TEACHER, "step": "day", "entry": LEDGER}
    ),
    "a photo for the ledger": Field(
        TEACHER, {"verb": "sh", "chat": TEACHER, "step": "photo", "entry": LEDGER}
    ),
    "the days of a report": Field(BOSS, {"verb": "si", "serial": 1}),
    "the next step of a plan": Field(TEACHER, {"verb": "sj", "plan": PLAN, "target": 80}),
    "the day of a plan": Field(
        TEACHER, {"verb": "sj", "plan": PLAN, "target": 80, "step": "办一次培训"}
    ),
    "an appeal": Field(TEACHER, {"verb": "sir", "desk": 50, "snapshot": ""}),
    "the bureau's word on an appeal": Field(BOSS, {"verb": "mg", "appeal": "0" * 32, "tier": ""}),
    "a case for a lesson": Field(BOSS, {"verb": "mn", "step": "case"}),
    "a notice's links": Field(BOSS, {"verb": "mn", "step": "links", "notice": "?"}),
    "a notice's file": Field(BOSS, {"verb": "mn", "step": "file", "notice": "?"}),
    "a notice's time": Field(BOSS, {"verb": "mn", "step": "when", "notice": "?"}),
    "an event's name": Field(BOSS, {"verb": "uo", "step": "title", "desk": "0" * 32}),
    "an event's time": Field(BOSS, {"verb": "uo", "step": "starts", "desk": "0" * 32}),
    "an event's places": Field(
        BOSS,
        {
            "verb": "uo",
            "step": "places",
            "desk": "0" * 32,
            "title": "x",
            "place": "y",
            "starts": "2026-12-01T09:00:00+08:00",
        },
    ),
    "a limit": Field(BOSS, {"verb": "mk", "name": "reopen_days"}),
    "somebody to find": Field(BOSS, {"verb": "mp"}),
    "the word of a second step": Field(BOSS, {"verb": "mp", "step": "0" * 32}),
    "a desk to move to": Field(BOSS, {"verb": "mp", "staff": "0" * 32}),
    "what the audit is searched by": Field(BOSS, {"verb": "ma", "since": "2026-11-01"}),
    "a robot's organisation": Field(BOSS, {"verb": "mv", "name": "street"}),
    "a new office": Field(BOSS, {"verb": "mz"}),
    "in the group": Field(TEACHER, chat=GROUP),
    "a link in a group": Field(TEACHER, chat=OTHER_GROUP, before="/start "),
    "a command in a group": Field(TEACHER, chat=GROUP, before="/"),
    **FORMS,
}
