"""Decisions as lines of COPY's text format, in which very many are written: pure.

A line is put together from texts: for a million accounts, a `Record` each and a dumped value a
column took as long as everything else of their decisions.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from service.decisions.deciding import Record, json_or_none
from service.decisions.suspended import Under
from service.rules import Decision
from service.rules.decided import MEANING
from service.rules.telling import scores_text

__all__ = ["COLUMNS", "RescoredLines", "line_of"]

COLUMNS: Final = Record.__struct_fields__
"""The columns of a line, in order."""

_NULL: Final = "\\N"
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_SUBJECT: Final = "account"


@dataclass(frozen=True, slots=True)
class RescoredLines:
    """What is alike in all decisions of a rescoring, and so stands in every line."""

    at: str
    version: str
    source: str

    @classmethod
    def of(
        cls, *, at: datetime, rule_set: str, version: int, digest: str, source: str
    ) -> "RescoredLines":
        """Return how the decisions of *version* at the instant *at* begin and end."""
        parts = (rule_set, str(version), digest, str(MEANING), _SUBJECT, _NULL)
        return cls(at.isoformat(), "\t".join(parts), source)

    def line(
        self,
        decision: Decision,
        under: Under,
        *,
        decision_id: str,
        account_id: str,
        facts: str,
        problems: str | None,
    ) -> str:
        """Return an account's *decision* as a line; *facts* and *problems* are its own as JSON.

        The ids are 32 hexadecimal digits.
        """
        kept, before = under.kept, under.before
        tabled = json_or_none(dict(decision.tabled)) if decision.tabled else None
        suspended = _text(json_or_none(list(decision.suspended))) if decision.suspended else _NULL
        return (
            f"{self.at}\t{decision_id}\t{self.version}\t{account_id}\t{_text(facts)}"
            f"\t{_text(tabled)}\t{_text(problems)}\tt\t{suspended}"
            f"\t{_text(json_or_none(list(kept)))}\t{decision.verdict}\t{decision.outcome}"
            f"\t{'t' if decision.certain else 'f'}\t{'t' if decision.outcome_certain else 'f'}"
            f"\t{scores_text(decision.scores)}\t{decision.trace.to_text()}"
            f"\t{_NULL if before is None else before.to_text()}"
            f"\t{self.source}\t{_NULL}\t{_NULL}\n"
        )


def line_of(record: Record) -> str:
    """Return *record* as a line."""
    return "\t".join(_written(getattr(record, name)) for name in COLUMNS) + "\n"


def _written(value: object) -> str:
    match value:
        case None:
            return _NULL
        case bool():
            return "t" if value else "f"
        case datetime():
            return value.isoformat()
        case str():
            return value.translate(_ESCAPES)
        case int() | UUID():
            return str(value)
        case _:
            msg = f"no column of a decision has {type(value)}"
            raise TypeError(msg)


def _text(json: str | None) -> str:
    """Return a column of JSON, which itself has escaped all that COPY would, but backslashes."""
    if json is None:
        return _NULL
    return json.replace("\\", "\\\\") if "\\" in json else json
