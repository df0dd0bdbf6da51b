"""Group robots: a local server judges signatures and pace as the vendors do, and what is said to it is scanned."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from sqlalchemy import select

from bot.adapters import robots as adapter
from bot.adapters.robots import HttpRobots, Robot, RobotsProblem, load
from bot.services import accounts
from bot.services.admin import check_up
from bot.services.chain import hand_over, robots
from bot.settings import Settings
from models.case import Case
from models.delivery import Outbox, RateSlot, Refused
from models.network import Robot as Bound
from tests.integration.admin_office import BOSS, Office, opened

NUMBER = "PD261123-0001"
KEY, SECRET = "k-geheim-4711", "SEC-geheim-0815"
URLS = {
    "wecom": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
    "dingtalk": f"https://oapi.dingtalk.com/robot/send?access_token={KEY}",
    "feishu": f"https://open.feishu.cn/open-apis/bot/v2/hook/{KEY}",
}
FILE = "".join(
    f'[{vendor}1]\nvendor = "{vendor}"\nurl = "{url}"\nsecret = "{SECRET}"\n'
    for vendor, url in URLS.items()
)


@dataclass
class Vendors:
    """All three vendors: an ASGI server that says 200 and a code, as they do."""

    said: list[tuple[str, str]] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)
    now: float = 1_000_000.0
    answer: dict[str, Any] | None = None
    status: int = 200

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = json.loads((await receive())["body"])
        query = {k: v[0] for k, v in parse_qs(scope["query_string"].decode()).items()}
        host = dict(scope["headers"])[b"host"].decode()
        code = self._judge(host, query, body)
        failing = "code" if host == "open.feishu.cn" else "errcode"
        answer = self.answer if self.answer is not None else {failing: code}
        headers = [(b"location", b"https://evil.example/")] if self.status == 302 else []
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _judge(self, host: str, query: dict[str, str], body: dict[str, Any]) -> int:
        times = self.times.setdefault(host, [])
        times.append(self.now)
        most = 100 if host == "open.feishu.cn" else 20
        if sum(at > self.now - 60 for at in times) > most:
            return {"oapi.dingtalk.com": 130101, "open.feishu.cn": 11232}.get(host, 45009)
        if host == "qyapi.weixin.qq.com":
            if query != {"key": KEY}:
                return 93000
            text = body["text"]["content"]
        elif host == "oapi.dingtalk.com":
            stamp = query["timestamp"]
            made = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256)
            wrong = query["sign"] != base64.b64encode(made.digest()).decode()
            if wrong or abs(int(stamp) / 1000 - self.now) > 3600 or query["access_token"] != KEY:
                return 310000
            text = body["text"]["content"]
        else:
            stamp = body["timestamp"]
            made = hmac.new(f"{stamp}\n{SECRET}".encode(), b"", hashlib.sha256)
            wrong = body["sign"] != base64.b64encode(made.digest()).decode()
            if wrong or abs(int(stamp) - self.now) > 3600:
                return 19021
            text = body["content"]["text"]
        if self.answer is None and self.status == 200:
            self.said.append((host, text))
        return 0


def file(folder: Path, text: str = FILE) -> Path:
    path = folder / "robots.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def talking(vendors: Vendors, table: dict[str, Robot]) -> HttpRobots:
    return HttpRobots(
        table, lambda: datetime.fromtimestamp(vendors.now, UTC), httpx.ASGITransport(vendors)
    )


async def test_each_vendor_takes_its_own_signature(tmp_path: Path) -> None:
    vendors = Vendors(now=time.time())
    table = load(file(tmp_path))
    for name in table:
        await talking(vendors, table).send(name, "通了吗+&=？")
    assert [text for _, text in vendors.said] == ["通了吗+&=？"] * 3
    forged = {name: replace(one, secret="wrong") for name, one in table.items()}
    for name, code in (("dingtalk1", "310000"), ("feishu1", "19021")):
        with pytest.raises(Refused, match=f": {code}"):
            await talking(vendors, forged).send(name, "x")
    assert len(vendors.said) == 3


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, {"errcode": 93000}), (200, {}), (200, []), (302, {"errcode": 0}), (500, {"errcode": 0})],
)
async def test_what_is_no_zero_is_a_failure_and_tells_no_secret(
    tmp_path: Path, status: int, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    vendors = Vendors(status=status, answer=answer)
    with pytest.raises(Refused) as refused:
        await talking(vendors, load(file(tmp_path))).send("wecom1", "x")
    assert not refused.value.final
    told = f"{refused.value!r} {refused.value.reason} {caplog.text}"
    assert KEY not in told
    assert SECRET not in told
    assert len(vendors.times["qyapi.weixin.qq.com"]) == 1, "no redirect is followed"


@pytest.mark.parametrize(
    "url",
    [
        "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x",
        "https://qyapi.weixin.qq.com.evil.example/cgi-bin/webhook/send?key=x",
        "https://qyapi.weixin.qq.com@evil.example/cgi-bin/webhook/send?key=x",
        "https://evil.example/cgi-bin/webhook/send?key=x",
        "https://127.0.0.1/cgi-bin/webhook/send?key=x",
        "https://oapi.dingtalk.com/robot/send?access_token=x",
        "https://qyapi.weixin.qq.com:8443/cgi-bin/webhook/send?key=x",
    ],
)
def test_only_the_vendors_own_hosts_are_called(tmp_path: Path, url: str) -> None:
    with pytest.raises(RobotsProblem, match="own robots"):
        load(file(tmp_path, f'[a]\nvendor = "wecom"\nurl = "{url}"\n'))


@pytest.mark.parametrize(
    "text",
    [
        f'[a]\nvendor = "slack"\nurl = "{URLS["wecom"]}"\n',
        f'[a]\nvendor = "feishu"\nurl = "{URLS["feishu"]}"\n',
        f'[a]\nvendor = "wecom"\nurl = "{URLS["wecom"]}"\ntoken = "{SECRET}"\n',
        f'[a]\nsecret = "{SECRET}',
        f'a = "{SECRET}"',
    ],
)
def test_a_wrong_file_is_named_without_its_secrets(tmp_path: Path, text: str) -> None:
    path = file(tmp_path, text)
    with pytest.raises(RobotsProblem) as problem:
        load(path)
    assert SECRET not in str(problem.value)
    assert KEY not in str(problem.value)
    found = check_up.robots(Settings(robots_file=path), lambda: len(load(path)))
    assert found.level == "fail"


def test_the_doctor_sees_a_file_that_others_may_read(tmp_path: Path) -> None:
    path = file(tmp_path)
    settings = Settings(robots_file=path)
    assert check_up.robots(settings, lambda: len(load(path))).level == "ok"
    path.chmod(0o644)
    assert check_up.robots(settings, lambda: len(load(path))).level == "warn"
    assert check_up.robots(Settings(), lambda: 0).level == "ok"
    assert KEY not in repr(load(path))
    assert load(None) == {}


# Forwarding


@dataclass
class Hall:
    """An installation with a robot of the DingTalk kind bound to a street, and the vendors."""

    office: Office
    vendors: Vendors
    robots: HttpRobots

    async def run(self) -> list[Refused]:
        """Do every errand that is owed once, as the worker would; what was refused."""
        async with self.office.db.read() as session:
            wanted = select(Outbox).where(Outbox.kind == robots.ERRAND).order_by(Outbox.id)
            owed = (await session.scalars(wanted)).all()
        refused = []
        work = robots.forwarder(self.office.db, self.office.tables, self.robots)
        for row in owed:
            if row.payload is None:
                continue
            try:
                finish = await work(row.payload)
            except Refused as refusal:
                refused.append(refusal)
                break  # rows of one robot go one after another
            async with self.office.rows() as session:
                if finish is not None:
                    await finish(session)
                done = await session.get_one(Outbox, row.id)
                done.payload = None
        return refused

    def pass_time(self, seconds: float) -> None:
        self.office.clock.at += timedelta(seconds=seconds)
        self.vendors.now += seconds


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with opened(tmp_path, demo=True) as office:
        table = load(file(tmp_path))
        names = {name: one.vendor for name, one in table.items()}
        office.tables = replace(office.tables, robots=names)
        vendors = Vendors(now=office.clock.at.timestamp())
        talk = HttpRobots(table, office.clock.now, httpx.ASGITransport(vendors))
        await office.appoint(BOSS)
        await office.tap_menu("群机器人")
        await office.tap(BOSS, "绑定 dingtalk1（钉钉）")
        await office.write(BOSS, "花木街道")
        await office.tap(BOSS, "花木街道")
        yield Hall(office, vendors, talk)
        await talk.close()


async def hand_over_one(office: Office, number: str) -> None:
    desk = await office.desk("花木街道")
    await office.case(number, desk="花木街道", merchant="美丽健身房")
    async with office.rows() as session:
        case = (await session.scalars(select(Case).where(Case.number == number))).one()
        await hand_over.send_card(session, office.tables, case, desk)


async def test_a_case_is_forwarded_with_number_kind_and_street_only(hall: Hall) -> None:
    await hand_over_one(hall.office, NUMBER)
    assert await hall.run() == []
    ((host, text),) = hall.vendors.said
    assert host == "oapi.dingtalk.com"
    assert text == f"【诉达】新案件 {NUMBER}：投诉，花木街道"
    assert "正常" in await see(hall)


@pytest.mark.parametrize("what", robots.KINDS)
async def test_no_word_of_the_case_goes_out(hall: Hall, what: str) -> None:
    await hall.office.case(NUMBER, desk="花木街道", merchant="美丽健身房")
    async with hall.office.db.read() as session:
        case = (await session.scalars(select(Case))).one()
        said = hall.office.tables.texts.plain(robots.word(hall.office.tables, what, case))
    for secret in ("王秀英", "13800138000", "健身", "2600", "预付", "退卡"):
        assert secret not in said
    assert NUMBER in said
    assert "花木街道" in said


async def test_the_pace_of_a_vendor_is_kept_whatever_is_owed(hall: Hall) -> None:
    async with hall.office.rows() as session:
        robot = (await session.scalars(select(Bound))).one()
        for number in range(22):
            await robots.test(session, hall.office.tables, robot, f"t{number}")
    for _ in range(30):
        for refusal in await hall.run():
            assert refusal.reason == "pace"
            assert refusal.retry_after is not None
        hall.pass_time(3)
    assert len(hall.vendors.said) == 22
    times = hall.vendors.times["oapi.dingtalk.com"]
    assert all(sum(at - 60 < t <= at for t in times) <= 20 for at in times)


async def test_a_vendor_that_says_too_many_is_left_alone_for_its_time(hall: Hall) -> None:
    hall.vendors.answer = {"errcode": 130101}
    await hand_over_one(hall.office, NUMBER)
    (refusal,) = await hall.run()
    assert refusal.retry_after == timedelta(minutes=10)
    hall.vendors.answer = None
    hall.pass_time(300)
    assert [one.reason for one in await hall.run()] == ["pace"]
    hall.pass_time(301)
    assert await hall.run() == []
    assert len(hall.vendors.said) == 1


async def see(hall: Hall) -> str:
    await hall.office.tap_menu("群机器人")
    await hall.office.tap(BOSS, "花木街道：dingtalk1")
    return (await hall.office.last(BOSS)).text


async def test_a_failing_robot_is_told_to_the_admins_once_and_so_is_its_return(
    hall: Hall,
) -> None:
    hall.vendors.answer = {"errcode": 310000}
    await hand_over_one(hall.office, NUMBER)
    for _ in range(3):
        assert [one.reason for one in await hall.run()] == ["dingtalk: 310000"]
        hall.pass_time(10)
    told = [s.text for s in await hall.office.read(BOSS) if "发不出去：" in s.text]
    assert len(told) == 1
    assert "310000" in await see(hall)
    hall.vendors.answer = None
    assert await hall.run() == []
    assert "又能发了" in (await hall.office.last(BOSS)).text


async def test_kinds_are_turned_off_and_a_robot_unbound(hall: Hall) -> None:
    await hall.office.tap(BOSS, "✅ 新案件")
    await hand_over_one(hall.office, NUMBER)
    await hall.run()
    assert hall.vendors.said == []
    await hall.office.tap(BOSS, "发一条试试")
    await hall.run()
    assert "测试" in hall.vendors.said[0][1]
    await hall.office.tap(BOSS, "发一条试试")
    await hall.office.tap(BOSS, "解除绑定")
    hall.pass_time(10)
    assert await hall.run() == []
    assert len(hall.vendors.said) == 1


def contents(folder: Path) -> list[bytes]:
    found = [path.read_bytes() for path in folder.glob("suda.db*")]
    assert found
    return found


async def test_neither_address_nor_secret_is_in_the_database(hall: Hall, tmp_path: Path) -> None:
    await hand_over_one(hall.office, NUMBER)
    await hall.run()
    async with hall.office.rows() as session:
        assert await session.get(RateSlot, "robot:dingtalk1") is not None
        assert await accounts.admins(session)
    for content in contents(tmp_path):
        assert KEY.encode() not in content
        assert SECRET.encode() not in content
    assert adapter.HOSTS.keys() == adapter.PATHS.keys() == robots.paces().keys()
