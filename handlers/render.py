"""A channel-neutral Message as Bot API calls; pure, so that what Telegram gets can be read in a test."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from unicodedata import east_asian_width

from bot.adapters.telegram import Call
from bot.ports import Button, Media, Message
from bot.texts.catalogue import Catalogue, say

TEXT_LIMIT = 4096
"""Bot API, sendMessage: 1-4096 characters after entities parsing; counted here in UTF-16."""

CAPTION_LIMIT = 1024
"""Bot API, sendPhoto, sendDocument: 0-1024 characters after entities parsing; counted here in UTF-16."""

ALBUM_LIMIT = 10
"""Bot API, sendMediaGroup: 2-10 items, documents and audio only among their own kind."""

ROW_WIDTH = 32
"""Columns (a Chinese character is two) that a row of buttons shows on a narrow phone uncut."""

_NAME = re.compile(r"[\w-]+")
_TOKEN = re.compile(r"<(/?)([\w-]+)[^>]*>|&\w+;|&#\d+;|.", re.DOTALL)
_ENDS = frozenset("。！？；")
_CLOSES = frozenset({*"”’）】》", "</b>", "</i>", "</u>"})
_WITH_CAPTION = frozenset({"sendPhoto", "sendDocument"})
_VISUAL = frozenset({"photo", "video"})
_ALBUMS = frozenset({"visual", "document", "audio"})


def render(message: Message, catalogue: Catalogue, private: bool = True) -> list[Call]:
    """The calls that show ``message``, in order; the buttons hang on the last one that can.

    ``private``: a place can be asked for in private chats only (Bot API).
    """
    texts = [text for part in message.parts if (text := catalogue.html(part).strip())]
    if message.short:
        texts = [short_lines(text) for text in texts]
    calls = list(_media(message.media))
    if message.venue:
        lat, lon, title, address = message.venue
        calls.append(
            Call(
                "sendVenue",
                {"latitude": lat, "longitude": lon, "title": title, "address": address or title},
            )
        )
    keyboard = _keyboard(message.keyboard, catalogue) if private else None
    if keyboard and message.buttons:
        # One message carries one kind of keyboard, so the first paragraphs go ahead with this one.
        if len(texts) > 1:
            ahead, texts = texts[:-1], texts[-1:]
        else:
            hint = "place_hint" if message.keyboard == "location" else "place_done"
            ahead = [catalogue.html(say(f"channel.{hint}"))]
        calls += _texts(ahead, keyboard)
        keyboard = None
    markup = keyboard or _inline(message.buttons, catalogue, message.short)
    if message.captioned and _captioned(calls, texts, markup):
        return calls
    if texts:
        calls += _texts(texts, markup)
    elif markup and calls and calls[-1].method != "sendMediaGroup":
        calls[-1].params["reply_markup"] = markup
    return calls


def short_lines(text: str) -> str:
    """HTML with each sentence on a line of its own; what is there to be copied (``code``) stays as it is."""
    tokens = [match.group(0) for match in _TOKEN.finditer(text)]
    made: list[str] = []
    copied = False
    for at, token in enumerate(tokens):
        made.append(token)
        copied = token == "<code>" or (copied and token != "</code>")
        ends = token in _ENDS or (token in _CLOSES and made[-2:-1] and made[-2] in _ENDS)
        after = tokens[at + 1] if at + 1 < len(tokens) else "\n"
        if ends and not copied and after not in _CLOSES and after not in _ENDS and after != "\n":
            made.append("\n")
    return "".join(made)


def split_html(text: str, limit: int = TEXT_LIMIT) -> list[str]:
    """Cut HTML into pieces of at most ``limit`` visible UTF-16 units, each with its tags closed.

    The cut falls after a paragraph, else a line, else a sentence, where one ends in the second
    half of the piece.
    """
    if len(text.encode("utf-16-le")) // 2 <= limit:
        # Most are short, and it costs much to read one sign by sign.
        return [text.strip()] if _visible(text) else []
    pieces: list[str] = []
    tokens = [match.group(0) for match in _TOKEN.finditer(text)]
    start = 0
    opened: list[str] = []
    while start < len(tokens):
        end = _fit(tokens, start, limit)
        if end < len(tokens):
            end = _sensible(tokens, start, end)
        body = tokens[start:end]
        before = "".join(opened)
        for token in body:
            if token.startswith("</"):
                opened.pop()
            elif token.startswith("<") and len(token) > 1:
                opened.append(token)
        after = "".join(f"</{_NAME.findall(tag)[0]}>" for tag in reversed(opened))
        piece = f"{before}{''.join(body).strip()}{after}"
        if _visible(piece):
            pieces.append(piece)
        start = end
    return pieces


def _fit(tokens: Sequence[str], start: int, limit: int) -> int:
    """The first token that no longer fits."""
    used = 0
    for at in range(start, len(tokens)):
        used += _units(tokens[at])
        if used > limit:
            return at
    return len(tokens)


def _sensible(tokens: Sequence[str], start: int, end: int) -> int:
    half = start + (end - start) // 2
    for ending in ("\n\n", "\n", "。", "！", "？", "；", " ", "，"):
        for at in range(end, half, -1):
            if "".join(tokens[max(at - len(ending), start) : at]) == ending:
                return at
    return end


def _units(token: str) -> int:
    if token.startswith("<") and len(token) > 1:
        return 0
    return len(html.unescape(token).encode("utf-16-le")) // 2


def _visible(piece: str) -> bool:
    return bool(html.unescape(re.sub(r"<[^>]+>", "", piece)).strip())


def _texts(texts: Sequence[str], markup: dict[str, Any] | None) -> list[Call]:
    calls = [
        Call(
            "sendMessage",
            {"text": piece, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}},
        )
        for piece in split_html("\n\n".join(texts))
    ]
    if calls and markup:
        calls[-1].params["reply_markup"] = markup
    return calls


def _captioned(calls: Sequence[Call], texts: Sequence[str], markup: dict[str, Any] | None) -> bool:
    """Put the texts under the one file, if they fit there. Whether they do."""
    pieces = split_html("\n\n".join(texts), CAPTION_LIMIT)
    if len(calls) != 1 or len(pieces) != 1 or calls[0].method not in _WITH_CAPTION:
        return False
    calls[0].params.update(caption=pieces[0], parse_mode="HTML")
    if markup:
        calls[0].params["reply_markup"] = markup
    return True


def _inline(
    rows: Sequence[Sequence[Button]], catalogue: Catalogue, one_a_row: bool
) -> dict[str, Any] | None:
    keyboard = [
        [_button(button, catalogue) for button in line]
        for row in rows
        for line in ([[button] for button in row] if one_a_row else _lines(row, catalogue))
    ]
    return {"inline_keyboard": keyboard} if keyboard else None


def _lines(row: Sequence[Button], catalogue: Catalogue) -> Iterator[Sequence[Button]]:
    """The row as it is, or a line for each button where a phone would cut the labels."""
    if not row:
        return
    share = ROW_WIDTH // len(row)
    if len(row) > 1 and any(_width(catalogue.plain(button.label)) > share for button in row):
        for button in row:
            yield [button]
    else:
        yield row


def _width(label: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in label)


def _button(button: Button, catalogue: Catalogue) -> dict[str, str]:
    label = catalogue.plain(button.label)
    if button.link:
        return {"text": label, "url": button.link}
    if button.press is None:
        raise ValueError(f"the button {button.label.key} neither means nor opens anything")
    return {"text": label, "callback_data": button.press.pack()}


def _keyboard(name: str, catalogue: Catalogue) -> dict[str, Any] | None:
    match name:
        case "":
            return None
        case "location":
            button = {
                "text": catalogue.plain(say("channel.share_place")),
                "request_location": True,
            }
            return {"keyboard": [[button]], "resize_keyboard": True, "one_time_keyboard": True}
        case "remove":
            return {"remove_keyboard": True}
    raise ValueError(f"no keyboard is called {name}")


def _media(media: Sequence[Media]) -> Iterator[Call]:
    """Albums of neighbours that may share one; what may not goes alone."""
    for group, members in groupby(media, _family):
        files = list(members)
        size = ALBUM_LIMIT if group in _ALBUMS else 1
        for at in range(0, len(files), size):
            chunk = files[at : at + size]
            if len(chunk) == 1:
                kind = chunk[0].kind
                method = "sendVideoNote" if kind == "video_note" else f"send{kind.capitalize()}"
                yield Call(method, {kind: chunk[0]})
            else:
                yield Call(
                    "sendMediaGroup",
                    {"media": [{"type": file.kind, "media": file} for file in chunk]},
                )


def _family(file: Media) -> str:
    return "visual" if file.kind in _VISUAL else file.kind
