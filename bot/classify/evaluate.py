"""How often the classifier agrees with labelled texts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.classify import taxonomy
from bot.classify.engine import Classifier


@dataclass(frozen=True, slots=True)
class Report:
    """Shares are 0 to 1, None where no row could show them.

    ``top1`` and ``top3`` are over in-scope rows (first accepted code not out_of_scope),
    ``out_of_scope`` over the others, ``macro`` the mean over first accepted codes, ``overall`` over
    all rows; fraud and nature over the rows that are labelled. ``confusions`` counts (first accepted
    code, decided code); ``errors`` are the rows decided wrongly, with what was decided.
    """

    rows: int
    in_scope_rows: int
    overall: float | None
    top1: float | None
    top3: float | None
    out_of_scope: float | None
    macro: float | None
    fraud_precision: float | None
    fraud_recall: float | None
    nature: float | None
    asked: float | None
    dangers: int
    by_code: Mapping[str, tuple[int, int]]
    confusions: tuple[tuple[str, str, int], ...]
    errors: tuple[Mapping[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """The figures, without the erring texts."""
        shown = {name: getattr(self, name) for name in self.__slots__ if name != "errors"}
        shown["by_code"] = {code: list(counts) for code, counts in self.by_code.items()}
        shown["confusions"] = [list(one) for one in self.confusions]
        return shown


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def evaluate(rows: Iterable[Mapping[str, str]], classifier: Classifier) -> Report:
    """Reads rows with ``text``, ``accept`` (codes joined by ``|``), optional ``fraud``, ``nature``.

    Raises ValueError on a row without text or with an unknown code, naming the row.
    """
    count: Counter[str] = Counter()
    by_code: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    confusions: Counter[tuple[str, str]] = Counter()
    errors: list[Mapping[str, str]] = []
    for number, row in enumerate(rows, 1):
        accepted = (row.get("accept") or "").strip().split("|")
        if row.get("text") is None or not set(accepted) <= set(taxonomy.codes()):
            raise ValueError(f"row {number}: needs text and accept with known codes")
        decision = classifier.classify(row["text"])
        right = decision.object in accepted
        within = accepted[0] != taxonomy.OUT_OF_SCOPE
        count["rows"] += 1
        count["right"] += right
        count["in"] += within
        count["asked"] += decision.ask
        count["danger"] += bool(decision.danger)
        if within:
            count["in_right"] += right
            count["in_top3"] += any(c.code in accepted for c in decision.candidates)
        else:
            count["out_right"] += right
        by_code[accepted[0]][0] += right
        by_code[accepted[0]][1] += 1
        if (fraud := (row.get("fraud") or "").strip()) in ("0", "1"):
            count[f"fraud{fraud}{int(decision.fraud)}"] += 1
        if nature := (row.get("nature") or "").strip():
            count["nature"] += 1
            count["nature_right"] += decision.nature == nature
        if not right:
            confusions[accepted[0], decision.object] += 1
            errors.append({**row, "decided": decision.object})
    rates = [right / total for right, total in by_code.values()]
    return Report(
        rows=count["rows"],
        in_scope_rows=count["in"],
        overall=_share(count["right"], count["rows"]),
        top1=_share(count["in_right"], count["in"]),
        top3=_share(count["in_top3"], count["in"]),
        out_of_scope=_share(count["out_right"], count["rows"] - count["in"]),
        macro=round(sum(rates) / len(rates), 4) if rates else None,
        fraud_precision=_share(count["fraud11"], count["fraud11"] + count["fraud01"]),
        fraud_recall=_share(count["fraud11"], count["fraud11"] + count["fraud10"]),
        nature=_share(count["nature_right"], count["nature"]),
        asked=_share(count["asked"], count["rows"]),
        dangers=count["danger"],
        by_code={code: (right, total) for code, (right, total) in sorted(by_code.items())},
        confusions=tuple((a, b, n) for (a, b), n in confusions.most_common()),
        errors=tuple(errors),
    )
