"""The staff's group: with privacy mode on, commands, replies to cards and presses reach the bot."""

from __future__ import annotations

from typing import Any

from telegram.ext import BaseHandler, MessageHandler, filters

from handlers.unit import on_update


def handlers() -> list[BaseHandler[Any, Any, Any]]:
    """What python-telegram-bot listens to here; presses come through the one handler of presses."""
    return [MessageHandler(filters.ChatType.GROUPS, on_update)]
