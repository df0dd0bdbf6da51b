"""No log line, no error report and no printed setting carries what a person wrote or what opens a door."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from bot.adapters.database import Database
from bot.adapters.logs import HIDDEN, mask
from bot.services.queue.drain import where
from bot.services.queue.undeliverable import unhandled
from bot.settings import Settings, SettingsError, load
from models.delivery import Inbox, Outbox
from models.party import Account
from tests.attack.hostile import MARK
from tests.attack.siege import STREET, besieged, listening
from tests.integration.admin_office import AUNT, BOSS, TEACHER

TOKEN = "123456789:AAHk3vPq0-1bcdefghijklmnopqrstuvwxyz"
SECRETS = {
    "token": TOKEN,
    "token in an address": f"https://api.telegram.org/bot{TOKEN}/getMe",
    "phone": "电话13800138000号",
    "phone in groups": "138 0013 8000",
    "ID number": "身份证11010519491231002X的",
    "card": "卡号6222021234567890128转",
    "card in groups": "6222 0212 3456 7890 128",
    "proxy": "socks5://me:hunter2@127.0.0.1:1080",
}


@pytest.mark.parametrize("name", SECRETS)
def test_what_looks_personal_is_masked_between_any_letters(name: str) -> None:
    with listening() as log:
        structlog.get_logger("x").warning("told", error=SECRETS[name])
        logging.getLogger("some.library").warning("told %s", SECRETS[name])
    written = [line for line in log.getvalue().splitlines() if "told" in line]
    product = [line for line in written if "some.library" in line or "error=" in line]
    assert product
    assert all(HIDDEN in line for line in product), product


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.text("退a ，:(", max_size=3))
def test_every_mobile_number_is_masked(phone: str, around: str) -> None:
    assert phone not in mask(f"{around}{phone}{around}")


def test_counts_times_and_places_stay_readable() -> None:
    for said in (
        "row=0193-ab at hear.py:86",
        "seconds=12",
        "2026-11-28T09:00:00Z",
        "127.0.0.1:8443",
        "account=01a22754e5847071855142143a9f7f71",
        "row=01900000-0000-7000-8000-138001380000",
    ):
        assert mask(said) == said


@given(st.integers(0, 2**128 - 1))
def test_an_id_of_ours_stays_whole(bits: int) -> None:
    """Whatever its digits look like (RFC 9562, 5.7)."""
    own = UUID(int=bits & ~(0xF << 76 | 0b11 << 62) | 7 << 76 | 0b10 << 62)
    assert mask(f"account={own.hex} row={own}") == f"account={own.hex} row={own}"


def test_an_error_of_the_database_does_not_show_its_values(tmp_path: Path) -> None:
    async def fail() -> str:
        db = Database(f"sqlite:///{tmp_path / 'x.db'}")
        try:
            async with db.write() as session:
                await session.execute(text("INSERT INTO nowhere VALUES (:said)"), {"said": MARK})
        except DBAPIError as error:
            return f"{error} {where(error)}"
        finally:
            await db.close()
        return MARK

    assert MARK not in asyncio.run(fail())


async def test_an_error_report_names_the_place_and_nothing_of_the_person(tmp_path: Path) -> None:
    """What admins are told of an update that could not be handled."""
    async with besieged(tmp_path) as siege:
        office = siege.office
        await office.write(AUNT, "/start")
        try:
            raise ValueError(f"{MARK} 13800138000")
        except ValueError as error:
            problem = where(error)
        async with office.rows() as session:
            row = Inbox(
                source="tg:1",
                key="7",
                seq=7,
                chat_key=AUNT,
                attempts=3,
                received_at=office.clock.at,
                run_at=office.clock.at,
                last_error=problem,
            )
            row.payload = {"text": MARK}
            await unhandled(session, office.tables, row)
        told = (await office.last(BOSS)).text
        assert "ValueError at test_logs.py" in told
        assert MARK not in told
        assert "13800138000" not in told
        async with office.db.read() as session:
            errors = (await session.scalars(select(Outbox.last_error))).all()
            assert not any(MARK in error for error in errors)
            assert await session.scalar(select(Account.id).where(Account.address == AUNT))


async def test_a_press_without_the_right_to_it_is_logged_and_tells_nobody(tmp_path: Path) -> None:
    """Who (by the account's own number), which button, and why; not her number on Telegram, no words of hers."""
    async with besieged(tmp_path) as siege:
        office = siege.office
        await office.write(AUNT, "/start")
        await office.case("PD-1", desk=STREET)
        for who, verb in ((AUNT, "sv"), (AUNT, "m"), (AUNT, f"s{MARK}"), (TEACHER, "m")):
            await siege.press(who, verb, "PD-1")
        async with office.db.read() as session:
            ids = dict((await session.execute(select(Account.address, Account.id))).all())
        lines = [line for line in siege.log.getvalue().splitlines() if "refused" in line]
    assert len(lines) == 4, lines
    for line, who in zip(lines, (AUNT, AUNT, AUNT, TEACHER), strict=True):
        assert ids[who].hex in line
        assert who.removeprefix("tg:") not in line.replace(ids[who].hex, "")
    assert "verb=sv" in lines[0]
    assert "toast.not_yours" in lines[0]
    assert "admin.refused" in lines[1]


def test_secrets_are_printed_nowhere(tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    settings = load(
        env_file=None,
        bot_token=TOKEN,
        webhook_url="https://bot.example",
        webhook_secret=secret,
        proxy_url=f"socks5://me:{secret}@127.0.0.1:1080",
        geocoder="amap",
        geocoder_key=secret,
        database_url=f"postgresql://me:{secret}@db/suda",
        data_dir=tmp_path,
    )
    for shown in (repr(settings), str(settings), repr(settings.bot_token)):
        assert secret not in shown
        assert TOKEN not in shown


@pytest.mark.parametrize("name", ["bot_token", "webhook_secret", "database_url", "clamd"])
def test_a_wrong_secret_is_told_by_its_name_alone(name: str) -> None:
    wrong = f"hunter2 {MARK}"
    with pytest.raises(SettingsError) as told:
        load(env_file=None, **{name: wrong})
    assert MARK not in str(told.value)
    assert name.upper() in str(told.value)


def test_secrets_come_from_the_environment_or_a_file_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No default opens anything."""
    kept = {
        name
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert {"bot_token", "webhook_secret", "proxy_url", "geocoder_key"} <= kept
    empty = load(env_file=None)
    assert all(not getattr(empty, name).get_secret_value() for name in kept)
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    assert load(env_file=None).bot_token.get_secret_value() == TOKEN
