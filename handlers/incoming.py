"""Telegram's Update as the channel-neutral Incoming."""

from __future__ import annotations

from collections.abc import Iterator

from telegram import (
    Chat,
    ChatMember,
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
    Update,
    User,
)
from telegram.constants import MessageLimit

from bot.ports import Attachment, Incoming, Press
from bot.texts.marked import TAGS, Mark

GONE = frozenset({ChatMember.LEFT, ChatMember.BANNED})

LONGEST = MessageLimit.MAX_TEXT_LENGTH
"""Of nothing that Telegram carries is anything cut (Bot API, Message); a forged update may be longer."""


def address(chat_id: int) -> str:
    """A Telegram id as an address."""
    return f"tg:{chat_id}"


def read(update: Update) -> Incoming | None:
    """What was done, or None for kinds of update that mean nothing to Suda."""
    if update.callback_query is not None:
        return _pressed(update)
    if update.my_chat_member is not None:
        return _member(update)
    message = update.message or update.edited_message
    if message is None or message.from_user is None:
        return None
    return _message(update, message, message.from_user)


def _message(update: Update, message: Message, user: User) -> Incoming:
    command, argument, text = "", "", (message.text or message.caption or "")[:LONGEST]
    if text.startswith("/"):
        head, _, argument = text.partition(" ")
        command, text = head[1:].partition("@")[0].lower(), ""
    location = message.venue.location if message.venue else message.location
    moved = message.migrate_to_chat_id
    return Incoming(
        key=f"tg:{update.update_id}",
        chat=address(message.chat.id),
        account=address(user.id),
        name=user.full_name,
        at=message.date,
        private=message.chat.type == Chat.PRIVATE,
        text=text,
        marks=tuple(_marks(message, text)),
        command=command,
        argument=argument.strip(),
        files=tuple(_files(message)),
        album=message.media_group_id or "",
        place=(location.latitude, location.longitude) if location else None,
        place_title=message.venue.title if message.venue else "",
        contact_phone=message.contact.phone_number if message.contact else "",
        forwarded_from=_origin(message),
        forwarded_at=message.forward_origin.date if message.forward_origin else None,
        reply_to=str(message.reply_to_message.message_id) if message.reply_to_message else "",
        edited=update.edited_message is not None,
        message_id=str(message.message_id),
        extra={
            **({"moved": address(moved)} if moved else {}),
            **({"title": message.chat.title} if message.chat.title else {}),
            **({"sticker": True} if message.sticker else {}),
        },
    )


def _pressed(update: Update) -> Incoming | None:
    query = update.callback_query
    if query is None or query.message is None:
        return None
    try:
        press = Press.unpack(query.data or "")
    except ValueError:
        press = Press("?")
    chat = query.message.chat
    return Incoming(
        key=f"tg:{update.update_id}",
        chat=address(chat.id),
        account=address(query.from_user.id),
        name=query.from_user.full_name,
        at=query.message.date,
        private=chat.type == Chat.PRIVATE,
        press=press,
        press_id=query.id,
        message_id=str(query.message.message_id),
    )


def _member(update: Update) -> Incoming | None:
    change = update.my_chat_member
    if change is None:
        return None
    left = change.new_chat_member.status in GONE
    return Incoming(
        key=f"tg:{update.update_id}",
        chat=address(change.chat.id),
        account=address(change.from_user.id),
        name=change.from_user.full_name,
        at=change.date,
        private=change.chat.type == Chat.PRIVATE,
        extra={"member": "left" if left else "joined", "title": change.chat.title or ""},
    )


def _marks(message: Message, text: str) -> Iterator[Mark]:
    """How the text is formatted; Telegram counts in UTF-16 (Bot API, MessageEntity)."""
    entities = message.entities or message.caption_entities
    if not entities or not text:
        return
    at, units = {0: 0}, 0
    for number, letter in enumerate(text, 1):
        units += len(letter.encode("utf-16-le", "surrogatepass")) // 2
        at[units] = number
    for entity in entities:
        start, end = at.get(entity.offset), at.get(entity.offset + entity.length)
        if entity.type in TAGS and start is not None and end is not None:
            yield Mark(str(entity.type), start, end, entity.url or "")


def _files(message: Message) -> Iterator[Attachment]:
    if message.photo:
        largest = message.photo[-1]
        yield Attachment(
            "photo", largest.file_id, largest.file_unique_id, size=largest.file_size or 0
        )
    for kind in ("document", "video", "audio"):
        file = getattr(message, kind)
        if file is not None:
            yield Attachment(
                kind,
                file.file_id,
                file.file_unique_id,
                file.file_name or "",
                file.mime_type or "",
                file.file_size or 0,
            )
    if message.voice:
        voice = message.voice
        yield Attachment(
            "voice",
            voice.file_id,
            voice.file_unique_id,
            mime=voice.mime_type or "",
            size=voice.file_size or 0,
        )
    if message.video_note:
        note = message.video_note
        yield Attachment("video_note", note.file_id, note.file_unique_id, size=note.file_size or 0)


def _origin(message: Message) -> str:
    match message.forward_origin:
        case MessageOriginUser(sender_user=user):
            return user.full_name
        case MessageOriginHiddenUser(sender_user_name=name):
            return name
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return chat.title or ""
    return ""
