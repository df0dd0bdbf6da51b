"""Posters: who orders them and what scanning them does; the register's quality."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.route.register import Desk, Register
from bot.services import accounts
from bot.services.chain import hand_over
from bot.services.consumer import drafts
from bot.services.network.check_points import duplicates
from bot.services.network.poster import NoPoster, compose
from models.case import CaseKind
from tests.integration.admin_office import AUNT, TEACHER, Office, opened
from tests.integration.cli_helpers import Suda, install, suda
from tests.integration.test_cli_points import HEAD, MALL, table

__all__ = ["suda"]

STREET, POINT, ELSEWHERE = "潍坊新村街道", "潍坊一村居委会", "310115103"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as office:
        office.tables = replace(office.tables, operator="某单位", basis="单独同意")
        await office.appoint()
        await office.bind(STREET)
        await office.enlist(POINT)
        yield office


async def test_barracks_have_no_poster_and_no_card(office: Office) -> None:
    barracks = Desk("B1", "某部", "point", type="barracks")
    with pytest.raises(NoPoster):
        compose(office.tables, barracks)
    office.tables.network.register = Register([*office.tables.register, barracks])
    await office.write(AUNT, "/start p_B1")
    assert "找不到了" in (await office.last(AUNT)).text
    assert "某部" not in (await office.last(AUNT)).text


async def scanned(office: Office, street: str) -> tuple[str, str]:
    """Where a case that is about ``street`` goes after a scan, and the reasons."""
    point = await office.desk(POINT)
    await office.write(AUNT, f"/start p_{point.code}")
    assert POINT in (await office.last(AUNT)).text
    async with office.rows() as session:
        aunt = await accounts.by_address(session, AUNT)
        assert aunt is not None
        case = await drafts.begin(session, office.tables, aunt, CaseKind.COMPLAINT)
        case.object = "prepaid_card"
        case.answers = {"where": {"v": {"mode": "street", "street": street}, "by": "person"}}
        await session.flush()
        route = (await hand_over.planned(session, office.tables, case)).route
        assert aunt.point_code == "", "one scan is for one case"
        plain = office.tables.texts.plain
        return route.desk_code or "", "".join(plain(why) for why in route.because)


async def test_a_scan_prefers_the_point_where_it_may_have_the_matter(office: Office) -> None:
    street, point = await office.desk(STREET), await office.desk(POINT)
    assert await scanned(office, street.code) == (
        point.code,
        f"您扫的是{POINT}的码，这件事就由它来办。由{POINT}的值班人员来接。",
    )
    code, why = await scanned(office, ELSEWHERE)
    assert code == ELSEWHERE
    assert "没有转给它" in why


async def test_staff_order_a_poster_and_strangers_do_not(office: Office) -> None:
    await office.write(TEACHER, "/staff")
    button = await office.button(TEACHER, f"{POINT}的海报")
    assert "正在做海报" in await office.tap(TEACHER, "", old=button)
    assert "不归您管" in await office.tap(AUNT, "", old=button)


def test_the_register_is_checked(suda: Suda, tmp_path: Path) -> None:
    install(tmp_path)
    twin = MALL.replace("M01", "M02").replace("金桥商场联络点", "金桥商场 消费维权联络点")
    other = (
        MALL.replace("M01", "M03").replace("金桥商场联络点", "另一家超市").replace("31.25", "31.26")
    )
    assert suda("points", "import", table(tmp_path, MALL, twin, other, head=HEAD)).code == 0
    ran = suda("points", "check", "--json")
    found = {row["kind"]: row for row in json.loads(ran.out)}
    assert found["duplicate"]["codes"] == ["M01", "M02"]
    assert {"M01", "M02", "M03"} <= set(found["no_staff"]["codes"])
    assert not {"M01", "M02", "M03"} & set(found["no_place"]["codes"])
    assert not {"M01", "M02", "M03"} & set(found["stale"]["codes"])
    assert all(row["mend"] for row in found.values())
    assert "怎么办" in suda("points", "check").out


def test_names_of_committees_are_no_duplicates() -> None:
    desks = [
        Desk("1", "城西居委会", "point", street_code="s"),
        Desk("2", "城西村委会", "point", street_code="s"),
        Desk("3", "城西居委会", "point", street_code="t"),
    ]
    assert duplicates(Register(desks)) == []
