"""Logs: short lines on stderr, levels as set, and no library that prints what a person wrote.

Our own lines carry kinds, places in the code and counts, never anyone's words. What looks like a phone, an
ID or card number or a token is masked besides, in ours and in the libraries' lines (ASVS 16.2.5).
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict

LOUD = (
    "httpx",
    "httpcore",
    "telegram",
    "jieba",
    "aiosqlite",
    "alembic",
    "uvicorn",
    "procrastinate",
    "fontTools",
    "fpdf",
    "PIL",
)
"""Their INFO or DEBUG prints addresses with the token in them, or data, or what they did to a font."""


HIDDEN = "****"

# Look-arounds, since \\b is no border between a Chinese character and a digit.
_SECRET = re.compile(
    # An id of ours (UUIDv7) is nobody's number, though it may look like one; it comes first, to be kept.
    r"(?<![0-9A-Za-z])(?P<ours>[0-9a-f]{8}-?[0-9a-f]{4}-?7[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12})(?![0-9A-Za-z])|"
    r"(?<![0-9])[0-9]{6,12}:[A-Za-z0-9_-]{30,}"  # a bot's token
    r"|(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])"  # an ID number (GB 11643)
    r"|(?<![0-9])(?:[0-9][ -]?){12,18}[0-9](?![0-9])"  # a card number (ISO/IEC 7812)
    r"|(?<![0-9])1[3-9][0-9](?:[ -]?[0-9]{4}){2}(?![0-9])"  # a mobile phone
    r"|(?<=://)[^/@\s]+:[^/@\s]+(?=@)"  # name and password in an address
)


def mask(text: str) -> str:
    """The text without phones, ID and card numbers, tokens and passwords in addresses."""
    return _SECRET.sub(lambda found: found["ours"] or HIDDEN, text)


def _mask_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {key: mask(value) if isinstance(value, str) else value for key, value in event.items()}


class _Masked(logging.Formatter):
    """A library's line, its traceback included, without what our own may not carry either."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def quiet(level: str) -> None:
    """Set up structlog and the libraries' loggers for this process."""
    number = logging.getLevelName(level)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masked("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=number, handlers=[handler])
    for name in LOUD:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(number),
        # Looked up for each logger: whoever embeds us may have put another stream there.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            _mask_event,
            structlog.processors.TimeStamper("iso"),
            structlog.dev.ConsoleRenderer(colors=False),
        ],
    )
