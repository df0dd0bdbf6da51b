"""Everybody tries every button about a case, in every state of it: only whom the table names may."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Incoming, Message, Press
from bot.services.hear import hear
from models.case import Case, CaseKind
from models.delivery import Outbox
from models.lifecycle import Action, CaseStatus
from models.network import LiaisonPoint, Organisation, Staff
from models.party import Account
from tests.attack.rights import (
    ABOVE,
    ADMIN,
    ADMINS_ONLY,
    BELOW,
    BY_DESK,
    COLLEAGUE,
    ELSEWHERE,
    FOR_ALL,
    FORMER,
    HELD,
    NO_PRESS,
    OTHER,
    OWN_DRAFT,
    OWNER,
    RIGHTS,
    ROLES,
    ROOT,
    STAFF_ONLY,
    STATES,
    STRANGER,
    TAKER,
    Right,
    table,
    verbs,
)
from tests.attack.siege import PERSONAL, Siege, besieged
from tests.integration.admin_office import BOSS, GROUP, NOON, OTHER_GROUP

in_one_loop = pytest.mark.asyncio(loop_scope="module")

PEOPLE = {role: f"tg:{2000 + at}" for at, role in enumerate(ROLES)} | {ADMIN: BOSS}
STREET, TOWN = "花木街道", "川沙新镇"
AWAITED = {"scy": {"verb": "sc", "result": "no_agreement", "fen": 0, "text": "店家没有回应"}}
ADDRESSED = frozenset({OWNER, TAKER})
"""Who hears of a case without asking; what anybody else is told must hold nothing of the person's."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def siege(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    async with besieged(tmp_path_factory.mktemp("rights")) as siege:
        await _furnish(siege)
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
        places = {
            TAKER: desk,
            COLLEAGUE: desk,
            ABOVE: street,
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
        case = Case(
            account_id=(await _account(session, OWNER)).id,
            kind=CaseKind.COMPLAINT,
            status=CaseStatus.WAITING,
            number="PD-20261123-00009",
            created_at=NOON,
            touched_at=NOON,
            filed_at=NOON,
            closed_at=office.clock.at,
            object="prepaid_card",
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


async def _account(session: AsyncSession, role: str) -> Account:
    return (await session.scalars(select(Account).where(Account.address == PEOPLE[role]))).one()


async def _set(session: AsyncSession, status: CaseStatus, taker: uuid.UUID | None) -> Case:
    case = (await session.scalars(select(Case).where(Case.number.is_not(None)))).one()
    case.status = status
    case.taker_id = taker if status in (*HELD, CaseStatus.WITHDRAWN) else None
    if status is CaseStatus.TRIAGE:
        case.desk_id = None
    await session.flush()
    return case


class _Undo(Exception):
    pass


async def _cell(siege: Siege, verb: str, right: Right, status: CaseStatus) -> list[str]:
    """All roles press one button in one state; what was wrong. Whom the table refuses must change nothing,
    so they press one after another; who may, each in a transaction of her own. Where the state refuses
    everybody, those press whom it else allows, and two of the others in turn."""
    wrong: list[str] = []
    refused = [role for role in ROLES if role not in right.roles or not right.fits(status)]
    if not right.fits(status):
        turn = (list(RIGHTS).index(verb) + STATES.index(status)) % 5
        refused = [r for r in refused if r in right.roles or ROLES.index(r) % 5 == turn]
    try:
        async with siege.office.db.write() as session:
            case = await _set(session, status, (await _account(session, TAKER)).id)
            for role in refused:
                fault = await _press(siege, session, case, verb, right, role, may=False)
                if fault:
                    wrong.append(f"{verb} | {status} | {role}: {fault}")
            raise _Undo
    except _Undo:
        pass
    for role in right.roles if right.fits(status) else ():
        try:
            async with siege.office.db.write() as session:
                # A taker presses 接单 and 退回 of a waiting case as any colleague does.
                case = await _set(session, status, (await _account(session, TAKER)).id)
                fault = await _press(siege, session, case, verb, right, role, may=True)
                if fault:
                    wrong.append(f"{verb} | {status} | {role}: {fault}")
                raise _Undo
        except _Undo:
            pass
    return wrong


async def _press(
    siege: Siege,
    session: AsyncSession,
    case: Case,
    verb: str,
    right: Right,
    role: str,
    *,
    may: bool,
) -> str:
    siege.number += 1
    who = PEOPLE[role]
    account = await _account(session, role)
    name = verb.partition("@")[0]
    account.awaiting = dict(AWAITED.get(name, {}), case=case.token) if name in AWAITED else None
    if name == "use":
        account.awaiting = {"verb": "use", "text": "还有发票"}
    asked = account.awaiting
    was = (case.status, case.taker_id, case.desk_id, len(case.events))
    before = await session.scalar(text("SELECT max(rowid) FROM outbox")) or 0
    about = "" if name == "use" else case.token
    value = case.token if name == "use" else right.value
    heard = Incoming(
        key=f"tg:{siege.number}",
        chat=(OTHER_GROUP if role == ELSEWHERE else GROUP) if right.group else who,
        account=who,
        name="某某",
        at=siege.office.clock.at,
        private=not right.group,
        press=Press(name, about, right.question, 0, value),
        press_id="p",
    )
    await hear(session, siege.office.tables, heard)
    await session.flush()
    now = (case.status, case.taker_id, case.desk_id, len(case.events))
    rows = (
        await session.scalars(
            select(Outbox).where(text("outbox.rowid > :before")).params(before=before)
        )
    ).all()
    told: dict[str, str] = {}
    for row in rows:
        parts = Message.from_json(row.payload).parts if row.kind == "message" else ()
        plain = siege.office.tables.texts.plain
        told[row.target] = told.get(row.target, "") + "".join(plain(part) for part in parts)
    readers = {PEOPLE[r] for r in ADDRESSED} | ({who} if may and name == "st" else set())
    for target, said in told.items():
        if target not in readers and any(p in said for p in PERSONAL):
            return f"{target} reads what is the person's"
    if may:
        done = now != was or account.awaiting != asked or told
        return "" if done else "nothing came of it"
    if now != was:
        return f"changed the case: {was} to {now}"
    if role not in ADDRESSED and any(p in "".join(told.values()) for p in PERSONAL):
        return "was told what is the person's"
    if account.awaiting not in (asked, None):
        return f"is asked for {account.awaiting}"
    return ""


@in_one_loop
@pytest.mark.parametrize("verb", RIGHTS)
async def test_only_whom_the_table_names_may(siege: Siege, verb: str) -> None:
    right = RIGHTS[verb]
    wrong = [fault for status in STATES for fault in await _cell(siege, verb, right, status)]
    assert not wrong, "\n".join(wrong)


def test_the_table_names_every_verb_and_every_action() -> None:
    named = {verb.partition("@")[0] for verb in RIGHTS}
    named |= OWN_DRAFT | ADMINS_ONLY | BY_DESK | STAFF_ONLY | FOR_ALL
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
    for verb in sorted(ADMINS_ONLY | {"mo", "m?"}):
        for at, role in enumerate(role for role in ROLES if role != ADMIN):
            press = Press(verb, "", questions.get(verb, ""), 0, values[at % len(values)])
            got = await siege.attempt(PEOPLE[role], press=press)
            assert got.toast == siege.say("admin.refused"), f"{role} {verb}"
            assert not got.owed, f"{role} {verb}: {got.plain}"
    for verb in sorted(ADMINS_ONLY):
        got = await siege.attempt(PEOPLE[COLLEAGUE], press=Press(verb), chat=GROUP)
        assert got.toast == siege.say("toast.no_case")


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
        await _set(session, CaseStatus.HANDLING, (await _account(session, TAKER)).id)
    for role in (STRANGER, OTHER, ELSEWHERE, FORMER, BELOW):
        got = await siege.attempt(PEOPLE[role], said=f"/start case_{token}")
        assert got.plain.strip() == siege.say("toast.not_yours"), role
    got = await siege.attempt(PEOPLE[COLLEAGUE], said=f"/start case_{token}")
    assert got.plain.strip() == siege.say("toast.taken_by", who="某某")
