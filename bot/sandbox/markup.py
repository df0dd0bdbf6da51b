"""Text with entities: Telegram's HTML, what it finds by itself, and its lengths.

Offsets and lengths of entities are in UTF-16 code units; the offsets in error texts are in bytes
of UTF-8; limits count code points.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from bot.sandbox.errors import Json, bad

TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "u": "underline",
    "ins": "underline",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
CHARACTERS = {b"lt": "<", b"gt": ">", b"amp": "&", b"quot": '"'}
REFERENCE = re.compile(rb"&(?:#x([0-9a-fA-F]*)|#([0-9]*)|([A-Za-z]+));?")
SPACE = b" \t\r\n\0\v"
NAME = re.compile(rb"[A-Za-z0-9.\-]*")
BAD_UNICODE = (
    "Text contains invalid Unicode characters after decoding HTML entities, "
    "check for unmatched surrogate code units"
)


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) + sum(1 for char in text if char > "\uffff")


@dataclass(slots=True)
class _Open:
    tag: str
    argument: str
    offset: int
    piece: int


class _Reader:
    """One pass over the bytes; a NUL at the end stands for the end, as in the server."""

    def __init__(self, html: str) -> None:
        self.data = html.encode("utf-8", "surrogatepass") + b"\0"
        self.size = len(self.data) - 1
        self.at = 0
        self.pieces: list[str] = []
        self.offset = 0
        self.open: list[_Open] = []
        self.entities: list[Json] = []

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.offset += units(text)

    def fail(self, words: str, at: int | None = None) -> Exception:
        place = "" if at is None else f" at byte offset {at}"
        return bad(f"can't parse entities: {words}{place}")

    def until(self, stops: bytes) -> bytes:
        start = self.at
        while self.data[self.at] not in stops:
            self.at += 1
        return self.data[start : self.at]

    def skip_space(self) -> None:
        while self.at < self.size and self.data[self.at] in SPACE:
            self.at += 1

    def reference(self, at: int) -> tuple[str, int] | None:
        """The character that ``&…;`` at this place stands for, and where it ends."""
        found = REFERENCE.match(self.data, at)
        if not found:
            return None
        hexadecimal, decimal, name = found.groups()
        if name is not None:
            char = CHARACTERS.get(name)
            return (char, found.end()) if char else None
        digits, base = (hexadecimal, 16) if hexadecimal is not None else (decimal, 10)
        code = int(digits or b"0", base)
        long = len(found.group().rstrip(b";")) >= 10
        return None if long or not 0 < code < 0x10FFFF else (chr(code), found.end())

    def read(self) -> tuple[str, list[Json]]:
        while self.at < self.size:
            byte = self.data[self.at]
            if byte == ord("&") and (found := self.reference(self.at)):
                self.add(found[0])
                self.at = found[1]
            elif byte == ord("<"):
                if self.data[self.at + 1] == ord("/"):
                    self.end_tag()
                else:
                    self.start_tag()
            else:
                end = self.at + 1
                while end < self.size and self.data[end] not in b"<&":
                    end += 1
                self.add(self.data[self.at : end].decode("utf-8", "surrogatepass"))
                self.at = end
        if self.open:
            tag = self.open[-1].tag
            raise self.fail(f'Can\'t find end tag corresponding to start tag "{tag}"')
        try:
            text = "".join(self.pieces).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self.fail(BAD_UNICODE) from None
        self.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return text, self.entities

    def start_tag(self) -> None:
        begin = self.at
        self.at += 1
        name = self.until(SPACE + b">").lower().decode("utf-8", "replace")
        if self.at >= self.size:
            raise self.fail("Unclosed start tag", begin)
        if name not in TYPES:
            raise self.fail(f'Unsupported start tag "{name}"', begin)
        argument = ""
        while self.data[self.at] != ord(">"):
            self.skip_space()
            if self.data[self.at] == ord(">"):
                break
            attribute = self.until(SPACE + b"=>").decode()
            if not attribute:
                raise self.fail(f'Empty attribute name in the tag "{name}"', begin)
            self.skip_space()
            if self.data[self.at] != ord("="):
                if self.at >= self.size:
                    raise self.fail(f'Unclosed start tag "{name}"', begin)
                if (name, attribute) == ("blockquote", "expandable"):
                    argument = "expandable"
                continue
            self.at += 1
            self.skip_space()
            if self.at >= self.size:
                raise self.fail(f'Unclosed start tag "{name}"', begin)
            value = self.value()
            if self.at >= self.size:
                raise self.fail("Unclosed start tag", begin)
            if (name, attribute) == ("a", "href"):
                argument = value
            elif (name, attribute) == ("code", "class") and value.startswith("language-"):
                argument = value.removeprefix("language-")
            elif (name, attribute) == ("span", "class"):
                argument = value
        if name == "span" and argument != "tg-spoiler":
            raise self.fail('Tag "span" must have class "tg-spoiler"', begin)
        self.open.append(_Open(name, argument, self.offset, len(self.pieces)))
        self.at += 1

    def value(self) -> str:
        """An attribute's value: a name token (case does not count) or a quoted string."""
        quote = self.data[self.at]
        if quote not in b"\"'":
            begin = self.at
            token = NAME.match(self.data, begin)
            self.at = token.end() if token else begin
            if self.data[self.at] not in SPACE + b">":
                raise self.fail("Unexpected end of name token", begin)
            return self.data[begin : self.at].lower().decode()
        self.at += 1
        value: list[str] = []
        while self.at < self.size and self.data[self.at] != quote:
            if self.data[self.at] == ord("&") and (found := self.reference(self.at)):
                value.append(found[0])
                self.at = found[1]
                continue
            end = self.at + 1
            while end < self.size and self.data[end] not in (quote, ord("&")):
                end += 1
            value.append(self.data[self.at : end].decode("utf-8", "surrogatepass"))
            self.at = end
        if self.at < self.size:
            self.at += 1
        return "".join(value)

    def end_tag(self) -> None:
        begin = self.at
        if not self.open:
            raise self.fail("Unexpected end tag", begin)
        self.at += 2
        name = self.until(SPACE + b">").lower().decode("utf-8", "replace")
        self.skip_space()
        if self.data[self.at] != ord(">"):
            raise self.fail("Unclosed end tag", begin)
        tag = self.open[-1]
        if name and name != tag.tag:
            raise self.fail(
                f'Unmatched end tag at byte offset {begin}, expected "</{tag.tag}>", found "</{name}>"'
            )
        self.open.pop()
        self.at += 1
        if self.offset > tag.offset:
            self.close(tag)

    def close(self, tag: _Open) -> None:
        entity: Json = {
            "type": TYPES[tag.tag],
            "offset": tag.offset,
            "length": self.offset - tag.offset,
        }
        if tag.tag == "a":
            url = tag.argument or "".join(self.pieces[tag.piece :])
            user = _user_link(url)
            if user:
                entity |= {"type": "text_mention", "user": {"id": user}}
            elif not (checked := checked_url(url)):
                return  # the server, too, drops a link it does not understand and keeps its text
            else:
                entity["url"] = checked
        elif tag.tag == "blockquote" and tag.argument:
            entity["type"] = "expandable_blockquote"
        elif tag.tag == "code" and tag.argument:
            entity["language"] = tag.argument
        elif tag.tag == "pre" and self.entities:
            last = self.entities[-1]
            same = (last["offset"], last["length"]) == (entity["offset"], entity["length"])
            if same and last["type"] == "code" and "language" in last:
                last["type"] = "pre"
                return
        self.entities.append(entity)


def _user_link(url: str) -> int:
    parts = urlsplit(url)
    number = parse_qs(parts.query).get("id", [""])[0]
    return (
        int(number) if parts.scheme == "tg" and parts.netloc == "user" and number.isdecimal() else 0
    )


def checked_url(url: str) -> str:
    """The address as Telegram keeps it, or "" when it takes none of this kind."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme in ("tg", "ton"):
        return url.strip()
    if not parts.scheme:
        return checked_url("http://" + url.strip()) if "." in url else ""
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or " " in url.strip() or not _host(host):
        return ""
    return parts._replace(path=parts.path or "/").geturl()


def _host(host: str) -> bool:
    return host == "localhost" or ("." in host and not host.startswith(".") and ".." not in host)


def parse_html(html: str) -> tuple[str, list[Json]]:
    """Plain text and entities. Raises ApiError ``can't parse entities: …``."""
    text, entities = _Reader(html).read()
    for entity in entities:
        if entity["type"] == "code":
            entity.pop("language", None)
    return text, entities


FOUND = (
    ("url", re.compile(r"\bhttps?://[^\s<>\"'，。；！？、（）【】《》]+")),
    ("email", re.compile(r"(?<![\w.@-])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")),
    (
        "bot_command",
        re.compile(r"(?<![\w/@<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{5,32})?(?![\w/@])", re.A),
    ),
    ("mention", re.compile(r"(?<![\w@./])@[A-Za-z][A-Za-z0-9_]{3,31}", re.A)),
    ("hashtag", re.compile(r"(?<![\w#&])#(?=\w*[^\W\d])\w{1,256}")),
)


def find_entities(text: str, known: list[Json]) -> list[Json]:
    """The known entities and the links, commands, mentions… that Telegram finds by itself.

    Nothing is looked for inside a known link, code or pre.
    """
    taken = [
        (e["offset"], e["offset"] + e["length"])
        for e in known
        if e["type"] in ("text_link", "text_mention", "code", "pre")
    ]
    result = list(known)
    for kind, pattern in FOUND:
        for found in pattern.finditer(text):
            begin = units(text[: found.start()])
            end = begin + units(found.group())
            if all(end <= a or b <= begin for a, b in taken):
                taken.append((begin, end))
                result.append({"type": kind, "offset": begin, "length": end - begin})
    return sorted(result, key=lambda entity: (entity["offset"], -entity["length"]))


def trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Without the white space at both ends, which Telegram does not keep."""
    kept = text.strip()
    lead = units(text[: len(text) - len(text.lstrip())])
    room = units(kept)
    result = []
    for entity in entities:
        begin = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, room)
        if end > begin:
            result.append(entity | {"offset": begin, "length": end - begin})
    return kept, result
