"""Does the stand-in answer as Telegram does? Runs the same calls against both and tells where not.

Needs a real bot token and the id of a person who has started that bot; sends her a few messages
and deletes them again. Only status, error text and the shape of results are compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from bot.sandbox.errors import Json
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World

OFFICIAL = "https://api.telegram.org"
BUTTONS = {"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]}
HTML = {"parse_mode": "HTML"}
# CHAT is the person's id; other words in capitals are the ids of the messages sent under that name.
STEPS: tuple[tuple[str, str, Json], ...] = (
    ("", "getMe", {}),
    ("SENT", "sendMessage", {"chat_id": "CHAT", "text": "<b>a</b> & b /start", **HTML}),
    (
        "KEYS",
        "sendMessage",
        {"chat_id": "CHAT", "text": "a", "reply_markup": {"keyboard": [["a"]]}},
    ),
    (
        "BARE",
        "sendMessage",
        {"chat_id": "CHAT", "text": "a", "reply_markup": {"remove_keyboard": True}},
    ),
    ("", "sendMessage", {"chat_id": "CHAT"}),
    ("", "sendMessage", {"chat_id": "CHAT", "text": " "}),
    ("", "sendMessage", {"chat_id": "CHAT", "text": "a" * 4097}),
    ("", "sendMessage", {"text": "a"}),
    ("", "sendMessage", {"chat_id": -1, "text": "a"}),
    ("", "sendMessage", {"chat_id": "CHAT", "text": "a < b", **HTML}),
    ("", "sendMessage", {"chat_id": "CHAT", "text": "<b>a", **HTML}),
    ("", "sendMessage", {"chat_id": "CHAT", "text": "<b>a</i>", **HTML}),
    ("", "sendMessage", {"chat_id": "CHAT", "text": "<br>", **HTML}),
    ("", "sendMessage", {"chat_id": "CHAT", "text": "a", "reply_parameters": {"message_id": 1}}),
    (
        "",
        "sendMessage",
        {"chat_id": "CHAT", "text": "a", "reply_markup": {"inline_keyboard": [[{"text": "a"}]]}},
    ),
    (
        "",
        "sendMessage",
        {
            "chat_id": "CHAT",
            "text": "a",
            "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "a" * 65}]]},
        },
    ),
    (
        "",
        "editMessageText",
        {"chat_id": "CHAT", "message_id": "SENT", "text": "b", "reply_markup": BUTTONS},
    ),
    (
        "",
        "editMessageText",
        {"chat_id": "CHAT", "message_id": "SENT", "text": "b", "reply_markup": BUTTONS},
    ),
    ("", "editMessageText", {"chat_id": "CHAT", "message_id": "KEYS", "text": "b"}),
    ("", "editMessageText", {"chat_id": "CHAT", "message_id": 1, "text": "b"}),
    ("", "editMessageCaption", {"chat_id": "CHAT", "message_id": "SENT", "caption": "b"}),
    ("", "editMessageReplyMarkup", {"chat_id": "CHAT", "message_id": "SENT"}),
    ("", "answerCallbackQuery", {"callback_query_id": "1"}),
    ("PLACE", "sendLocation", {"chat_id": "CHAT", "latitude": 31.22, "longitude": 121.54}),
    ("", "sendPhoto", {"chat_id": "CHAT", "photo": "none"}),
    ("", "sendPhoto", {"chat_id": "CHAT"}),
    ("", "sendMediaGroup", {"chat_id": "CHAT", "media": []}),
    ("", "sendChatAction", {"chat_id": "CHAT", "action": "dancing"}),
    ("", "getFile", {"file_id": "none"}),
    ("", "deleteMessage", {"chat_id": "CHAT", "message_id": 1}),
    ("", "deleteMessages", {"chat_id": "CHAT", "message_ids": ["SENT", "KEYS", "BARE", "PLACE"]}),
    ("", "noSuchMethod", {}),
)
# Fields that depend on the account, not on the rules.
OWN = frozenset(
    {"username", "last_name", "language_code", "is_premium", "added_to_attachment_menu"}
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One call that the two answered differently; each answer as compared."""

    method: str
    params: Json
    live: Any
    stand_in: Any


class CannotCompare(Exception):
    """``why``: network, answer (not from a Bot API), token, or chat; ``detail`` in its words."""

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why
        self.detail = detail


async def compare(
    token: str, chat: int, base: str = OFFICIAL, proxy: str | None = None
) -> list[Difference]:
    """Runs STEPS against ``base`` and against a fresh stand-in.

    Raises CannotCompare when the live side cannot be reached, refuses the token, or the bot may
    not write to ``chat``.
    """
    world = World(token=token)
    sandbox = Sandbox(world)
    url = await sandbox.start()
    try:
        if chat not in world.persons:
            world.add_person("a", number=chat)
        sandbox.control.people.act({"person": chat, "kind": "start"})
        live = await _answers(base, token, chat, proxy)
        stand_in = await _answers(url, token, chat)
    finally:
        await sandbox.stop()
    return list(_differences(live, stand_in))


def _differences(live: list[Any], stand_in: list[Any]) -> Iterator[Difference]:
    for (_, method, params), one, other in zip(STEPS, live, stand_in, strict=True):
        if one != other:
            yield Difference(method, params, one, other)


async def _answers(base: str, token: str, chat: int, proxy: str | None = None) -> list[Any]:
    names: Json = {"CHAT": chat}
    answers = []
    # Only a proxy that was asked for; what the environment names would also catch the stand-in.
    async with httpx.AsyncClient(base_url=base, timeout=30, proxy=proxy, trust_env=False) as client:
        for name, method, params in STEPS:
            filled = {key: _fill(value, names) for key, value in params.items()}
            body = await _call(client, f"/bot{token}/{method}", filled)
            if body["ok"] and name:
                names[name] = body["result"]["message_id"]
            elif not body["ok"] and (name or method == "getMe"):
                raise CannotCompare("chat" if name else "token", body["description"])
            answers.append(_shape(body["result"]) if body["ok"] else body)
    return answers


async def _call(client: httpx.AsyncClient, path: str, params: Json) -> Json:
    """What the server answers; asks again after a halt that it ordered."""
    while True:
        try:
            body: Json = (await client.post(path, json=params)).json()
            if not isinstance(body["ok"], bool):
                raise TypeError
        except httpx.HTTPError as error:
            raise CannotCompare("network", str(error) or type(error).__name__) from None
        except (ValueError, KeyError, TypeError):
            raise CannotCompare("answer", str(client.base_url)) from None
        halt = body.get("parameters", {}).get("retry_after")
        if body["ok"] or halt is None:
            return body
        await asyncio.sleep(halt)


def _fill(value: Any, names: Json) -> Any:
    if isinstance(value, list):
        return [_fill(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def _shape(value: Any) -> Any:
    """A value by its field names and types."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in sorted(value.items()) if name not in OWN}
    if isinstance(value, list):
        return [_shape(inner) for inner in value]
    return type(value).__name__
