"""What persons do on their phones, and which of it the bot gets to see."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.sandbox.errors import Json, bad, refuse
from bot.sandbox.markup import trim
from bot.sandbox.media import File, picture_size
from bot.sandbox.params import Upload
from bot.sandbox.world import SEED, Group, Person, Post, World

SPLIT_AT = 4096  # a phone cuts a longer text into several messages
PAYLOAD = re.compile(r"[A-Za-z0-9_-]{0,64}")
# A picture of one pixel, for acts that come without a file.
PIXEL = base64.b64decode(
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABXvMqOgAAAABJRU5ErkJggg=="
)
_MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
SAMPLES = {
    "photo": PIXEL,
    "sticker": PIXEL,
    "document": b"%PDF-1.4\n%%EOF\n",
    "video": _MP4,
    "video_note": _MP4,
    "animation": _MP4,
    "audio": b"ID3\x04\0\0\0\0\0\0",
    "voice": b"OggS\0\x02" + bytes(22) + b"OpusHead",
}
"""The least file of each kind, told by its first bytes."""

FILE_KINDS = ("photo", "document", "video", "voice", "video_note", "audio", "sticker", "animation")


class People:
    """The acts of persons. Each returns what it made: ``{"messages": [...]}`` and more."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.acts: dict[str, Callable[[Person, Json, Sequence[Upload]], Json]] = {
            "text": self.text,
            "reply": self.text,
            "start": self.start,
            "startgroup": self.start_group,
            "invite": self.invite,
            "press": self.press,
            "pick_button": self.pick_button,
            "album": self.album,
            "location": self.location,
            "venue": self.venue,
            "contact": self.contact,
            "forward": self.forward,
            "edit": self.edit,
            "delete": self.delete,
            "block": self.block,
            "unblock": self.unblock,
            "deactivate": self.deactivate,
            "kick": lambda person, body, _: self.seat_bot(person, body, "kicked"),
            "promote": lambda person, body, _: self.seat_bot(person, body, "administrator"),
        } | dict.fromkeys(FILE_KINDS, self.file)

    def act(self, body: Json, uploads: Sequence[Upload] = ()) -> Json:
        """``body``: person, kind, chat (by default the private talk) and the kind's own fields.

        Raises ApiError 400 for what no phone could do.
        """
        person = self.world.person(int(body.get("person", 0)))
        kind = str(body.get("kind", "text"))
        if kind not in self.acts:
            raise bad(f"unknown act {kind}")
        if kind not in ("start", "unblock", "deactivate", "delete"):
            self._check_chat(person, self._chat(person, body))
        return self.acts[kind](person, body, uploads)

    def _chat(self, person: Person, body: Json) -> int:
        return int(body.get("chat") or person.id)

    def _check_chat(self, person: Person, chat: int) -> None:
        world = self.world
        if chat == person.id:
            if person.blocked:
                raise refuse(409, "the person has blocked the bot")
            return
        if chat not in world.groups:
            raise refuse(404, "chat not found")
        if world.groups[chat].migrated_to:
            raise refuse(409, "the group has become a supergroup")
        if person not in world.members(chat):
            raise refuse(403, "the person is not in this chat")

    # What the bot sees
    def _put(self, person: Person, chat: int, body: Json, extra: Json) -> Post:
        """Posts a message of a person and queues it for the bot if the bot may see it."""
        world = self.world
        if chat == person.id and not person.started:
            person.started = True
            world.keep(person)
        if number := int(extra.get("reply_to") or 0):
            replied = world.get_post(chat, number)
            if replied is None:
                raise bad("message to be replied not found")
            shown = {k: v for k, v in replied.message.items() if k != "reply_to_message"}
            body = body | {"reply_to_message": shown}
        if origin := extra.get("forward_from"):
            body = body | {"forward_origin": self._origin(origin)}
        post = world.post(chat, person.user(), body)
        self._tell(post, "message")
        return post

    def _origin(self, origin: Json) -> Json:
        return {
            "type": "hidden_user",
            "date": int(origin.get("date") or self.world.unix()),
            "sender_user_name": str(origin.get("name") or "?"),
        }

    def _tell(self, post: Post, kind: str) -> None:
        if post.chat in self.world.persons or self._group_shows(post):
            self.world.push(kind, post.message)

    def _group_shows(self, post: Post) -> bool:
        """Privacy mode: commands, replies to the bot and service messages, nothing else."""
        group = self.world.groups[post.chat]
        if group.bot == "administrator":
            return True
        if group.bot != "member":
            return False
        replied = post.message.get("reply_to_message", {})
        if post.service or replied.get("from", {}).get("id") == self.world.bot["id"]:
            return True
        text = post.message.get("text", "")
        command = next(
            (
                entity
                for entity in post.message.get("entities", ())
                if entity["type"] == "bot_command" and entity["offset"] == 0
            ),
            None,
        )
        if command is None:
            return False
        _, _, name = text[: command["length"]].partition("@")
        return not name or name.lower() == self.world.username.lower()

    def _done(self, *posts: Post, **more: Any) -> Json:
        return {"messages": [post.message for post in posts]} | more

    # Texts and commands
    def text(self, person: Person, body: Json, _: Sequence[Upload]) -> Json:
        text = trim(str(body.get("text", "")), [])[0]
        if not text:
            raise bad("message text is empty")
        chat = self._chat(person, body)
        parts = [text[at : at + SPLIT_AT] for at in range(0, len(text), SPLIT_AT)]
        return self._done(
            *(self._put(person, chat, self.world.text_fields(part, []), body) for part in parts)
        )

    def start(self, person: Person, body: Json, _: Sequence[Upload]) -> Json:
        """Opens the talk, with a deep link's payload or without; ends a block first."""
        payload = str(body.get("payload") or "")
        if not PAYLOAD.fullmatch(payload):
            raise bad("START_PARAM_INVALID")
        if person.blocked:
            self.unblock(person, body, ())
        text = f"/start {payload}".strip()
        return self._done(self._put(person, person.id, self.world.text_fields(text, []), body))

    def start_group(self, person: Person, body: Json, _: Sequence[Upload]) -> Json:
        """Adds the bot to a group, ``group`` (an id) or a new one called ``title`` in which
        ``members`` (person ids) are too."""
        payload = str(body.get("payload") or "")
        if not PAYLOAD.fullmatch(payload):
            raise bad("START_PARAM_INVALID")
        world = self.world
        if body.get("group"):
            self._check_chat(person, int(body["group"]))
            group = world.groups[int(body["group"])]
        else:
            others = (world.person(int(member)).id for member in body.get("members", ()))
            group = world.add_group(
                str(body.get("title") or SEED["open_group"]),
                members=dict.fromkeys((person.id, *others)),
            )
        posts = []
        if group.bot not in ("member", "administrator"):
            self._seat(person, group, "member")
            posts.append(world.post(group.id, person.user(), {"new_chat_members": [world.bot]}))
            self._tell(posts[0], "message")
        text = f"/start@{world.username} {payload}".strip()
        posts.append(self._put(person, group.id, world.text_fields(text, []), {}))
        return self._done(*posts, chat=group.id)

    def invite(self, person: Person, body: Json, _: Sequence[Upload]) -> Json:
        """Brings ``member`` (a person's id) into a group."""
        chat = self._chat(person, body)
        if chat not in self.world.groups:
            raise refuse(404, "group not found")
        group, other = self.world.groups[chat], self.world.person(int(body["member"]))
        if other in self.world.members(chat):
            raise refuse(409, "the person is in this group already")
        group.members.append(other.id)
        self.world.keep(group)
        self.world.emit("chat", chat=chat)
        post = self.world.post(chat, person.user(), {"new_chat_members": [other.user()]})
        self._tell(post, "message")
        return self._done(post)

    # Buttons
    def press(self, person: Person, body: Json, _: Sequence[Upload]) -> Json:
        """Presses an inline button: ``message`` and ``data``. Data that the message does not
        (any longer) carry is a press on an old screen and is passed on, as Telegram does."""
        chat = self._chat(person, body)
        number = int(body.get("message") or 0)
        post = self.world.posts.get(chat, {}).get(number)
        if post is None or not post.out:
            raise refuse(404, "message not found")
        query = self.world.query(person.id, chat, number)
        message = post.message
        if post.deleted:
            message = {"chat": message["chat"], "message_id": number, "date": 0}
        self.world.push(
            "callback_query",
            {
                "id": query.id,
                "from": person.user(),
                "message": message,
                "chat_instance": str(8_000_000_000_000_000_000 + chat),
                "data": str(body.get("data", "")),
            },
        )
        return {"messages": [], "query": query.id}

    def pick_button(self, person: Person, body: Json, uploads: Sequence[Upload]) -> Json:
        """Presses the button that reads ``label``, the newest one shown: inline or of the reply
        keyboard. A url button gives back its address, unless it is a link of the bot's own."""
        chat = self._chat(person, body)
        label = str(body.get("label", ""))
        only = int(body.get("message") or 0)
        for post in reversed(self.world.posts.get(chat, {}).values()):
            if post.deleted or (only and post.id != only):
                continue
            rows = post.message.get("reply_markup", {}).get("inline_keyboard", ())
            for button in (button for row in rows for button in row):
                if button["text"] != label:
                    continue
                if "callback_data" in button:
                    more = {"message": post.id, "data": button["callback_data"]}
                    return self.press(person, body | more, uploads)
                return self.open_link(person, str(button.get("url", "")), body)
        keyboard = self.keyboard(chat)
        for button in (b for row in keyboard.get("keyboard", ()) for b in row) if keyboard else ():
            if button["text"] != label:
                continue
            if button.get("request_location"):
                return self.location(person, body, uploads)
            if button.get("request_contact"):
                return self.contact(person, body, uploads)
            return self.text(person, body | {"text": label}, uploads)
        raise refuse(404, f"no button reads {label}")

    def open_link(self, person: Person, url: str, body: Json) -> Json:
        """Follows an address: t.me/<bot>?start=… and ?startgroup=… act, others are shown."""
        parts = urlsplit(url)
        asked = parse_qs(parts.query, keep_blank_values=True)
        own = parts.hostname in ("t.me", "telegram.me")
        if own and parts.path.strip("/").lower() == self.world.username.lower():
            if "startgroup" in asked:
                return self.start_group(person, body | {"payload": asked["startgroup"][0]}, ())
            return self.start(person, {"payload": asked.get("start", [""])[0]}, ())
        return {"messages": [], "url": url}

    def keyboard(self, chat: int) -> Json | None:
        """The reply keyboard that now stands under the input, if any."""
        for post in reversed(self.world.posts.get(chat, {}).values()):
            if post.keyboard is None or "force_reply" in post.keyboard:
                continue
            return None if "remove_keyboard" in post.keyboard else post.keyboard
        return None

    # Files
    def _upload(self, body: Json, uploads: Sequence[Upload], at: int = 0) -> Upload:
        if at < len(uploads):
            return uploads[at]
        content = base64.b64decode(str(body.get("base64") or ""))
        return Upload(str(body.get("name") or ""), str(body.get("mime") or ""), content)

    def _keep(self, kind: str, body: Json, upload: Upload) -> File:
        """Keeps a person's file; a photo loses its name and becomes a picture of known size."""
        content = upload.content or SAMPLES[kind]
        width, height = picture_size(content) or (640, 480)
        plain = kind in ("photo", "voice", "video_note", "sticker")
        return self.world.add_file(
            kind,
            content,
            size=int(body["size"]) if body.get("size") else None,
            name="" if plain else upload.name or f"{kind}.bin",
            mime_type="" if plain else upload.mime,
            width=int(body.get("width") or width),
            height=int(body.get("height") or height),
            duration=int(body.get("duration") or 0),
            emoji=str(body.get("emoji") or "👍") if kind == "sticker" else "",
        )

    def _captioned(self, kind: str, file: File, caption: str) -> Json:
        body: Json = {kind: file.shown()}
        if kind == "animation":
            body["document"] = file.to_json("document")
        if caption and kind not in ("sticker", "video_note"):
            body |= self.world.text_fields(caption, [], "caption")
        return body

    def file(self, person: Person, body: Json, uploads: Sequence[Upload]) -> Json:
        kind = str(body["kind"])
        file = self._keep(kind, body, self._upload(body, uploads))
        shown = self._captioned(kind, file, str(body.get("caption") or "").strip())
        return self._done(self._put(person, self._chat(person, body), shown, body))

    def album(self, person: Person, body: Json, uploads: Sequence[Upload]) -> Json:
        """``files``: two to ten, each with its ``kind`` (photo by default); one caption."""
        items: list[Json] = list(body.get("files") or [{} for _ in uploads])
        if not 2 <= len(items) <= 10:
            raise bad("an album has two to ten files")
        group = str(10**16 + secrets.randbelow(10**16))
        posts = []
        for at, item in enumerate(items):
            kind = str(item.get("kind") or "photo")
            if kind not in ("photo", "video", "document", "audio"):
                raise bad(f"no album holds a {kind}")
            file = self._keep(kind, item, self._upload(item, uploads, at))
            caption = str(item.get("caption") or (body.get("caption") if at == 0 else "") or "")
            shown = {"media_group_id": group} | self._captioned(kind, file, caption.strip())
            posts.append(self._put(person, self._chat(person, body), shown, body))
        return self._done(*posts)

    # Places and cards
    def _point(self, body: Json) -> Json:
        if "lat" not in body or "lon" not in body:
            raise bad("lat and lon are needed")
        return {"latitude": float(body["lat"]), "longitude": float(body["lon"])}

    def location(self, person: Person, body: Json, _: Sequence[Upload]) -> Json:
        shown = {"location": self._point(body)}
        return self._done(self._put(person, self._chat(person, body), shown, body))

    def venue(self, person: Person, body: Json, _: Sequence[Upload]) -> Json:
        point = self._point(body)
        place = {"location": point, "title": str(body["title"]), "address": str(body["address"])}
        shown = {"venue": place, "location": point}
        return self._done(self._put(person, self._chat(person, body), shown, body))

    def contact(self, person: Person, body: Json, _: Sequence[Upload]) -> Json:
        """Her own card, unless ``phone`` and ``name`` say whose."""
        card: Json = {"phone_number": person.phone, "first_name": person.first_name}
        card["user_id"] = person.id
        if body.get("phone"):
            card = {"phone_number": str(body["phone"]), "first_name": str(body.get("name") or "-")}
        shown = {"contact": card}
        return self._done(self._put(person, self._chat(person, body), shown, body))

    # Later on
    def forward(self, person: Person, body: Json, uploads: Sequence[Upload]) -> Json:
        """Forwards ``message`` of ``from_chat``; or ``text`` that someone called ``name`` wrote."""
        if not body.get("message"):
            origin = {"name": body.get("name"), "date": body.get("date")}
            return self.text(person, body | {"forward_from": origin}, uploads)
        chat = int(body.get("from_chat") or person.id)
        post = self.world.get_post(chat, int(body["message"]))
        if post is None:
            raise refuse(404, "message not found")
        shown = self.world.forwarded(post)
        return self._done(self._put(person, self._chat(person, body), shown, {}))

    def _own(self, person: Person, body: Json) -> Post:
        post = self.world.get_post(self._chat(person, body), int(body.get("message") or 0))
        if post is None or post.message.get("from", {}).get("id") != person.id:
            raise refuse(404, "message not found")
        return post

    def edit(self, person: Person, body: Json, _: Sequence[Upload]) -> Json:
        post = self._own(person, body)
        name = "text" if "text" in post.message else "caption"
        text = trim(str(body.get("text", "")), [])[0]
        if name == "text" and not text:
            raise bad("message text is empty")
        drop = ("text", "entities") if name == "text" else ("caption", "caption_entities")
        kept = {key: value for key, value in post.message.items() if key not in drop}
        post.message = kept | (self.world.text_fields(text, [], name) if text else {})
        self.world.touch(post)
        self._tell(post, "edited_message")
        return self._done(post)

    def delete(self, person: Person, body: Json, _: Sequence[Upload]) -> Json:
        """The bot is not told. In a private talk both sides can delete anything."""
        chat = self._chat(person, body)
        post = self.world.get_post(chat, int(body.get("message") or 0))
        if post is None or (chat < 0 and post.message["from"]["id"] != person.id):
            raise refuse(404, "message not found")
        self.world.erase(post)
        return self._done()

    # The bot's place
    def _member_changed(self, person: Person, chat: int, old: Json, new: Json) -> None:
        self.world.push(
            "my_chat_member",
            {
                "chat": self.world.chat_json(chat),
                "from": person.user(),
                "date": self.world.unix(),
                "old_chat_member": old,
                "new_chat_member": new,
            },
        )
        self.world.emit("chat", chat=chat)

    def _blocked(self, person: Person, blocked: bool) -> Json:
        if person.blocked == blocked:
            return self._done()
        person.blocked = blocked
        self.world.keep(person)
        member, kicked = (self.world.bot_member(person.id, s) for s in ("member", "kicked"))
        old, new = (member, kicked) if blocked else (kicked, member)
        self._member_changed(person, person.id, old, new)
        return self._done()

    def block(self, person: Person, _: Json, __: Sequence[Upload]) -> Json:
        return self._blocked(person, True)

    def unblock(self, person: Person, _: Json, __: Sequence[Upload]) -> Json:
        return self._blocked(person, False)

    def deactivate(self, person: Person, _: Json, __: Sequence[Upload]) -> Json:
        """The person deletes her account."""
        person.deactivated = True
        self.world.keep(person)
        return self._done()

    def _seat(self, person: Person, group: Group, status: str) -> None:
        old = self.world.bot_member(group.id)
        group.bot = status
        self.world.keep(group)
        self._member_changed(person, group.id, old, self.world.bot_member(group.id))

    def seat_bot(self, person: Person, body: Json, status: str) -> Json:
        chat = self._chat(person, body)
        if chat not in self.world.groups:
            raise refuse(404, "group not found")
        self._seat(person, self.world.groups[chat], status)
        return self._done()
