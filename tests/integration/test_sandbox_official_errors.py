"""Each rule of the Bot API that the stand-in enforces, by the official server's own words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from bot.sandbox.errors import ApiError
from bot.sandbox.markup import parse_html
from bot.sandbox.world import World
from tests.integration.sandbox_helpers import ADMIN, AUNT, TEACHER, Phone, running

BASIC, SUPER, STRANGERS = -4001, -1001000000001, -1001000000002


@asynccontextmanager
async def opened() -> AsyncIterator[Phone]:
    world = World()
    world.add_group("小组", number=BASIC, members=[AUNT, TEACHER], bot="member")
    world.add_group("联络点", number=SUPER, members=[TEACHER], bot="member")
    world.add_group("别人的群", number=STRANGERS, members=[TEACHER])
    async with running(world) as phone:
        await phone.act("start")
        yield phone


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with opened() as phone:
        yield phone


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Phone]:
    """For refusals, which change nothing."""
    async with opened() as phone:
        yield phone


def markup(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


PLAIN = {"chat_id": AUNT, "text": "您好"}
REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("400 Bad Request: chat_id is empty", "sendMessage", {"text": "x"}),
    ("400 Bad Request: chat not found", "sendMessage", {"chat_id": 55, "text": "x"}),
    ("400 Bad Request: chat not found", "sendMessage", {"chat_id": "@nobody", "text": "x"}),
    ("400 Bad Request: chat not found", "getChat", {"chat_id": -77}),
    (
        "403 Forbidden: bot can't initiate conversation with a user",
        "sendMessage",
        {"chat_id": ADMIN, "text": "x"},
    ),
    (
        "403 Forbidden: bot is not a member of the supergroup chat",
        "sendMessage",
        {"chat_id": STRANGERS, "text": "x"},
    ),
    ("400 Bad Request: message text is empty", "sendMessage", {"chat_id": AUNT}),
    ("400 Bad Request: text must be non-empty", "sendMessage", {"chat_id": AUNT, "text": " \n "}),
    (
        "400 Bad Request: text must be non-empty",
        "sendMessage",
        {"chat_id": AUNT, "text": "<b></b>", "parse_mode": "HTML"},
    ),
    ("400 Bad Request: message is too long", "sendMessage", {"chat_id": AUNT, "text": "长" * 4097}),
    (
        "400 Bad Request: message caption is too long",
        "sendPhoto",
        {"chat_id": AUNT, "photo": "PHOTO", "caption": "长" * 1025},
    ),
    ("400 Bad Request: unsupported parse_mode", "sendMessage", PLAIN | {"parse_mode": "Marked"}),
    (
        "400 Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        "sendMessage",
        PLAIN | {"reply_markup": markup({"text": "只有字"})},
    ),
    (
        "400 Bad Request: BUTTON_DATA_INVALID",
        "sendMessage",
        PLAIN | {"reply_markup": markup({"text": "长", "callback_data": "数" * 22})},
    ),
    (
        "400 Bad Request: inline keyboard button URL 'ftp://a.cn' is invalid: Unsupported URL protocol",
        "sendMessage",
        PLAIN | {"reply_markup": markup({"text": "网", "url": "ftp://a.cn"})},
    ),
    (
        "400 Bad Request: location can be requested in private chats only",
        "sendMessage",
        {
            "chat_id": SUPER,
            "text": "x",
            "reply_markup": {"keyboard": [[{"text": "位置", "request_location": True}]]},
        },
    ),
    (
        "400 Bad Request: can't parse reply markup JSON object",
        "sendMessage",
        PLAIN | {"reply_markup": "{"},
    ),
    (
        "400 Bad Request: message to be replied not found",
        "sendMessage",
        PLAIN | {"reply_parameters": {"message_id": 1}},
    ),
    (
        "400 Bad Request: message to edit not found",
        "editMessageText",
        PLAIN | {"message_id": 1},
    ),
    ("400 Bad Request: message can't be edited", "editMessageText", PLAIN | {"message_id": "HERS"}),
    (
        "400 Bad Request: message is not modified: specified new message content and reply markup are"
        " exactly the same as a current content and reply markup of the message",
        "editMessageText",
        {"chat_id": AUNT, "message_id": "MINE", "text": " 原话 "},
    ),
    (
        "400 Bad Request: there is no text in the message to edit",
        "editMessageText",
        {"chat_id": AUNT, "message_id": "PICTURE", "text": "新"},
    ),
    (
        "400 Bad Request: inline keyboard expected",
        "editMessageReplyMarkup",
        {"chat_id": AUNT, "message_id": "MINE", "reply_markup": {"remove_keyboard": True}},
    ),
    (
        "400 Bad Request: message can't be edited",
        "editMessageText",
        {"chat_id": AUNT, "message_id": "KEYBOARD", "text": "新"},
    ),
    (
        "400 Bad Request: message to delete not found",
        "deleteMessage",
        {"chat_id": AUNT, "message_id": 1},
    ),
    (
        "400 Bad Request: query is too old and response timeout expired or query ID is invalid",
        "answerCallbackQuery",
        {"callback_query_id": "1"},
    ),
    (
        "400 Bad Request: MESSAGE_TOO_LONG",
        "answerCallbackQuery",
        {"callback_query_id": "1", "text": "长" * 201},
    ),
    (
        "400 Bad Request: wrong file_id or the file is temporarily unavailable",
        "getFile",
        {"file_id": "x"},
    ),
    ("400 Bad Request: file is too big", "getFile", {"file_id": "HUGE"}),
    (
        "400 Bad Request: wrong file identifier/HTTP URL specified",
        "sendPhoto",
        {"chat_id": AUNT, "photo": "x"},
    ),
    (
        "400 Bad Request: can't use file of type Photo as Document",
        "sendDocument",
        {"chat_id": AUNT, "document": "PHOTO"},
    ),
    ("400 Bad Request: there is no photo in the request", "sendPhoto", {"chat_id": AUNT}),
    (
        "400 Bad Request: there are no messages to send",
        "sendMediaGroup",
        {"chat_id": AUNT, "media": []},
    ),
    (
        "400 Bad Request: too many messages to send as an album",
        "sendMediaGroup",
        {"chat_id": AUNT, "media": [{"type": "photo", "media": "PHOTO"}] * 11},
    ),
    (
        "400 Bad Request: wrong location coordinates specified",
        "sendLocation",
        {"chat_id": AUNT, "latitude": 99, "longitude": 0},
    ),
    (
        "400 Bad Request: wrong parameter action in request",
        "sendChatAction",
        {"chat_id": AUNT, "action": "dancing"},
    ),
    (
        "400 Bad Request: BOT_COMMANDS_TOO_MUCH",
        "setMyCommands",
        {"commands": [{"command": f"c{n}", "description": "令"} for n in range(101)]},
    ),
    (
        "400 Bad Request: BOT_COMMAND_INVALID",
        "setMyCommands",
        {"commands": [{"command": "帮助", "description": "令"}]},
    ),
    (
        "400 Bad Request: message to copy not found",
        "copyMessage",
        {"chat_id": AUNT, "from_chat_id": AUNT, "message_id": 1},
    ),
    ("404 Not Found: method not found", "sendDice", {"chat_id": AUNT}),
]


@pytest.mark.parametrize(
    ("said", "method", "params"), REFUSED, ids=lambda v: v if isinstance(v, str) else ""
)
@pytest.mark.asyncio(loop_scope="module")
async def test_refusal(shared: Phone, said: str, method: str, params: dict[str, Any]) -> None:
    hers = (await shared.act("text", text="我的话"))["messages"][0]
    photo = (await shared.act("photo"))["messages"][0]["photo"][-1]["file_id"]
    huge = (await shared.act("document", size=20 * 1024 * 1024 + 1))["messages"][0]
    mine = await shared.call("sendMessage", chat_id=AUNT, text="原话")
    picture = await shared.call("sendPhoto", chat_id=AUNT, photo=photo)
    keyboard = await shared.call(
        "sendMessage", chat_id=AUNT, text="选", reply_markup={"keyboard": [["是", "否"]]}
    )
    named = {
        "HERS": hers["message_id"],
        "MINE": mine["message_id"],
        "PICTURE": picture["message_id"],
        "KEYBOARD": keyboard["message_id"],
        "PHOTO": photo,
        "HUGE": huge["document"]["file_id"],
    }

    def fill(value: Any) -> Any:
        return named.get(value, value) if isinstance(value, str) else value

    filled = {name: fill(value) for name, value in params.items()}
    if isinstance(filled.get("media"), list):
        filled["media"] = [{k: fill(v) for k, v in item.items()} for item in filled["media"]]
    before = len(await shared.get("messages", chat=AUNT))
    assert await shared.refused(method, **filled) == said
    assert len(await shared.get("messages", chat=AUNT)) == before, "a refused call shows nothing"


HTML = [
    ("🏟 🏟&lt;<abacaba", "Unclosed start tag at byte offset 13"),
    ("🏟 🏟&lt;<abac aba>", 'Unsupported start tag "abac" at byte offset 13'),
    ("🏟 🏟&lt;<i   =aba>", 'Empty attribute name in the tag "i" at byte offset 13'),
    ("🏟 🏟&lt;<i    aba>", 'Can\'t find end tag corresponding to start tag "i"'),
    ("🏟 🏟&lt;<i    aba  =  ", 'Unclosed start tag "i" at byte offset 13'),
    ("🏟 🏟&lt;<i    aba  =  190azAz-.,", "Unexpected end of name token at byte offset 27"),
    ('🏟 🏟&lt;<i    aba  =  "&lt;&gt;&quot;>', "Unclosed start tag at byte offset 13"),
    ("🏟 🏟&lt;</", "Unexpected end tag at byte offset 13"),
    ("🏟 🏟&lt;<b></b></", "Unexpected end tag at byte offset 20"),
    ("🏟 🏟&lt;<i>a</i   ", "Unclosed end tag at byte offset 17"),
    (
        "🏟 🏟&lt;<i>a</em   >",
        'Unmatched end tag at byte offset 17, expected "</i>", found "</em>"',
    ),
    ("a < b", 'Unsupported start tag "" at byte offset 2'),
    ("价格<100元", "Unclosed start tag at byte offset 6"),
    ("第<1>条", 'Unsupported start tag "1" at byte offset 3'),
    ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ("<br>", 'Unsupported start tag "br" at byte offset 0'),
]


@pytest.mark.parametrize(("html", "said"), HTML)
def test_html_is_refused_in_the_servers_words(html: str, said: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_html(html)
    assert caught.value.description == f"Bad Request: can't parse entities: {said}"


async def test_html_refusal_over_http(phone: Phone) -> None:
    said = await phone.refused("sendMessage", chat_id=AUNT, text="<b>x", parse_mode="HTML")
    assert said == (
        "400 Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""
    )


@pytest.mark.parametrize(
    ("html", "text", "entities"),
    [
        ("王&李 & <b>张</b>", "王&李 & 张", [("bold", 6, 1)]),
        ("🏟<i>🏟a</i>", "🏟🏟a", [("italic", 2, 3)]),
        ("<b>一<i>二</i></b>三", "一二三", [("bold", 0, 2), ("italic", 1, 1)]),
        ("&lt;b&gt;&amp;&quot;&#39;&#x41;&nbsp;", "<b>&\"'A&nbsp;", []),
        ("<a href='http://a.cn/?x=1&amp;y=2'>看</a>", "看", [("text_link", 0, 1)]),
        ("<a href='tel:12315'>打</a>", "打", []),
        ("<blockquote expandable>长</blockquote>", "长", [("expandable_blockquote", 0, 1)]),
        ("<pre><code class='language-py'>x</code></pre>", "x", [("pre", 0, 1)]),
        ("<B>大</b><u></u>", "大", [("bold", 0, 1)]),
        (
            "<tg-spoiler>一</tg-spoiler><span class='tg-spoiler'>二</span>",
            "一二",
            [("spoiler", 0, 1), ("spoiler", 1, 1)],
        ),
    ],
)
def test_html_becomes_text_and_utf16_entities(
    html: str, text: str, entities: list[tuple[str, int, int]]
) -> None:
    plain, found = parse_html(html)
    assert plain == text
    assert [(e["type"], e["offset"], e["length"]) for e in found] == entities


async def test_a_wrong_token_is_unauthorized(phone: Phone) -> None:
    response = await phone.client.post("/bot1:wrong/getMe")
    assert (response.status_code, response.json()["description"]) == (401, "Unauthorized")


async def test_a_person_who_blocked_or_left_telegram(phone: Phone) -> None:
    await phone.act("block")
    assert (
        await phone.refused("sendMessage", **PLAIN) == "403 Forbidden: bot was blocked by the user"
    )
    await phone.act("start")
    await phone.call("sendMessage", **PLAIN)
    await phone.act("deactivate")
    assert await phone.refused("sendMessage", **PLAIN) == "403 Forbidden: user is deactivated"


@pytest.mark.parametrize(("chat", "where"), [(SUPER, "supergroup"), (BASIC, "group")])
async def test_a_bot_that_was_kicked(phone: Phone, chat: int, where: str) -> None:
    await phone.act("kick", TEACHER, chat=chat)
    said = await phone.refused("sendMessage", chat_id=chat, text="x")
    assert said == f"403 Forbidden: bot was kicked from the {where} chat"


async def test_a_group_that_became_a_supergroup(phone: Phone) -> None:
    new = (await phone.post("faults", {"kind": "migrate", "chat": BASIC}))["id"]
    response = await phone.raw("sendMessage", chat_id=BASIC, text="x")
    assert response.json() == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": new},
    }
    told = [update["message"] for update in (await phone.updates())[-2:]]
    assert told[0]["migrate_to_chat_id"] == new
    assert told[1]["migrate_from_chat_id"] == BASIC
    await phone.call("sendMessage", chat_id=new, text="还在")


async def test_messages_older_than_48_hours_stay(phone: Phone) -> None:
    mine = await phone.call("sendMessage", **PLAIN)
    await phone.post("clock", {"advance": 48 * 3600 + 1})
    said = await phone.refused("deleteMessage", chat_id=AUNT, message_id=mine["message_id"])
    assert said == "400 Bad Request: message can't be deleted for everyone"


async def test_a_press_can_be_answered_for_a_while(phone: Phone) -> None:
    mine = await phone.call(
        "sendMessage", **PLAIN | {"reply_markup": markup({"text": "好", "callback_data": "a"})}
    )
    query = (await phone.act("press", message=mine["message_id"], data="a"))["query"]
    assert await phone.call("answerCallbackQuery", callback_query_id=query, text="好的") is True
    await phone.post("clock", {"advance": 16})
    assert await phone.refused("answerCallbackQuery", callback_query_id=query) == (
        "400 Bad Request: query is too old and response timeout expired or query ID is invalid"
    )


@pytest.mark.parametrize(
    ("chat", "calls", "most", "wait"), [(AUNT, 2, 1, 1), (SUPER, 21, 20, 60)], ids=["chat", "group"]
)
async def test_flood_control(phone: Phone, chat: int, calls: int, most: int, wait: int) -> None:
    await phone.post(
        "flood", {"on": True, "limits": {"all": [30, 1]} | ({"chat": [99, 1]} if chat < 0 else {})}
    )
    answers = [
        (await phone.raw("sendMessage", chat_id=chat, text=f"第{n}条")) for n in range(calls)
    ]
    assert [a.status_code for a in answers] == [200] * most + [429] * (calls - most)
    body = answers[-1].json()
    seconds = body["parameters"]["retry_after"]
    assert wait - 5 <= seconds <= wait
    assert body["description"] == f"Too Many Requests: retry after {seconds}"
    await phone.post("clock", {"advance": seconds})
    await phone.call("sendMessage", chat_id=chat, text="现在可以")


async def test_thirty_messages_a_second_overall() -> None:
    world = World()
    people = [world.add_person(f"第{n}位") for n in range(31)]
    async with running(world) as phone:
        for person in people:
            await phone.act("start", person.id)
        await phone.post("flood", {"on": True, "limits": {"all": [30, 30]}})
        answers = [
            (await phone.raw("sendMessage", chat_id=p.id, text="通知")).status_code for p in people
        ]
    assert answers == [200] * 30 + [429]
