"""Talks that do not go straight: words meant for elsewhere, late buttons, lost groups, huge texts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from bot.ports import Attachment, Button, Incoming, Message, Press
from bot.services.hear import hear
from bot.services.queue.undeliverable import undeliverable, unhandled
from bot.services.tables import SHANGHAI
from handlers.render import render
from models.case import Case
from models.delivery import Inbox, Outbox, Priority, Refused
from models.lifecycle import Action, CaseStatus
from models.party import Account
from tests.effort import counted
from tests.integration.admin_office import AUNT, BOSS, GROUP, TEACHER, Office, opened

COLLEAGUE = "tg:1003"
STREET = "花木街道"
STORY = "上周三在花木街道的乐动健身用微信办了2600元的年卡，昨天店关门了，我要退钱"
TYPED = {
    "story": STORY,
    "merchant": "乐动健身",
    "where": STREET,
    "when": "昨天",
    "amount": "2600元",
    "balance_left": "2000元",
    "claim_amount": "2000元",
    "name": "王秀英",
    "phone": "13800138000",
    "address": "牡丹路10号",
}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A live installation: one admin, and one street whose group is bound."""
    async with opened(tmp_path) as office:
        office.tables = replace(office.tables, operator="浦东某单位", basis="单独同意")
        await office.appoint()
        await office.bind(STREET)
        yield office


async def send(office: Office, who: str, text: str = "", **fields: Any) -> str:
    """Anything a person can send in her private talk; returns the notice over a button."""
    office._updates += 1
    heard = Incoming(
        key=f"tg:{office._updates}",
        chat=who,
        account=who,
        name=f"某某{who[-1]}",
        at=office.clock.at,
        text=text,
        **fields,
    )
    office.clock.at += timedelta(seconds=1)
    async with office.db.write() as session:
        toast = await hear(session, office.tables, heard)
    return office.tables.texts.plain(toast) if toast else ""


def file(name: str, kind: str = "photo") -> tuple[Attachment, ...]:
    return (Attachment(kind, f"file-{name}", f"unique-{name}", size=1000),)


async def token(office: Office, number: str) -> str:
    async with office.rows() as session:
        return (await session.scalars(select(Case.token).where(Case.number == number))).one()


async def row(office: Office, number: str | None = None) -> Case:
    """A case as it now stands; without a number, the newest there is."""
    async with office.db.read() as session:
        chosen = select(Case).where(Case.number == number) if number else select(Case)
        found = await session.scalars(chosen.order_by(Case.created_at.desc(), Case.id.desc()))
        return found.first() or pytest.fail("no case")


async def press(
    office: Office, who: str, verb: str, number: str, value: str = "", chat: str = ""
) -> str:
    """A button of a filed case, however old."""
    pressed = Press(verb, await token(office, number), "", 0, value)
    return await office.write(who, chat=chat, press=pressed)


async def taken(office: Office, number: str) -> None:
    """A case of AUNT's that TEACHER has taken from the group."""
    await office.case(number, desk=STREET)
    assert "接单成功" in await press(office, TEACHER, "st", number, chat=GROUP)


async def to_review(office: Office, who: str = AUNT) -> None:
    """Tell a whole complaint, up to the review."""
    await office.write(who, STORY)
    await office.tap(who, "同意，开始")
    for _ in range(40):
        case = await row(office)
        if case.asking == "review":
            return
        if case.asking in TYPED:
            await office.write(who, TYPED[case.asking])
        else:
            shown = (await office.last(who)).buttons
            options = [b for b in shown.values() if b.press and b.press.verb == "a"]
            value = "none" if case.asking == "evidence" else ""
            chosen = next((b for b in options if b.press and b.press.value == value), options[0])
            await office.tap(who, "", old=chosen)
    pytest.fail(f"never reached the review, still at {case.asking}")


async def told(office: Office, who: str, since: int) -> str:
    return "\n".join(shown.text for shown in (await office.read(who))[since:])


# Words meant for something else


async def test_a_staff_question_is_given_up_by_a_word_a_command_or_another_button(
    office: Office,
) -> None:
    await taken(office, "PD-1")
    before = len(await office.read(AUNT))
    await press(office, TEACHER, "sa", "PD-1")
    await office.write(TEACHER, "取消")
    await press(office, TEACHER, "sa", "PD-1")
    await office.write(TEACHER, "/start")
    await office.write(TEACHER, "我自己在花木街道买的手机坏了，店家不修")
    await press(office, TEACHER, "sa", "PD-1")
    await press(office, TEACHER, "sv", "PD-1")
    await office.write(TEACHER, "这一句没有人要我打")
    heard = await told(office, AUNT, before)
    assert "取消" not in heard
    assert "手机坏了" not in heard
    assert "没有人要我打" not in heard
    assert (await row(office, "PD-1")).status is CaseStatus.HANDLING


async def test_an_edited_message_is_never_sent_on_to_the_consumer(office: Office) -> None:
    await taken(office, "PD-1")
    await press(office, TEACHER, "sa", "PD-1")
    before = len(await office.read(AUNT))
    await send(office, TEACHER, "早上那句话我改个错别字", edited=True)
    assert len(await office.read(AUNT)) == before
    assert "改" in (await office.last(TEACHER)).text
    await office.write(TEACHER, "请问付款截图还在吗？")
    assert "付款截图" in (await office.last(AUNT)).text


async def test_a_yes_answers_the_staff(office: Office) -> None:
    await taken(office, "PD-1")
    await press(office, TEACHER, "sa", "PD-1")
    await office.write(TEACHER, "店家还营业吗？")
    await office.write(AUNT, "是的")
    assert "消费者回答了" in (await office.last(TEACHER)).text
    assert "是的" in (await office.last(TEACHER)).text
    assert (await row(office, "PD-1")).status is CaseStatus.HANDLING


async def test_words_that_fit_two_questions_are_not_given_to_one_of_them_blindly(
    office: Office,
) -> None:
    for number in ("PD-1", "PD-2"):
        await taken(office, number)
        await press(office, TEACHER, "sa", number)
        await office.write(TEACHER, "请问合同还在吗？")
    await office.write(AUNT, "合同在家里放着")
    shown = await office.last(AUNT)
    assert {"PD-1", "PD-2"} <= {label.split()[-1] for label in shown.buttons}
    await office.tap(AUNT, "PD-1")
    assert (await row(office, "PD-1")).status is CaseStatus.HANDLING
    assert (await row(office, "PD-2")).status is CaseStatus.ASKING


async def test_an_album_stays_with_the_case_it_was_sent_for(office: Office) -> None:
    await office.case("PD-1", desk=STREET)
    office.clock.at += timedelta(hours=1)
    await office.case("PD-2", desk=STREET)
    await press(office, AUNT, "ta", "PD-1")
    for name in "abc":
        await send(office, AUNT, files=file(name), album="one")
    assert len((await row(office, "PD-1")).evidence) == 3
    assert not (await row(office, "PD-2")).evidence


async def test_an_album_for_a_filed_case_does_not_end_in_the_draft(office: Office) -> None:
    await office.case("PD-1", desk=STREET)
    await office.write(AUNT, STORY)
    await office.tap(AUNT, "另一件新的事")
    await office.tap(AUNT, "同意，开始")
    await press(office, AUNT, "ta", "PD-1")
    for name in "abc":
        await send(office, AUNT, files=file(name), album="one")
    assert len((await row(office, "PD-1")).evidence) == 3
    await office.write(AUNT, "又想起来一件")
    assert "PD-1" not in (await office.last(AUNT)).text


async def test_a_call_for_help_or_a_change_of_mind_is_not_added_to_the_case(office: Office) -> None:
    await office.case("PD-1", desk=STREET)
    for word in ("取消", "查进度", "找人工"):
        await press(office, AUNT, "ta", "PD-1")
        await office.write(AUNT, word)
        assert "已加到" not in (await office.last(AUNT)).text, word
        await office.write(AUNT, "/status")
    assert "请留一个电话" in await told(office, AUNT, 0)
    assert not [e for e in (await row(office, "PD-1")).events if e.action is Action.ADD]


async def test_a_place_or_a_sticker_adds_nothing_and_says_so(office: Office) -> None:
    await office.case("PD-1", desk=STREET)
    await press(office, AUNT, "ta", "PD-1")
    await send(office, AUNT, place=(31.2, 121.5))
    await send(office, AUNT, extra={"sticker": True})
    assert "已加到" not in (await office.last(AUNT)).text
    await office.write(AUNT, "店门口贴了告示")
    assert "已加到 PD-1" in (await office.last(AUNT)).text


async def test_both_pieces_of_what_she_said_are_kept_until_she_says_where_they_go(
    office: Office,
) -> None:
    await taken(office, "PD-1")
    await office.write(AUNT, "店里今天搬空了")
    await office.write(AUNT, "老板电话也打不通")
    await office.tap(AUNT, "补充到 PD-1")
    shown = (await office.last(TEACHER)).text
    assert "搬空" in shown
    assert "打不通" in shown


async def test_waiting_for_a_phone_number_loses_neither_a_photo_nor_the_talk(
    office: Office,
) -> None:
    await office.write(AUNT, STORY)
    await office.tap(AUNT, "同意，开始")
    await office.write(AUNT, "找人工")
    assert "请留一个电话" in (await office.last(AUNT)).text
    await send(office, AUNT, files=file("receipt"))
    assert "第 1 份" in await told(office, AUNT, 0)
    await office.write(AUNT, "找人工")
    await office.write(AUNT, "/start")
    await office.tap(AUNT, "继续上次")
    await office.write(AUNT, "查进度")
    assert "号码好像不对" not in await told(office, AUNT, 0)


# Before the consent


async def test_words_that_steer_are_no_story_before_consent_either(office: Office) -> None:
    await office.write(AUNT, STORY)
    for word in ("返回", "继续", "查进度", "帮助"):
        await office.write(AUNT, word)
    await office.write(AUNT, "找人工")
    assert "请留一个电话" in (await office.last(AUNT)).text
    await office.write(AUNT, "取消")
    case = await row(office)
    assert case.answers["story"]["v"] == STORY
    await office.write(AUNT, "取消")
    await office.tap(AUNT, "不填了，删掉")
    assert "已经删掉" in (await office.last(AUNT)).text


async def test_an_album_before_consent_brings_one_card_and_one_count(office: Office) -> None:
    for name in "abc":
        await send(
            office, AUNT, "健身房关门了不退钱" if name == "a" else "", files=file(name), album="x"
        )
    shown = [m.text for m in await office.read(AUNT)]
    assert sum("开始之前，请您看一眼" in text for text in shown) == 1
    assert any("一共 3 份" in text for text in shown)


async def test_a_file_too_large_in_the_very_first_message_is_refused_in_words(
    office: Office,
) -> None:
    huge = (Attachment("video", "f", "u", size=50 * 1024 * 1024),)
    await send(office, AUNT, "健身房关门了不退钱，有录像", files=huge)
    assert "MB" in await told(office, AUNT, 0)


async def test_a_file_alone_is_a_draft_too(office: Office) -> None:
    await send(office, AUNT, files=file("receipt"))
    await office.tap(AUNT, "同意，开始")
    await office.write(AUNT, "/start")
    await office.tap(AUNT, "我要投诉")
    assert "还有一件没填完" in (await office.last(AUNT)).text
    assert len((await row(office)).evidence) == 1


# Staff, groups and late buttons


async def test_a_colleagues_late_button_takes_no_case_out_of_anyones_hands(office: Office) -> None:
    await office.enlist(STREET, COLLEAGUE)
    await office.case("PD-1", desk=STREET)
    await press(office, COLLEAGUE, "sr", "PD-1", chat=GROUP)
    reason = (await office.button(GROUP, "重复")).press
    assert reason is not None
    await press(office, TEACHER, "st", "PD-1", chat=GROUP)
    assert "李老师" in await office.write(COLLEAGUE, chat=GROUP, press=reason)
    assert (await row(office, "PD-1")).status is CaseStatus.HANDLING


async def test_a_group_that_is_gone_keeps_no_case_waiting(office: Office) -> None:
    await office.case("PD-1", desk=STREET)
    await office.case("PD-2", desk=STREET)
    case = await row(office, "PD-2")
    async with office.rows() as session:
        lost = Outbox(target=GROUP, priority=Priority.HAND_OVER, case_id=case.id)
        await undeliverable(session, office.tables, lost, Refused("kicked", blocked=True))
    for number in ("PD-1", "PD-2"):
        assert (await row(office, number)).status is CaseStatus.TRIAGE, number
    assert "PD-1" in await told(office, BOSS, 0)


async def test_reopened_after_its_group_was_released_it_goes_to_triage(office: Office) -> None:
    await taken(office, "PD-1")
    await settled(office, "PD-1")
    await office.write(BOSS, chat=GROUP, extra={"member": "left"})
    await press(office, AUNT, "to", "PD-1")
    assert (await row(office, "PD-1")).status is CaseStatus.TRIAGE
    assert STREET not in (await office.last(AUNT)).text
    assert "PD-1" in (await office.last(BOSS)).text


async def settled(office: Office, number: str) -> None:
    await press(office, TEACHER, "ss", number)
    await office.write(TEACHER, "1200")
    await office.write(TEACHER, "店家退了一千二")
    await office.tap(TEACHER, "确认，告诉消费者")
    assert (await row(office, number)).status is CaseStatus.SETTLED


async def test_a_look_after_the_end_is_a_look_that_she_sees(office: Office) -> None:
    await taken(office, "PD-1")
    await settled(office, "PD-1")
    before = len([e for e in (await row(office, "PD-1")).events if e.action is Action.VIEW])
    await press(office, TEACHER, "sv", "PD-1")
    assert "健身房" in (await office.last(TEACHER)).text
    views = [e for e in (await row(office, "PD-1")).events if e.action is Action.VIEW]
    assert len(views) == before + 1


async def test_nobody_reads_on_in_a_case_that_was_withdrawn(office: Office) -> None:
    await taken(office, "PD-1")
    await press(office, AUNT, "twy", "PD-1")
    before = len(await office.read(TEACHER))
    await press(office, TEACHER, "sv", "PD-1")
    assert "健身房" not in await told(office, TEACHER, before)
    assert "已撤回" in await told(office, TEACHER, before)


async def test_a_sum_beyond_all_reason_is_asked_again(office: Office) -> None:
    await taken(office, "PD-1")
    await press(office, TEACHER, "ss", "PD-1")
    await office.write(TEACHER, "9" * 30)
    await office.write(TEACHER, "-500")
    assert "退回或赔付了多少钱" in (await office.last(TEACHER)).text


async def test_a_file_for_a_closed_case_is_not_kept_in_secret(office: Office) -> None:
    await taken(office, "PD-1")
    await press(office, AUNT, "ta", "PD-1")
    await settled(office, "PD-1")
    await send(office, AUNT, files=file("late"))
    assert not (await row(office, "PD-1")).evidence
    assert "做不了" in (await office.last(AUNT)).text


async def test_an_update_from_nowhere_is_told_to_the_admins_alone(office: Office) -> None:
    for key in ("tg:update:7", GROUP, AUNT):
        async with office.rows() as session:
            lost = Inbox(source="tg:1", key=key, chat_key=key, last_error="KeyError")
            await unhandled(session, office.tables, lost)
    assert not await office.read("tg:update:7")
    assert "抱歉" not in await told(office, GROUP, 0)
    assert "抱歉" in await told(office, AUNT, 0)
    assert "KeyError" in (await office.last(BOSS)).text


# Commas, brackets, lengths


async def test_hostile_words_stay_words_and_long_ones_fit(office: Office) -> None:
    await to_review(office)
    for _ in range(3):
        await office.write(AUNT, "<b>& {x} </i>" + "很长的补充说明。" * 400)
    async with office.db.read() as session:
        rows = await session.scalars(select(Outbox).where(Outbox.target == AUNT))
        sent = [Message.from_json(r.payload) for r in rows if r.payload]
    for call in (c for message in sent for c in render(message, office.tables.texts)):
        text = call.params.get("text", "")
        assert len(text.encode("utf-16-le")) // 2 <= 4096 + 200
    assert "</i>" in (await office.last(AUNT)).text
    await office.tap(AUNT, "提交")
    assert "已登记" in (await office.last(AUNT)).text


async def test_a_huge_amount_in_the_story_or_as_an_answer_breaks_nothing(office: Office) -> None:
    await office.write(AUNT, f"我在花木街道的乐动健身被骗了{'9' * 25}元，要退钱")
    await office.tap(AUNT, "同意，开始")
    await to_amount(office)
    await office.write(AUNT, "9" * 25 + "元")
    assert (await office.last(AUNT)).text


async def to_amount(office: Office) -> None:
    await office.write(AUNT, "改 金额")
    assert (await row(office)).asking == "amount"


async def test_a_review_does_not_go_through_the_whole_network(office: Office) -> None:
    await to_review(office)
    with counted() as effort:
        await office.write(AUNT, "嗯")
    assert effort.calls < 20_000, "14,000 today; a look at each of 1,919 points is 6,000 and more"


async def test_a_persons_name_as_the_other_side_stays_out_of_the_plain_columns(
    office: Office,
) -> None:
    await to_review(office)
    await office.write(AUNT, "改 商家")
    await office.write(AUNT, "张建国")
    await office.tap(AUNT, "提交")
    case = await row(office)
    assert case.number is not None
    assert case.merchant == "张建国"
    async with office.db.read() as session:
        columns = (await session.execute(text("SELECT * FROM case_file"))).mappings().one()
    assert "张建国" not in str({k: v for k, v in columns.items() if not k.endswith("_sealed")})
    assert "张建国".encode() not in columns["merchant_sealed"]


async def test_one_tap_too_many_files_one_case(office: Office) -> None:
    await to_review(office)
    button: Button = await office.button(AUNT, "提交")
    await office.tap(AUNT, "", old=button)
    assert "没有重复提交" in await office.tap(AUNT, "", old=button)
    async with office.db.read() as session:
        assert len((await session.scalars(select(Case))).all()) == 1


async def test_numbers_go_on_from_cases_older_than_the_counter(office: Office) -> None:
    """As after an update of the program in the middle of a day."""
    today = office.clock.now().astimezone(SHANGHAI).strftime("PD%y%m%d")
    await office.case(f"{today}-0041", desk=STREET)
    await to_review(office, COLLEAGUE)
    await office.tap(COLLEAGUE, "提交")
    assert (await row(office)).number == f"{today}-0042"


async def test_her_answer_is_asked_for_by_a_button_while_a_draft_is_open(office: Office) -> None:
    await taken(office, "PD-1")
    await office.write(AUNT, STORY)
    await office.tap(AUNT, "另一件新的事")
    await office.tap(AUNT, "同意，开始")
    await press(office, TEACHER, "sa", "PD-1")
    await office.write(TEACHER, "请问合同还在吗？")
    shown = await office.last(AUNT)
    assert "先点“现在回答”" in shown.text
    await office.tap(AUNT, "现在回答")
    await office.write(AUNT, "在的，合同在")
    assert "合同在" in (await office.last(TEACHER)).text


async def test_consent_refused_leaves_no_case_and_no_awaiting(office: Office) -> None:
    await send(office, AUNT, STORY, files=file("receipt"))
    await office.tap(AUNT, "不同意")
    async with office.db.read() as session:
        assert not (await session.scalars(select(Case))).all()
        errands = await session.scalars(select(Outbox.kind).where(Outbox.channel == "errand"))
        assert "drop" in list(errands)
        account = (await session.scalars(select(Account).where(Account.address == AUNT))).one()
        assert account.awaiting is None
