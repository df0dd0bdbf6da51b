"""The parameters of one Bot API call, from a query, a form, JSON or multipart alike."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.errors import Json, bad


@dataclass(slots=True)
class Upload:
    """A file that came with the call."""

    name: str
    mime: str
    content: bytes


@dataclass(slots=True)
class Params:
    """Values as given: text from forms, anything from JSON."""

    values: Json = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) not in (None, "")

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def integer(self, name: str, default: int = 0) -> int:
        """The server reads what it can and takes the default for the rest."""
        try:
            return int(str(self.values.get(name)))
        except ValueError:
            return default

    def decimal(self, name: str) -> float | None:
        try:
            return float(str(self.values.get(name)))
        except ValueError:
            return None

    def flag(self, name: str) -> bool:
        return str(self.values.get(name, "")).lower() in ("true", "yes", "1")

    def json(self, name: str, kind: type, what: str) -> Any:
        """A value that forms carry as JSON text; None when absent.

        Raises ApiError 400 ``can't parse <what> JSON object`` or ``object expected as <what>``.
        """
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise bad(f"can't parse {what} JSON object") from None
        if not isinstance(value, kind):
            raise bad(f"{'array' if kind is list else 'object'} expected as {what}")
        return value

    def told(self) -> Json:
        """For the log: everything but the files' contents."""
        sent = {
            name: {"file": upload.name, "size": len(upload.content)}
            for name, upload in self.files.items()
        }
        return self.values | sent
