"""Every button about a case is tried, by everybody where it first works: only whom the table names may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Incoming, Message, Press
from bot.services import accounts
from bot.services.admin import administer
from bot.services.consumer import converse
from bot.services.hear import hear
from bot.services.sending import Answer
from bot.services.staff import desk
from bot.texts.catalogue import Say
from models.case import Case, CaseKind, Event
from models.delivery import Outbox
from models.lifecycle import Action, CaseStatus
from models.mediation import (
    AdvancePayment,
    AdvanceState,
    Mediation,
    Settlement,
    SettlementState,
)
from models.network import Level, LiaisonPoint, Organisation, Staff
from models.party import Account
from models.warning import Burst
from tests.attack.places import asked_for
from tests.attack.rights import (
    ABOVE,
    ABOVE_POINTS,
    ADMIN,
    ADMINS_ONLY,
    BELOW,
    BY_DESK,
    COLLEAGUE,
    COLLEAGUE_ID,
    ELSEWHERE,
    FOR_ALL,
    FORMER,
    HELD,
    NO_PRESS,
    OFFICER,
    OFFICERS_ONLY,
    OTHER,
    OTHER_CASE,
    OWN_DRAFT,
    OWNER,
    RIGHTS,
    ROLES,
    ROOT,
    STAFF,
    STAFF_ONLY,
    STATES,
    STRANGER,
    TAKEN,
    TAKER,
    TYPED,
    Right,
    table,
    verb_of,
    verbs,
)
from tests.attack.siege import PERSONAL, Siege, besieged
from tests.integration.admin_office import BOSS, GROUP, NOON, OTHER_GROUP

in_one_loop = pytest.mark.asyncio(loop_scope="module")

PEOPLE = {role: f"tg:{2000 + at}" for at, role in enumerate(ROLES)} | {ADMIN: BOSS}
STREET, TOWN = "花木街道", "川沙新镇"
OFFICE_GROUP = "tg:-100400"
NUMBER, SECOND_NUMBER = "PD-20261123-00009", "PD-20261123-00010"
CLOSING = {"verb": "sc", "result": "no_agreement", "fen": 0, "text": "店家没有回应"}
AWAITED: dict[str, Mapping[str, Any]] = {
    "scy": CLOSING,
    "scm": CLOSING,
    "tzc:yes": {"verb": "tzc", "text": "退我一千元"},
}
ADDRESSED = frozenset({OWNER, TAKER, OFFICER})
"""Who hears of a case without asking; what anybody else is told must hold nothing of the person's."""

CLOSED_BY = {
    CaseStatus.SETTLED: Action.SETTLE,
    CaseStatus.ENDED: Action.END,
    CaseStatus.CONCLUDED: Action.TERMINATE,
    CaseStatus.AGREED: Action.AGREE,
    CaseStatus.MERGED: Action.MERGE,
}
OFFICIAL = {
    "so:terminate": (Action.ACCEPT,),
    "so:appraise": (Action.ACCEPT,),
    "so:appraised": (Action.ACCEPT, Action.APPRAISE),
}
"""What an officer did before."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def siege(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    async with besieged(tmp_path_factory.mktemp("rights")) as siege:
        await _furnish(siege)
        async with siege.office.rows() as session:
            siege.kept = await session.scalar(text("SELECT max(rowid) FROM outbox")) or 0
        yield siege


async def _furnish(siege: Siege) -> None:
    """A point with staff under its street, another town with its own, and one who has left."""
    office = siege.office
    for who in PEOPLE.values():
        await office.write(who, "/start")
    async with office.rows() as session:
        street, town = [
            (await session.scalars(select(Organisation).where(Organisation.name == name))).one()
            for name in (STREET, TOWN)
        ]
        points = (
            await session.scalars(
                select(LiaisonPoint).where(LiaisonPoint.parent_id == street.id).limit(2)
            )
        ).all()
        desk, sibling = points
        bureau = (
            await session.scalars(select(Organisation).where(Organisation.level == Level.BUREAU))
        ).one()
        bureau.chat = OFFICE_GROUP
        places = {
            TAKER: desk,
            COLLEAGUE: desk,
            ABOVE: street,
            OFFICER: bureau,
            BELOW: sibling,
            ELSEWHERE: town,
            FORMER: desk,
        }
        for role, place in places.items():
            row = Staff(
                account_id=(await _account(session, role)).id,
                organisation_id=place.id,
                joined_at=NOON,
            )
            row.left_at = NOON if role == FORMER else None
            session.add(row)
        owner, taker = await _account(session, OWNER), await _account(session, TAKER)
        for number in (NUMBER, SECOND_NUMBER):
            case = Case(
                account_id=owner.id,
                kind=CaseKind.COMPLAINT,
                status=CaseStatus.WAITING,
                number=number,
                created_at=NOON,
                touched_at=NOON,
                filed_at=NOON,
                closed_at=office.clock.at,
                object="prepaid_card",
                result="no_agreement",
                street_code=street.code,
                desk_id=desk.id,
                version=0,
                events=[],
                evidence=[],
            )
            case.answers = {
                "story": {"v": PERSONAL[0], "by": "person"},
                "name": {"v": "王秀英", "by": "person"},
                "phone": {"v": "13800138000", "by": "person"},
            }
            session.add(case)
        await session.flush()
        case = await _case(session, NUMBER)
        case.route = {"door": None}
        _written_down(session, case, taker, desk)


def _written_down(session: AsyncSession, case: Case, taker: Account, desk: Organisation) -> None:
    """What a taker leaves with a case: a record of mediation and an agreement."""
    record = Mediation(
        case_id=case.id, number=1, by_id=taker.id, made_at=NOON, way="phone", outcome="agreed"
    )
    record.record = {
        "when": {"on": "2026-11-23", "said": ""},
        "way": "phone",
        "people": "both",
        "consumer": PERSONAL[0],
        "merchant": "thinks",
        "outcome": "agreed",
    }
    terms = Settlement(
        case_id=case.id,
        number=1,
        by_id=taker.id,
        made_at=NOON,
        state=SettlementState.OPEN,
        fen=100_000,
        due_on=(NOON + timedelta(days=3)).date(),
        under="point",
        side="signed",
        wish="",
    )
    terms.terms = {
        "money": 100_000,
        "how": "transfer",
        "also": "nothing",
        "gives": "nothing",
        "due": "2026-11-26",
        "side": "signed",
        "under": "point",
    }
    session.add_all((record, terms))


async def _case(session: AsyncSession, number: str) -> Case:
    return (await session.scalars(select(Case).where(Case.number == number))).one()


async def _account(session: AsyncSession, role: str) -> Account:
    return (await session.scalars(select(Account).where(Account.address == PEOPLE[role]))).one()


@dataclass
class Scene:
    """A case in a state, what hangs on it, and everybody's account by role."""

    case: Case
    other: Case
    terms: Settlement
    advance: AdvancePayment | None
    people: dict[str, Account]

    def stands(self) -> tuple[Any, ...]:
        """All that a press could change of it."""
        case, other, paid = self.case, self.other, self.advance
        return (
            *(case.status, case.taker_id, case.desk_id, case.account_id, len(case.events)),
            *(case.answers, case.papers, case.object),
            *(other.status, other.taker_id, len(other.events)),
            *(self.terms.state, self.terms.wish),
            (paid.state, paid.recourse) if paid is not None else None,
        )


async def _set(
    session: AsyncSession, status: CaseStatus, row: str = "", right: Right | None = None
) -> Scene:
    office = right is not None and right.office
    found = await session.scalars(select(Account).where(Account.address.in_(PEOPLE.values())))
    at = {account.address: account for account in found}
    people = {role: at[who] for role, who in PEOPLE.items()}
    case, other = await _case(session, NUMBER), await _case(session, SECOND_NUMBER)
    taker = people[OFFICER if office else TAKER]
    case.status = status
    case.taker_id = taker.id if status in (*HELD, CaseStatus.WITHDRAWN) else None
    if status is CaseStatus.TRIAGE:
        case.desk_id = None
    elif office:
        case.desk_id = await session.scalar(
            select(Organisation.id).where(Organisation.level == Level.BUREAU)
        )
    if row in {"so:extend", "so:checked"}:
        case.kind = CaseKind.CLUE
    if status is CaseStatus.MERGED:
        case.same_as_id, other.status, other.taker_id = other.id, CaseStatus.HANDLING, taker.id
    elif not row.startswith("sg"):
        other.status = CaseStatus.WITHDRAWN
    for action in _before(status, row, office):
        event = Event(seq=len(case.events) + 1, at=NOON, action=action, was=status, status=status)
        event.by_id = taker.id
        event.details = {
            "who": "某某",
            "text": PERSONAL[0] if action is Action.TALK else "",
            "side": "consumer",
            "due": "2026-11-26",
            "former": taker.id.hex,
        }
        case.events.append(event)
    terms = (await session.scalars(select(Settlement))).one()
    if status is not CaseStatus.AGREED:
        terms.state = SettlementState.KEPT
    advance = None
    if row.startswith("szq"):
        asked = AdvanceState.PAID if right and right.question == "back" else AdvanceState.ASKED
        advance = asked_for(case, asked, (await _desk(session)).id, people[TAKER].id)
        session.add(advance)
    await session.flush()
    return Scene(case, other, terms, advance, people)


def _before(status: CaseStatus, row: str, office: bool) -> Sequence[Action]:
    """What happened to a case that stands so."""
    taken = (Action.TAKE, Action.TALK) if status in HELD else ()
    received = (Action.RECEIVE, *OFFICIAL.get(row, ())) if office and status in HELD else ()
    asked = (Action.PROPOSE,) if row.startswith("tg") and status in TAKEN else ()
    closing = (CLOSED_BY[status],) if status in CLOSED_BY else ()
    return (Action.FILE, Action.HAND_OVER, *taken, *received, *asked, *closing)


async def _desk(session: AsyncSession) -> Organisation:
    """The point that has the case."""
    owned = select(Case.desk_id).where(Case.number == SECOND_NUMBER).scalar_subquery()
    return (await session.scalars(select(Organisation).where(Organisation.id == owned))).one()


TURNS = 5


class _Undo(Exception):
    pass


Needs = tuple[object, ...]


def needs(row: str, right: Right) -> Needs:
    """What a row wants of the scene; rows that want the same are pressed in one."""
    paid = right.question == "back" if row.startswith("szq") else None
    return (right.office, OFFICIAL.get(row), row.startswith("tg"), row.startswith("sg"), paid) + (
        (row,) if row in {"so:extend", "so:checked"} else ()
    )


SCENES: dict[Needs, list[str]] = {}
for _row, _right in RIGHTS.items():
    SCENES.setdefault(needs(_row, _right), []).append(_row)


async def refused(siege: Siege, rows: Sequence[str], status: CaseStatus) -> list[str]:
    """Everybody whom the table refuses presses these buttons of one case, one after another: nothing may change
    and nothing of the person's be told. What was wrong.

    Where a button first works everybody presses, by the one entry, as any update comes; in the other states those
    whom it allows elsewhere and some of the rest in turn, straight at the service that looks the right up. What that
    service asks is asked for everybody in every state by the test of the gates."""
    wrong: list[str] = []
    first = rows[0]
    try:
        async with siege.office.db.write() as session:
            scene = await _set(session, status, first, RIGHTS[first])
            for row in rows:
                right = RIGHTS[row]
                entry = status is next(one for one in STATES if right.fits(one))
                turn = (list(RIGHTS).index(row) + STATES.index(status)) % TURNS
                for role in ROLES:
                    in_turn = role in right.roles or ROLES.index(role) % TURNS == turn
                    if right.may(status, role) or not (entry or in_turn):
                        continue
                    fault = await _press(
                        siege, session, scene, row, right, role, may=False, entry=entry
                    )
                    if fault:
                        wrong.append(f"{row} | {status} | {role}: {fault}")
            said = await _said(siege, session)
            for role in ROLES:
                heard = said.get(PEOPLE[role], "")
                if role not in ADDRESSED and any(p in heard for p in PERSONAL):
                    wrong.append(f"{rows} | {status} | {role}: was told what is the person's")
            for group in (GROUP, OTHER_GROUP, OFFICE_GROUP):
                if any(p in said.get(group, "") for p in PERSONAL):
                    wrong.append(f"{rows} | {status}: a group was told what is the person's")
            raise _Undo
    except _Undo:
        pass
    return wrong


async def allowed_to(siege: Siege, row: str, right: Right, status: CaseStatus) -> list[str]:
    """Who may, each in a transaction of her own; what was wrong."""
    wrong: list[str] = []
    for role in ROLES:
        if not right.may(status, role):
            continue
        try:
            async with siege.office.db.write() as session:
                # A taker presses 接单 and 退回 of a waiting case as any colleague does.
                scene = await _set(session, status, row, right)
                fault = await _press(siege, session, scene, row, right, role, may=True)
                if fault:
                    wrong.append(f"{row} | {status} | {role}: {fault}")
                raise _Undo
        except _Undo:
            pass
    return wrong


async def _said(siege: Siege, session: AsyncSession) -> dict[str, str]:
    """What this transaction owes, by whom it is for; its rows are the newest."""
    await session.flush()
    rows = await session.scalars(
        select(Outbox).where(text("outbox.rowid > :kept")).params(kept=siege.kept)
    )
    plain = siege.office.tables.texts.plain
    told: dict[str, str] = {}
    for row in rows:
        parts = Message.from_json(row.payload).parts if row.kind == "message" else ()
        told[row.target] = told.get(row.target, "") + "".join(plain(part) for part in parts)
    return told


async def _press(
    siege: Siege,
    session: AsyncSession,
    scene: Scene,
    row: str,
    right: Right,
    role: str,
    *,
    may: bool,
    entry: bool = True,
) -> str:
    siege.number += 1
    who, case, account = PEOPLE[role], scene.case, scene.people[role]
    name = verb_of(row)
    asked = dict(AWAITED[row], case=case.token) if row in AWAITED else None
    if name == "use":
        asked = {"verb": "use", "text": "还有发票"}
    account.awaiting = asked
    was = scene.stands()
    value = {
        OTHER_CASE: scene.other.token,
        COLLEAGUE_ID: scene.people[COLLEAGUE].id.hex,
    }.get(right.value, right.value)
    heard = Incoming(
        key=f"tg:{siege.number}",
        chat=(OTHER_GROUP if role == ELSEWHERE else GROUP) if right.group else who,
        account=who,
        name="某某",
        at=siege.office.clock.at,
        private=not right.group,
        press=Press(
            name,
            "" if name == "use" else case.token,
            right.question,
            0,
            case.token if name == "use" else value,
        ),
        press_id="p",
    )
    if entry:
        toast = await hear(session, siege.office.tables, heard)
    else:
        toast = await _straight(session, siege, heard, account)
    now = scene.stands()
    if may:
        told = await _said(siege, session)
        readers = {PEOPLE[r] for r in ADDRESSED} | ({who} if name == "st" else set())
        for target, said in told.items():
            if target not in readers and any(p in said for p in PERSONAL):
                return f"{target} reads what is the person's"
        done = now != was or account.awaiting != asked or told
        return "" if done else f"nothing came of it: {toast}"
    if now != was:
        return f"changed the case: {was} to {now}"
    if account.awaiting not in (asked, None):
        return f"is asked for {account.awaiting}"
    return ""


async def _straight(
    session: AsyncSession, siege: Siege, heard: Incoming, account: Account
) -> Say | None:
    """To the service to which the one entry leads."""
    tables = siege.office.tables
    answer = Answer(session, tables, heard)
    assert heard.press is not None
    if not heard.private:
        return await desk.heard_in_group(session, tables, heard, account, answer)
    if heard.press.verb.startswith("m"):
        return await administer.pressed(session, tables, heard, account)
    if heard.press.verb.startswith("s"):
        return await desk.pressed(session, tables, heard, account, answer)
    return await converse.pressed(session, tables, heard, account, answer)


@in_one_loop
@pytest.mark.parametrize("status", STATES)
async def test_only_whom_the_table_names_may(siege: Siege, status: CaseStatus) -> None:
    """Every button, in every state, by everybody whom the table refuses."""
    wrong = [fault for rows in SCENES.values() for fault in await refused(siege, rows, status)]
    assert not wrong, "\n".join(wrong)


@in_one_loop
@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("office", [False, True])
async def test_the_gates_know_everybody_in_every_state(
    siege: Siege, status: CaseStatus, office: bool
) -> None:
    """Whose case it is, who holds it, and who acts for its desk: what every button asks, asked of everybody."""
    tables = siege.office.tables
    right = RIGHTS["sud"] if office else RIGHTS["sv"]
    holder = OFFICER if office else TAKER
    try:
        async with siege.office.db.write() as session:
            scene = await _set(session, status, "", right)
            case = scene.case
            place = await session.get(Organisation, case.desk_id) if case.desk_id else None
            own, held, served = set(), set(), set()
            for role, account in scene.people.items():
                own |= {role} if case.account_id == account.id else set()
                held |= {role} if await accounts.holds(session, tables, account, case) else set()
                if place is not None and await accounts.may_act(session, tables, account, place):
                    served.add(role)
            assert own == {OWNER}
            if status in HELD:
                assert held == {holder}
            elif status is not CaseStatus.WITHDRAWN:
                assert not held
            else:
                assert held <= {holder}, "nothing works there, whoever held it"
            if place is not None:
                assert served == ({OFFICER} if office else {*STAFF, TAKER})
            raise _Undo
    except _Undo:
        pass


@in_one_loop
@pytest.mark.parametrize("row", RIGHTS)
async def test_whom_the_table_names_may(siege: Siege, row: str) -> None:
    right = RIGHTS[row]
    wrong = [fault for status in STATES for fault in await allowed_to(siege, row, right, status)]
    assert not wrong, "\n".join(wrong)


def test_the_table_names_every_verb_and_every_action() -> None:
    named = {verb_of(row) for row in RIGHTS}
    named |= OWN_DRAFT | ADMINS_ONLY | BY_DESK | STAFF_ONLY | OFFICERS_ONLY | FOR_ALL | TYPED
    named |= ABOVE_POINTS
    unnamed = {verb: file for verb, file in verbs().items() if verb not in named}
    assert not unnamed, f"no row says who may: {unnamed}"
    assert not named - set(verbs()), "rows for verbs that no button has"
    assert set(Action) == {right.action for right in RIGHTS.values() if right.action} | set(
        NO_PRESS
    )


def test_the_document_shows_the_table() -> None:
    written = (ROOT / "docs" / "rights.md").read_text("utf-8")
    assert table() in written, "docs/rights.md: put tests.attack.rights.table() in again"


@in_one_loop
async def test_only_an_admin_presses_what_is_the_bureaus(siege: Siege) -> None:
    """Every verb of the menu with every value it knows, pressed by everybody else, in private and in the
    group: nothing is told but that it is not hers, nothing is asked of her."""
    values = [
        "",
        "notice",
        "triage",
        "bind",
        "staff",
        "operator",
        "duty_on",
        "rules",
        "status",
        "1",
    ]
    questions = {"mb": "desk", "mn": "send", "mt": "to", "mw": "back", "ml": "yes"}
    for verb in sorted(ADMINS_ONLY | {"m?"}):
        for at, role in enumerate(role for role in ROLES if role != ADMIN):
            press = Press(verb, "", questions.get(verb, ""), 0, values[at % len(values)])
            got = await siege.attempt(PEOPLE[role], press=press)
            assert got.toast == siege.say("admin.refused"), f"{role} {verb}"
            assert not got.owed, f"{role} {verb}: {got.plain}"
    for verb in sorted(ADMINS_ONLY):
        got = await siege.attempt(PEOPLE[COLLEAGUE], press=Press(verb), chat=GROUP)
        assert got.toast == siege.say("toast.no_case")


@in_one_loop
async def test_lists_are_told_to_those_who_serve_there(siege: Siege) -> None:
    """今天要办、台账、代登记、时限: about the presser's own desks; others are told that it is not theirs."""
    staff = {TAKER, COLLEAGUE, ABOVE, OFFICER, BELOW, ELSEWHERE}
    for verb, may in {
        "szl": staff | {ADMIN},
        "si": staff | {ADMIN},
        "sh": staff,
        "sb": staff,
        "sol": {OFFICER},
    }.items():
        for role in ROLES:
            got = await siege.attempt(PEOPLE[role], press=Press(verb))
            no = {siege.say("toast.not_staff"), siege.say("books.not_staff")}
            refused = got.toast in no and not got.owed
            assert refused is (role not in may), f"{verb} {role}: {got.toast} {got.plain[:80]}"
            assert not any(part in got.plain for part in PERSONAL)
    for role in ROLES:
        got = await siege.attempt(PEOPLE[role], press=Press("sd"))
        own = {TAKER, COLLEAGUE, ABOVE, OFFICER}
        assert (NUMBER in got.plain) is (role in own), f"sd {role}: {got.plain[:80]}"
        assert not any(part in got.plain for part in PERSONAL)


@in_one_loop
async def test_early_warnings_are_for_a_street_and_above_and_names_for_officers(
    siege: Siege,
) -> None:
    above = {ABOVE, ELSEWHERE, OFFICER, ADMIN}
    allowed = {"w": above, "wa": above, "wn": {OFFICER, ADMIN}, "wr": {OFFICER, ADMIN}}
    assert set(allowed) == ABOVE_POINTS | (OFFICERS_ONLY - {"sol"})
    for verb, may in allowed.items():
        for role in ROLES:
            burst = await _burst(siege) if verb == "wa" else ""
            press = Press(verb, "", "look" if verb == "wa" else "", 0, burst)
            got = await siege.attempt(PEOPLE[role], press=press)
            refused = got.toast == siege.say("toast.not_staff") and not got.owed
            # The burst is in ABOVE's street.
            sees = role in may and not (verb == "wa" and role == ELSEWHERE)
            assert refused is not sees, f"{verb} {role}: {got.toast} {got.plain[:80]}"
            assert not any(part in got.plain for part in PERSONAL)


async def _burst(siege: Siege) -> str:
    """A burst in the street, found some time ago."""
    async with siege.office.rows() as session:
        found = select(Burst).limit(1)
        row = await session.scalar(found)
        if row is None:
            place = select(Organisation.code).where(Organisation.name == STREET)
            row = Burst(
                object="prepaid_card",
                street_code=await session.scalar(place),
                since=NOON.date(),
                until=NOON.date(),
                people=9,
                expected=1.0,
                chance=0.0,
                found_at=NOON,
            )
            session.add(row)
        return row.id.hex


@in_one_loop
async def test_nothing_of_a_case_is_answered_in_a_group(siege: Siege) -> None:
    """The taker presses in the group what is meant for her private talk."""
    for row, right in RIGHTS.items():
        if right.group or right.office or not row.startswith("s"):
            continue
        for status in (CaseStatus.HANDLING, CaseStatus.AGREED):
            try:
                async with siege.office.db.write() as session:
                    scene = await _set(session, status, row, right)
                    shown = replace(right, group=True)
                    await _press(siege, session, scene, row, shown, TAKER, may=False)
                    said = await _said(siege, session)
                    if verb_of(row) not in {"sr", "srr"}:
                        assert GROUP not in said, f"{row}: {said[GROUP]}"
                    assert not any(part in said.get(GROUP, "") for part in PERSONAL)
                    raise _Undo
            except _Undo:
                pass


@in_one_loop
async def test_the_number_of_who_filed_on_paper_stays_out_of_the_group(siege: Siege) -> None:
    """What would be asked of her is asked by telephone: the taker reads the number, and a view is on record."""
    right = RIGHTS["srr@group"]
    for reason in ("missing", "withdrawn"):
        for status, role, group in (
            (CaseStatus.WAITING, COLLEAGUE, True),
            (CaseStatus.HANDLING, TAKER, True),
            (CaseStatus.HANDLING, TAKER, False),
        ):
            try:
                async with siege.office.db.write() as session:
                    scene = await _set(session, status, "srr@group", right)
                    scene.people[OWNER].address = "paper:ABCDEFGHJK"
                    tried = replace(right, value=reason, group=group)
                    await _press(siege, session, scene, "srr", tried, role, may=True)
                    said = await _said(siege, session)
                    reads = {who for who, told in said.items() if "13800138000" in told}
                    assert reads == (set() if group else {PEOPLE[TAKER]}), said
                    viewed = scene.case.events[-1].action is Action.VIEW
                    assert viewed is not group
                    raise _Undo
            except _Undo:
                pass


@in_one_loop
async def test_staff_are_managed_in_ones_own_area_only(siege: Siege) -> None:
    """desk, new, out, gone, void, yes, no: an admin everywhere, a street for its points, nobody else."""
    async with siege.office.db.read() as session:
        staff = (await session.scalars(select(Staff))).all()
        colleague = await _account(session, COLLEAGUE)
        mate = next(row for row in staff if row.account_id == colleague.id)
        desk = await session.get_one(Organisation, mate.organisation_id)
        town = (await session.scalars(select(Organisation).where(Organisation.name == TOWN))).one()
    own = {
        "desk": str(desk.serial),
        "new": str(desk.serial),
        "out": mate.id.hex,
        "gone": mate.id.hex,
    }
    other = {"desk": str(town.serial), "new": str(town.serial)}
    for area, buttons in (("own", own), ("other", other)):
        for question, value in buttons.items():
            for role in ROLES:
                if role == COLLEAGUE and question in {"out", "gone"}:
                    continue  # She may leave by herself.
                got = await siege.attempt(PEOPLE[role], press=Press("j", "", question, 0, value))
                may = role == ADMIN or (role == ABOVE and area == "own")
                refused = got.toast == siege.say("toast.not_yours_to_manage") and not got.owed
                assert refused is not may, f"{role} {question} {area}: {got.toast} {got.plain[:80]}"


@in_one_loop
async def test_a_strangers_draft_is_nobodys(siege: Siege) -> None:
    """The interview's buttons with another's case: her own draft is shown, or the start; nothing else."""
    tokens = await siege.tokens()
    for verb in sorted(OWN_DRAFT):
        for value in ("file", "yes", "cancel_yes", "story"):
            got = await siege.attempt(
                PEOPLE[OTHER], press=Press(verb, tokens["PD-20261123-00009"], "review", 0, value)
            )
            assert not any(p in got.plain for p in PERSONAL)
            assert [target for target, _ in got.owed] == [PEOPLE[OTHER]]


@in_one_loop
async def test_a_cases_link_tells_outsiders_nothing(siege: Siege) -> None:
    """The card's link is passed on: colleagues hear who has it, others not even that."""
    token = (await siege.tokens())["PD-20261123-00009"]
    async with siege.office.rows() as session:
        await _set(session, CaseStatus.HANDLING)
    for role in (STRANGER, OTHER, ELSEWHERE, FORMER, BELOW):
        got = await siege.attempt(PEOPLE[role], said=f"/start case_{token}")
        assert got.plain.strip() == siege.say("toast.not_yours"), role
    got = await siege.attempt(PEOPLE[COLLEAGUE], said=f"/start case_{token}")
    assert got.plain.strip() == siege.say("toast.taken_by", who="某某")
