"""What a person sets for herself (我的设置): short lines and one button a row; reminders on or off."""

from __future__ import annotations

from bot.ports import Button, Press
from bot.services.sending import Answer, button
from bot.texts.catalogue import Say, say
from models.party import Account

VERB = "uz"
SHORT, REMINDERS, DIGEST = "short", "reminders", "digest"


async def show(account: Account, answer: Answer, *before: Say) -> None:
    """How it is set, a button for each, and how Telegram itself shows larger letters."""
    short = "on" if account.short_lines else "off"
    reminders = "on" if account.reminders else "off"
    await answer(
        *before,
        say(
            "settings.card",
            short=say(f"settings.state.{short}"),
            reminders=say(f"settings.state.{reminders}"),
        ),
        say("settings.larger"),
        say("settings.what_reminds"),
        buttons=[
            [button(f"settings.short.{short}", VERB, question=SHORT, value=short)],
            [button(f"settings.reminders.{reminders}", VERB, question=REMINDERS, value=reminders)],
            *_digest(account),
            [button("subscribe.button.card", "us", question="card")],
            [button("button.menu", "go", value="menu")],
        ],
    )


def _digest(account: Account) -> list[list[Button]]:
    """The daily digest of admins and staff: to turn it on again, for an admin also off."""
    if account.digest and not account.is_admin:
        return []
    state = "on" if account.digest else "off"
    return [[button(f"settings.digest.{state}", VERB, question=DIGEST, value=state)]]


async def pressed(account: Account, answer: Answer, press: Press) -> Say | None:
    """Turn one over; the button carries what it was, so that a second tap does not turn it back."""
    was_on = press.value == "on"
    if press.question == SHORT:
        account.short_lines = not was_on
        answer.short = account.short_lines
    elif press.question == REMINDERS:
        account.reminders = not was_on
    elif press.question == DIGEST:
        account.digest = not was_on
    await show(account, answer)
    return say("settings.toast")
