"""What the server accepts as reply_markup."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.errors import Json, bad
from bot.sandbox.markup import checked_url
from bot.sandbox.params import Params

DATA_LIMIT = 64  # bytes of UTF-8
BUTTONS_LIMIT = 100
ACTIONS = (
    "url",
    "callback_data",
    "copy_text",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "web_app",
    "login_url",
)
PRIVATE_ONLY = {
    "request_location": "Location can be requested in private chats only",
    "request_contact": "Phone number can be requested in private chats only",
    "request_poll": "Poll can be requested in private chats only",
}


def read_markup(params: Params, *, private: bool) -> tuple[Json | None, Json | None]:
    """The inline keyboard, and the reply keyboard (or its removal, or a forced reply).

    Raises ApiError 400.
    """
    markup = params.json("reply_markup", dict, "reply markup")
    if not markup:
        return None, None
    if "inline_keyboard" in markup:
        return _inline(markup["inline_keyboard"]), None
    if "keyboard" in markup:
        return None, _reply(markup, private)
    if "remove_keyboard" in markup or "force_reply" in markup:
        return None, dict(markup)
    return None, None


def read_inline(params: Params) -> Json | None:
    """For edits: an inline keyboard or nothing. Raises ApiError 400."""
    inline, other = read_markup(params, private=True)
    if other is not None:
        raise bad("inline keyboard expected")
    return inline


def _rows(value: Any, what: str) -> list[list[Any]]:
    if not isinstance(value, list):
        raise bad(f'Field "{what}" must be of type Array')
    if any(not isinstance(row, list) for row in value):
        raise bad(f'Field "{what}" must be an Array of Arrays')
    if sum(len(row) for row in value) > BUTTONS_LIMIT:
        raise bad("REPLY_MARKUP_TOO_LONG")
    return [row for row in value if row]


def _inline(value: Any) -> Json | None:
    rows = [[_inline_button(button) for button in row] for row in _rows(value, "inline_keyboard")]
    return {"inline_keyboard": rows} if rows else None


def _inline_button(button: Any) -> Json:
    def wrong(words: str) -> Exception:
        return bad(f"can't parse inline keyboard button: {words}")

    if not isinstance(button, dict):
        raise wrong("InlineKeyboardButton must be an Object")
    text = button.get("text")
    if not isinstance(text, str):
        raise wrong(
            'Can\'t find field "text"' if text is None else 'Field "text" must be of type String'
        )
    if not text.strip():
        raise bad("inline keyboard button text is empty")
    action = next((name for name in ACTIONS if button.get(name) not in (None, "")), "")
    if not action:
        raise wrong("Text buttons are unallowed in the inline keyboard")
    shown: Json = {"text": text, action: button[action]}
    if "style" in button:
        shown["style"] = button["style"]
    if action == "callback_data" and len(str(button[action]).encode()) > DATA_LIMIT:
        raise bad("BUTTON_DATA_INVALID")
    if action == "url":
        shown["url"] = _button_url(str(button["url"]))
    return shown


def _button_url(url: str) -> str:
    checked = checked_url(url)
    if not checked:
        scheme = urlsplit(url).scheme
        known = scheme in ("http", "https", "")
        why = "Wrong HTTP URL" if known else "Unsupported URL protocol"
        raise bad(f"inline keyboard button URL '{url}' is invalid: {why}")
    return checked


def _reply(markup: Json, private: bool) -> Json:
    rows = []
    for row in _rows(markup["keyboard"], "keyboard"):
        buttons: list[Json] = [{"text": b} if isinstance(b, str) else b for b in row]
        for button in buttons:
            if not isinstance(button, dict) or not isinstance(button.get("text"), str):
                raise bad("can't parse keyboard button: Can't find field \"text\"")
            if not button["text"].strip():
                raise bad("keyboard button text must be non-empty")
            for name, words in PRIVATE_ONLY.items():
                if button.get(name) and not private:
                    raise bad(words)
        rows.append(buttons)
    return dict(markup) | {"keyboard": rows}
