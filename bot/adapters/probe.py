"""Whether the outside answers: asked once, with a time limit, for the check-up."""

from __future__ import annotations

import asyncio

from telegram.error import InvalidToken, TelegramError

from bot.adapters.telegram import build_bot


async def who_am_i(token: str, base_url: str, proxy: str, seconds: float) -> str:
    """The bot's username by getMe.

    Raises PermissionError when the token is refused, ConnectionError or TimeoutError when nothing
    was reached; no message holds the token.
    """
    bot = build_bot(token, base_url, proxy)
    try:
        async with asyncio.timeout(seconds):
            await bot.initialize()
        return bot.username
    except InvalidToken as error:
        raise PermissionError("the token was refused") from error
    except TimeoutError as error:
        raise TimeoutError(f"no answer in {seconds:g} s") from error
    except TelegramError as error:
        raise ConnectionError(type(error).__name__) from error
    finally:
        await bot.shutdown()
