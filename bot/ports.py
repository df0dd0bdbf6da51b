"""What the services need from the outside, and the channel-neutral message.

Nothing here knows Telegram, a terminal or a database engine.
"""

from __future__ import annotations

import re
from asyncio import Event
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from bot.texts.catalogue import Say
from bot.texts.marked import Mark

_VERSION = re.compile("[0-9]{1,10}")
"""Up to a time in Unix seconds, the largest version there is; a longer one would not go back into a button."""


class Clock(Protocol):
    """The one clock: SQL never calls now(), code never calls datetime.now()."""

    def now(self) -> datetime:
        """An aware datetime in UTC."""
        ...


class Courier(Protocol):
    """Wakes whoever drains due rows; rows are the truth, a wake-up may be lost or doubled."""

    def listen(self, kind: str, look: Callable[[], None]) -> None:
        """This process works on ``kind`` (inbox, outbox, timer): call ``look`` when some of it is due.
        Before :meth:`run`."""
        ...

    def wake(self, kind: str) -> None:
        """Somebody who listens should look, here or elsewhere; called after the commit."""
        ...

    async def run(self, stop: Event) -> None:
        """Carry wake-ups until ``stop``. Raises when that is over for good."""
        ...


class Geocoder(Protocol):
    """Finds an address in words: WGS-84 degrees, None when it is not found. Raises nothing."""

    async def find(self, address: str) -> tuple[float, float] | None: ...
    async def close(self) -> None: ...


class Robots(Protocol):
    """Says one line in the group of a robot (WeCom, DingTalk, Feishu), by its name. Raises Refused."""

    async def send(self, name: str, text: str) -> None: ...
    async def close(self) -> None: ...


class Vault(Protocol):
    """Where evidence files lie, sealed."""

    async def put(self, key: str, content: bytes) -> None: ...
    async def get(self, key: str) -> bytes: ...
    async def drop(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file fit to keep: its bytes, true MIME type, and the ending that goes with it. ``same``: nothing
    of it was changed, so that the channel's own copy may be shown."""

    content: bytes
    mime: str
    extension: str
    same: bool = False


class Unfit(Exception):
    """A file that is not kept: ``type``, ``large``, ``broken``, ``macros`` or ``virus``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Inspect(Protocol):
    """Judges a file by its content and makes it harmless. Raises Unfit, Refused (try later)."""

    async def __call__(self, content: bytes, /) -> Inspected: ...


@dataclass(frozen=True, slots=True)
class Press:
    """A button's meaning: what to do, with which case, at which question and version of it.

    Packed as ``verb|case|question|version|value``; at most 64 bytes of UTF-8 (Bot API limit).
    """

    verb: str
    case: str = ""
    question: str = ""
    version: int = 0
    value: str = ""

    def pack(self) -> str:
        packed = f"{self.verb}|{self.case}|{self.question}|{self.version}|{self.value}"
        if len(packed.encode()) > 64:
            raise ValueError(f"button data over 64 bytes: {packed}")
        return packed

    @staticmethod
    def unpack(data: str) -> Press:
        """Raises ValueError on anything that pack() did not make."""
        verb, case, question, version, value = data.split("|", 4)
        if not _VERSION.fullmatch(version) or not data.isprintable():
            raise ValueError("no version of ours")
        return Press(verb, case, question, int(version), value)


@dataclass(frozen=True, slots=True)
class Button:
    """Pressed, it comes back as a Press; with ``link``, it opens an address instead."""

    label: Say
    press: Press | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A kept file to show: ``kind`` photo, document, video, audio, voice, video_note."""

    kind: str
    file_id: str
    vault_key: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What is said to one chat: parts are paragraphs, joined by an empty line.

    ``keyboard`` names a reply keyboard: "" leaves it as it is, "location" offers the place button,
    "remove" takes it away. ``photo`` and others in ``media`` go before the text.
    ``venue`` is (lat, lon, title, address). ``short`` asks for one short line after another and one button
    a row, as its reader has set. ``captioned`` lets the text stand under the one file, where it fits, so that
    both are one message.
    """

    parts: tuple[Say, ...]
    buttons: tuple[tuple[Button, ...], ...] = ()
    media: tuple[Media, ...] = ()
    keyboard: str = ""
    venue: tuple[float, float, str, str] | None = None
    short: bool = False
    captioned: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "parts": [part.to_json() for part in self.parts],
            "buttons": [
                [
                    {
                        "label": b.label.to_json(),
                        "press": b.press.pack() if b.press else None,
                        "link": b.link,
                    }
                    for b in row
                ]
                for row in self.buttons
            ],
            "media": [[m.kind, m.file_id, m.vault_key, m.name] for m in self.media],
            "keyboard": self.keyboard,
            "venue": list(self.venue) if self.venue else None,
            "short": self.short,
            "captioned": self.captioned,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Message:
        venue = value["venue"]
        return Message(
            parts=tuple(Say.from_json(part) for part in value["parts"]),
            buttons=tuple(
                tuple(
                    Button(
                        Say.from_json(b["label"]),
                        Press.unpack(b["press"]) if b["press"] is not None else None,
                        b["link"],
                    )
                    for b in row
                )
                for row in value["buttons"]
            ),
            media=tuple(Media(*m) for m in value["media"]),
            keyboard=value["keyboard"],
            venue=(venue[0], venue[1], venue[2], venue[3]) if venue else None,
            short=value.get("short", False),
            captioned=value.get("captioned", False),
        )


class Gone(NamedTuple):
    """What came of messages that were taken back: deleted, emptied of their content, or left as they are."""

    deleted: int
    emptied: int
    left: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a person sent: ``kind`` as in Media; size in bytes, 0 when unknown."""

    kind: str
    file_id: str
    unique_id: str
    name: str = ""
    mime: str = ""
    size: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Incoming:
    """One thing a person did, whatever the channel.

    ``chat`` and ``account`` are addresses such as ``tg:123`` or ``term:consumer:王阿姨``; in a
    private talk they are equal. ``key`` is unique to the update: business writes hang on it.
    ``marks`` is how ``text`` was formatted.
    """

    key: str
    chat: str
    account: str
    name: str
    at: datetime
    private: bool = True
    text: str = ""
    marks: tuple[Mark, ...] = ()
    command: str = ""
    argument: str = ""
    press: Press | None = None
    press_id: str = ""
    files: tuple[Attachment, ...] = ()
    album: str = ""
    place: tuple[float, float] | None = None
    place_title: str = ""
    contact_phone: str = ""
    forwarded_from: str = ""
    forwarded_at: datetime | None = None
    reply_to: str = ""
    edited: bool = False
    message_id: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Poster:
    """What stands on it; ``facts`` are pairs of a label and its value."""

    title: str
    subtitle: str
    name: str
    link: str
    scan: str
    facts: tuple[tuple[str, str], ...]
    does: tuple[str, ...]
    foot: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One invitation: for which desk and whom, and until when."""

    name: str
    label: str
    link: str
    until: str


@dataclass(frozen=True, slots=True)
class InvitationSheet:
    """All invitations of one street."""

    title: str
    note: str
    rows: tuple[SheetRow, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; ``shares`` are the columns' widths in proportion, equal when empty."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shares: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document, in this order: paragraphs, pairs of a label and its value, a table, a
    numbered list. Each may be missing."""

    title: str = ""
    paragraphs: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    grid: Grid | None = None
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A paper of a case (文书) to read, print and sign, in plain words.

    ``number`` stands under the title and on every page. ``signatures`` are labels, each with a line to
    sign on; ``notes`` stand small at the end: the source of a rule, how and when it was made.
    """

    title: str
    number: str
    sections: tuple[Section, ...]
    signatures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Document:
        return Document(
            title=value["title"],
            number=value["number"],
            sections=tuple(_section(section) for section in value["sections"]),
            signatures=tuple(value["signatures"]),
            notes=tuple(value["notes"]),
        )


def _section(value: Mapping[str, Any]) -> Section:
    grid = value["grid"]
    return Section(
        title=value["title"],
        paragraphs=tuple(value["paragraphs"]),
        fields=tuple((label, text) for label, text in value["fields"]),
        grid=Grid(tuple(grid["head"]), tuple(map(tuple, grid["rows"])), tuple(grid["shares"]))
        if grid
        else None,
        items=tuple(value["items"]),
    )
