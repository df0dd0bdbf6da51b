"""我的数据 behind the screen: what is erased is gone from every table and file, and nothing else is."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.adapters.files import SealedFiles
from bot.ports import Gone
from bot.services.admin.backup import backup
from bot.services.consumer.fetch_evidence import dropper
from bot.services.privacy import audit, consents, drop_file, erase, export_own, retention
from bot.services.privacy.consents import give
from bot.services.queue.deliver import Deliverer
from bot.services.queue.timers import Scanner
from bot.services.queue.undeliverable import undeliverable
from models.base import Base, cipher
from models.case import Case, Event, Evidence
from models.delivery import Outbox, Refused
from models.lifecycle import Action, CaseStatus
from models.party import Account
from models.privacy import ConsentKind, Erasure
from tests.integration.admin_office import AUNT, TEACHER, Office, opened
from tests.integration.durable import WIDE
from tests.integration.test_schema import files, forms

NUMBER = "PD261123-0001"
WORDS = "健身房关门不退卡"

# Tables that hold a person's rows without a foreign key, each erased by its own statement.
BY_HAND = {"outbox", "inbox", "timer", "delivery"}


class Chats:
    """The far end: gives ids to what is sent, and tells what came of what was taken back."""

    def __init__(self) -> None:
        self.sent: dict[str, list[str]] = {}
        self.taken: list[tuple[str, list[str]]] = []
        self.closed: set[str] = set()
        self.interrupted = 0

    async def send(self, target: str, message: Any, edit: Sequence[Any] | None, /) -> list[Any]:
        if edit:
            return list(edit)
        number = str(len(self.sent.get(target, ())) + 1)
        self.sent.setdefault(target, []).append(number)
        return [number]

    async def take_back(
        self, chat: str, messages: Sequence[tuple[str, datetime]], instead: str
    ) -> Gone:
        if chat in self.closed:
            raise Refused("Forbidden: bot was kicked", final=True, blocked=True)
        if self.interrupted:
            self.interrupted -= 1
            raise Refused("network", down=True)
        self.taken.append((chat, [number for number, _ in messages]))
        return Gone(len(messages), 0, 0)


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[tuple[Office, Chats, SealedFiles, Deliverer]]:
    """An office whose outbox goes out to ``Chats``."""
    async with opened(folder, demo=True) as office:
        chats = Chats()
        vault = SealedFiles(folder / "evidence", cipher())
        sender = Deliverer(
            office.db,
            office.clock,
            {"tg": chats.send},
            WIDE,
            errands={
                "drop": dropper(vault),
                erase.ERRAND: erase.unsender(office.tables, chats.take_back),
                export_own.ERRAND: export_own.exporter(office.db, office.tables, vault),
            },
            on_dead=lambda s, row, refusal: undeliverable(s, office.tables, row, refusal),
        )
        yield office, chats, vault, sender


async def go_out(office: Office, sender: Deliverer, hours: float = 0) -> None:
    """Send and run what is due, for so long."""
    end = office.clock.at + timedelta(hours=hours)
    while True:
        while await sender.drain_once():
            pass
        if office.clock.at >= end:
            return
        office.clock.at += timedelta(minutes=1)


async def pack(sender: Deliverer) -> None:
    """Run what is owed up to the archive, which is then about to be sent."""
    while owed := (await sender.claim(1))[0]:
        await sender.work(owed[0])
        if owed[0].row.kind == export_own.ERRAND:
            return


async def closed_case(office: Office, vault: SealedFiles, number: str = NUMBER) -> None:
    """AUNT's case, settled, with a file, that TEACHER has read."""
    await office.write(AUNT, "/start")
    await office.write(TEACHER, "/start")
    await office.case(number, desk="花木街道")
    async with office.rows() as session:
        case = (await session.scalars(select(Case).where(Case.number == number))).one()
        teacher = await session.scalar(select(Account).where(Account.address == TEACHER))
        aunt = await session.get_one(Account, case.account_id)
        assert teacher is not None
        await give(session, office.tables, aunt, ConsentKind.PASS_ON, case)
        case.evidence.append(
            Evidence(
                number=1, source_key="s", kind="photo", file_id="f", unique_id="u",
                added_at=office.clock.at, size=3,
            )
        )  # fmt: skip
        await session.flush()
        kept = case.evidence[0]
        kept.vault_key = str(kept.id)
        kept.about = {"name": "../鞋.jpg"}
        await vault.put(kept.vault_key, b"jpg")
        case.apply(Action.TAKE, at=office.clock.at, by=teacher.id)
        case.taker_id = teacher.id
        await audit.record(session, office.clock.at, audit.Act.VIEW, teacher, case)
        case.apply(Action.VIEW, at=office.clock.at, by=teacher.id)
        from bot.services.sending import tell
        from bot.texts.catalogue import say

        await tell(session, office.tables, TEACHER, say("details.private"), case=case)
        case.apply(Action.SETTLE, at=office.clock.at, by=teacher.id)
        case.closed_at = office.clock.at


async def count(office: Office, table: type[Base]) -> int:
    async with office.db.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def erase_all(office: Office) -> None:
    for label in ("我的数据", "删除", "全部删除", "确认删除"):
        if label == "我的数据":
            await office.write(AUNT, "/mydata")
        else:
            await office.tap(AUNT, label)


async def test_what_is_erased_is_nowhere(tmp_path: Path) -> None:
    async with desk(tmp_path) as (office, chats, vault, sender):
        await closed_case(office, vault)
        await go_out(office, sender)
        assert list((tmp_path / "evidence").rglob("*-*-*"))
        async with office.db.read() as session:
            key = await session.scalar(select(Case.id))
            person = await session.scalar(select(Account.id).where(Account.address == AUNT))
        await office.write(AUNT, "/mydata")
        await office.tap(AUNT, "删除")
        await office.tap(AUNT, "全部删除")
        assert await office.tap(AUNT, "确认删除") == "正在删除"
        await go_out(office, sender)
        for table in (Case, Event, Evidence):
            assert await count(office, table) == 0, table.__tablename__
        assert not list((tmp_path / "evidence").rglob("*-*-*")), "the file is gone too"
        await no_trace(office, key, person)
        assert {chat for chat, _ in chats.taken} == {AUNT, TEACHER}
        async with office.db.read() as session:
            (done,) = (await session.scalars(select(Erasure))).all()
            assert (done.cases, done.files, done.waiting, done.accounts) == (1, 1, 0, 1)
            assert done.done_at is not None
            assert done.report_to is None
            assert done.hashes == [cipher().blind(f"case:{key}").hex()]
            assert (await audit.verify(session)).wrong == ()


async def no_trace(office: Office, case: Any, person: Any) -> None:
    """No row of any table names the case or the person by id."""
    async with office.db.read() as session:
        for table in Base.metadata.sorted_tables:
            for column in table.c:
                if column.type.__class__.__name__ == "Uuid":
                    found = await session.execute(
                        select(func.count()).select_from(table).where(column.in_([case, person]))
                    )
                    assert found.scalar_one() == 0, f"{table.name}.{column.name}"


async def test_a_stop_in_the_middle_goes_on(tmp_path: Path) -> None:
    """Messages are taken back by rows: the network fails twice, then it is done once."""
    async with desk(tmp_path) as (office, chats, vault, sender):
        await closed_case(office, vault)
        await go_out(office, sender)
        chats.interrupted = 2
        await erase_all(office)
        await go_out(office, sender, hours=1)
        async with office.db.read() as session:
            (done,) = (await session.scalars(select(Erasure))).all()
        assert done.waiting == 0
        assert done.deleted == sum(len(numbers) for _, numbers in chats.taken)


async def test_a_chat_that_shut_the_bot_out_is_told_as_what_remains(tmp_path: Path) -> None:
    async with desk(tmp_path) as (office, chats, vault, sender):
        await closed_case(office, vault)
        await go_out(office, sender)
        chats.closed.add(TEACHER)
        await erase_all(office)
        await go_out(office, sender, hours=1)
        async with office.db.read() as session:
            (done,) = (await session.scalars(select(Erasure))).all()
        assert (done.waiting, done.left > 0) == (0, True)


async def test_an_open_case_is_held_and_others_are_untouched(tmp_path: Path) -> None:
    async with desk(tmp_path) as (office, _, vault, sender):
        await closed_case(office, vault)
        await office.case("PD261123-0002", desk="花木街道")
        await go_out(office, sender)
        await erase_all(office)
        async with office.db.read() as session:
            numbers = (await session.scalars(select(Case.number))).all()
            kept = await session.scalar(select(Account).where(Account.address == AUNT))
        assert numbers == ["PD261123-0002"]
        assert kept is not None, "an open case has its owner"


async def test_an_old_confirmation_erases_nothing_else(tmp_path: Path) -> None:
    async with desk(tmp_path) as (office, _, vault, _sender):
        await closed_case(office, vault)
        await office.write(AUNT, "/mydata")
        await office.tap(AUNT, "删除")
        await office.tap(AUNT, "全部删除")
        old = await office.button(AUNT, "确认删除")
        await closed_case(office, vault, "PD261123-0009")
        assert await office.tap(AUNT, "确认删除", old=old) == "内容有变化，请再看一遍"
        assert await count(office, Case) == 2


async def test_another_persons_buttons_do_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as (office, _, vault, _sender):
        await closed_case(office, vault)
        await office.write(AUNT, "/mydata")
        await office.tap(AUNT, "删除")
        await office.tap(AUNT, NUMBER)
        for label in ("确认删除",):
            button = await office.button(AUNT, label)
            await office.tap(TEACHER, label, old=button)
        await office.write(AUNT, "/mydata")
        await office.tap(AUNT, "更正")
        fields = await office.button(AUNT, "电话")
        await office.tap(TEACHER, "电话", old=fields)
        await office.write(TEACHER, "19900003003")
        async with office.db.read() as session:
            case = (await session.scalars(select(Case))).one()
            assert case.answers["phone"]["v"] == "13800138000"


async def test_the_archive_holds_her_words_and_files_under_harmless_names(tmp_path: Path) -> None:
    async with desk(tmp_path) as (office, _, vault, sender):
        await closed_case(office, vault)
        await office.write(AUNT, "/mydata")
        assert await office.tap(AUNT, "导出") == "正在整理，好了就发给您"
        assert await office.tap(AUNT, "导出") == "一小时内只整理一份", "a double tap is one"
        await pack(sender)
        (shown,) = [s for s in await office.read(AUNT) if "data.json" in s.text]
        assert "不要转发" in shown.text
        async with office.db.read() as session:
            rows = (await session.scalars(select(Outbox).where(Outbox.target == AUNT))).all()
        (media,) = [row.payload["media"][0] for row in rows if row.payload and row.payload["media"]]
        with zipfile.ZipFile(io.BytesIO(await vault.get(media[2]))) as archive:
            names = archive.namelist()
            told = json.loads(archive.read("data.json"))
            assert archive.read(names[1]) == b"jpg"
        assert names == ["data.json", f"{NUMBER}-01-photo.jpg"]
        text = json.dumps(told, ensure_ascii=False)
        assert WORDS in text
        assert "13800138000" in text
        assert [line["act"] for line in told["audit"]] == [
            "consent",
            "view",
            "own_export",
        ]


async def test_an_archive_is_erased_after_a_day(tmp_path: Path) -> None:
    async with desk(tmp_path) as (office, _, vault, sender):
        await closed_case(office, vault)
        await office.write(AUNT, "/mydata")
        await office.tap(AUNT, "导出")
        await pack(sender)
        before = len(list((tmp_path / "evidence").rglob("*-*-*")))
        timers = Scanner(
            office.db,
            office.clock,
            {drop_file.TIMER: lambda s, timer: drop_file.forget(s, office.tables, timer)},
        )
        office.clock.at += timedelta(hours=25)
        while await timers.drain_once():
            pass
        await go_out(office, sender)
        assert len(list((tmp_path / "evidence").rglob("*-*-*"))) == before - 1


async def test_retention_erases_after_the_period_and_not_before(tmp_path: Path) -> None:
    async with desk(tmp_path) as (office, _, vault, _sender):
        await closed_case(office, vault)
        await office.case("PD261123-0002", desk="花木街道")
        days = office.tables.policy.keep_closed_days
        office.clock.at += timedelta(days=days - 1)
        async with office.rows() as session:
            assert await retention.run(session, office.tables) == 0
        office.clock.at += timedelta(days=2)
        async with office.rows() as session:
            assert await retention.run(session, office.tables) == 1
            assert await retention.run(session, office.tables) == 0
        async with office.db.read() as session:
            left = (await session.scalars(select(Case.number))).all()
            (proof,) = (await session.scalars(select(Erasure))).all()
            ran = await retention.last(session)
        assert left == ["PD261123-0002"], "an open case stays, however old"
        assert (proof.rule.value, proof.cases, proof.files) == ("closed_period", 1, 1)
        assert ran is not None
        assert ran.cases == 1


async def test_an_idle_draft_goes_and_a_live_one_stays(tmp_path: Path) -> None:
    async with desk(tmp_path) as (office, _, _vault, _sender):
        await office.write(AUNT, "我在健身房办了年卡，店关门了，还剩三千块没退")
        await office.tap(AUNT, "同意")
        days = office.tables.policy.keep_draft_days
        office.clock.at += timedelta(days=days - 1)
        async with office.rows() as session:
            assert await retention.run(session, office.tables) == 0
        office.clock.at += timedelta(days=2)
        async with office.rows() as session:
            assert await retention.run(session, office.tables) == 1
        assert await count(office, Case) == 0


def test_every_table_that_knows_a_person_is_erased_with_her() -> None:
    """A new table is found by its foreign key; one that has none must be erased by hand, and say so."""
    case, account = (Base.metadata.tables[name] for name in ("case_file", "account"))
    by_key = {table.name for target in (case, account) for table, *_ in erase.pointing_at(target)}
    loose = {
        table.name
        for table in Base.metadata.sorted_tables
        for column in table.c
        if column.name in {"case_id", "account_id", "about_id", "target", "chat_key"}
        and not column.foreign_keys
    }
    assert loose - by_key == BY_HAND


@pytest.mark.parametrize("status", [CaseStatus.WAITING, CaseStatus.TRIAGE])
async def test_consent_taken_back_ends_what_is_open(tmp_path: Path, status: CaseStatus) -> None:
    async with desk(tmp_path) as (office, _, _vault, _sender):
        await office.write(AUNT, "/start")
        await office.case(NUMBER, desk="花木街道" if status is CaseStatus.WAITING else "")
        await office.write(AUNT, "撤回同意")
        await office.tap(AUNT, "撤回同意")
        assert NUMBER in (await office.last(AUNT)).text
        await office.tap(AUNT, "确认撤回并删除")
        assert await count(office, Case) == 0
        async with office.db.read() as session:
            found = (await session.scalars(select(audit.Audit.act))).all()
        assert "withdraw_consent" in found


async def test_a_sensitive_matter_wants_a_consent_of_its_own(tmp_path: Path) -> None:
    async with desk(tmp_path) as (office, _, vault, _sender):
        await closed_case(office, vault)
        async with office.rows() as session:
            case = (await session.scalars(select(Case))).one()
            case.answers = {**case.answers, "harm": {"v": "yes", "said": "", "by": "person"}}
            assert [kind.name for kind in consents.sensitive_in(case)] == ["health"]
            consents.spare(case)
            assert case.answers["harm"]["v"] is None
            assert consents.sensitive_in(case) == ()


async def test_neither_database_nor_backup_shows_what_she_said(tmp_path: Path) -> None:
    """Every table is written to, and no file holds a word of hers in any of five encodings."""
    data, copies = tmp_path / "data", tmp_path / "copies"
    data.mkdir()
    street, new_phone = "花木路1888弄66号", "19900004004"
    async with desk(data) as (office, _, vault, sender):
        await closed_case(office, vault)
        await office.write(AUNT, "/mydata")
        for field, value in (("电话", new_phone), ("通讯地址", street)):
            await office.tap(AUNT, "更正姓名")
            await office.tap(AUNT, field)
            await office.write(AUNT, value)
            await office.write(AUNT, "/mydata")
        await office.tap(AUNT, "谁看过")
        assert "李老师" in (await office.last(AUNT)).text
        await office.tap(AUNT, "我的数据")
        await office.tap(AUNT, "导出")
        await pack(sender)
        backup(f"sqlite:///{data}/suda.db", copies, office.clock.at)
        said = {WORDS, "王秀英", "13800138000", new_phone, street, "王阿姨", "李老师", "鞋.jpg"}
        found = [*files(data), *files(copies)]
        for name, content in found:
            for words in said:
                for form in forms(words):
                    assert form not in content, f"{words} can be read in {name}"
        assert any(NUMBER.encode() in content for _, content in found), "the scan sees nothing"
        assert any(name.startswith("suda-") for name, _ in found), "there is a backup"
