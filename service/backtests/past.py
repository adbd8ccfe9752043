"""A piece of the past as it was read: what stood, and any row of it as a case.

Decisions stand as they were stored; accounts as the base decides them now.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import Row

from service.backtests.chunking import Bench, account_case_of, case_of
from service.backtests.metering import Values, known_by, was_measured
from service.backtests.past_store import Score, Stood
from service.backtests.replaying import Case
from service.backtests.store import Position
from service.backtests.tallying import Side
from service.rules import RuleSet
from service.rules.expression.text import registrable_domain
from service.storage import Ids, to_text

__all__ = ["AccountsNow", "DecidedPast", "Group", "Past"]

_raw: Final = msgspec.json.Decoder(list[msgspec.Raw])

Group = tuple[bool, tuple[str, ...]]
"""Rows that one SELECT decides: whether they were final, and what was suspended."""


class Past(Protocol):
    """Some rows of the past, in the order in which they are counted."""

    @property
    def ids(self) -> Ids:
        """Return whose they are."""

    @property
    def texts(self) -> bytes:
        """Return their facts, as a JSON array."""

    @property
    def erased(self) -> Sequence[bool]:
        """Return where facts are gone."""

    def position(self, place: int) -> Position:
        """Return where a backtest goes on that has come to *place*."""

    def case(self, place: int) -> Case:
        """Return one row as the evaluator reads it."""

    def title(self, place: int) -> str:
        """Return how people find the row."""

    def groups(self) -> Mapping[Group, list[int]]:
        """Return the places that a SELECT can decide, by which one."""

    def stood(self, scores: Sequence[str]) -> Side | None:
        """Return how the rows came out before; None where the base has to say."""

    def unseen(self, place: int, missing: str, rules: RuleSet) -> tuple[str, ...]:
        """Return which of the *missing* attributes nobody had asked for, in order."""

    def asked(self, start: int, end: int) -> Iterator[tuple[datetime, frozenset[str]]]:
        """Give which attributes could be stored, and when first between two places."""


@dataclass(slots=True)
class DecidedPast:
    """Stored decisions; *versions* has those that made them."""

    ids: Ids
    texts: bytes
    rows: Sequence[Stood]
    versions: Mapping[int, RuleSet]
    raw: Sequence[msgspec.Raw] = field(init=False)
    _memory: dict[tuple[int, str], tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find each decision's facts."""
        self.raw = _raw.decode(self.texts)

    @property
    def erased(self) -> Sequence[bool]:
        """Return where facts are gone."""
        return [one.is_erased for one in self.rows]

    def position(self, place: int) -> Position:
        """Return the decision's own clock and id."""
        return self.rows[place].decided_at, self.ids[place]

    def case(self, place: int) -> Case:
        """Return a decision as the evaluator reads it."""
        one = self.rows[place]
        facts = json.loads(bytes(self.raw[place]))
        return case_of(self.ids[place], one, facts, version=self.versions[one.version])

    def title(self, place: int) -> str:
        """Return the decision's id."""
        return f"`{to_text('dec', self.ids[place])}`"

    def groups(self) -> Mapping[Group, list[int]]:
        """Return the places by what they were decided under.

        Left out is what has no facts, and what a shipped table said otherwise then than now.
        """
        found: dict[Group, list[int]] = {}
        for place, one in enumerate(self.rows):
            if not one.is_erased and (not one.tabled or _is_as_shipped(one.tabled)):
                found.setdefault((one.is_final, one.suspended or ()), []).append(place)
        return found

    def stood(self, scores: Sequence[str]) -> Side | None:
        """Return what was stored."""
        return Side(
            [one.verdict for one in self.rows],
            [one.outcome for one in self.rows],
            {name: [_value(one.scores.get(name)) for one in self.rows] for name in scores},
        )

    def unseen(self, place: int, missing: str, rules: RuleSet) -> tuple[str, ...]:
        """Return what the version that decided did not ask for."""
        number = self.rows[place].version
        found = self._memory.get((number, missing))
        if found is None:
            version = self.versions[number]
            known = known_by(version, {})
            could = {name: was_measured(rules, name, known) for name in missing.split(",")}
            names = (
                name
                for name, was in could.items()
                if not (name in version.attributes if was is None else was)
            )
            found = self._memory[number, missing] = tuple(sorted(names))
        return found

    def asked(self, start: int, end: int) -> Iterator[tuple[datetime, frozenset[str]]]:
        """Give the attributes of each version, with its first decision."""
        left = set(self.versions)
        for one in self.rows[start:end]:
            if one.version in left:
                left.remove(one.version)
                yield one.decided_at, frozenset(self.versions[one.version].attributes)
            if not left:
                return


@dataclass(slots=True)
class AccountsNow:
    """Accounts by what is known of them, as of the asking of *backtest*."""

    ids: Ids
    texts: bytes
    erased: Sequence[bool]
    measured: Mapping[UUID, Values]
    backtest: Row[Any]
    bench: Bench
    raw: Sequence[msgspec.Raw] = field(init=False)

    def __post_init__(self) -> None:
        """Find each account's facts."""
        self.raw = _raw.decode(self.texts)

    def position(self, place: int) -> Position:
        """Return the account's id, with the one clock."""
        return self.backtest.created_at, self.ids[place]

    def case(self, place: int) -> Case:
        """Return an account as the evaluator reads it, decided by the base."""
        account = self.ids[place]
        return account_case_of(
            account,
            None if self.erased[place] else json.loads(bytes(self.raw[place])),
            backtest=self.backtest,
            bench=self.bench,
            measured=self.measured[account],
        )

    def title(self, place: int) -> str:
        """Return the account's id."""
        return f"`{to_text('acc', self.ids[place])}`"

    def groups(self) -> Mapping[Group, list[int]]:
        """Return all that have facts: they are decided alike."""
        known = [place for place, is_erased in enumerate(self.erased) if not is_erased]
        return {(False, ()): known} if known else {}

    def stood(self, scores: Sequence[str]) -> None:
        """Return nothing: the base says how they stand."""
        del scores

    def unseen(self, place: int, missing: str, rules: RuleSet) -> tuple[str, ...]:
        """Return nothing: what an account does not carry is not known, whoever asks."""
        del place, missing, rules
        return ()

    def asked(self, start: int, end: int) -> Iterator[tuple[datetime, frozenset[str]]]:
        """Give the attributes of both."""
        if start < end:
            both = (self.bench.undoing.base, self.bench.undoing.draft)
            yield self.backtest.created_at, frozenset(n for one in both for n in one.attributes)


def _value(score: Score | None) -> float | None:
    return None if score is None else score.value


def _is_as_shipped(tabled: Mapping[str, str]) -> bool:
    return all(registrable_domain(text) == said for text, said in tabled.items())
