"""Notices: written, looked at by two, sent once; subscribed to and left."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.app import fires
from bot.ports import Message, Press
from bot.services.queue.deliver import Deliverer, Limits, Refused
from bot.services.queue.timers import Scanner
from models.delivery import Outbox
from models.outreach import Delivery, Notice, NoticeState
from models.party import Account
from models.privacy import Audit
from tests.integration.admin_office import AUNT, BOSS, NOON, TEACHER, Office, opened, photo

VICE, THIRD = "tg:2", "tg:3"
TEXT = "近期有人上门推销<高价净水器> & 保健品，\n先别付款，{name} 可打电话问问。"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as office:
        await office.appoint()
        yield office


async def begin(office: Office) -> None:
    await office.tap_menu("写通知")


async def compose(office: Office, text: str = TEXT) -> None:
    await begin(office)
    await office.write(BOSS, text)


async def release(office: Office) -> str:
    """发送, and the only admin's ten minutes; returns the notice shown over the button."""
    said = await office.tap(BOSS, "发送")
    office.clock.at += timedelta(minutes=10)
    await fire(office)
    return said


async def fire(office: Office) -> None:
    """What is due by now."""
    await Scanner(office.db, office.clock, fires(office.tables)).drain_once()


async def state(office: Office) -> NoticeState:
    """Of the newest notice."""
    async with office.rows() as session:
        found = await session.scalars(select(Notice).order_by(Notice.created_at.desc()))
        return found.first().state  # type: ignore[union-attr]


async def acts(office: Office) -> list[str]:
    """What the audit chain holds about notices."""
    async with office.rows() as session:
        rows = await session.scalars(select(Audit).where(Audit.act == "notice").order_by(Audit.seq))
        return [f"{row.details['what']} by {row.by.partition(':')[0]}" for row in rows]


async def notices(office: Office, who: str) -> list[str]:
    return [m.text for m in await office.read(who) if "消费提醒\n" in m.text]


async def test_readers_get_exactly_what_was_previewed(office: Office) -> None:
    for reader in (AUNT, TEACHER):
        await office.write(reader, "/subscribe")
    await begin(office)
    assert "2 人订阅" in (await office.last(BOSS)).text
    await office.write(BOSS, TEXT)
    preview, control = (await office.read(BOSS))[-2:]
    assert TEXT in preview.text
    assert list(preview.buttons) == ["退订"]
    assert "2 人" in control.text
    assert list(control.buttons)[:2] == ["发送", "改文字"]
    assert not await notices(office, AUNT)

    await release(office)
    for reader in (AUNT, TEACHER):
        got = await office.last(reader)
        assert (got.text, got.buttons) == (preview.text, preview.buttons)
    result = await office.last(BOSS)
    assert "等待发送：2 人" in result.text
    assert result.slot == control.slot != ""


async def test_markup_in_a_notice_is_only_text(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    await compose(office)
    async with office.rows() as session:
        rows = (await session.scalars(select(Outbox).where(Outbox.target == BOSS))).all()
        parts = [p for row in rows for p in Message.from_json(row.payload).parts]
    body = office.tables.texts.html(next(p for p in parts if p.key == "notice.body"))
    assert "&lt;高价净水器&gt; &amp;" in body


async def test_a_double_tap_sends_once(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    await compose(office)
    send = await office.button(BOSS, "发送")
    assert await office.tap(BOSS, "发送", old=send) == "还没有发出，可以停下"
    assert await office.tap(BOSS, "发送", old=send) == "这条通知在等，还没有发出"
    office.clock.at += timedelta(minutes=10)
    await fire(office)
    assert "不会再发" in await office.tap(BOSS, "发送", old=send)
    await fire(office)
    assert len(await notices(office, AUNT)) == 1


@pytest.mark.parametrize(
    ("text", "sent", "wrong"),
    [
        ("   ", False, "没有收到文字"),
        ("字" * 3501, False, "3501 个字，最多 3500"),
        ("字" * 801, True, "文字最多 800 个字"),
    ],
)
async def test_what_cannot_be_a_notice_is_asked_for_again(
    office: Office, text: str, sent: bool, wrong: str
) -> None:
    await office.write(AUNT, "/subscribe")
    await begin(office)
    await office.write(BOSS, text, files=photo() if sent else ())
    assert wrong in (await office.last(BOSS)).text
    assert "发送" not in (await office.last(BOSS)).buttons
    await office.write(BOSS, "字" * 3500)
    assert "发送" in (await office.last(BOSS)).buttons


async def test_a_changed_text_takes_the_place_of_the_first(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    await compose(office, "第一稿")
    await office.tap(BOSS, "改文字")
    await office.write(BOSS, "第二稿")
    await release(office)
    (only,) = await notices(office, AUNT)
    assert "第二稿" in only


async def test_a_cancelled_notice_goes_to_nobody(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    await compose(office)
    send = await office.button(BOSS, "发送")
    await office.tap(BOSS, "取消")
    assert "没有发给任何人" in (await office.last(BOSS)).text
    await office.tap(BOSS, "发送", old=send)
    assert not await notices(office, AUNT)


async def test_without_readers_there_is_nothing_to_send(office: Office) -> None:
    await compose(office)
    assert "没有这样的人" in (await office.last(BOSS)).text
    assert "发送" not in (await office.last(BOSS)).buttons


async def test_readers_who_all_left_after_the_preview_are_not_written_to(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    await compose(office)
    await office.write(AUNT, "/unsubscribe")
    assert "没有人会收到" in await office.tap(BOSS, "发送")
    assert not await notices(office, AUNT)
    await office.write(AUNT, "/subscribe")
    assert await release(office) == "还没有发出，可以停下"
    assert len(await notices(office, AUNT)) == 1


async def test_the_notice_says_who_sends_it(office: Office) -> None:
    await office.tap_menu("运营单位")
    await office.write(BOSS, "花木街道消保委分会")
    await office.write(AUNT, "/subscribe")
    await compose(office)
    await release(office)
    assert "花木街道消保委分会" in (await office.last(AUNT)).text


async def test_subscribing_and_leaving_are_confirmed(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    assert "已为您订阅" in (await office.last(AUNT)).text
    await office.write(AUNT, "/subscribe")
    assert "已经订阅" in (await office.last(AUNT)).text
    assert await office.tap(AUNT, "退订") == "已退订"
    assert "已为您退订" in (await office.last(AUNT)).text
    assert await office.tap(AUNT, "重新订阅") == "已订阅"
    assert "已为您订阅" in (await office.last(AUNT)).text
    await office.write(AUNT, "/unsubscribe")
    await office.write(AUNT, "/unsubscribe")
    assert "没有订阅" in (await office.last(AUNT)).text


async def test_one_who_left_gets_no_notice_even_if_it_is_queued(office: Office) -> None:
    for reader in (AUNT, TEACHER):
        await office.write(reader, "/subscribe")
    await compose(office)
    await release(office)
    await office.tap(AUNT, "退订")
    assert not await notices(office, AUNT)
    assert len(await notices(office, TEACHER)) == 1
    await office.tap(BOSS, "刷新")
    result = (await office.last(BOSS)).text
    assert "发送前已退订：1 人" in result
    assert "等待发送：1 人" in result
    assert "合计：2 人" in result


async def test_the_result_tells_sent_blocked_and_failed_apart(office: Office) -> None:
    readers = [f"tg:{2000 + n}" for n in range(6)]
    for reader in readers:
        await office.write(reader, "/subscribe")
    await compose(office)
    await release(office)
    first = await office.last(BOSS)
    sent: Counter[str] = Counter()

    async def channel(target: str, message: Message, _edit: Sequence[Any] | None) -> list[Any]:
        if target == readers[0]:
            raise Refused("Forbidden: bot was blocked by the user", final=True, blocked=True)
        if target == readers[1]:
            raise Refused("Bad Request: chat not found", final=True)
        if target == readers[2] and "notice.body" in {part.key for part in message.parts}:
            raise Refused("timed out after sending", unknown=True)
        if target == readers[3] and "notice.body" in {part.key for part in message.parts}:
            raise Refused("Too Many Requests", retry_after=timedelta(hours=1))
        sent[target] += 1
        return [1]

    async def on_dead(session: AsyncSession, row: Outbox, refusal: Refused) -> None:
        await session.execute(
            update(Account)
            .where(Account.address == row.target)
            .values(blocked=refusal.blocked, subscribed=not refusal.blocked)
        )

    limits = Limits(per_second=10_000, chat_per_second=1_000, chat_burst=50, group_per_minute=999)
    deliverer = Deliverer(office.db, office.clock, {"tg": channel}, limits, on_dead=on_dead)
    for _ in range(12):
        await deliverer.drain_once()
        office.clock.at += timedelta(seconds=5)

    assert "已更新" in await office.tap(BOSS, "刷新", old=first.buttons["刷新"])
    result = await office.last(BOSS)
    assert result.slot == first.slot
    for line in (
        "已送达：2 人",
        "等待发送：1 人",
        "对方停用了本机器人：1 人",
        "没有发成：1 人",
        "不确定是否送到（不会重发）：1 人",
        "合计：6 人",
    ):
        assert line in result.text

    await office.write(BOSS, "/admin")
    await compose(office, "下一条")
    assert "5 人" in (await office.last(BOSS)).text


async def test_a_thousand_readers_are_owed_their_copy_at_once(office: Office) -> None:
    async with office.rows() as session:
        session.add_all(
            Account(address=f"tg:{5000 + n}", subscribed=True, created_at=NOON, seen_at=NOON)
            for n in range(1000)
        )
    await compose(office)
    assert "1000 人" in (await office.last(BOSS)).text
    await release(office)
    async with office.rows() as session:
        keys = (await session.scalars(select(Delivery.account_id))).all()
    assert len(keys) == len(set(keys)) == 1000


@pytest.mark.parametrize("value", ["", "x", "0" * 32, "9" * 40])
async def test_a_button_of_no_notice_does_no_harm(office: Office, value: str) -> None:
    assert "找不到" in await office.write(BOSS, press=Press("mn", question="send", value=value))


async def crowd(office: Office, count: int) -> None:
    async with office.rows() as session:
        session.add_all(
            Account(address=f"tg:{5000 + n}", subscribed=True, created_at=NOON, seen_at=NOON)
            for n in range(count)
        )


async def test_a_notice_is_paused_goes_on_and_is_stopped(office: Office) -> None:
    await crowd(office, 100)
    await compose(office)
    send = await office.button(BOSS, "发送")
    await release(office)
    sending = await office.last(BOSS)
    assert "通知正在发送" in sending.text
    assert list(sending.buttons) == ["暂停", "刷新"], "nothing is stopped by one slip"
    assert await office.tap(BOSS, "暂停") == "已暂停"
    paused = await office.last(BOSS)
    assert "通知已暂停" in paused.text
    assert paused.slot == sending.slot
    assert await office.tap(BOSS, "暂停", old=sending.buttons["暂停"]) == "通知已暂停，可以接着发"
    assert await office.tap(BOSS, "接着发送") == "接着发送"
    assert "通知正在发送" in (await office.last(BOSS)).text
    await office.tap(BOSS, "暂停")
    assert await office.tap(BOSS, "停止") == "已停止"
    stopped = await office.last(BOSS)
    assert "没有发：100 人" in stopped.text
    assert stopped.buttons == {}
    again = await office.tap(BOSS, "接着发送", old=paused.buttons["接着发送"])
    assert again == "通知已停止，剩下的不再发"
    assert "不会再发" in await office.tap(BOSS, "发送", old=send)


async def test_one_message_shows_how_far_it_is_and_when_it_ends(office: Office) -> None:
    await crowd(office, 1000)
    await compose(office)
    await release(office)
    slot = (await office.last(BOSS)).slot
    timers = Scanner(office.db, office.clock, fires(office.tables))

    async def channel(_to: str, _message: Message, ids: Sequence[Any] | None) -> list[Any]:
        return list(ids or [1])

    wide = Limits(per_second=10_000, chat_per_second=1_000, chat_burst=50, group_per_minute=999)
    worker = Deliverer(office.db, office.clock, {"tg": channel}, wide)

    async def look() -> str:
        """What the board says ten seconds and two batches later, before it is sent itself."""
        for _ in range(2):
            await worker.drain_once()
        office.clock.at += timedelta(seconds=10)
        await timers.drain_once()
        board = await office.last(BOSS)
        assert board.slot == slot
        return board.text

    first = await look()
    assert "▰▱▱▱▱▱▱▱▱▱" in first
    assert "预计今天 12:" in first
    second = await look()
    assert "▰▰▱▱▱▱▱▱▱▱" in second
    assert "每秒约 12." in second
    while "发完" not in (shown := await look()) or "预计" in shown:
        pass
    assert "▰▰▰▰▰▰▰▰▰▰ 100%" in shown
    assert "已送达：1000 人" in shown
    assert await timers.drain_once() == 0, "the end is shown once"


async def two(office: Office) -> None:
    """A second admin, a reader, and a notice that waits for a yes."""
    await office.appoint(VICE)
    await office.write(AUNT, "/subscribe")
    await compose(office)
    assert await office.tap(BOSS, "发送") == "已请另一位管理员看，还没有发出"


async def test_the_only_admins_notice_waits_ten_minutes_and_can_be_stopped(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    await compose(office)
    await office.tap(BOSS, "发送")
    waiting = await office.last(BOSS)
    assert "10 分钟" in waiting.text
    assert "12:10:" in waiting.text
    assert list(waiting.buttons) == ["停下，不发"]
    office.clock.at += timedelta(minutes=9, seconds=50)
    await fire(office)
    assert not await notices(office, AUNT)
    await office.tap(BOSS, "停下，不发")
    assert "没有发给任何人" in (await office.last(BOSS)).text
    office.clock.at += timedelta(minutes=1)
    await fire(office)
    assert not await notices(office, AUNT)
    assert await office.tap(BOSS, "停下", old=waiting.buttons["停下，不发"]) == (
        "这条通知已经取消，没有发送"
    )
    assert await acts(office) == ["ask by account", "back by account"]


async def test_the_chain_tells_that_nobody_else_looked(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    await compose(office)
    await release(office)
    assert await acts(office) == ["ask by account", "send by bot"]


async def test_another_admin_sees_it_as_readers_will_and_says_yes(office: Office) -> None:
    await two(office)
    seen, card = (await office.read(VICE))[-2:]
    assert list(card.buttons) == ["同意发送", "不同意", "同意，夜里也发（紧急）"]
    assert "管理员老周" in card.text
    assert "1 人" in card.text
    office.clock.at += timedelta(hours=1)
    await fire(office)
    assert not await notices(office, AUNT), "with two it does not go by itself"
    assert await office.tap(VICE, "同意发送") == "已同意，开始发送"
    (got,) = await notices(office, AUNT)
    assert got == seen.text
    assert "不会再发" in await office.tap(VICE, "同意发送", old=card.buttons["同意发送"])
    assert "不会再发" in await office.tap(VICE, "不同意", old=card.buttons["不同意"])
    assert len(await notices(office, AUNT)) == 1
    board, told = (await office.read(BOSS))[-2:]
    assert "通知正在发送" in board.text
    assert "同意了" in told.text
    assert await acts(office) == ["ask by account", "send by account"]


async def test_the_author_can_not_say_yes_to_herself(office: Office) -> None:
    await two(office)
    card = await office.last(VICE)
    for act in ("同意发送", "不同意"):
        assert "自己写的" in await office.tap(BOSS, act, old=card.buttons[act])
    assert await state(office) is NoticeState.WAITING
    assert not await notices(office, AUNT)


async def test_a_no_has_a_reason_that_the_author_reads(office: Office) -> None:
    await two(office)
    card = await office.last(VICE)
    await office.tap(VICE, "不同意")
    for wrong in ("   ", "字" * 301):
        await office.write(VICE, wrong)
        assert await state(office) is NoticeState.WAITING
    await office.write(VICE, "电话 <写错> 了")
    told = await office.last(BOSS)
    assert "电话 <写错> 了" in told.text
    assert await office.tap(VICE, "同意发送", old=card.buttons["同意发送"]) == (
        "这条通知没有得到同意，没有发出"
    )
    assert not await notices(office, AUNT)
    await office.tap(BOSS, "改一改再发")
    preview, control = (await office.read(BOSS))[-2:]
    assert TEXT in preview.text
    assert "发送" in control.buttons
    assert await acts(office) == ["ask by account", "refuse by account"]


async def test_what_was_taken_back_is_decided_by_nobody(office: Office) -> None:
    await two(office)
    card = await office.last(VICE)
    await office.tap(VICE, "不同意")
    await office.tap(BOSS, "停下，不发")
    assert "已撤回" in (await office.last(VICE)).text
    await office.write(VICE, "有错字")
    assert "没有转告" in (await office.last(VICE)).text
    assert await office.tap(VICE, "同意发送", old=card.buttons["同意发送"]) == (
        "这条通知已经取消，没有发送"
    )
    assert not await notices(office, AUNT)


async def test_of_three_one_decides_and_the_other_is_told(office: Office) -> None:
    await office.appoint(THIRD)
    await two(office)
    other = await office.last(THIRD)
    await office.tap(VICE, "同意发送")
    after = await office.last(THIRD)
    assert after.slot == other.slot
    assert "同意了" in after.text
    assert not after.buttons
    assert "不会再发" in await office.tap(THIRD, "同意发送", old=other.buttons["同意发送"])
    assert len(await notices(office, AUNT)) == 1


async def test_who_becomes_an_admin_meanwhile_is_asked(office: Office) -> None:
    await office.write(AUNT, "/subscribe")
    await compose(office)
    await office.tap(BOSS, "发送")
    await office.appoint(VICE)
    office.clock.at += timedelta(minutes=10)
    await fire(office)
    assert not await notices(office, AUNT)
    await office.tap(VICE, "同意发送")
    assert len(await notices(office, AUNT)) == 1


@pytest.mark.parametrize("act", ["result", "pause", "resume", "stop"])
async def test_what_was_not_sent_has_no_progress(office: Office, act: str) -> None:
    await two(office)
    card = await office.last(VICE)
    press = card.buttons["不同意"].press
    assert press is not None
    said = await office.write(VICE, press=Press("mn", question=act, value=press.value))
    assert said == "这条通知在等，还没有发出"
    assert await state(office) is NoticeState.WAITING
