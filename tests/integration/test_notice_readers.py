"""Who gets a notice: the one query, on both databases; nights; what was read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.database import Database
from bot.services.outreach import copies
from bot.services.outreach.readers import Audience, readers, size
from models.base import uuid7
from models.case import Case, CaseKind
from models.lifecycle import CaseStatus
from models.network import Bureau, LiaisonPoint, Organisation, Staff, Street
from models.outreach import Delivery, Notice, NoticeState
from models.party import Account
from tests.integration.durable import START, text


class Town:
    """Two streets with a point each, and people by name."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.people: dict[str, Account] = {}
        self.desks: dict[str, Organisation] = {}

    async def build(self) -> None:
        bureau = Bureau(code="B", name="局", serial=1)
        self.session.add(bureau)
        await self.session.flush()
        self.desks["B"] = bureau
        for number, code in enumerate(("S1", "S2"), 2):
            street = Street(code=code, name=code, serial=number, parent_id=bureau.id)
            self.session.add(street)
            await self.session.flush()
            point = LiaisonPoint(
                code=f"P{code}", name=f"P{code}", serial=number + 10, parent_id=street.id
            )
            self.session.add(point)
            self.desks |= {code: street, f"P{code}": point}
        await self.session.flush()

    async def person(self, name: str, *, works: str = "", gone: bool = False, **more: Any) -> None:
        account = Account(
            address=f"tg:{1000 + len(self.people)}",
            created_at=START,
            seen_at=START,
            **{"subscribed": True, **more},
        )
        self.session.add(account)
        await self.session.flush()
        self.people[name] = account
        if works:
            desk = self.desks[works]
            left = START if gone else None
            self.session.add(
                Staff(account_id=account.id, organisation_id=desk.id, joined_at=START, left_at=left)
            )
            await self.session.flush()

    async def case(self, name: str, street: str, kind: str, *, filed: bool = True) -> None:
        self.session.add(
            Case(
                account_id=self.people[name].id,
                kind=CaseKind.COMPLAINT,
                status=CaseStatus.WAITING if filed else CaseStatus.DRAFT,
                object=kind,
                street_code=street,
                created_at=START,
                touched_at=START,
                filed_at=START if filed else None,
            )
        )
        await self.session.flush()

    async def get(self, audience: Audience | None = None) -> set[str]:
        found = set(await self.session.scalars(readers(audience)))
        assert await size(self.session, audience) == len(found)
        return {name for name, account in self.people.items() if account.id in found}


async def test_each_filter_means_its_readers(db: Database) -> None:
    async with db.write() as session:
        town = Town(session)
        await town.build()
        await town.person("plain")
        await town.person("stranger", subscribed=False)
        await town.person("shut", blocked=True)
        await town.person("first", street_code="S1", topics=",home,prepaid,")
        await town.person("second", street_code="S2", by_cases=True)
        await town.person("moved", street_code="S2")
        await town.person("case", by_cases=True)
        await town.person("silent")
        await town.case("moved", "S1", "prepaid_card")
        await town.case("case", "S1", "education")
        await town.case("silent", "S2", "prepaid_card")
        await town.case("second", "S2", "prepaid_card", filed=False)
        await town.person("point", works="PS1", subscribed=False)
        await town.person("other point", works="PS2")
        await town.person("street", works="S1", subscribed=False)
        await town.person("officer", works="B", subscribed=False)
        await town.person("former", works="PS1", gone=True)
        subscribed = {
            "plain",
            "first",
            "second",
            "moved",
            "case",
            "silent",
            "other point",
            "former",
        }

        assert await town.get() == await town.get(Audience()) == subscribed
        assert await town.get(Audience("consumers")) == subscribed - {"other point"}
        assert await town.get(Audience("points")) == {"point", "other point"}
        assert await town.get(Audience("streets")) == {"street"}
        assert await town.get(Audience("offices")) == {"officer"}
        assert await town.get(Audience("staff")) == {"point", "other point", "street", "officer"}
        assert await town.get(Audience("staff", streets=("S1",))) == {"point", "street", "officer"}
        assert await town.get(Audience("points", streets=("S2",))) == {"other point"}
        # What she chose goes before where her cases are.
        assert await town.get(Audience(streets=("S1",))) == {"first", "case"}
        assert await town.get(Audience(streets=("S2",))) == {"second", "moved", "silent"}
        assert await town.get(Audience(streets=("S1", "S2"))) == subscribed - {
            "plain",
            "other point",
            "former",
        }
        assert await town.get(Audience(topics=("prepaid",))) == {"first"}
        assert await town.get(Audience(topics=("pre",))) == set()
        assert await town.get(Audience(topics=("prepaid",), cases=True)) == {"first", "case"}
        assert await town.get(Audience(topics=("home",), cases=True, streets=("S2",))) == set()


async def test_copies_are_made_of_the_frozen_filter_and_staff_who_left_get_none(
    db: Database,
) -> None:
    async with db.write() as session:
        town = Town(session)
        await town.build()
        await town.person("reader")
        for number in range(5):
            await town.person(f"point {number}", works="PS1", subscribed=False)
        notice = Notice(
            id=uuid7(),
            author_id=town.people["reader"].id,
            body="",
            message=text("news").to_json(),
            audience=Audience("points").to_json(),
            for_staff=True,
            state=NoticeState.SENDING,
            created_at=START,
            sent_at=START,
        )
        session.add(notice)
        await session.flush()
        while await copies.spread(session, notice, START, 2):
            pass
        made = set(await session.scalars(select(Delivery.account_id)))
        assert len(made) == notice.total == 5
        assert town.people["reader"].id not in made
        for row in await session.scalars(
            select(Staff).where(Staff.account_id == town.people["point 0"].id)
        ):
            row.left_at = START
        await session.flush()
        going = await copies.going_out(session, START)
        rows, _ = await copies.claimable(session, "tg", 9, going, START)
        assert town.people["point 0"].id not in {row.account_id for row in rows}
        assert len(rows) == 4
        await session.refresh(notice)
        assert notice.left == 1


async def test_nothing_is_claimed_in_its_night(db: Database) -> None:
    async with db.write() as session:
        town = Town(session)
        await town.person("reader")
        notice = Notice(
            author_id=town.people["reader"].id,
            body="",
            message=text("news").to_json(),
            state=NoticeState.SENDING,
            created_at=START,
            sent_at=START,
            rests_at=START + timedelta(hours=1),
        )
        session.add(notice)
        await session.flush()
        await copies.spread(session, notice, START)
        late = START + timedelta(hours=1)
        assert await copies.going_out(session, late) == []
        before = late - timedelta(seconds=1)
        going = await copies.going_out(session, before)
        rows, _ = await copies.claimable(session, "tg", 9, going, before)
        assert len(rows) == 1


async def test_who_read_a_notice_to_staff_is_kept_longer(db: Database) -> None:
    day, month = timedelta(days=2), timedelta(days=30)
    async with db.write() as session:
        town = Town(session)
        await town.person("reader")
        for for_staff in (False, True):
            notice = Notice(
                author_id=town.people["reader"].id,
                body="",
                message=text("news").to_json(),
                for_staff=for_staff,
                state=NoticeState.SENDING,
                created_at=START,
                sent_at=START,
            )
            session.add(notice)
            await session.flush()
            await copies.spread(session, notice, START)
            notice.state, notice.ended_at = NoticeState.DONE, START
        await session.flush()
        after = START + day + timedelta(seconds=1)
        assert await copies.forget(session, after, day, month) == 1
        assert await copies.forget(session, after, day, month) == 0
        assert await copies.forget(session, START + month + timedelta(seconds=1), day, month) == 1
