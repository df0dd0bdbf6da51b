"""A notice through its nights, its repetitions and its recall; aimed at staff; made of a case."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import fires
from bot.ports import Gone, Inspected, Message, Press, Unfit
from bot.services.outreach import inspect_file, notice_file, recall
from bot.services.queue.deliver import Deliverer, Errand, Limits
from bot.services.queue.timers import Scanner
from bot.texts.marked import Mark
from models.case import Case
from models.lifecycle import CaseStatus
from models.outreach import Delivery, Notice, NoticeState
from models.party import Account
from tests.integration.admin_office import AUNT, BOSS, TEACHER, Office, opened, photo

VICE = "tg:2"
WIDE = Limits(per_second=10_000, chat_per_second=1_000, chat_burst=50, group_per_minute=999)
STREET = "花木街道"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as office:
        await office.appoint()
        await office.appoint(VICE)
        yield office


async def compose(office: Office, text: str = "天冷了，买取暖器请认准标志。", **more: Any) -> None:
    await office.tap_menu("写通知")
    await office.write(BOSS, text, **more)


async def agreed(office: Office, how: str = "同意发送") -> str:
    await office.tap(BOSS, "发送")
    return await office.tap(VICE, how)


async def fire(office: Office, until: datetime | None = None) -> None:
    """What is due by now, or comes due until then."""
    office.clock.at = max(office.clock.at, until or office.clock.at)
    while await Scanner(office.db, office.clock, fires(office.tables)).drain_once():
        pass


async def deliver(
    office: Office, errands: Mapping[str, Errand] | None = None
) -> list[tuple[str, Message]]:
    """What goes out now, as (chat, message)."""
    sent: list[tuple[str, Message]] = []

    async def channel(to: str, message: Message, ids: Sequence[Any] | None) -> list[Any]:
        sent.append((to, message))
        return list(ids or [len(sent)])

    worker = Deliverer(office.db, office.clock, {"tg": channel}, WIDE, errands=errands)
    while await worker.drain_once():
        pass
    return sent


async def act(office: Office, what: str, who: str = BOSS) -> str:
    """A button under the newest notice, whose card was sent and forgotten."""
    return await office.write(
        who, press=Press("mn", question=what, value=(await newest(office)).id.hex)
    )


def said(office: Office, sent: Sequence[tuple[str, Message]], who: str) -> str:
    """The last that somebody got."""
    message = [message for to, message in sent if to == who][-1]
    return "\n".join(office.tables.texts.plain(part) for part in message.parts)


def got(sent: Sequence[tuple[str, Message]], who: str) -> int:
    """How many notices a reader got."""
    return sum(
        to == who and any(part.key == "notice.body" for part in message.parts)
        for to, message in sent
    )


async def newest(office: Office) -> Notice:
    async with office.rows() as session:
        found = await session.scalars(select(Notice).order_by(Notice.created_at.desc()))
        return found.first()  # type: ignore[return-value]


def at(hour: int, day: int = 23) -> datetime:
    """An hour in Shanghai."""
    return datetime(2026, 11, day, tzinfo=UTC) + timedelta(hours=hour - 8)


async def test_at_night_it_rests_by_itself_and_goes_on_in_the_morning(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    office.clock.at = at(20) + timedelta(minutes=59)
    await compose(office)
    await agreed(office)
    # Late for the worker: the night has begun, and no timer has said so yet.
    office.clock.at = at(21)
    assert got(await deliver(office), AUNT) == 0
    await fire(office)
    assert (await newest(office)).state is NoticeState.RESTING
    assert "夜里不发，早上 08:00 自己接着发" in (await office.last(BOSS)).text
    await fire(office, at(3, 24))
    assert got(await deliver(office), AUNT) == 0
    await fire(office, at(8, 24))
    assert "通知正在发送" in (await office.last(BOSS)).text
    assert got(await deliver(office), AUNT) == 1
    await fire(office, at(9, 24))
    assert (await newest(office)).state is NoticeState.DONE
    assert got(await deliver(office), AUNT) == 0


async def test_what_a_second_person_calls_urgent_goes_out_at_night(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    office.clock.at = at(22)
    await compose(office)
    await agreed(office, "同意，夜里也发（紧急）")
    assert got(await deliver(office), AUNT) == 1


async def test_paused_at_night_it_does_not_wake_by_itself(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    office.clock.at = at(22)
    await compose(office)
    await agreed(office)
    await office.tap(BOSS, "暂停")
    await fire(office, at(9, 24))
    assert (await newest(office)).state is NoticeState.PAUSED
    assert got(await deliver(office), AUNT) == 0
    assert await act(office, "resume") == "接着发送"
    assert got(await deliver(office), AUNT) == 1


async def test_scheduled_it_waits_for_its_hour_and_can_be_stopped(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    for stops in (True, False):
        await compose(office)
        await office.tap(BOSS, "什么时候发")
        await office.tap(BOSS, "另写时间")
        await office.write(BOSS, "有空的时候")
        assert "没有看懂" in (await office.last(BOSS)).text
        await office.write(BOSS, "明天 9:30")
        assert "11月24日 09:30" in (await office.last(BOSS)).text
        await agreed(office)
        assert (await newest(office)).state is NoticeState.SCHEDULED
        assert got(await deliver(office), AUNT) == 0
        if stops:
            await act(office, "back")
            assert (await newest(office)).state is NoticeState.DROPPED
    await fire(office, at(9, 24))
    assert got(await deliver(office), AUNT) == 0
    await fire(office, at(10, 24))
    assert got(await deliver(office), AUNT) == 1


async def test_a_repetition_is_a_new_notice_that_waits_for_a_second_person(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    await compose(office)
    await office.tap(BOSS, "重复")
    await office.tap(BOSS, "每月")
    assert "每月重复" in (await office.last(BOSS)).text
    await agreed(office)
    first = await newest(office)
    assert got(await deliver(office), AUNT) == 1
    await fire(office, at(13) + timedelta(days=29))
    again = await newest(office)
    assert again.again_of == first.id
    assert (again.state, again.body) == (NoticeState.WAITING, first.body)
    assert got(await deliver(office), AUNT) == 0
    assert await act(office, "yes", VICE) == "已同意，到时间发出"
    assert got(await deliver(office), AUNT) == 0, "it waits for its day"
    await fire(office, at(13) + timedelta(days=30))
    assert got(await deliver(office), AUNT) == 1
    # No more of it.
    assert await act(office, "once") == "以后不再重复"
    await fire(office, at(13) + timedelta(days=70))
    assert (await newest(office)).id == again.id


async def test_a_recall_takes_back_every_copy_with_honest_counts(office: Office) -> None:
    for number in range(20):
        await office.write(f"tg:{2000 + number}", "/subscribe")
    await compose(office)
    await agreed(office)
    await deliver(office)
    await fire(office, office.clock.at + timedelta(minutes=1))
    await office.tap(BOSS, "撤回已送到的")
    assert "20" in (await office.last(BOSS)).text
    assert await office.tap(BOSS, "撤回") == "开始撤回"
    asked: list[str] = []

    async def take_back(chat: str, messages: Sequence[tuple[str, datetime]], _instead: str) -> Gone:
        assert len(messages) == 1
        asked.append(chat)
        if chat == "tg:2003":
            return Gone(0, 1, 0)
        return Gone(0, 0, 1) if chat == "tg:2004" else Gone(1, 0, 0)

    errands = {recall.ERRAND: recall.taker_back(office.tables, take_back)}
    boards: list[tuple[str, Message]] = []
    for _ in range(5):
        await fire(office)
        boards += await deliver(office, errands)
        office.clock.at += timedelta(seconds=2)
    assert sorted(asked) == sorted(f"tg:{2000 + number}" for number in range(20))
    notice = await newest(office)
    assert notice.state is NoticeState.RECALLED
    assert "删掉 18 份，改成空白 1 份，撤不回 1 份" in said(office, boards, BOSS)
    assert await act(office, "recall_yes") == "这条通知已经发过，不会再发一次"


async def test_who_leaves_by_its_button_is_counted_with_it(office: Office) -> None:
    for who in (AUNT, TEACHER):
        await office.write(who, "/subscribe")
    await compose(office)
    await agreed(office)
    await deliver(office)
    notice = await newest(office)
    for _ in range(2):
        await office.write(AUNT, press=Press("u", value=notice.id.hex))
    await office.write("tg:77", "/subscribe")
    await office.write("tg:77", press=Press("u", value=notice.id.hex))
    assert (await newest(office)).quits == 1, "once, and only by who got it"


async def test_staff_say_that_they_read_it_and_the_author_sees_who_has_not(office: Office) -> None:
    await office.enlist(STREET, TEACHER, AUNT)
    await compose(office)
    await office.tap(BOSS, "发给谁")
    await office.tap(BOSS, "街镇人员")
    assert "现在有 2 人" in (await office.last(BOSS)).text
    await office.tap(BOSS, "好了，返回")
    await agreed(office)
    sent = await deliver(office)
    assert got(sent, TEACHER) == got(sent, AUNT) == 1
    notice = await newest(office)
    read = Press("ur", value=notice.id.hex)
    assert await office.write(TEACHER, press=read) == "已记下，谢谢"
    assert await office.write(TEACHER, press=read) == "您已经点过了"
    assert "不用再点" in await office.write("tg:99", press=read)
    await fire(office, office.clock.at + timedelta(minutes=1))
    assert "点了“我已读”：1 人" in (await office.last(BOSS)).text
    await office.tap(BOSS, "谁没读")
    told = (await office.last(BOSS)).text
    assert "王阿姨" in told
    assert "李老师" not in told


async def test_its_text_picture_and_links_are_sent_as_they_were_previewed(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    marks = (Mark("bold", 0, 2),)
    await compose(office, "小心 <假> 客服", marks=marks, files=photo())
    assert "发送" not in (await office.last(BOSS)).buttons, "not before it was looked at"
    kept: dict[str, bytes] = {}

    class Vault:
        async def put(self, key: str, content: bytes) -> None:
            kept[key] = content

        async def get(self, key: str) -> bytes:
            return kept[key]

        async def drop(self, key: str) -> None:
            kept.pop(key, None)

    async def download(_file: str, _most: int) -> bytes:
        return b"picture"

    async def inspect(content: bytes) -> Inspected:
        return Inspected(content, "image/jpeg", "jpg")

    looks = {notice_file.ERRAND: inspect_file.looker(office.tables, download, inspect, Vault(), 9)}
    await deliver(office, looks)
    assert list(kept.values()) == [b"picture"]
    await act(office, "links")
    await office.write(BOSS, "看指南 http://example.org")
    assert "不能放进通知" in (await office.last(BOSS)).text
    await office.write(BOSS, "看指南 https://example.org/guide\n打 12315 https://example.org/12315")
    assert "https://example.org/12315" in (await office.last(BOSS)).text
    await agreed(office)
    sent = [message for to, message in await deliver(office, looks) if to == AUNT]
    message = sent[-1]
    (media,) = message.media
    assert (media.kind, media.file_id) == ("photo", "file")
    assert [button.link for row in message.buttons for button in row] == [
        "https://example.org/guide",
        "https://example.org/12315",
        "",
    ]
    body = next(part for part in message.parts if part.key == "notice.body")
    assert office.tables.texts.html(body) == "<b>小心</b> &lt;假&gt; 客服"


async def test_a_file_that_is_unfit_is_left_out_and_the_draft_stays(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    await compose(office, "看图", files=photo())

    class Nowhere:
        async def put(self, key: str, content: bytes) -> None:
            raise AssertionError

        async def get(self, key: str) -> bytes:
            raise KeyError(key)

        async def drop(self, key: str) -> None:
            pass

    async def download(_file: str, _most: int) -> bytes:
        return b""

    async def inspect(_content: bytes) -> Inspected:
        raise Unfit("virus")

    await deliver(
        office,
        {notice_file.ERRAND: inspect_file.looker(office.tables, download, inspect, Nowhere(), 9)},
    )
    async with office.rows() as session:
        notice = (await session.scalars(select(Notice))).one()
        assert (notice.media, notice.body, notice.state) == (None, "看图", NoticeState.DRAFT)


async def closed(office: Office, people: int, street: str = STREET) -> None:
    """So many people with the same kind of case there, each closed."""
    for number in range(people):
        await office.case(f"PD-2026-{street}-{number}", desk=street)
        await office.write(f"tg:{4000 + number}", "/start")
    code = (await office.desk(street)).code
    async with office.rows() as session:
        rows = await session.scalars(
            select(Case).where(Case.number.startswith(f"PD-2026-{street}"))
        )
        for number, case in enumerate(rows):
            owner = await session.scalar(
                select(Account).where(Account.address == f"tg:{4000 + number}")
            )
            assert owner is not None
            case.account_id, case.street_code = owner.id, code
            case.status, case.result, case.closed_at = (
                CaseStatus.SETTLED,
                "settled",
                office.clock.at,
            )


@pytest.mark.parametrize(("here", "there", "place"), [(5, 0, STREET), (4, 5, "本区"), (2, 2, None)])
async def test_a_lesson_says_only_what_fits_several_people(
    office: Office, here: int, there: int, place: str | None
) -> None:
    await closed(office, here)
    if there:
        await closed(office, there, "陆家嘴街道")
    await office.tap_menu("从案例写提示")
    number = f"PD-2026-{STREET}-0"
    await office.write(BOSS, number)
    if place is None:
        assert "容易被认出来" in (await office.last(BOSS)).text
        return
    preview = (await office.read(BOSS))[-2].text
    assert f"{place}最近有几位消费者" in preview
    assert "预付卡" in preview
    for secret in (number, "王秀英", "13800138000", "健身房关门不退卡", "2600", "2,600"):
        assert secret not in preview
    async with office.rows() as session:
        assert not (await session.scalars(select(Delivery))).all()
