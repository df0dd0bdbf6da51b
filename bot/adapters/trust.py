"""Whom all connections to the outside believe."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def trust() -> ssl.SSLContext:
    """The certificates that this machine trusts, read once: it takes as long as all the rest of a client."""
    return httpx.create_ssl_context()
