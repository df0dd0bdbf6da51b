"""Words that call for help before any form: who is told, how often, what leaks, and what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from bot.services.consumer import help_first
from models.party import Account
from tests.integration.admin_office import AUNT, BOSS, GROUP, TEACHER, Office
from tests.integration.test_talk_edges import (
    STORY,
    STREET,
    file,
    office,
    row,
    send,
    taken,
    to_review,
    told,
)

__all__ = ["office"]

DANGER = "再不退钱我就死给你们看"
OFFER = "有人加我微信，说是反诈中心的，能帮忙把钱要回来"


async def counted(office: Office) -> dict[str, int]:
    return {who: len(await office.read(who)) for who in (AUNT, BOSS, TEACHER, GROUP)}


async def test_nobody_on_duty_tells_the_admins_and_the_street_without_the_account(
    office: Office,
) -> None:
    await to_review(office)
    before = await counted(office)
    await office.write(AUNT, DANGER)
    boss, group = await told(office, BOSS, before[BOSS]), await told(office, GROUP, before[GROUP])
    assert "有轻生的话" in boss
    assert "王秀英" in boss
    assert "13800138000" in boss
    assert "有轻生的话" in group
    assert STREET in group
    assert not [leak for leak in ("王", "138", AUNT[3:], "乐动", "死给") if leak in group]
    card = await told(office, AUNT, before[AUNT])
    assert "110" in card
    assert "120" in card
    assert "12356" in card
    assert "1 位管理员" in card
    assert f"{STREET}的工作群" in card
    assert "不能保证马上有人看到" in card
    case = await row(office)
    assert case.paused
    assert DANGER in case.answers["story"]["v"]
    await office.tap(AUNT, "继续")
    assert "请核对一遍" in (await office.last(AUNT)).text


async def test_before_consent_no_name_and_no_number_go_to_anyone(office: Office) -> None:
    before = await counted(office)
    await office.write(AUNT, f"{STORY}，我叫王秀英，电话13800138000，{DANGER}")
    boss = await told(office, BOSS, before[BOSS])
    assert "有轻生的话" in boss
    assert not [leak for leak in ("王", "138", "乐动") if leak in boss]
    assert (await row(office)).consented_at is None
    # She may have herself called, and gives the number for that alone.
    await office.tap(AUNT, "请人打电话给我")
    await office.write(AUNT, "13800138000")
    assert "13800138000" in await told(office, BOSS, before[BOSS])


async def test_the_officer_on_duty_is_told_and_nobody_else(office: Office) -> None:
    await office.write(BOSS, "/admin")
    await office.tap_menu("值班")
    await office.tap(BOSS, "我来值班")
    await to_review(office)
    before = await counted(office)
    await office.write(AUNT, DANGER)
    assert "值班管理员" in await told(office, AUNT, before[AUNT])
    assert "有轻生的话" in await told(office, BOSS, before[BOSS])
    assert len(await office.read(GROUP)) == before[GROUP]
    await office.write(BOSS, "/admin")
    await office.tap_menu("值班")
    await office.tap(BOSS, "现在没有人值班")
    assert "现在没有人值班" in (await office.last(BOSS)).text


async def test_an_episode_alerts_once_and_shows_the_card_each_time(office: Office) -> None:
    before = await counted(office)
    for words in (DANGER, "我真的不想活了", "我活不下去了"):
        await office.write(AUNT, words)
        assert "12356" in (await office.last(AUNT)).text
    assert (await told(office, BOSS, before[BOSS])).count("有轻生的话") == 1
    assert "刚才已经替您告诉过" in (await office.last(AUNT)).text
    # Another kind is another matter, and so is the next day.
    await office.write(AUNT, "再不还钱我就拿刀去店里，同归于尽")
    assert (await told(office, BOSS, before[BOSS])).count("有伤人的话") == 1
    office.clock.at += timedelta(hours=office.tables.policy.help_hours, seconds=1)
    await office.write(AUNT, DANGER)
    assert (await told(office, BOSS, before[BOSS])).count("有轻生的话") == 2


async def test_it_says_so_when_nobody_watches(office: Office) -> None:
    async with office.db.write() as session:
        await session.execute(update(Account).values(is_admin=False))
    await office.write(AUNT, "我不想活了")
    card = await office.last(AUNT)
    assert "没有人守着" in card.text
    assert not [label for label in card.buttons if "打电话" in label]


async def test_danger_after_filing_reaches_the_taker_and_the_words_wait_for_a_case(
    office: Office,
) -> None:
    await taken(office, "PD-1")
    before = await counted(office)
    await office.write(AUNT, DANGER)
    assert "PD-1" in await told(office, TEACHER, before[TEACHER])
    assert "接手您这件事的工作人员" in (await office.last(AUNT)).text
    await office.tap(AUNT, "继续")
    await office.tap(AUNT, "补充到 PD-1")
    assert DANGER in await told(office, TEACHER, before[TEACHER])


async def test_danger_at_any_question_keeps_the_draft_and_its_file(office: Office) -> None:
    await office.write(AUNT, STORY)
    await office.tap(AUNT, "同意，开始")
    asked = (await row(office)).asking
    await send(office, AUNT, "我不想活了", files=file("a"))
    case = await row(office)
    assert case.asking == asked
    assert len(case.evidence) == 1
    assert case.answers["story"]["v"] == f"{STORY}\n我不想活了"
    await office.tap(AUNT, "继续")
    assert (await row(office)).asking == asked
    # What somebody else wrote and she forwards is evidence, not her own danger.
    await send(
        office, AUNT, "再不还就弄死我们全家", forwarded_from="催收", forwarded_at=office.clock.at
    )
    assert "12356" not in (await office.last(AUNT)).text


async def test_an_offer_to_get_the_money_back_is_named_once_even_after_filing(
    office: Office,
) -> None:
    await office.write(AUNT, "上周在微信群里被骗投资三万，平台提现不了，骗子把我拉黑了")
    await office.tap(AUNT, "同意，开始")
    await to_review_from_here(office)
    await office.tap(AUNT, "提交")
    await office.tap(AUNT, "单独同意")
    filed = await row(office)
    assert filed.fraud
    before = await counted(office)
    await office.write(AUNT, OFFER)
    await office.write(AUNT, "他又说能帮我追回，让我先交手续费")
    heard = await told(office, AUNT, before[AUNT])
    assert heard.count("第二次骗局") == 1
    assert "这段话是要" in heard
    await office.tap(AUNT, "补充到")
    assert "已加到" in (await office.last(AUNT)).text


async def to_review_from_here(office: Office) -> None:
    typed = {"merchant": "金牛老师", "amount": "3万", "name": "王秀英", "phone": "13800138000"}
    for _ in range(20):
        case = await row(office)
        if case.asking == "review":
            return
        labels = (await office.last(AUNT)).buttons
        later = next((label for label in labels if "先登记" in label), "")
        if later:
            await office.tap(AUNT, later)
        elif case.asking in typed:
            await office.write(AUNT, typed[case.asking])
        else:
            wanted = {"gate": "更早以前", "where": "没有固定地点", "evidence": "暂时没有"}
            await office.tap(AUNT, wanted[case.asking])
    raise AssertionError("never reached the review")


async def test_the_same_offer_to_someone_without_a_fraud_is_no_alarm(office: Office) -> None:
    await taken(office, "PD-1")
    before = await counted(office)
    await office.write(AUNT, "物业说能帮我把停车费要回来，让我等一等")
    assert "第二次骗局" not in await told(office, AUNT, before[AUNT])


async def test_the_emergency_card_asked_for_is_not_shown_again_with_the_story(
    office: Office,
) -> None:
    await office.write(AUNT, "/start")
    await office.tap(AUNT, "刚转了钱")
    await office.write(AUNT, "刚才有人冒充客服让我共享屏幕，转走了一万二")
    shown = [one for one in await office.read(AUNT) if "先停下，别再转任何钱" in one.text]
    assert len(shown) == 1
    await office.write(AUNT, "/emergency")
    assert "先停下，别再转任何钱" in (await office.last(AUNT)).text


async def test_trial_mode_shows_the_cards_and_keeps_nothing(office: Office) -> None:
    office.tables = replace(office.tables, operator="", basis="")
    before = await counted(office)
    await office.write(AUNT, "我不想活了")
    heard = await told(office, AUNT, before[AUNT])
    assert "12356" in heard
    assert "没有人守着" in heard
    assert len(await office.read(BOSS)) == before[BOSS]


async def test_what_help_was_shown_is_forgotten_after_the_episode(office: Office) -> None:
    await office.write(AUNT, "我不想活了")
    for hours, kept in ((1, True), (office.tables.policy.help_hours, False)):
        office.clock.at += timedelta(hours=hours)
        async with office.db.write() as session:
            await help_first.sweep(session, office.tables)
        async with office.db.read() as session:
            account = (await session.scalars(select(Account).where(Account.address == AUNT))).one()
            assert bool(account.helped) is kept
