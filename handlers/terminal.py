"""The terminal channel: one line of input is one thing a person does; no network at all.

``/press N`` presses the Nth button last shown, an exact label presses it too, ``/location LAT LON``
shares a place, ``/file PATH`` sends a file, other ``/words`` are commands, and the rest is text.
"""

from __future__ import annotations

import mimetypes
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO

from bot.ports import Attachment, Button, Incoming, Message
from bot.texts.catalogue import Catalogue, Say, say

PHOTOS = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@dataclass(frozen=True, slots=True)
class Person:
    """Who sits at the terminal: her own address, and the chats whose messages she sees."""

    name: str
    account: str
    group: str = ""

    @property
    def chats(self) -> tuple[str, ...]:
        """Addresses shown to her, the private one first."""
        return (self.account, self.group) if self.group else (self.account,)


def person(role: str, name: str, desk_code: str = "") -> Person:
    """The person behind ``--as`` and ``--name``; ``role`` is consumer, staff or admin."""
    account = f"term:{role}:{name}"
    return Person(name, account, f"term:staff:{desk_code}" if role == "staff" else "")


@dataclass(slots=True)
class Screen:
    """Prints messages, numbers their buttons, and reads lines as Incoming."""

    who: Person
    texts: Catalogue
    clock: Callable[[], datetime]
    out: TextIO = field(default_factory=lambda: sys.stdout)
    shown: list[tuple[str, Button]] = field(default_factory=list)

    def show(self, chat: str, message: Message) -> None:
        """Print one outgoing message; buttons become ``[N] label``."""
        for media in message.media:
            kind = say(f"file_kind.{media.kind}")
            self._print(say("terminal.media", kind=kind, name=media.name or media.file_id))
        if message.venue:
            _, _, title, address = message.venue
            self._print(say("terminal.venue", title=title, address=address))
        text = "\n\n".join(filter(None, (self.texts.plain(part) for part in message.parts)))
        in_group = bool(self.who.group) and chat == self.who.group
        self._print(say("terminal.says_in_group" if in_group else "terminal.says", text=text))
        if message.buttons:
            self.shown = [(chat, b) for row in message.buttons for b in row]
            for number, (_, button) in enumerate(self.shown, 1):
                link = f" {button.link}" if button.link else ""
                print(f"  [{number}] {self.texts.plain(button.label)}{link}", file=self.out)
        self.out.flush()

    def _print(self, what: Say) -> None:
        print(self.texts.plain(what), file=self.out)

    def notice(self, text: str) -> None:
        """The little notice over a pressed button."""
        print(f"({text})", file=self.out, flush=True)

    def read(self, line: str) -> Incoming | str | None:
        """What the line means; a str is a complaint about the line itself, None is nothing."""
        line = line.strip()
        if not line:
            return None
        if line.startswith("/press"):
            return self._press(line.removeprefix("/press").strip())
        pressed = next((item for item in self.shown if self._label(item[1]) == line), None)
        if pressed is not None:
            return self._pressed(*pressed)
        if line.startswith("/location"):
            return self._location(line.removeprefix("/location").split())
        if line.startswith("/file"):
            return self._file(line.removeprefix("/file").strip())
        if line.startswith("/"):
            command, _, argument = line[1:].partition(" ")
            return self._incoming(command=command.lower(), argument=argument.strip())
        return self._incoming(text=line)

    def _label(self, button: Button) -> str:
        return self.texts.plain(button.label)

    def _incoming(self, **what: object) -> Incoming:
        values: dict[str, object] = {"chat": self.who.account, "private": True, **what}
        return Incoming(
            key=f"term:{uuid.uuid4()}",
            account=self.who.account,
            name=self.who.name,
            at=self.clock(),
            **values,  # type: ignore[arg-type]
        )

    def _press(self, number: str) -> Incoming | str:
        if not number.isdecimal() or not 1 <= int(number) <= len(self.shown):
            return f"/press 1-{len(self.shown)}"
        return self._pressed(*self.shown[int(number) - 1])

    def _pressed(self, chat: str, button: Button) -> Incoming | str:
        if button.press is None:
            payload = button.link.partition("?start=")[2]
            if payload:
                return self._incoming(command="start", argument=payload)
            return button.link
        return self._incoming(chat=chat, private=chat == self.who.account, press=button.press)

    def _location(self, words: list[str]) -> Incoming | str:
        try:
            lat, lon = (float(word) for word in words)
        except ValueError:
            return "/location LAT LON"
        return self._incoming(place=(lat, lon))

    def _file(self, name: str) -> Incoming | str:
        path = Path(name)
        if not path.is_file():
            return f"/file: {name}?"
        kind = "photo" if path.suffix.lower() in PHOTOS else "document"
        file = Attachment(
            kind,
            str(path.resolve()),
            f"{path.resolve()}:{path.stat().st_mtime_ns}",
            path.name,
            mimetypes.guess_type(path.name)[0] or "",
            path.stat().st_size,
        )
        return self._incoming(files=(file,))


def lines(stream: TextIO) -> Iterator[str]:
    """Lines until the end of input."""
    yield from stream
