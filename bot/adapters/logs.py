"""Logs: short lines on stderr, levels as set, and no library that prints what a person wrote."""

from __future__ import annotations

import logging
import sys

import structlog

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


def quiet(level: str) -> None:
    """Set up structlog and the libraries' loggers for this process."""
    number = logging.getLevelName(level)
    logging.basicConfig(
        level=number, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    for name in LOUD:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(number),
        # Looked up for each logger: whoever embeds us may have put another stream there.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("iso"),
            structlog.dev.ConsoleRenderer(colors=False),
        ],
    )
