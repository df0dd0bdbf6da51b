"""The admin's private talk; it goes the same way, and has its own command menu."""

from __future__ import annotations

COMMANDS = ("admin", "staff", "today", "help", "status", "hotlines")
