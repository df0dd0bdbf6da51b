"""Where the outside comes in: forged updates and button data, links, the webhook, many messages at once."""

from __future__ import annotations

import base64
import json
import math
import random
import re
import string
from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from telegram import Bot, Update

from bot.adapters import webhook
from bot.adapters.telegram import TelegramChannel, chat_key, sound
from bot.ports import Press
from bot.services.queue.drain import where
from bot.services.queue.intake import accept
from handlers.incoming import LONGEST, read
from handlers.render import render
from models.case import TOKEN_LETTERS, Case, new_token
from models.delivery import Inbox
from models.party import Account
from tests.attack.hostile import MARK
from tests.attack.rights import ROOT, verbs
from tests.attack.siege import Siege, besieged
from tests.integration.admin_office import AUNT, BOSS, GROUP, OTHER_GROUP, TEACHER

in_one_loop = pytest.mark.asyncio(loop_scope="module")

STREET = "花木街道"
SECRET = "s3cret"
TOKEN = "123:" + "A" * 35
WHO = {"id": 1001, "is_bot": False, "first_name": "王"}
CHAT = {"id": 1001, "type": "private", "first_name": "王"}
MESSAGE: dict[str, Any] = {
    "message_id": 5,
    "date": 1763870400,
    "chat": CHAT,
    "from": WHO,
    "text": f"退钱{MARK}",
}
UPDATES: list[dict[str, Any]] = [
    {"update_id": 1, "message": MESSAGE},
    {"update_id": 2, "edited_message": {**MESSAGE, "edit_date": 1763870401}},
    {
        "update_id": 3,
        "callback_query": {
            "id": "7",
            "from": WHO,
            "chat_instance": "x",
            "message": MESSAGE,
            "data": "go||||0|menu",
        },
    },
    {
        "update_id": 4,
        "my_chat_member": {
            "chat": {"id": -100200, "type": "supergroup", "title": "群"},
            "from": WHO,
            "date": 1763870400,
            "old_chat_member": {"user": WHO, "status": "left"},
            "new_chat_member": {"user": WHO, "status": "member"},
        },
    },
    {
        "update_id": 5,
        "message": {
            **{key: value for key, value in MESSAGE.items() if key != "text"},
            "photo": [
                {"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1, "file_size": 9}
            ],
            "caption": "票据",
            "media_group_id": "1",
        },
    },
    {"update_id": 6, "message": {**MESSAGE, "location": {"latitude": 31.2, "longitude": 121.5}}},
    {
        "update_id": 7,
        "message": {**MESSAGE, "contact": {"phone_number": "+8613800138000", "first_name": "王"}},
    },
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.just("\ud800")
    | st.just("a\x00b"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def broken_updates(draw: st.DrawFn) -> Any:
    """A real update of which one place holds something else, or nothing."""
    update: Any = deepcopy(draw(st.sampled_from(UPDATES)))
    place = update
    for _ in range(draw(st.integers(1, 5))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if isinstance(place[key], (dict, list)) and place[key] and draw(st.booleans()):
            place = place[key]
            continue
        if draw(st.booleans()) and isinstance(place, dict):
            del place[key]
        else:
            place[key] = draw(json_values)
        break
    return update


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def siege(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    async with besieged(tmp_path_factory.mktemp("doors")) as siege:
        await siege.office.write(AUNT, "/start")
        await siege.office.case("PD-20261123-00001", desk=STREET)
        yield siege


# Updates


@given(broken_updates())
@settings(max_examples=100)
def test_a_broken_update_is_stored_or_refused_and_never_stops_the_intake(update: Any) -> None:
    """100 updates, each broken in one place: what comes past the door can be kept, its chat can be told; what
    is then read of it is bounded. What python-telegram-bot or our reader refuses, the worker sets aside."""
    kept = sound(update)
    json.dumps(kept, ensure_ascii=False).encode()
    if isinstance(kept, dict) and "update_id" in kept:
        assert len(chat_key(kept)) <= 128
    try:
        parsed = Update.de_json(kept, None)
        heard = read(parsed) if parsed is not None else None
    except Exception as error:
        heard, told = None, where(error)
    else:
        told = ""
    assert MARK not in told
    assert heard is None or len(heard.text) <= LONGEST


@given(
    st.binary(max_size=200) | st.text(max_size=64).map(lambda text: text.encode("utf-8", "ignore"))
)
@settings(max_examples=200)
def test_button_data_is_ours_or_refused(data: bytes) -> None:
    """200 pieces of data: what is taken for a button of ours packs again into as many bytes."""
    try:
        press = Press.unpack(data.decode("utf-8", "replace"))
    except ValueError:
        return
    assert len(press.pack().encode()) <= 64 or len(data) > 64


@pytest.mark.parametrize(
    "data",
    [
        "",
        "|",
        "m",
        "m||x",
        "m||x|0",
        "m||x|-1|menu",
        "m||x|+1|menu",
        "m||x| 1|menu",
        "m||x|1_0|menu",
        "m||x|٣|menu",
        "m||x|1e3|menu",
        "m||x|99999999999|menu",
        "m||\u202ex|1|menu",
        "m||x|1|me\x00nu",
        "m||x|1|me\nnu",
    ],
)
def test_truncated_or_forged_data_is_no_press(data: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Press.unpack(data)


# Buttons


@in_one_loop
async def test_no_forged_button_breaks_anything_for_anybody(siege: Siege) -> None:
    """Every verb with hostile questions, versions and values, by consumer, staff and admin, in private
    and in the group."""
    dice = random.Random(8)
    values = [
        "",
        "0",
        "-1",
        "999999999",
        "٣",
        "../..",
        "{0}",
        "<b>",
        "a" * 20,
        "0" * 32,
        "names:99",
        "' OR 1",
    ]
    token = (await siege.tokens())["PD-20261123-00001"]
    faults = []
    for verb in [*verbs(), "zz", "", "s", "t", "m?"]:
        for who, chat in (
            (AUNT, ""),
            (TEACHER, ""),
            (BOSS, ""),
            (TEACHER, GROUP),
            (AUNT, OTHER_GROUP),
        ):
            press = Press(
                verb,
                dice.choice((token, "", "ZZZZZZZZZZ", "'--")),
                dice.choice(("", "to", "desk", "page", "code", "list", "who", "x" * 8, "review")),
                dice.choice((0, 1, 9999999999)),
                dice.choice(values),
            )
            try:
                await siege.attempt(who, press=press, chat=chat)
            except Exception as error:
                faults.append(f"{who} {chat} {press}: {error!r}")
    assert not faults, "\n".join(faults[:20])


@in_one_loop
async def test_a_replayed_press_changes_nothing_more(siege: Siege) -> None:
    """The same button a hundred times, as a repeating client would: one effect."""
    office = siege.office
    number = "PD-20261123-00002"
    await office.case(number, desk=STREET)
    for _ in range(20):
        await siege.press(TEACHER, "st", number, chat=GROUP)
    async with office.db.read() as session:
        case = (await session.scalars(select(Case).where(Case.number == number))).one()
        assert [event.action.value for event in case.events].count("take") == 1


# Links


@in_one_loop
async def test_an_invitation_serves_one_and_only_with_the_inviters_word(siege: Siege) -> None:
    """Forwarded, it makes nobody staff; used, voided or expired, it says so and does nothing."""
    office = siege.office
    desk = await office.desk(STREET)
    await office.write(BOSS, press=Press("j", "", "new", 0, str(desk.serial)))
    shown = (await office.last(BOSS)).text
    token = shown.partition("start=join_")[2].split()[0].strip()
    first, thief = "tg:4001", "tg:4002"
    await office.write(first, f"/start join_{token}")
    got = await siege.attempt(thief, said=f"/start join_{token}")
    assert got.plain.strip() == siege.say("staff.link_used", name=STREET)
    got = await siege.attempt(thief, said=f"/start join_{token[:-1]}")
    assert got.plain.strip() == siege.say("staff.link_wrong")
    refused = await siege.attempt(first, said="/staff")
    assert siege.say("staff.not_yet") in refused.plain, "staff before the inviter's word"
    await office.write(BOSS, press=Press("j", "", "new", 0, str(desk.serial)))
    late = (await office.last(BOSS)).text.partition("start=join_")[2].split()[0].strip()
    office.clock.at += timedelta(days=office.tables.policy.invitation_days + 1)
    got = await siege.attempt(thief, said=f"/start join_{late}")
    assert (
        siege.say("staff.link_expired", name=STREET, days=office.tables.policy.invitation_days)
        in got.plain
    )


@in_one_loop
async def test_a_used_binding_link_binds_no_second_group(siege: Siege) -> None:
    office = siege.office
    await office.tap_menu("绑定工作群")
    await office.write(BOSS, "陆家嘴街道")
    await office.tap(BOSS, "陆家嘴街道")
    token = await office.token()
    await office.write("tg:4003", f"/start {token}", chat="tg:-100400")
    await office.write("tg:4004", f"/start {token}", chat="tg:-100500")
    assert (await office.desk("陆家嘴街道")).chat == "tg:-100400"


@in_one_loop
async def test_the_first_admins_link_makes_no_second_admin(siege: Siege) -> None:
    for guess in ("", "A" * 22, "x" * 64, "\u202e"):
        got = await siege.attempt("tg:4005", said=f"/start admin_{guess}")
        assert got.plain.strip() == siege.say("admin.link_wrong")


BITS = 20
"""What OWASP ASVS 5.0 6.5.4 wants of a secret that is looked up."""


def test_a_token_of_ours_has_the_bits_it_needs_and_does_not_follow_from_another() -> None:
    """Ten letters: codes of cases and of joint complaints, and the tokens of buttons. They come from the system's own
    randomness, so that a seed known to others changes nothing."""
    assert len({*TOKEN_LETTERS}) == len(TOKEN_LETTERS)
    assert len(new_token()) * math.log2(len(TOKEN_LETTERS)) > 2 * BITS
    made = set()
    for _ in range(2):
        random.seed(1)
        made |= {new_token() for _ in range(1000)}
    assert len(made) == 2000
    assert {letter for token in made for letter in token} == {*TOKEN_LETTERS}


def test_nothing_that_opens_a_door_comes_from_the_ordinary_dice() -> None:
    """Who draws a token imports ``secrets``; ``random`` is for spreading retries and for benches."""
    drawn = {}
    for folder in ("bot", "models", "handlers"):
        for path in (ROOT / folder).rglob("*.py"):
            words = path.read_text("utf-8")
            if re.search(r"^(?:import random|from random)", words, re.MULTILINE):
                drawn[path.relative_to(ROOT).as_posix()] = words
    assert set(drawn) == {
        "bot/services/queue/deliver.py", "bot/bench/peers.py", "bot/bench/nearest.py",
        "bot/bench/district.py", "bot/bench/books.py",
    }  # fmt: skip


@in_one_loop
async def test_a_link_that_gives_rights_holds_128_bits(siege: Siege) -> None:
    office = siege.office
    desk = await office.desk(STREET)
    await office.write(BOSS, press=Press("j", "", "new", 0, str(desk.serial)))
    invited = (await office.last(BOSS)).text.partition("start=join_")[2].split()[0].strip()
    await office.tap_menu("绑定工作群")
    await office.write(BOSS, "陆家嘴街道")
    await office.tap(BOSS, "陆家嘴街道")
    for token in (invited, await office.token()):
        assert len(base64.urlsafe_b64decode(f"{token}==")) * 8 == 128


# The webhook


class Served:
    """The webhook's application with a channel that nobody else has, on the siege's database."""

    def __init__(self, siege: Siege) -> None:
        texts = siege.office.tables.texts
        channel = TelegramChannel(Bot(TOKEN), lambda m, p: render(m, texts, p), siege.office.clock)

        async def take(body: bytes) -> None:
            await channel.take(siege.office.db, accept, body)

        async def ready() -> None:
            return None

        app = webhook.build(take, ready, SECRET)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://bot.test"
        )

    async def post(self, body: Any, secret: str | None = SECRET) -> int:
        headers = {} if secret is None else {webhook.SECRET_HEADER: secret.encode("latin-1")}
        return (await self.client.post(webhook.PATH, content=body, headers=headers)).status_code


@in_one_loop
async def test_the_webhook_takes_nothing_without_its_secret(siege: Siege) -> None:
    served = Served(siege)
    body = json.dumps({**UPDATES[0], "update_id": 70_001}).encode()
    before = await siege.count(Inbox)
    for wrong in (None, "", "S3cret", "s3cret ", SECRET * 2, "\xe9"):
        assert await served.post(body, wrong) == 403
    assert await siege.count(Inbox) == before
    assert await served.post(body) == 200
    assert await served.post(body) == 200, "a repeat is acknowledged"
    assert await siege.count(Inbox) == before + 1, "and kept once"


@in_one_loop
async def test_the_webhook_reads_no_more_than_an_update(siege: Siege) -> None:
    """Not by its announced length and not by what comes: without the secret, nothing of it at all."""
    served = Served(siege)
    read_so_far = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read_so_far
        for _ in range(100):
            read_so_far += 65536
            yield b" " * 65536

    assert await served.post(endless(), "wrong") == 403
    assert await served.post(endless()) == 413
    assert await served.post(b" " * (webhook.MOST_BYTES + 1)) == 413
    assert read_so_far < 100 * 65536 * 2


@in_one_loop
async def test_the_webhook_refuses_what_is_no_update(siege: Siege) -> None:
    served = Served(siege)
    huge = {**UPDATES[0], "update_id": 10**30}
    chat = {"update_id": 70_002, "message": {**MESSAGE, "chat": {"id": 10**40, "type": "private"}}}
    for body in (
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"update_id": true}',
        b'{"update_id": "1"}',
        b'{"update_id": -1}',
        b'{"update_id": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        json.dumps(huge).encode(),
        b"9" * 10_000,
    ):
        assert await served.post(body) == 400, body[:40]
    assert await served.post(json.dumps(chat).encode()) == 200
    lone = b'{"update_id": 70003, "message": {"text": "\\ud83d\\u0000", "chat": {"id": 5}}}'
    assert await served.post(lone) == 200, "half a letter keeps nothing back"


# Many


@in_one_loop
async def test_commands_of_random_letters_are_answered_politely(siege: Siege) -> None:
    dice = random.Random(3)
    for _ in range(20):
        words = "".join(dice.choices(string.printable + "退钱\u200b", k=dice.randrange(1, 40)))
        got = await siege.attempt(AUNT, said=f"/{words}{MARK}")
        assert got.owed or not words.strip()


@in_one_loop
async def test_nobody_becomes_an_admin_on_the_way(siege: Siege) -> None:
    """Last of all: after everything above the only admin is the one who was."""
    async with siege.office.db.read() as session:
        admins = (await session.scalars(select(Account.address).where(Account.is_admin))).all()
    assert list(admins) == [BOSS]
