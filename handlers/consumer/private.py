"""The consumer's private talk: everything that is written, sent, shared or pressed there."""

from __future__ import annotations

from typing import Any

from telegram.ext import (
    BaseHandler,
    CallbackQueryHandler,
    ChatMemberHandler,
    MessageHandler,
    filters,
)

from handlers.unit import on_update


def handlers() -> list[BaseHandler[Any, Any, Any]]:
    """What python-telegram-bot listens to here."""
    return [
        MessageHandler(filters.ChatType.PRIVATE, on_update),
        CallbackQueryHandler(on_update),
        ChatMemberHandler(on_update, ChatMemberHandler.MY_CHAT_MEMBER),
    ]
