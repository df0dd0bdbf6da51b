"""The refusals of the Bot API, in the official server's words."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

PREFIXES = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}


class ApiError(Exception):
    """A refused Bot API call: HTTP status = ``code``; ``parameters`` as in ResponseParameters."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def to_json(self) -> Json:
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def refuse(code: int, words: str, **parameters: Any) -> ApiError:
    """An ApiError whose text gets the server's prefix for its code.

    Like the server, the first letter is lowered unless the words are a CODE_LIKE_THIS.
    """
    shouted = len(words) > 1 and (words[1] == "_" or words[1].isupper())
    words = words if shouted else words[:1].lower() + words[1:]
    prefix = PREFIXES.get(code)
    return ApiError(code, f"{prefix}: {words}" if prefix else words, parameters or None)


def bad(words: str, **parameters: Any) -> ApiError:
    """A 400 Bad Request."""
    return refuse(400, words, **parameters)


def too_many(seconds: int) -> ApiError:
    """A 429 with its retry_after in whole seconds."""
    return ApiError(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
