"""The methods of the Bot API: what the bot can call, with the server's rules and refusals."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.errors import ApiError, Json, bad, refuse
from bot.sandbox.keyboards import read_inline, read_markup
from bot.sandbox.markup import parse_html, trim
from bot.sandbox.media import DOWNLOAD_LIMIT, FIELDS, File, check_upload
from bot.sandbox.params import Params, Upload
from bot.sandbox.world import CONTENT, Post, World

log = logging.getLogger(__name__)

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
ANSWER_LIMIT = 200
ALBUM_LIMIT = 10
COMMANDS_LIMIT = 100
POLL_LIMIT = 100
POLL_SECONDS = 50
DELETABLE = timedelta(hours=48)
ALBUM_KINDS = ("photo", "video", "document", "audio")
ACTIONS = (
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
)
PERMISSIONS = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
    "can_react_to_messages",
    "can_edit_tag",
)
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
FORMATS = ("", "html")
CONFLICT = "terminated by other getUpdates request; make sure that only one bot instance is running"
CHANGEABLE = frozenset({"text", "animation", "audio", "document", "photo", "video"})
"""What a message must hold for its media to be edited (Bot API, editMessageMedia); no voice, no place."""

WEBHOOK_CONFLICT = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)
SCOPES: dict[str, tuple[str, ...]] = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}


class Api:
    """One bot's door to the World."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._poll = 0
        self.methods: dict[str, Callable[[Params], Any]] = {
            name.lower(): method
            for name, method in {
                "getMe": self.get_me,
                "setWebhook": self.set_webhook,
                "deleteWebhook": self.delete_webhook,
                "getWebhookInfo": self.get_webhook_info,
                "sendMessage": self.send_message,
                "sendPhoto": lambda p: self.send_file(p, "photo"),
                "sendDocument": lambda p: self.send_file(p, "document"),
                "sendVideo": lambda p: self.send_file(p, "video"),
                "sendAudio": lambda p: self.send_file(p, "audio"),
                "sendVoice": lambda p: self.send_file(p, "voice"),
                "sendVideoNote": lambda p: self.send_file(p, "video_note"),
                "sendMediaGroup": self.send_media_group,
                "sendLocation": self.send_location,
                "sendVenue": self.send_venue,
                "sendChatAction": self.send_chat_action,
                "copyMessage": self.copy_message,
                "forwardMessage": self.forward_message,
                "editMessageText": self.edit_text,
                "editMessageCaption": self.edit_caption,
                "editMessageReplyMarkup": self.edit_markup,
                "editMessageMedia": self.edit_media,
                "deleteMessage": self.delete_message,
                "deleteMessages": self.delete_messages,
                "answerCallbackQuery": self.answer_query,
                "getFile": self.get_file,
                "setMyCommands": self.set_commands,
                "getMyCommands": self.get_commands,
                "getChat": self.get_chat,
                "getChatMember": self.get_chat_member,
            }.items()
        }

    async def call(self, method: str, params: Params) -> Any:
        """The result of a call. Raises ApiError; every call but getUpdates is kept in the log."""
        name = method.lower()
        if name == "getupdates":
            return await self.get_updates(params)
        try:
            self._strike(method, params)
            if name not in self.methods:
                log.error("the sandbox has no Bot API method %s", method)
                raise refuse(404, "method not found")
            result = self.methods[name](params)
        except ApiError as error:
            self.world.note_call(method, params.told(), {"ok": False, "error": error.to_json()})
            raise
        self.world.note_call(method, params.told(), {"ok": True, "result": result})
        return result

    def _strike(self, method: str, params: Params) -> None:
        chat = params.integer("chat_id")
        fault = self.world.faults.take("429", "403", "5xx", method=method, chat=chat)
        if fault:
            raise fault.error()

    # Updates
    async def get_updates(self, params: Params) -> list[Json]:
        """Long poll; a newer poll ends an older one with 409."""
        world = self.world
        if world.meta["webhook"].get("url"):
            raise refuse(409, WEBHOOK_CONFLICT)
        if fault := world.faults.take("429", "5xx", method="getUpdates"):
            raise fault.error()
        self._poll += 1
        mine = self._poll
        world.queue_signal.fire()
        self._allow(params)
        offset = params.integer("offset")
        limit = params.integer("limit", POLL_LIMIT)
        limit = limit if 1 <= limit <= POLL_LIMIT else POLL_LIMIT
        if offset < 0:
            waiting = world.pending()
            offset = waiting[offset:][0]["update_id"] if waiting else 0
        world.acknowledge(offset)
        loop = asyncio.get_running_loop()
        end = loop.time() + min(max(params.integer("timeout"), 0), POLL_SECONDS)
        while True:
            again, world.again = world.again, []
            ready = (again + world.pending())[:limit]
            left = end - loop.time()
            if ready or left <= 0 or world.closed:
                return ready
            # A held update goes through after a second though nothing overtook it.
            await world.queue_signal.wait(min(left, 1.0) if world.held else left)
            if self._poll != mine:
                raise refuse(409, CONFLICT)
            if world.meta["webhook"].get("url"):
                raise refuse(409, "terminated by setWebhook request")
            if world.held and loop.time() - world.held_at >= 1.0:
                world.release()

    def _allow(self, params: Params) -> None:
        allowed = params.json("allowed_updates", list, "allowed updates")
        if allowed is not None and allowed != self.world.meta.get("allowed_updates"):
            self.world.set("allowed_updates", allowed)

    def set_webhook(self, params: Params) -> bool:
        """Unlike Telegram, takes plain http, but only to this machine: nothing leaves it."""
        url = params.text("url")
        if not url:
            return self.delete_webhook(params)
        host = urlsplit(url).hostname
        if host not in ("127.0.0.1", "localhost", "::1"):
            raise bad("bad webhook: the sandbox delivers to this machine only")
        secret = params.text("secret_token")
        if secret and not SECRET.fullmatch(secret):
            raise bad("secret token contains unallowed characters")
        self._allow(params)
        if params.flag("drop_pending_updates"):
            self._drop_pending()
        connections = min(max(params.integer("max_connections", 40), 1), 100)
        self.world.set("webhook", {"url": url, "secret": secret, "connections": connections})
        self.world.queue_signal.fire()
        return True

    def delete_webhook(self, params: Params) -> bool:
        if params.flag("drop_pending_updates"):
            self._drop_pending()
        self.world.set("webhook", {})
        self.world.queue_signal.fire()
        return True

    def _drop_pending(self) -> None:
        self.world.release()
        for number in list(self.world.updates):
            self.world.forget(number)

    def get_webhook_info(self, _: Params) -> Json:
        hook = self.world.meta["webhook"]
        info: Json = {
            "url": hook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self.world.pending()),
        }
        if hook:
            info["max_connections"] = hook["connections"]
            info["ip_address"] = "127.0.0.1"
        if error := hook.get("error"):
            info |= {"last_error_date": error["at"], "last_error_message": error["message"]}
        if allowed := self.world.meta.get("allowed_updates"):
            info["allowed_updates"] = allowed
        return info

    # Whom a call is about
    def get_me(self, _: Params) -> Json:
        return self.world.me()

    def _chat_id(self, params: Params, name: str = "chat_id") -> int:
        if name not in params:
            raise bad(f"{name} is empty")
        try:
            return int(params.text(name))
        except ValueError:
            raise bad("chat not found") from None

    def _target(self, params: Params, count: int = 1) -> int:
        """The chat to send to; counts towards the flood limits."""
        chat = self._chat_id(params)
        self.world.reach(chat)
        if error := self.world.flood.check(chat, count):
            raise error
        return chat

    def get_chat(self, params: Params) -> Json:
        chat = self._chat_id(params)
        world = self.world
        more: Json = {
            "accent_color_id": abs(chat) % 7,
            "max_reaction_count": 11,
            "accepted_gift_types": {
                "unlimited_gifts": False,
                "limited_gifts": False,
                "unique_gifts": False,
                "premium_subscription": False,
                "gifts_from_channels": False,
            },
        }
        if chat in world.persons:
            if not world.persons[chat].started:
                raise bad("chat not found")
            return world.persons[chat].chat() | more
        world.reach(chat)
        permissions = dict.fromkeys(PERMISSIONS, True)
        return world.groups[chat].chat() | more | {"permissions": permissions}

    def get_chat_member(self, params: Params) -> Json:
        chat = self._chat_id(params)
        user = params.integer("user_id")
        self.world.reach(chat)
        if user == self.world.bot["id"]:
            return self.world.bot_member(chat)
        person = self.world.persons.get(user)
        if person is None:
            raise bad("invalid user_id specified")
        if person not in self.world.members(chat):
            return {"status": "left", "user": person.user()}
        if chat < 0 and self.world.groups[chat].members[:1] == [user]:
            return {"status": "creator", "user": person.user(), "is_anonymous": False}
        return {"status": "member", "user": person.user()}

    # Text
    def _formatted(self, params: Params, name: str) -> tuple[str, list[Json]]:
        """``text`` or ``caption`` with its entities, before Telegram's own finds."""
        key = "entities" if name == "text" else "caption_entities"
        return self._format(
            params.text(name), params.text("parse_mode"), params.json(key, list, "entities") or []
        )

    def _format(self, text: str, mode: str, entities: list[Json]) -> tuple[str, list[Json]]:
        if mode.lower() not in FORMATS:
            log.error("the sandbox does not know parse_mode %s", mode)
            raise bad("unsupported parse_mode")
        if mode:
            text, entities = parse_html(text)
        return trim(text, entities)

    def _text(self, params: Params) -> Json:
        if "text" not in params:
            raise bad("message text is empty")
        text, entities = self._formatted(params, "text")
        if not text:
            raise bad("text must be non-empty")
        if len(text) > TEXT_LIMIT:
            raise bad("message is too long")
        return self.world.text_fields(text, entities)

    def _caption(self, text: str, mode: str = "", entities: list[Json] | None = None) -> Json:
        text, found = self._format(text, mode, entities or [])
        if len(text) > CAPTION_LIMIT:
            raise bad("message caption is too long")
        return self.world.text_fields(text, found, "caption") if text else {}

    def _params_caption(self, params: Params) -> Json:
        entities = params.json("caption_entities", list, "entities")
        return self._caption(params.text("caption"), params.text("parse_mode"), entities)

    # Sending
    def _send(self, params: Params, body: Json, chat: int | None = None) -> Post:
        chat = self._target(params) if chat is None else chat
        inline, keyboard = read_markup(params, private=chat > 0)
        body = body | self._reply(params, chat)
        if inline:
            body["reply_markup"] = inline
        if params.flag("protect_content"):
            body["has_protected_content"] = True
        preview = params.json("link_preview_options", dict, "link preview options")
        if preview and "text" in body:
            body["link_preview_options"] = preview
        return self.world.post(chat, self.world.bot, body, keyboard=keyboard)

    def _reply(self, params: Params, chat: int) -> Json:
        asked = params.json("reply_parameters", dict, "reply parameters") or {}
        number = int(asked.get("message_id") or params.integer("reply_to_message_id"))
        if not number:
            return {}
        post = self.world.get_post(chat, number)
        if post is None:
            lenient = asked.get("allow_sending_without_reply")
            if lenient or params.flag("allow_sending_without_reply"):
                return {}
            raise bad("message to be replied not found")
        return {"reply_to_message": without_reply(post.message)}

    def send_message(self, params: Params) -> Json:
        body = self._text(params)
        return self._send(params, body).message

    def send_file(self, params: Params, kind: str) -> Json:
        chat = self._chat_id(params)
        self.world.reach(chat)
        file = self._file(params, kind, params.values.get(kind), params.files.get(kind))
        body: Json = {kind: file.shown()} | self._params_caption(params)
        return self._send(params, body).message

    def _file(self, params: Params, kind: str, value: Any, upload: Upload | None) -> File:
        """A kept file by its id, or an upload under the field's own or an attach:// name."""
        if upload is None and isinstance(value, str) and value.startswith("attach://"):
            upload = params.files.get(value.removeprefix("attach://"))
        if upload is not None:
            width, height = check_upload(kind, upload.content)
            return self.world.add_file(
                kind,
                upload.content,
                name=upload.name,
                mime_type=upload.mime,
                width=width,
                height=height,
                duration=params.integer("duration"),
            )
        if not value or not isinstance(value, str):
            raise bad(f"there is no {kind} in the request")
        if value.startswith(("http://", "https://")):
            raise bad("failed to get HTTP URL content")  # the sandbox has no network
        file = self.world.file(value)
        if file is None:
            raise bad("wrong file identifier/HTTP URL specified")
        if file.kind != kind:
            title = file.kind.replace("_", " ").title().replace(" ", "")
            wanted = kind.replace("_", " ").title().replace(" ", "")
            raise bad(f"can't use file of type {title} as {wanted}")
        return file

    def send_media_group(self, params: Params) -> list[Json]:
        items = params.json("media", list, "media")
        if not items:
            raise bad("there are no messages to send")
        if len(items) > ALBUM_LIMIT:
            raise bad("too many messages to send as an album")
        chat = self._target(params, len(items))
        bodies = [self._album_item(params, item) for item in items]
        kinds = {next(name for name in ALBUM_KINDS if name in body) for body in bodies}
        if len(kinds) > 1 and kinds - {"photo", "video"}:
            raise bad("Document can't be mixed with other media types")
        group: Json = {}
        if len(items) > 1:
            group["media_group_id"] = str(10**16 + secrets.randbelow(10**16))
        return [self._send(params, group | body, chat).message for body in bodies]

    def _album_item(self, params: Params, item: Any) -> Json:
        if not isinstance(item, dict) or item.get("type") not in ALBUM_KINDS:
            raise bad("can't parse InputMedia: type must be one of the album's media types")
        return self._input_media(params, item)

    def _input_media(self, params: Params, item: Json) -> Json:
        kind = str(item.get("type", ""))
        if kind not in FIELDS:
            raise bad("can't parse InputMedia: invalid type specified")
        file = self._file(params, kind, item.get("media"), None)
        caption = self._caption(
            str(item.get("caption") or ""),
            str(item.get("parse_mode") or ""),
            item.get("caption_entities"),
        )
        return {kind: file.shown()} | caption

    def _point(self, params: Params) -> Json:
        latitude, longitude = params.decimal("latitude"), params.decimal("longitude")
        for name, value, most in (("latitude", latitude, 90), ("longitude", longitude, 180)):
            if value is None:
                raise bad(f"{name} is empty")
            if abs(value) > most:
                raise bad("wrong location coordinates specified")
        return {"latitude": latitude, "longitude": longitude}

    def send_location(self, params: Params) -> Json:
        return self._send(params, {"location": self._point(params)}).message

    def send_venue(self, params: Params) -> Json:
        point = self._point(params)
        title, address = params.text("title"), params.text("address")
        for name, value in (("title", title), ("address", address)):
            if not value.strip():
                raise bad(f"{name} must be non-empty")
        venue = {"location": point, "title": title, "address": address}
        return self._send(params, {"venue": venue, "location": point}).message

    def send_chat_action(self, params: Params) -> bool:
        chat = self._chat_id(params)
        self.world.reach(chat)
        action = params.text("action")
        if action not in ACTIONS:
            raise bad("wrong parameter action in request")
        self.world.emit("typing", chat=chat, action=action)
        return True

    # Copies
    def _source(self, params: Params, verb: str) -> Post:
        chat = self._chat_id(params, "from_chat_id")
        if chat not in self.world.persons and chat not in self.world.groups:
            raise bad("chat not found")
        post = self.world.get_post(chat, params.integer("message_id"))
        if post is None:
            raise bad(f"message to {verb} not found")
        if post.service or post.message.get("has_protected_content"):
            raise bad(
                "the message can't be copied"
                if verb == "copy"
                else "the message can't be forwarded"
            )
        return post

    def copy_message(self, params: Params) -> Json:
        post = self._source(params, "copy")
        body = {name: post.message[name] for name in CONTENT if name in post.message}
        if "caption" in params.values and any(name in body for name in FIELDS):
            body.pop("caption", None)
            body.pop("caption_entities", None)
            body |= self._params_caption(params)
        return {"message_id": self._send(params, body).id}

    def forward_message(self, params: Params) -> Json:
        post = self._source(params, "forward")
        return self._send(params, self.world.forwarded(post)).message

    # Edits
    def _editable(self, params: Params) -> Post:
        chat = self._chat_id(params)
        self.world.reach(chat)
        number = params.integer("message_id")
        if not number:
            raise bad("message identifier is not specified")
        post = self.world.get_post(chat, number)
        if post is None:
            raise bad("message to edit not found")
        if not post.out or post.service or "forward_origin" in post.message:
            raise bad("message can't be edited")
        if post.keyboard is not None:
            # The server edits no message that came with a reply keyboard.
            raise bad("message can't be edited")
        return post

    def _change(self, post: Post, params: Params, new: Json, drop: tuple[str, ...]) -> Json:
        """Puts ``new`` in the place of the fields ``drop``; no reply_markup removes the buttons."""
        inline = read_inline(params)
        kept = {
            name: value
            for name, value in post.message.items()
            if name not in (*drop, "reply_markup", "edit_date")
        }
        changed = kept | new | ({"reply_markup": inline} if inline else {})
        if changed == {k: v for k, v in post.message.items() if k != "edit_date"}:
            raise bad(NOT_MODIFIED)
        if error := self.world.flood.check(post.chat):
            raise error
        if not drop and "edit_date" in post.message:
            changed["edit_date"] = post.message["edit_date"]
        post.message = changed
        self.world.touch(post, edited=bool(drop))  # a change of buttons alone shows no mark
        return post.message

    def edit_text(self, params: Params) -> Json:
        post = self._editable(params)
        body = self._text(params)
        if "text" not in post.message:
            raise bad("there is no text in the message to edit")
        return self._change(post, params, body, ("text", "entities", "link_preview_options"))

    def edit_caption(self, params: Params) -> Json:
        post = self._editable(params)
        if not any(name in post.message for name in FIELDS):
            raise bad("there is no caption in the message to edit")
        return self._change(
            post, params, self._params_caption(params), ("caption", "caption_entities")
        )

    def edit_markup(self, params: Params) -> Json:
        return self._change(self._editable(params), params, {}, ())

    def edit_media(self, params: Params) -> Json:
        post = self._editable(params)
        item = params.json("media", dict, "media")
        if not item:
            raise bad("input media is not specified")
        if not CHANGEABLE & post.message.keys():
            raise bad("there is no media in the message to edit")
        return self._change(post, params, self._input_media(params, item), CONTENT)

    # Deletions
    def _deletable(self, chat: int, number: int) -> Post:
        post = self.world.get_post(chat, number)
        if post is None:
            raise bad("message to delete not found")
        age = self.world.now().timestamp() - post.message["date"]
        if age > DELETABLE.total_seconds():
            raise bad("message can't be deleted for everyone")
        admin = chat > 0 or self.world.groups[chat].bot == "administrator"
        if not post.out and not admin:
            raise bad("message can't be deleted")
        return post

    def delete_message(self, params: Params) -> bool:
        chat = self._chat_id(params)
        self.world.reach(chat)
        number = params.integer("message_id")
        if not number:
            raise bad("message identifier is not specified")
        self.world.erase(self._deletable(chat, number))
        return True

    def delete_messages(self, params: Params) -> bool:
        chat = self._chat_id(params)
        self.world.reach(chat)
        numbers = params.json("message_ids", list, "message identifiers")
        if not numbers:
            raise bad("message identifiers are not specified")
        if len(numbers) > 100:
            raise bad("too many message identifiers specified")
        for number in numbers:
            if self.world.get_post(chat, int(number)):
                self.world.erase(self._deletable(chat, int(number)))
        return True

    # The rest
    def answer_query(self, params: Params) -> bool:
        text = params.text("text")
        if len(text) > ANSWER_LIMIT:
            raise bad("MESSAGE_TOO_LONG")
        query = self.world.open_query(params.text("callback_query_id"))
        query.answer = {"text": text, "alert": params.flag("show_alert"), "url": params.text("url")}
        self.world.keep(query)
        self.world.emit(
            "answer", query=query.id, person=query.person, chat=query.chat, **query.answer
        )
        return True

    def get_file(self, params: Params) -> Json:
        file = self.world.file(params.text("file_id"))
        if file is None:
            raise bad("wrong file_id or the file is temporarily unavailable")
        if file.size > DOWNLOAD_LIMIT:
            raise bad("file is too big")
        return {
            "file_id": params.text("file_id"),
            "file_unique_id": file.unique_id,
            "file_size": file.size,
            "file_path": file.path,
        }

    def _scope(self, params: Params) -> str:
        scope = params.json("scope", dict, "bot command scope") or {"type": "default"}
        kind = scope.get("type")
        if kind not in SCOPES:
            raise bad("can't parse BotCommandScope: unsupported type specified")
        key = [kind, *(str(scope.get(name, "")) for name in SCOPES[kind])]
        return ":".join([*key, params.text("language_code")])

    def set_commands(self, params: Params) -> bool:
        commands = params.json("commands", list, "bot commands") or []
        if len(commands) > COMMANDS_LIMIT:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        kept = []
        for command in commands:
            name = str(command.get("command", "")).removeprefix("/").lower()
            description = str(command.get("description", "")).strip()
            if not COMMAND.fullmatch(name):
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= len(description) <= 256:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
            kept.append({"command": name, "description": description})
        self.world.set("commands", self.world.meta["commands"] | {self._scope(params): kept})
        self.world.emit("commands")
        return True

    def get_commands(self, params: Params) -> list[Json]:
        found: list[Json] = self.world.meta["commands"].get(self._scope(params), [])
        return found


def without_reply(message: Json) -> Json:
    """A replied-to message is shown without what it replied to itself."""
    return {name: value for name, value in message.items() if name != "reply_to_message"}
