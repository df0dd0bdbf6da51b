"""What persons can do, what of it the bot sees, and what the control API lets in."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiogram.types import Update
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.errors import ApiError
from bot.sandbox.markup import find_entities, parse_html, trim, units
from bot.sandbox.people import PIXEL
from bot.sandbox.world import World
from tests.integration.sandbox_helpers import ADMIN, AUNT, TEACHER, Phone, running
from tests.judge import reader

GROUP = -1001000000001
OPEN = -1009000000007


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    world = World(open_groups=True)
    world.add_group("联络点", number=GROUP, members=[TEACHER, AUNT], bot="member")
    async with running(world, observe=lambda: {"desks": {str(OPEN): "洋泾联络点"}}) as phone:
        yield phone


ACTS: list[tuple[str, dict[str, Any], str]] = [
    ("text", {"text": "您好 /help"}, "text"),
    ("photo", {"caption": "小票"}, "photo"),
    ("document", {"name": "合同.pdf", "mime": "application/pdf", "base64": "JVBERi0="}, "document"),
    ("video", {"duration": 3}, "video"),
    ("voice", {"duration": 12}, "voice"),
    ("video_note", {}, "video_note"),
    ("audio", {}, "audio"),
    ("animation", {}, "animation"),
    ("sticker", {}, "sticker"),
    ("location", {"lat": 31.22, "lon": 121.54}, "location"),
    ("venue", {"lat": 31.22, "lon": 121.54, "title": "超市", "address": "巨野路"}, "venue"),
    ("contact", {}, "contact"),
    ("forward", {"name": "商家客服", "text": "不退"}, "forward_origin"),
]


@pytest.mark.parametrize(("kind", "more", "field"), ACTS, ids=[act[0] for act in ACTS])
async def test_every_act_makes_an_update_that_aiogram_reads(
    phone: Phone, kind: str, more: dict[str, Any], field: str
) -> None:
    await phone.act(kind, **more)
    [update] = await phone.call("getUpdates")
    assert field in update["message"]
    assert getattr(reader(Update).validate_python(update).message, field) is not None


async def test_an_album_is_several_messages_with_one_group(phone: Phone) -> None:
    await phone.act("album", caption="三张", files=[{}, {}, {"kind": "video"}])
    messages = [update["message"] for update in await phone.updates()]
    assert len({message["media_group_id"] for message in messages}) == 1
    assert [message.get("caption") for message in messages] == ["三张", None, None]
    assert "video" in messages[2]


async def test_a_long_text_is_cut_by_the_phone(phone: Phone) -> None:
    await phone.act("text", text="长" * 4096 + "尾")
    assert [len(update["message"]["text"]) for update in await phone.updates()] == [4096, 1]


async def test_an_edit_and_a_deletion(phone: Phone) -> None:
    [message] = (await phone.act("text", text="68元"))["messages"]
    await phone.act("edit", message=message["message_id"], text="86元")
    await phone.act("delete", message=message["message_id"])
    _, edited = await phone.updates()
    assert edited["edited_message"]["text"] == "86元"
    assert edited["edited_message"]["edit_date"]
    [seen] = await phone.get("messages", chat=AUNT)
    assert (seen["edited"], seen["deleted"]) == (True, True)


async def test_a_file_can_be_fetched_back(phone: Phone) -> None:
    content = "合同".encode()
    await phone.act("document", name="合同.txt", base64=base64.b64encode(content).decode())
    [update] = await phone.updates()
    file = await phone.call("getFile", file_id=update["message"]["document"]["file_id"])
    got = await phone.client.get(f"/file/bot{phone.world.token}/{file['file_path']}")
    assert got.content == content
    assert file["file_size"] == len(content)
    assert (await phone.client.get(f"/file/bot1:x/{file['file_path']}")).status_code == 401


async def test_an_upload_by_multipart_with_attach(phone: Phone) -> None:
    await phone.act("start")
    media = [
        {"type": "photo", "media": "attach://one", "caption": "<b>一</b>", "parse_mode": "HTML"}
    ]
    response = await phone.client.post(
        f"/bot{phone.world.token}/sendMediaGroup",
        data={
            "chat_id": str(AUNT),
            "media": json.dumps([*media, {"type": "photo", "media": "attach://two"}]),
        },
        files={"one": ("a.png", PIXEL, "image/png"), "two": ("b.png", PIXEL, "image/png")},
    )
    first, second = response.json()["result"]
    assert first["caption"] == "一"
    assert first["media_group_id"] == second["media_group_id"]
    got = await phone.client.get("/control/file", params={"id": second["photo"][-1]["file_id"]})
    assert got.content == PIXEL


async def test_a_photo_that_is_no_picture(phone: Phone) -> None:
    await phone.act("start")
    response = await phone.client.post(
        f"/bot{phone.world.token}/sendPhoto",
        data={"chat_id": str(AUNT)},
        files={"photo": ("a.png", b"no picture", "image/png")},
    )
    assert response.json()["description"] == "Bad Request: IMAGE_PROCESS_FAILED"


@pytest.mark.parametrize("how", ["query", "form", "json"])
async def test_parameters_come_in_any_dress(phone: Phone, how: str) -> None:
    await phone.act("start")
    path = f"/bot{phone.world.token}/SENDmessage"
    keyboard = {"inline_keyboard": [[{"text": "好", "callback_data": "a"}]]}
    flat = {"chat_id": str(AUNT), "text": "您好", "reply_markup": json.dumps(keyboard)}
    sent = {
        "query": lambda: phone.client.get(path, params=flat),
        "form": lambda: phone.client.post(path, data=flat),
        "json": lambda: phone.client.post(
            path, json=flat | {"chat_id": AUNT, "reply_markup": keyboard}
        ),
    }[how]
    assert (await sent()).json()["result"]["reply_markup"] == keyboard


# Groups
@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("大家好", False),
        ("/take", True),
        ("/take@suda_sandbox_bot 3", True),
        ("/take@other_bot", False),
        ("请点 /take", False),
        ("@suda_sandbox_bot 在吗", False),
    ],
)
async def test_privacy_mode(phone: Phone, text: str, seen: bool) -> None:
    await phone.act("text", TEACHER, chat=GROUP, text=text)
    assert bool(await phone.call("getUpdates")) is seen


async def test_a_reply_to_the_bots_card_is_seen_and_one_to_a_person_is_not(phone: Phone) -> None:
    card = await phone.call("sendMessage", chat_id=GROUP, text="新的一件")
    [chat] = (await phone.act("text", TEACHER, chat=GROUP, text="我看看"))["messages"]
    await phone.act("reply", AUNT, chat=GROUP, text="好的", reply_to=chat["message_id"])
    await phone.act("reply", TEACHER, chat=GROUP, text="已联系", reply_to=card["message_id"])
    await phone.act("photo", TEACHER, chat=GROUP, reply_to=card["message_id"])
    answer, photo = [update["message"] for update in await phone.updates()]
    assert answer["text"] == "已联系"
    assert answer["reply_to_message"]["message_id"] == card["message_id"]
    assert "photo" in photo


async def test_an_administrator_bot_sees_all(phone: Phone) -> None:
    await phone.act("promote", TEACHER, chat=GROUP)
    await phone.act("text", TEACHER, chat=GROUP, text="大家好")
    promoted, message = await phone.updates()
    assert promoted["my_chat_member"]["new_chat_member"]["status"] == "administrator"
    assert message["message"]["text"] == "大家好"


async def test_startgroup_adds_the_bot_and_hands_over_the_payload(phone: Phone) -> None:
    made = await phone.act("startgroup", ADMIN, title="塘桥联络点", payload="desk-4_x")
    member, service, start = await phone.updates()
    assert member["my_chat_member"]["old_chat_member"]["status"] == "left"
    assert member["my_chat_member"]["new_chat_member"]["status"] == "member"
    assert service["message"]["new_chat_members"][0]["id"] == phone.world.bot["id"]
    assert start["message"]["text"] == "/start@suda_sandbox_bot desk-4_x"
    assert start["message"]["chat"]["title"] == "塘桥联络点"
    await phone.call("sendMessage", chat_id=made["chat"], text="接上了")


async def test_a_new_group_has_its_members_and_takes_more(phone: Phone) -> None:
    group = (await phone.act("startgroup", ADMIN, title="塘桥", members=[TEACHER, ADMIN]))["chat"]
    assert phone.world.groups[group].members == [ADMIN, TEACHER]
    await phone.updates()
    await phone.act("invite", TEACHER, chat=group, member=AUNT)
    [service] = await phone.updates()
    assert service["message"]["new_chat_members"][0]["id"] == AUNT
    assert group in [chat["chat"] for chat in await phone.get("chats", person=AUNT)]
    again = {"person": TEACHER, "kind": "invite", "chat": group, "member": AUNT}
    assert (await phone.client.post("/control/act", json=again)).status_code == 409


async def test_a_deep_link_button_sends_its_payload(phone: Phone) -> None:
    await phone.act("start")
    link = {"text": "接着说", "url": f"https://t.me/{phone.world.username}?start=case-7"}
    await phone.call(
        "sendMessage", chat_id=AUNT, text="看", reply_markup={"inline_keyboard": [[link]]}
    )
    await phone.act("pick_button", label="接着说")
    assert (await phone.updates())[-1]["message"]["text"] == "/start case-7"


@pytest.mark.parametrize("payload", ["有中文", "a b", "x" * 65])
async def test_a_payload_has_64_plain_characters(phone: Phone, payload: str) -> None:
    response = await phone.client.post(
        "/control/act", json={"person": AUNT, "kind": "start", "payload": payload}
    )
    assert response.json()["description"] == "Bad Request: START_PARAM_INVALID"


async def test_a_group_comes_into_being_when_the_bot_first_writes(phone: Phone) -> None:
    sent = await phone.call("sendMessage", chat_id=OPEN, text="新的一件")
    assert sent["chat"]["title"] == "洋泾联络点"
    new = (await phone.post("person", {"first_name": "李老师", "role": "staff"}))["id"]
    assert OPEN in [chat["chat"] for chat in await phone.get("chats", person=new)]
    assert OPEN not in [chat["chat"] for chat in await phone.get("chats", person=AUNT)]
    said = await phone.refused("sendMessage", chat_id=-1008999999999, text="x")
    assert said == "400 Bad Request: chat not found"


async def test_a_closed_world_has_no_groups_on_demand() -> None:
    async with running() as phone:
        said = await phone.refused("sendMessage", chat_id=OPEN, text="x")
        assert said == "400 Bad Request: chat not found"


# Buttons
async def test_a_press_carries_the_message_and_its_answer_reaches_the_phone(phone: Phone) -> None:
    await phone.act("start")
    keyboard = {"inline_keyboard": [[{"text": "对", "callback_data": "yes|1"}]]}
    shown = await phone.call("sendMessage", chat_id=AUNT, text="对吗", reply_markup=keyboard)
    before = (await phone.get("state"))["seq"]
    await phone.act("pick_button", label="对")
    query = (await phone.updates())[-1]["callback_query"]
    assert query["data"] == "yes|1"
    assert query["message"]["message_id"] == shown["message_id"]
    await phone.call(
        "answerCallbackQuery", callback_query_id=query["id"], text="好", show_alert=True
    )
    [answer] = [e for e in await phone.get("poll", after=before) if e["kind"] == "answer"]
    assert (answer["person"], answer["text"], answer["alert"]) == (AUNT, "好", True)


async def test_a_press_on_a_deleted_message_is_inaccessible(phone: Phone) -> None:
    await phone.act("start")
    shown = await phone.call("sendMessage", chat_id=AUNT, text="旧")
    await phone.call("deleteMessage", chat_id=AUNT, message_id=shown["message_id"])
    await phone.act("press", message=shown["message_id"], data="old")
    assert (await phone.updates())[-1]["callback_query"]["message"]["date"] == 0


async def test_a_reply_keyboard_stands_until_removed(phone: Phone) -> None:
    await phone.act("start")
    keyboard = {"keyboard": [[{"text": "发位置", "request_location": True}, "不发"]]}
    await phone.call("sendMessage", chat_id=AUNT, text="在哪", reply_markup=keyboard)
    await phone.call("sendMessage", chat_id=AUNT, text="不急")
    await phone.act("pick_button", label="不发")
    await phone.act("pick_button", label="发位置", lat=31.2, lon=121.5)
    text, place = (await phone.updates())[-2:]
    assert text["message"]["text"] == "不发"
    assert place["message"]["location"] == {"latitude": 31.2, "longitude": 121.5}
    await phone.call("sendMessage", chat_id=AUNT, text="好", reply_markup={"remove_keyboard": True})
    assert await phone.get("keyboard", chat=AUNT) is None


async def test_buttons_leave_when_an_edit_brings_none(phone: Phone) -> None:
    await phone.act("start")
    keyboard = {"inline_keyboard": [[{"text": "对", "callback_data": "y"}]]}
    shown = await phone.call("sendMessage", chat_id=AUNT, text="对吗", reply_markup=keyboard)
    edited = await phone.call(
        "editMessageText", chat_id=AUNT, message_id=shown["message_id"], text="记下了"
    )
    assert "reply_markup" not in edited
    back = await phone.call(
        "editMessageReplyMarkup",
        chat_id=AUNT,
        message_id=shown["message_id"],
        reply_markup=keyboard,
    )
    assert back["reply_markup"] == keyboard
    assert back["edit_date"] == edited["edit_date"]


async def test_the_menu_of_the_narrowest_scope(phone: Phone) -> None:
    def menu(word: str) -> list[dict[str, str]]:
        return [{"command": word, "description": "说明"}]

    await phone.call("setMyCommands", commands=menu("all"))
    await phone.call("setMyCommands", commands=menu("zh"), language_code="zh")
    await phone.call("setMyCommands", commands=menu("groups"), scope={"type": "all_group_chats"})
    await phone.call(
        "setMyCommands", commands=menu("admin"), scope={"type": "chat", "chat_id": ADMIN}
    )
    assert await phone.get("commands", chat=AUNT) == menu("zh")
    assert await phone.get("commands", chat=GROUP, person=TEACHER) == menu("groups")
    assert await phone.get("commands", chat=ADMIN) == menu("admin")
    assert await phone.call("getMyCommands") == menu("all")


async def test_the_rest_of_the_methods_answer_in_shape(phone: Phone) -> None:
    await phone.act("start")
    [hers] = (await phone.act("text", text="原话"))["messages"]
    await phone.call("getMe")
    await phone.call("getChat", chat_id=AUNT)
    await phone.call("getChat", chat_id=GROUP)
    for user, status in (
        (AUNT, "member"),
        (TEACHER, "creator"),
        (ADMIN, "left"),
        (phone.world.bot["id"], "member"),
    ):
        found = await phone.call("getChatMember", chat_id=GROUP, user_id=user)
        assert found["status"] == status
    await phone.call(
        "sendVenue", chat_id=AUNT, latitude=31, longitude=121, title="点", address="路"
    )
    await phone.call("sendLocation", chat_id=AUNT, latitude=31, longitude=121)
    await phone.call("sendChatAction", chat_id=AUNT, action="typing")
    forwarded = await phone.call(
        "forwardMessage", chat_id=GROUP, from_chat_id=AUNT, message_id=hers["message_id"]
    )
    assert forwarded["forward_origin"]["sender_user"]["id"] == AUNT
    copied = await phone.call(
        "copyMessage", chat_id=GROUP, from_chat_id=AUNT, message_id=hers["message_id"]
    )
    post = phone.world.get_post(GROUP, copied["message_id"])
    assert post
    assert post.message["text"] == "原话"
    assert "forward_origin" not in post.message
    assert (
        await phone.call("deleteMessages", chat_id=AUNT, message_ids=[hers["message_id"], 1])
        is True
    )
    assert phone.world.get_post(AUNT, hers["message_id"]) is None


async def test_there_is_no_method_that_was_not_tried(phone: Phone) -> None:
    """Those that the test before leaves out; then all have answered, and aiogram read it."""
    await test_the_rest_of_the_methods_answer_in_shape(phone)
    keyboard = {"inline_keyboard": [[{"text": "好", "callback_data": "a"}]]}
    ids = {}
    for kind in ("photo", "document", "video", "audio", "voice", "video_note"):
        [hers] = (await phone.act(kind))["messages"]
        ids[kind] = (hers[kind][-1] if kind == "photo" else hers[kind])["file_id"]
        method = "send" + kind.title().replace("_", "")
        sent = await phone.call(method, chat_id=AUNT, **{kind: ids[kind]})
        assert sent[kind]
    photo = await phone.call(
        "sendPhoto", chat_id=AUNT, photo=ids["photo"], caption="<b>旧</b>", parse_mode="HTML"
    )
    told = {"chat_id": AUNT, "message_id": photo["message_id"], "reply_markup": keyboard}
    edited = await phone.call(
        "editMessageCaption", **told, caption="🏟新 <i>字</i>", parse_mode="HTML"
    )
    assert edited["caption"] == "🏟新 字"
    assert edited["caption_entities"] == [{"type": "italic", "offset": 4, "length": 1}]
    media = {"type": "document", "media": ids["document"], "caption": "换成文件"}
    edited = await phone.call("editMessageMedia", **told, media=media)
    assert "photo" not in edited
    assert (edited["document"]["file_id"], edited["caption"]) == (ids["document"], "换成文件")
    await phone.call("editMessageReplyMarkup", chat_id=AUNT, message_id=photo["message_id"])
    album = [{"type": "photo", "media": ids["photo"]}] * 2
    assert len(await phone.call("sendMediaGroup", chat_id=AUNT, media=album)) == 2
    shown = await phone.call("sendMessage", chat_id=AUNT, text="对吗", reply_markup=keyboard)
    query = (await phone.act("press", message=shown["message_id"], data="a"))["query"]
    await phone.call("answerCallbackQuery", callback_query_id=query)
    await phone.call("editMessageText", chat_id=AUNT, message_id=shown["message_id"], text="对")
    await phone.call("deleteMessage", chat_id=AUNT, message_id=shown["message_id"])
    await phone.call("getFile", file_id=ids["voice"])
    await phone.call("setMyCommands", commands=[{"command": "help", "description": "帮助"}])
    await phone.call("getMyCommands")
    await phone.call("setWebhook", url="http://127.0.0.1:9/")
    await phone.call("getWebhookInfo")
    await phone.call("deleteWebhook")
    await phone.call("getUpdates")  # not in the log: the bot would fill it
    answered = {call["method"].lower() for call in await phone.get("log") if call["ok"]}
    assert answered == set(phone.sandbox.api.methods)


# Who may use the control API and the page
@pytest.mark.parametrize("path", ["/", "/page/app.js", "/control/state"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "127.0.0.1.evil.example:80"},
    ],
)
async def test_a_foreign_site_is_refused(phone: Phone, path: str, headers: dict[str, str]) -> None:
    assert (await phone.client.get(path, headers=headers)).status_code == 403


async def test_the_page_is_served_with_a_strict_policy_and_names_no_other_host(
    phone: Phone,
) -> None:
    own = {"Origin": phone.sandbox.url}
    page = await phone.client.get("/", headers=own)
    assert page.status_code == 200
    assert "模拟环境 · 只在本机 · 不会发给任何人" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    folder = Path(__file__).parents[2] / "bot/sandbox/page"
    for name in sorted(path.name for path in folder.iterdir()):
        response = await phone.client.get(f"/page/{name}")
        assert response.status_code == 200
        source = response.text.replace("http://www.w3.org/2000/svg", "")
        assert "://cdn" not in source
        assert 'src="http' not in source
    assert (await phone.client.get("/page/..%2Fworld.py")).status_code == 404


async def test_wrong_requests_are_told(phone: Phone) -> None:
    for path, body in (
        ("act", {"person": 5, "kind": "text"}),
        ("act", {"person": AUNT, "kind": "fly"}),
        ("faults", {"kind": "earthquake"}),
        ("faults", {"kind": "429", "often": 1}),
        ("person", {"first_name": "重名", "id": AUNT}),
    ):
        response = await phone.client.post(f"/control/{path}", json=body)
        assert response.status_code in (400, 404), (path, body)
        assert response.json()["description"]


async def test_events_stream_and_resume(phone: Phone) -> None:
    start = (await phone.get("state"))["seq"]
    await phone.act("text", text="一")
    async with phone.client.stream("GET", "/control/events", params={"after": start}) as stream:
        lines = stream.aiter_lines()
        async for line in lines:
            if line.startswith("data:"):
                event = json.loads(line.removeprefix("data:"))
                break
    assert (event["kind"], event["chat"]) == ("message", AUNT)
    assert (await phone.get("poll", after=event["seq"])) == []


async def test_the_process_buttons_call_what_was_given() -> None:
    asked: list[str] = []
    async with running(control=asked.append) as phone:
        assert (await phone.get("state"))["process"] is True
        await phone.post("process", {"action": "kill"})
        await phone.post("process", {"action": "start"})
    assert asked == ["kill", "start"]
    async with running() as phone:
        assert (
            await phone.client.post("/control/process", json={"action": "kill"})
        ).status_code == 404


async def test_a_gone_poller_shows_as_offline(phone: Phone) -> None:
    assert (await phone.get("state"))["bot_online"] is False
    await phone.call("getUpdates")
    assert (await phone.get("state"))["bot_online"] is True


# The text parser
@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert parse_html(escaped) == (text, [])


@given(st.text(alphabet="<>/ab=\"'& 🏟一;#x3", max_size=40))
def test_any_html_is_read_or_refused_in_words(html: str) -> None:
    try:
        text, entities = parse_html(html)
    except ApiError as refused:
        text, entities = refused.description, []
        ok = text.startswith("Bad Request: can't parse entities: ")
    else:
        ok = all(0 < e["length"] <= units(text) - e["offset"] for e in entities)
    assert ok, (html, text, entities)


@given(st.text(alphabet=" \n一🏟a", max_size=20), st.text(alphabet=" \n一🏟a", max_size=20))
def test_trimming_moves_the_entities_along(before: str, inside: str) -> None:
    text, entities = parse_html(f"{before}<b>{inside}</b>。")
    kept, moved = trim(text, entities)
    for entity in moved:
        raw = kept.encode("utf-16-le")[
            entity["offset"] * 2 : (entity["offset"] + entity["length"]) * 2
        ]
        assert raw.decode("utf-16-le") in inside


def test_links_commands_and_hashtags_are_found() -> None:
    text = "🏟看 https://a.cn/x?y=1，或 /help@suda_bot 和 #退款 @someone a@b.cn"
    found = [
        (
            e["type"],
            text.encode("utf-16-le")[e["offset"] * 2 : (e["offset"] + e["length"]) * 2].decode(
                "utf-16-le"
            ),
        )
        for e in find_entities(text, [])
    ]
    assert found == [
        ("url", "https://a.cn/x?y=1"),
        ("bot_command", "/help@suda_bot"),
        ("hashtag", "#退款"),
        ("mention", "@someone"),
        ("email", "a@b.cn"),
    ]
