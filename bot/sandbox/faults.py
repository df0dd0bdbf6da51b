"""Faults on order: what goes wrong next, how often, and for which method or chat."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from bot.sandbox.errors import ApiError, Json, bad, refuse, too_many

ON_CALLS = ("429", "403", "5xx", "accepted_timeout")
ON_UPDATES = ("duplicate_update", "poison_update", "out_of_order")


@dataclass(slots=True)
class Fault:
    """``times`` how often it still strikes; ``method`` and ``chat`` narrow it (empty: any).

    ``skip`` lets so many matching calls pass first. ``seconds`` is the retry_after of a 429 and
    how long an accepted call is left without its answer.
    """

    kind: str
    times: int = 1
    method: str = ""
    chat: int = 0
    skip: int = 0
    seconds: int = 3

    def error(self) -> ApiError:
        if self.kind == "429":
            return too_many(self.seconds)
        if self.kind == "403":
            return refuse(403, "bot was blocked by the user")
        return ApiError(502, "Bad Gateway")


class Faults:
    """The list of faults in wait, in the order they were ordered."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Raises ApiError 400 for an unknown kind."""
        if fault.kind not in ON_CALLS + ON_UPDATES:
            raise bad(f"unknown fault {fault.kind}")
        self.waiting.append(fault)

    def clear(self) -> None:
        self.waiting.clear()

    def take(self, *kinds: str, method: str = "", chat: int = 0) -> Fault | None:
        """The first fault of these kinds that strikes here; it is used up by that."""
        for fault in self.waiting:
            if fault.kind not in kinds:
                continue
            if fault.method and fault.method.lower() != method.lower():
                continue
            if fault.chat and fault.chat != chat:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.waiting.remove(fault)
            return fault
        return None

    def to_json(self) -> list[Json]:
        return [asdict(fault) for fault in self.waiting]
