"""A piece of the past decided by columns: DuckDB runs the draft's SELECT, and the base's.

What the columns cannot settle is left to the evaluator: rows that are undecided by ranges, and
those of which a shipped table said something else then than now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from service.backtests.chunking import Bench
from service.backtests.metering import Definition, definitions_of
from service.backtests.past import AccountsNow, DecidedPast, Group, Past
from service.backtests.replaying import decide_case
from service.backtests.tallying import Side
from service.bulk.account_columns import AccountDoor
from service.bulk.column_deciding import ColumnJudge
from service.bulk.sampling import check_rows, sample_of
from service.rules import RuleSet

__all__ = ["ColumnBench", "JudgedPast"]

_MOST_JUDGES: Final = 8
"""So many kinds of rows have a SELECT; each costs a moment, and few rows are of any other."""
_DAY_US: Final = 86_400_000_000
_USUAL: Final[Group] = (False, ())


@dataclass(slots=True)
class JudgedPast:
    """A piece, how its rows stood and how they come out; *after* has gaps where none could say.

    Attributes:
        alone: Places that the evaluator has to decide.
        flips: Places that come out otherwise, by columns.
        unseen: The attributes that were not asked for, at places that turn on them.
    """

    past: Past
    before: Side
    after: Side
    alone: set[int]
    flips: set[int]
    unseen: dict[int, tuple[str, ...]]


@dataclass(slots=True)
class _Answers:
    side: Side
    alone: set[int]
    unseen: dict[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class ColumnBench:
    """What the rows of one backtest are held against; threads take turns."""

    bench: Bench
    draft: "_Judges"
    base: "_Judges | None"
    _turn: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, bench: Bench, *, at: datetime | None) -> "ColumnBench":
        """Return the bench for accounts as of *at*, or for decisions each at its own time.

        Raises:
            Untranslatable: If DuckDB cannot mean the same as the rules.
        """
        draft = _Judges(bench.undoing.draft, at, is_draft=True)
        base = None if at is None else _Judges(bench.undoing.base, at, is_draft=False)
        for judges in (draft, base):
            if judges is not None:
                judges.of(_USUAL)
        return cls(bench, draft, base)

    def decide(self, number: int, past: Past) -> JudgedPast:
        """Return what becomes of *past*, which is the run's piece of this *number*.

        Raises:
            EnginesDisagree: If the evaluator decides a row of the sample otherwise.
        """
        with self._turn:
            return self._decide(number, past)

    def _decide(self, number: int, past: Past) -> JudgedPast:
        scores = list(self.bench.widths)
        drafted = self.draft.decide(past, number=number, scores=scores)
        before, alone = past.stood(scores), drafted.alone
        if before is None:
            if self.base is None:
                raise AssertionError("accounts are decided by the base too")
            based = self.base.decide(past, number=number, scores=scores)
            before, alone = based.side, alone | based.alone
        left_out = alone | {place for place, gone in enumerate(past.erased) if gone}
        unseen = {p: names for p, names in drafted.unseen.items() if p not in left_out}
        after = drafted.side
        rows = zip(before.verdicts, before.outcomes, after.verdicts, after.outcomes, strict=True)
        moved = {
            place
            for place, (verdict, outcome, new_verdict, new_outcome) in enumerate(rows)
            if verdict != new_verdict or outcome != new_outcome
        }
        return JudgedPast(past, before, after, alone, moved - left_out - unseen.keys(), unseen)

    def close(self) -> None:
        """Give the memory back, once a piece that is being decided is done."""
        with self._turn:
            for judges in (self.draft, self.base):
                if judges is not None:
                    judges.close()


@dataclass(slots=True)
class _Judges:
    """One rule set, in as many SELECTs as there are kinds of rows."""

    rules: RuleSet
    at: datetime | None
    is_draft: bool
    _door: AccountDoor = field(init=False)
    _known: dict[Group, ColumnJudge] = field(default_factory=dict)
    _meanings: "_Meanings" = field(default_factory=lambda: _Meanings({}))

    def __post_init__(self) -> None:
        self._door = AccountDoor.of(self.rules)

    def of(self, group: Group) -> ColumnJudge | None:
        """Return the SELECT for *group*; None where there are too many already."""
        found = self._known.get(group)
        if found is None and len(self._known) < _MOST_JUDGES:
            final, suspended = group
            values = [f"value_{score.name}" for score in self.rules.model.scores]
            found = self._known[group] = ColumnJudge.of(
                self.rules,
                at=self.at,
                final=final,
                suspended=suspended,
                wanted=["verdict", "outcome", "needs_exact", "missing", *values],
            )
        return found

    def decide(self, past: Past, *, number: int, scores: list[str]) -> _Answers:
        """Return what the SELECTs say, checked by a sample."""
        count = len(past.ids)
        facts, days = self._facts(past), _days(past)
        found = _Answers(
            Side([""] * count, [""] * count, {name: [None] * count for name in scores}),
            {place for place, gone in enumerate(past.erased) if not gone},
        )
        for group, places in past.groups().items():
            judge = self.of(group)
            if judge is None:
                continue
            taken = _taker(places, count)
            arrays = {name: taken(array) for name, array in facts.items()}
            day = None if days is None else taken(days)
            answers = judge.decide(arrays, rows=len(places), days=day)
            self._check(answers, past, places, number=number)
            self._fill(found, answers, past, places)
        return found

    def close(self) -> None:
        """Give the memory back."""
        for judge in self._known.values():
            judge.close()

    def _facts(self, past: Past) -> Mapping[str, Any]:
        columns = {name: one.values for name, one in self._door.admit(past.texts).items()}
        for name, definition in self._meanings.of(self.rules).items():
            if isinstance(past, AccountsNow):
                values = [past.measured[account].get(definition) for account in past.ids]
                columns[name] = self._door.doors[name].admit_values(values).values
            elif isinstance(past, DecidedPast):
                columns[name] = self._meant(columns[name], past, name, definition)
        return columns

    def _meant(self, column: Any, past: DecidedPast, name: str, definition: Definition) -> Any:  # noqa: ANN401 - pyarrow has no types
        """Return a stored metric, not known where its version measured something else."""
        meant = [
            number
            for number, version in past.versions.items()
            if self._meanings.of(version).get(name) == definition
        ]
        if len(meant) == len(past.versions):
            return column
        made_by = pa.array([one.version for one in past.rows], pa.int32())
        is_meant = pc.is_in(made_by, value_set=pa.array(meant, pa.int32()))
        return pc.if_else(is_meant, column, pa.scalar(None, column.type))

    def _check(self, answers: Any, past: Past, places: list[int], *, number: int) -> None:  # noqa: ANN401
        check_rows(
            answers,
            sample_of(self.rules, chunk=number, rows=len(places)),
            rules=self.rules,
            decide=lambda row: decide_case(past.case(places[row]), self.rules),
            title=lambda row: past.title(places[row]),
        )

    def _fill(self, found: _Answers, answers: Any, past: Past, places: list[int]) -> None:  # noqa: ANN401
        _put(found.side.verdicts, answers["verdict"].to_pylist(), places)
        _put(found.side.outcomes, answers["outcome"].to_pylist(), places)
        for name, column in found.side.scores.items():
            if f"value_{name}" in answers.column_names:
                _put(column, answers[f"value_{name}"].to_pylist(), places)
        found.alone -= set(places)
        undecided = pc.indices_nonzero(answers["needs_exact"]).to_pylist()
        found.alone |= {places[row] for row in undecided}
        if self.is_draft:
            for place, missing in zip(places, answers["missing"].to_pylist(), strict=True):
                if missing and (names := past.unseen(place, missing, self.rules)):
                    found.unseen[place] = names


@dataclass(slots=True)
class _Meanings:
    """What each rule set's metrics measure, worked out once."""

    known: dict[str, Mapping[str, Definition]]

    def of(self, rules: RuleSet) -> Mapping[str, Definition]:
        """Return each metric's definition by its name."""
        if rules.digest not in self.known:
            self.known[rules.digest] = definitions_of(rules)
        return self.known[rules.digest]


def _taker(places: list[int], count: int) -> Callable[[Any], Any]:
    """Return what gives the rows at *places* of a column of *count*."""
    if len(places) == count:
        return lambda column: column
    picked = pa.array(places, pa.int64())
    return lambda column: column.take(picked)


def _put(column: list[Any], values: list[Any], places: list[int]) -> None:
    if len(places) == len(column):
        column[:] = values
        return
    for place, value in zip(places, values, strict=True):
        column[place] = value


def _days(past: Past) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return the UTC day of each decision's clock; None where one clock holds for all."""
    if not isinstance(past, DecidedPast):
        return None
    return pa.array([one.at_us // _DAY_US for one in past.rows], pa.int32()).cast(pa.date32())
