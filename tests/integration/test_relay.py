"""The talk of consumer and taker: what is carried, in what shape, and what never is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from bot.ports import Attachment, Incoming, Message
from bot.services.hear import hear
from models.case import Case
from models.delivery import Outbox, OutboxState
from models.lifecycle import Action, CaseStatus
from tests.integration.admin_office import AUNT, Office, photo
from tests.integration.desk_office import desk_office  # noqa: F401
from tests.integration.test_staff import COLLEAGUE, POINT, take

NAMES = {AUNT: "王阿姨本名", COLLEAGUE: "陈本名"}


async def says(office: Office, who: str, text: str = "", number: int = 1, **more: Any) -> None:
    """Somebody writes in private, as Telegram tells it."""
    fields = {"key": f"tg:{who}:{number}", "message_id": str(number), "text": text, **more}
    async with office.db.write() as session:
        await hear(
            session,
            office.tables,
            Incoming(chat=who, account=who, name=NAMES[who], at=office.clock.at, **fields),
        )


async def talking(office: Office) -> None:
    await office.case("PD-1", desk=POINT)
    await take(office, COLLEAGUE, "PD-1")
    await office.tap(COLLEAGUE, "对话")


async def shown(office: Office, who: str) -> list[Message]:
    async with office.db.read() as session:
        rows = await session.scalars(select(Outbox).where(Outbox.target == who).order_by(Outbox.id))
        return [Message.from_json(row.payload) for row in rows if row.payload]


def picture(number: int) -> tuple[Attachment, ...]:
    return (Attachment("photo", f"file{number}", f"unique{number}"),)


async def events(office: Office) -> list[dict[str, Any]]:
    async with office.db.read() as session:
        case = (await session.scalars(select(Case))).one()
        return [event.details or {} for event in case.events if event.action is Action.TALK]


async def test_no_name_of_an_account_goes_to_the_other_side(office: Office) -> None:
    await talking(office)
    await says(office, COLLEAGUE, "您好", 10)
    await says(office, AUNT, "你好", 11)
    assert "您好" in (await office.last(AUNT, 2)).text
    assert POINT in (await office.last(AUNT, 2)).text
    assert "本名" not in (await office.last(AUNT, 2)).text
    assert "你好" in (await office.last(COLLEAGUE)).text
    assert "本名" not in (await office.last(COLLEAGUE)).text


async def test_an_album_is_one_message_and_a_late_part_is_not_lost(office: Office) -> None:
    await talking(office)
    for number in (20, 21):
        text = "合同" if number == 20 else ""
        await says(office, AUNT, text, number, files=picture(number), album="a")
    albums = [message for message in await shown(office, COLLEAGUE) if message.media]
    assert [one.file_id for one in albums[-1].media] == ["file20", "file21"]
    async with office.rows() as session:
        await session.execute(update(Outbox).values(state=OutboxState.SENT))
    await says(office, AUNT, "", 22, files=picture(22), album="a")
    newest = (await shown(office, COLLEAGUE))[-1]
    assert [one.file_id for one in newest.media] == ["file22"]
    async with office.db.read() as session:
        case = (await session.scalars(select(Case))).one()
        assert [one.file_id for one in case.evidence] == ["file20", "file21", "file22"]


async def test_an_edit_takes_the_place_of_what_was_read(office: Office) -> None:
    await talking(office)
    await says(office, COLLEAGUE, "明天去", 30)
    before = await office.last(AUNT)
    await says(office, COLLEAGUE, "后天去", 30, key="tg:e1", edited=True)
    after = await office.last(AUNT)
    assert "后天去" in after.text
    assert after.slot == before.slot != ""
    assert [one.get("text") for one in await events(office) if not one.get("turn")] == [
        "明天去",
        "后天去",
    ]
    count = len(await office.read(AUNT))
    await says(office, COLLEAGUE, "后天去", 30, key="tg:e2", edited=True)
    assert len(await office.read(AUNT)) == count, "the same words again are no edit"


async def test_what_must_not_be_kept_is_not_carried(office: Office) -> None:
    await talking(office)
    await says(office, COLLEAGUE, "我的密码是abc123456", 40)
    assert "abc123456" not in (await office.last(AUNT)).text
    assert "abc123456" not in str(await events(office))


async def test_after_either_turned_it_off_nothing_is_carried_and_nothing_lost(
    office: Office,
) -> None:
    await talking(office)
    await says(office, COLLEAGUE, "您好", 50)
    await office.tap(AUNT, "结束对话")
    count = len(await office.read(AUNT))
    await says(office, COLLEAGUE, "还在吗", 51)
    assert len(await office.read(AUNT)) == count
    await office.tap(COLLEAGUE, "记成 PD-1 的备注")
    assert "还在吗" not in str([one.text for one in await office.read(AUNT)])
    await office.tap(COLLEAGUE, "看材料")
    assert "还在吗" in (await office.last(COLLEAGUE)).text


async def test_in_a_new_hand_the_talk_begins_anew(office: Office) -> None:
    await talking(office)
    await office.write(AUNT, files=photo())
    async with office.rows() as session:
        case = (await session.scalars(select(Case))).one()
        case.apply(Action.PASS, at=office.clock.at)
        assert case.status is CaseStatus.HANDLING
    await says(office, COLLEAGUE, "您好", 60)
    assert "没有转给消费者" in (await office.last(COLLEAGUE)).text


async def test_who_talks_to_nobody_is_asked_for_whom_it_is(office: Office) -> None:
    await office.case("PD-1", desk=POINT)
    await take(office, COLLEAGUE, "PD-1")
    count = len(await office.read(AUNT))
    await says(office, COLLEAGUE, "您好，小票还在吗", 70)
    await says(office, COLLEAGUE, "没有也行", 71)
    assert len(await office.read(AUNT)) == count
    await office.tap(COLLEAGUE, "转给 PD-1 的消费者")
    assert "小票还在吗\n没有也行" in (await office.last(AUNT)).text
