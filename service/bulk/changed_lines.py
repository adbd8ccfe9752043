"""Changed accounts as lines to be copied: each decision is the evaluator's own.

Facts are taken from the columns that were made once a piece, and their JSON is put together
from texts that are made once a distinct value. Where something of an account could not be read,
or rules are suspended for it, its stored facts go through the door alone.
"""

import gc
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import msgspec
import orjson

from service.bulk.account_judging import DecidedPiece
from service.bulk.comparing import Compared
from service.bulk.rescoring_terms import Rescoring
from service.bulk.sampling import EnginesDisagree
from service.decisions import RescoredLines, Under
from service.rules import Decision, Facts, RuleSet
from service.storage import make_uuids_in_order, to_text

__all__ = ["ChangedLines", "collector_at_rest"]

_MOST_REMEMBERED: Final = 65_536
_BYTES_AN_ID: Final = 4
_WRITTEN: Final = frozenset({"changed", "past"})
_NOT_SUSPENDED: Final = Under()
_raw: Final = msgspec.json.Decoder(list[msgspec.Raw])
_keys: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Let nobody look for cycles in the block, which makes very many objects and no cycle."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(slots=True)
class ChangedLines:
    """Makes the lines of one rescoring. Use it from one thread at a time.

    *randomness* gives so many bytes from a cryptographic source.
    """

    rescoring: Rescoring
    form: RescoredLines
    randomness: Callable[[int], bytes]
    _members: Mapping[str, Callable[[Any], str]] = field(init=False)
    _undeclared: Callable[[tuple[str, ...]], str | None] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare to remember texts."""
        rules = self.rescoring.rules
        self._members = {name: _member_of(name) for name in rules.attributes}
        self._undeclared = _undeclared_in(rules)

    def of_piece(
        self,
        decided: DecidedPiece,
        compared: Sequence[Compared],
        *,
        suspended: Mapping[int, tuple[Decision, Under]],
        first: int,
    ) -> list[str]:
        """Return a line for each account of a piece, an empty one where none is to be written.

        *first* is how many accounts the rescoring has looked at before, *suspended* the
        decisions that were made under suspensions, by place.

        Raises:
            EnginesDisagree: If the evaluator comes to another verdict than the columns.
        """
        if all(one.fate not in _WRITTEN for one in compared):
            return [""] * len(compared)
        piece = decided.piece
        raw, keys = _raw.decode(piece.facts), _keys.decode(piece.facts)
        alone = {one.row for column in decided.facts.values() for one in column.complaints}
        ids = make_uuids_in_order(
            self.rescoring.at, self.randomness(_BYTES_AN_ID * len(compared)), first=first
        )
        names, lines = tuple(decided.facts), []
        for place, (one, cells, decision_id) in enumerate(
            zip(compared, _cells(decided), ids, strict=True)
        ):
            if one.fate not in _WRITTEN:
                lines.append("")
                continue
            if place in alone or place in suspended:
                decision, under = suspended.get(place) or self.rescoring.decide(
                    json.loads(bytes(raw[place]))
                )
                facts = _json(decision.facts.to_json())
                problems = _problems(decision.facts)
            else:
                known = {n: cell for n, cell in zip(names, cells, strict=True) if cell is not None}
                decision, under = self._decide(known), _NOT_SUSPENDED
                facts = f"{{{','.join([self._members[n](cell) for n, cell in known.items()])}}}"
                problems = self._undeclared(tuple(keys[place]))
            if decision.verdict != one.after:
                where = f"`{to_text('acc', piece.ids[place])}`"
                raise EnginesDisagree(self.rescoring.rules, where=where, columns=["verdict"])
            line = self.form.line(
                decision,
                under,
                decision_id=decision_id,
                account_id=piece.ids.hex_of(place),
                facts=facts,
                problems=problems,
            )
            lines.append(line)
        return lines

    def _decide(self, known: Mapping[str, Any]) -> Decision:
        rescoring = self.rescoring
        return rescoring.rules.decide(Facts(known), at=rescoring.at, final=True, with_missing=False)


def _cells(decided: DecidedPiece) -> Iterator[tuple[Any, ...]]:
    """Give each account's facts, None where one is missing."""
    if not decided.facts:
        return iter([()] * len(decided.piece.ids))
    columns = [column.values.to_pylist() for column in decided.facts.values()]
    for place, values in enumerate(columns):
        if any(isinstance(value, list) for value in values):
            columns[place] = [tuple(v) if isinstance(v, list) else v for v in values]
    return zip(*columns, strict=True)


def _member_of(name: str) -> Callable[[Any], str]:
    """Return what makes a fact the member of a JSON object, as a decision's facts have it."""

    @lru_cache(maxsize=_MOST_REMEMBERED)
    def member(fact: Any) -> str:  # noqa: ANN401 - a fact
        return _json(Facts({name: fact}).to_json())[1:-1]

    return member


def _undeclared_in(rules: RuleSet) -> Callable[[tuple[str, ...]], str | None]:
    """Return what makes the keys of stored facts the data problems that they alone are."""

    @lru_cache(maxsize=_MOST_REMEMBERED)
    def undeclared(keys: tuple[str, ...]) -> str | None:
        others = [key for key in keys if key not in rules.attributes]
        return _problems(rules.admit(dict.fromkeys(others))) if others else None

    return undeclared


def _problems(facts: Facts) -> str | None:
    return _json([one.to_json() for one in facts.problems]) if facts.problems else None


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
