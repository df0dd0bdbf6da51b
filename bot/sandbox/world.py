"""The simulated Telegram: persons, groups, messages, files and the bot's queue of updates.

Chat ids are Telegram's: a person's private talk with the bot has the person's id, a group a
negative one. Nothing here sends anything anywhere.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from bot.sandbox.errors import ApiError, Json, bad, refuse
from bot.sandbox.faults import Faults
from bot.sandbox.flood import Flood
from bot.sandbox.markup import find_entities
from bot.sandbox.media import FIELDS, FOLDERS, MIME, SUFFIX, File
from bot.sandbox.store import Store

# Groups that come into being when the bot first writes to them (see ``open_groups``).
OPEN_GROUPS = range(-1009999999999, -1008999999999)
RETENTION = timedelta(hours=24)  # of an update that the bot does not take
NEW_IDS_AFTER = timedelta(days=7)  # of silence, update ids start at random again
QUERY_LIFE = timedelta(seconds=15)  # in which a callback query can be answered
ONLINE_SECONDS = 6.0  # after its last poll or delivery the bot still counts as running
UNSENT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
SERVICE_FIELDS = (
    "new_chat_members",
    "left_chat_member",
    "group_chat_created",
    "supergroup_chat_created",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "new_chat_title",
    "pinned_message",
)
TEXTS = ("text", "entities", "caption", "caption_entities")
CONTENT = (*FIELDS, *TEXTS, "location", "venue", "contact")  # what copies and forwards take along
SEED: Json = json.loads((Path(__file__).parent / "seed.json").read_text(encoding="utf-8"))


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own time, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class Signal:
    """Wakes everyone who waits at this moment."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def fire(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Returns at the next fire(), at the latest after so many seconds."""
        event = self._event
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), max(seconds, 0))


@dataclass(slots=True)
class Person:
    """Someone with a phone. ``role`` (consumer, staff, admin) says on which phone of the page
    she appears; staff are members of every group that comes into being on demand."""

    id: int
    first_name: str
    role: str = "consumer"
    last_name: str = ""
    username: str = ""
    phone: str = ""
    language_code: str = "zh-hans"
    started: bool = False
    blocked: bool = False
    deactivated: bool = False

    @property
    def staff(self) -> bool:
        return self.role == "staff"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def user(self) -> Json:
        body: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        for key in ("last_name", "username"):
            if value := getattr(self, key):
                body[key] = value
        return body | {"language_code": self.language_code}

    def chat(self) -> Json:
        body: Json = {"id": self.id, "type": "private", "first_name": self.first_name}
        for key in ("last_name", "username"):
            if value := getattr(self, key):
                body[key] = value
        return body


@dataclass(slots=True)
class Group:
    """``bot`` is the bot's place in it: left, member, administrator or kicked."""

    id: int
    title: str
    type: str = "supergroup"
    members: list[int] = field(default_factory=list)
    bot: str = "left"
    migrated_to: int = 0

    def chat(self) -> Json:
        body: Json = {"id": self.id, "type": self.type, "title": self.title}
        if self.type == "group":
            body["all_members_are_administrators"] = False
        return body


@dataclass(slots=True)
class Post:
    """A message as stored: the Bot API's Message, and what a Message does not say.

    ``keyboard`` is the reply keyboard (or its removal) that came with it; ``edited`` and
    ``deleted`` say whether it still looks as first sent and is still there.
    """

    chat: int
    id: int
    message: Json
    out: bool = False
    keyboard: Json | None = None
    edited: bool = False
    deleted: bool = False

    @property
    def service(self) -> bool:
        return any(name in self.message for name in SERVICE_FIELDS)

    def seen(self) -> Json:
        """As the control API shows it."""
        return {
            "message": self.message,
            "out": self.out,
            "keyboard": self.keyboard,
            "edited": self.edited,
            "deleted": self.deleted,
        }


@dataclass(slots=True)
class Query:
    """A pressed button: what the bot answered is shown to the person as a toast or an alert."""

    id: str
    person: int
    chat: int
    message_id: int
    at: str
    answer: Json | None = None


class World:
    """See the module. ``clock`` tells the time before the offset that tests may set.

    ``token`` is the bot's; by default one is made up and kept. ``open_groups`` lets the groups
    of OPEN_GROUPS come into being when the bot first writes to them, titled by ``desks()``
    (chat id as text -> name).
    """

    def __init__(
        self,
        path: Path | str | None = None,
        clock: Clock | None = None,
        *,
        token: str | None = None,
        open_groups: bool = False,
    ) -> None:
        self.path = None if path is None else Path(path)
        self.store = Store(path)
        self.clock = clock or SystemClock()
        self.open_groups = open_groups
        self.desks: Callable[[], Mapping[str, str]] = dict
        self.faults = Faults()
        self.queue_signal = Signal()
        self.event_signal = Signal()
        self.events: deque[Json] = deque(maxlen=5000)
        self.calls: deque[Json] = deque(maxlen=20000)
        self.closed = False
        self._event_count = 0
        self._call_count = 0
        self.meta: Json = dict(self.store.all("meta"))
        self.persons = {int(key): Person(**body) for key, body in self.store.all("person")}
        self.groups = {int(key): Group(**body) for key, body in self.store.all("group")}
        self.files = {key: File(**body) for key, body in self.store.all("file")}
        self.queries = {key: Query(**body) for key, body in self.store.all("query")}
        self.posts: dict[int, dict[int, Post]] = {}
        for post in sorted((Post(**b) for _, b in self.store.all("post")), key=lambda p: p.id):
            self.posts.setdefault(post.chat, {})[post.id] = post
        self.updates: dict[int, Json] = {
            int(key): body
            for key, body in sorted(self.store.all("update"), key=lambda item: int(item[0]))
        }
        self.held: tuple[int, Json] | None = None
        self.held_at = 0.0
        self.polling = 0
        self.taken_at = -ONLINE_SECONDS
        self.again: list[Json] = []
        if "token" not in self.meta:
            self._found(token)
        self.flood = Flood(self.now)

    def _found(self, token: str | None) -> None:
        """A new world: ids start at random, as they do for a real bot."""
        bot_id = int(token.split(":")[0]) if token else 7_000_000_000 + secrets.randbelow(10**9)
        self.set("token", token or f"{bot_id}:{secrets.token_urlsafe(27)[:35]}")
        self.set("bot", {"id": bot_id, "is_bot": True} | SEED["bot"])
        self.set("next_update", 100_000_000 + secrets.randbelow(800_000_000))
        self.set("next_message", {"0": 1000 + secrets.randbelow(9000)})
        self.set("offset", 0.0)
        self.set("webhook", {})
        self.set("commands", {})
        for person in SEED["persons"]:
            self.add_person(person["first_name"], number=person["id"], role=person["role"])

    # What is kept
    def set(self, name: str, value: Any) -> None:
        self.meta[name] = value
        self.store.put("meta", name, value)

    def keep(self, thing: Person | Group | Post | File | Query) -> None:
        key: object = f"{thing.chat}:{thing.id}" if isinstance(thing, Post) else thing.id
        body = {name: getattr(thing, name) for name in thing.__slots__}
        self.store.put(type(thing).__name__.lower(), key, body)

    def end_waits(self) -> None:
        self.closed = True
        self.queue_signal.fire()
        self.event_signal.fire()

    def close(self) -> None:
        """Ends every wait; the store is closed too."""
        self.end_waits()
        self.store.close()

    # Worlds of further bots, each in a file beside this one's
    def beside(self) -> World:
        """A new one."""
        number = 2
        while self.path is not None and self._beside(number).exists():
            number += 1
        return self._open(None if self.path is None else self._beside(number))

    def found_beside(self) -> list[World]:
        """Those that were made before."""
        if self.path is None:
            return []
        found = self.path.parent.glob(self._beside("*").name)
        return [self._open(path) for path in sorted(found)]

    def _beside(self, number: int | str) -> Path:
        assert self.path is not None
        return self.path.with_suffix(f".bot{number}{self.path.suffix}")

    def _open(self, path: Path | None) -> World:
        return World(path, self.clock, open_groups=self.open_groups)

    # Time
    def now(self) -> datetime:
        """UTC, with the offset that the control API sets for bot and sandbox alike."""
        return self.clock.now() + timedelta(seconds=self.meta.get("offset", 0.0))

    def unix(self) -> int:
        return int(self.now().timestamp())

    # The bot
    @property
    def token(self) -> str:
        return str(self.meta["token"])

    @property
    def bot(self) -> Json:
        return dict(self.meta["bot"])

    @property
    def username(self) -> str:
        return str(self.meta["bot"]["username"])

    def me(self) -> Json:
        """The result of getMe. Privacy mode is on, as it is by default."""
        return self.bot | {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def bot_online(self) -> bool:
        """Whether the bot polls now, or polled or took a webhook delivery in the last seconds."""
        return self.polling > 0 or time.monotonic() - self.taken_at < ONLINE_SECONDS

    # Persons and groups
    def add_person(
        self, first_name: str, *, number: int | None = None, role: str = "consumer", **more: Any
    ) -> Person:
        """Raises ApiError 400 when the id is taken."""
        if number is None:
            number = max([*self.persons, 10_000]) + 1 + secrets.randbelow(1000)
        if number in self.persons or number <= 0:
            raise bad("person id is taken")
        person = Person(id=number, first_name=first_name, role=role, **more)
        person.phone = person.phone or f"1990000{number % 10000:04d}"
        self.persons[number] = person
        self.keep(person)
        self.emit("person", person=number)
        return person

    def person(self, number: int) -> Person:
        """Raises ApiError 404 when there is no such person."""
        if number not in self.persons:
            raise refuse(404, "person not found")
        return self.persons[number]

    def add_group(
        self,
        title: str,
        *,
        number: int | None = None,
        members: Iterable[int] = (),
        kind: str = "",
        bot: str = "left",
    ) -> Group:
        """``kind`` group or supergroup; by default the one that the id tells."""
        if number is None:
            base = -1_000_000_000_000 if kind != "group" else 0
            number = base - 1_000_000_000 - secrets.randbelow(900_000_000)
        if number in self.groups or number >= 0:
            raise bad("group id is taken")
        kind = kind or ("supergroup" if number <= -1_000_000_000_000 else "group")
        group = Group(id=number, title=title, type=kind, members=list(members), bot=bot)
        self.groups[number] = group
        self.keep(group)
        self.emit("chat", chat=number)
        return group

    def chat_json(self, number: int) -> Json:
        if number in self.groups:
            return self.groups[number].chat()
        return self.person(number).chat()

    def reach(self, number: int) -> Json:
        """The chat that the bot may write to. Raises ApiError 400 or 403 in the server's words."""
        if number in self.persons:
            person = self.persons[number]
            if person.deactivated:
                raise refuse(403, "user is deactivated")
            if person.blocked:
                raise refuse(403, "bot was blocked by the user")
            if not person.started:
                raise refuse(403, "bot can't initiate conversation with a user")
            return person.chat()
        if number not in self.groups and self.open_groups and number in OPEN_GROUPS:
            title = self.desks().get(str(number)) or f"{SEED['open_group']} {str(number)[-4:]}"
            staff = [person.id for person in self.persons.values() if person.staff]
            self.add_group(title, number=number, members=staff, bot="member")
        return self.known_group(number).chat()

    def known_group(self, number: int) -> Group:
        """A group that the bot is in. Raises ApiError 400 or 403."""
        if number not in self.groups:
            raise bad("chat not found")
        group = self.groups[number]
        if group.migrated_to:
            raise bad(
                "group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=group.migrated_to,
            )
        where = "supergroup" if group.type == "supergroup" else "group"
        if group.bot == "kicked":
            raise refuse(403, f"bot was kicked from the {where} chat")
        if group.bot == "left":
            raise refuse(403, f"bot is not a member of the {where} chat")
        return group

    def members(self, chat: int) -> list[Person]:
        """The persons who see a chat."""
        if chat in self.persons:
            return [self.persons[chat]]
        group = self.groups.get(chat)
        if group is None:
            return []
        numbers = set(group.members)
        if chat in OPEN_GROUPS:
            numbers |= {person.id for person in self.persons.values() if person.staff}
        return [person for person in self.persons.values() if person.id in numbers]

    def bot_member(self, chat: int, status: str = "") -> Json:
        """The bot's own ChatMember in a chat; ``status`` shows another than the present one."""
        member: Json = {"status": status or "member", "user": self.bot}
        if chat in self.groups:
            member["status"] = status or self.groups[chat].bot
        if member["status"] == "kicked":
            member["until_date"] = 0
        if member["status"] == "administrator":
            member |= {"can_be_edited": False, "is_anonymous": False} | dict.fromkeys(
                (
                    "can_manage_chat",
                    "can_delete_messages",
                    "can_manage_video_chats",
                    "can_restrict_members",
                    "can_promote_members",
                    "can_change_info",
                    "can_invite_users",
                    "can_post_stories",
                    "can_edit_stories",
                    "can_delete_stories",
                    "can_send_welcome_messages",
                ),
                True,
            )
        return member

    def chats_of(self, person: int) -> list[int]:
        """Private talk first, then the groups that the person is in and that still live."""
        groups = [
            number
            for number, group in self.groups.items()
            if not group.migrated_to and any(p.id == person for p in self.members(number))
        ]
        return [person, *groups]

    # Messages
    def next_message_id(self, chat: int) -> int:
        """Supergroups count by themselves; private talks and basic groups share one count."""
        counts = dict(self.meta["next_message"])
        alone = chat in self.groups and self.groups[chat].type == "supergroup"
        key = str(chat) if alone else "0"
        number = int(counts.get(key) or 2 + secrets.randbelow(500))
        counts[key] = number + 1
        self.set("next_message", counts)
        return number

    def post(self, chat: int, sender: Json, body: Json, *, keyboard: Json | None = None) -> Post:
        """Puts a message into a chat and tells the phones; the bot's queue is another matter."""
        number = self.next_message_id(chat)
        message: Json = {
            "message_id": number,
            "from": sender,
            "chat": self.chat_json(chat),
            "date": self.unix(),
        }
        post = Post(
            chat, number, message | body, out=sender["id"] == self.bot["id"], keyboard=keyboard
        )
        self.posts.setdefault(chat, {})[number] = post
        self.keep(post)
        self.emit("message", chat=chat, message_id=number, out=post.out)
        return post

    def get_post(self, chat: int, number: int) -> Post | None:
        """The message, or None when it never was or is deleted."""
        post = self.posts.get(chat, {}).get(number)
        return None if post is None or post.deleted else post

    def touch(self, post: Post, *, edited: bool = True) -> None:
        """Keeps a changed message; ``edited`` marks it for the reader."""
        if edited:
            post.edited = True
            post.message["edit_date"] = self.unix()
        self.keep(post)
        self.emit("edit", chat=post.chat, message_id=post.id)

    def erase(self, post: Post) -> None:
        post.deleted = True
        self.keep(post)
        self.emit("delete", chat=post.chat, message_id=post.id)

    def text_fields(self, text: str, entities: list[Json], name: str = "text") -> Json:
        """``text`` and ``entities`` (or ``caption`` and ``caption_entities``) of a message."""
        found = find_entities(text, entities)
        for entity in found:
            if entity["type"] == "text_mention":
                known = self.persons.get(entity["user"]["id"])
                if known:
                    entity["user"] = known.user()
        found = [e for e in found if e["type"] != "text_mention" or "first_name" in e["user"]]
        key = "entities" if name == "text" else "caption_entities"
        return {name: text} | ({key: found} if found else {})

    def forwarded(self, post: Post) -> Json:
        """The body of a forward of this message: its content and where it came from."""
        origin = post.message.get("forward_origin") or {
            "type": "user",
            "date": post.message["date"],
            "sender_user": post.message["from"],
        }
        kept = {name: post.message[name] for name in CONTENT if name in post.message}
        return kept | {"forward_origin": origin}

    # Files
    def add_file(
        self, kind: str, content: bytes, *, size: int | None = None, name: str = "", **more: Any
    ) -> File:
        """``size`` may claim more bytes than there are, to try a limit cheaply."""
        number = len(self.files) + 1
        secret = secrets.token_urlsafe(18)
        folder = FOLDERS.get(kind, kind + "s")
        ending = SUFFIX.get(kind) or ("." + name.rsplit(".", 1)[1] if "." in name else "")
        file = File(
            id=f"{kind[:2].upper()}{secrets.token_hex(2)}-{secret}",
            unique_id=f"AQ{secrets.token_urlsafe(9)}",
            kind=kind,
            path=f"{folder}/file_{number}{ending}",
            size=len(content) if size is None else size,
            file_name=name,
            mime_type=more.pop("mime_type", "") or MIME[kind],
            **more,
        )
        self.files[file.id] = file
        self.keep(file)
        self.store.put_content(file.id, content)
        return file

    def file(self, file_id: str) -> File | None:
        return self.files.get(file_id) or self.files.get(file_id.removeprefix("s"))

    def file_at(self, path: str) -> File | None:
        return next((file for file in self.files.values() if file.path == path), None)

    # The bot's queue
    def push(self, kind: str, body: Json) -> int | None:
        """Queues an update for the bot. None when it did not ask for this kind."""
        allowed = self.meta.get("allowed_updates")
        if kind not in allowed if allowed else kind in UNSENT_BY_DEFAULT:
            return None
        number = self._next_update_id()
        update: Json = {"update_id": number, kind: body}
        if self.faults.take("poison_update"):
            # A message without its chat and date: no library can make an object of it.
            update = {"update_id": number, kind: {"message_id": "poison"}}
        entry: Json = {"update": update, "at": self.now().isoformat(), "tries": 0}
        if self.faults.take("duplicate_update"):
            entry["again"] = True
        if self.held is not None:
            held, self.held = self.held, None
            self._swap(held, (number, entry))
        elif self.faults.take("out_of_order"):
            self.held = (number, entry)
            self.held_at = time.monotonic()
            self.queue_signal.fire()
        else:
            self._queue(number, entry)
        return number

    def _swap(self, held: tuple[int, Json], new: tuple[int, Json]) -> None:
        """Two updates change places: by their ids when polled (a poll is always in id order),
        by their delivery when a webhook is set."""
        if self.meta["webhook"].get("url"):
            for number, entry in (new, held):
                self._queue(number, entry)
            return
        for number, entry in ((held[0], new[1]), (new[0], held[1])):
            entry["update"]["update_id"] = number
            self._queue(number, entry)

    def release(self) -> None:
        """Lets a held update go though nothing overtook it."""
        if self.held is not None:
            held, self.held = self.held, None
            self._queue(*held)

    def _queue(self, number: int, entry: Json) -> None:
        self.updates[number] = entry
        self.store.put("update", number, entry)
        self.queue_signal.fire()

    def _next_update_id(self) -> int:
        last = self.meta.get("last_update_at")
        if last and self.now() - datetime.fromisoformat(last) > NEW_IDS_AFTER:
            self.set("next_update", 100_000_000 + secrets.randbelow(800_000_000))
        number = int(self.meta["next_update"])
        self.set("next_update", number + 1)
        self.set("last_update_at", self.now().isoformat())
        return number

    def pending(self) -> list[Json]:
        """What waits for the bot, in the order of delivery; what is over a day old is forgotten."""
        old = [
            number
            for number, entry in self.updates.items()
            if self.now() - datetime.fromisoformat(entry["at"]) > RETENTION
        ]
        for number in old:
            self.forget(number)
        return [entry["update"] for _, entry in sorted(self.updates.items())]

    def acknowledge(self, offset: int) -> None:
        """Confirms every update below ``offset``."""
        for number in [number for number in self.updates if number < offset]:
            if self.updates[number].get("again"):
                self.again.append(self.updates[number]["update"])
            self.forget(number)

    def forget(self, number: int) -> None:
        self.updates.pop(number, None)
        self.store.drop("update", number)

    # A button press
    def query(self, person: int, chat: int, message_id: int) -> Query:
        query = Query(
            str(secrets.randbelow(9 * 10**17) + 10**17),
            person,
            chat,
            message_id,
            self.now().isoformat(),
        )
        self.queries[query.id] = query
        self.keep(query)
        return query

    def open_query(self, number: str) -> Query:
        """Raises ApiError 400 for an id that is unknown or too old to be answered."""
        query = self.queries.get(number)
        if query is None or self.now() - datetime.fromisoformat(query.at) > QUERY_LIFE:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        return query

    # What the page and the tests watch
    def emit(self, kind: str, **body: Any) -> None:
        """An event for whoever watches; ``seq`` grows by one."""
        self._event_count += 1
        self.events.append({"seq": self._event_count, "kind": kind} | body)
        self.event_signal.fire()

    def events_after(self, seq: int) -> list[Json]:
        return [event for event in self.events if event["seq"] > seq]

    @property
    def last_seq(self) -> int:
        return self._event_count

    def note_call(self, method: str, params: Json, outcome: Json) -> None:
        """Keeps one call of the bot: ``{"seq", "at", "method", "params", "ok", …}``."""
        self._call_count += 1
        self.calls.append(
            {
                "seq": self._call_count,
                "at": self.now().isoformat(),
                "method": method,
                "params": params,
            }
            | outcome
        )

    # A group becomes a supergroup
    def migrate(self, chat: int) -> Group:
        """The group gets a new id; both chats get their service message."""
        old = self.groups.get(chat)
        if old is None or old.migrated_to:
            raise ApiError(404, "Not Found: group not found")
        new = self.add_group(old.title, members=old.members, kind="supergroup", bot=old.bot)
        sender = self.members(chat)[0].user() if self.members(chat) else self.bot
        first = self.post(chat, sender, {"migrate_to_chat_id": new.id})
        old.migrated_to = new.id
        self.keep(old)
        second = self.post(new.id, sender, {"migrate_from_chat_id": chat})
        for post in (first, second):
            self.push("message", post.message)
        self.emit("chat", chat=chat)
        return new
