"""Pick a category (类别) by buttons: first its group, then its code."""

from __future__ import annotations

from collections.abc import Callable

from bot.ports import Button, Press
from bot.services.consumer.drafts import GROUPS
from bot.texts.catalogue import say

CODES = dict(GROUPS)
PER_ROW = 2


def group_rows(press: Callable[[str], Press]) -> list[list[Button]]:
    """A button for each group."""
    return [[Button(say(f"option.object.group_{group}"), press(group))] for group in CODES]


def code_rows(group: str, press: Callable[[str], Press]) -> list[list[Button]]:
    """A button for each code of a group, two a row; none for a group that there is not."""
    buttons = [Button(say(f"object.{code}"), press(code)) for code in CODES.get(group, ())]
    return [buttons[i : i + PER_ROW] for i in range(0, len(buttons), PER_ROW)]
