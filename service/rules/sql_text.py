"""The text of a query: a subselect a step, a line a column, and the columns it reads."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlglot import Dialect as SqlDialect
from sqlglot import Generator, TokenType, exp
from sqlglot.errors import SqlglotError

from service.rules.attributes import AttributeType, Fact
from service.rules.expression import sql_pieces as pieces
from service.rules.expression.sql import Translator
from service.rules.expression.sql_columns import Step, prepared_column, used, value_column
from service.rules.expression.sql_dialects import Dialect
from service.rules.expression.sql_pieces import Sql
from service.rules.expression.sql_prepared import Prepared

_TYPES: Final[dict[AttributeType, str]] = {
    "number": "DOUBLE",
    "text": "TEXT",
    "choice": "TEXT",
    "flag": "BOOLEAN",
    "date": "DATE",
    "list": "ARRAY<TEXT>",
}


@dataclass(frozen=True, slots=True)
class Input:
    """A column that the relation must have.

    Attributes:
        type: The column's type in the dialect.
        holds: What it holds, as an author would write it.
        attribute: The attribute that it is, or is computed from; NULL exactly where that is.
        prepared: How we compute it; None where it is the attribute itself.
    """

    name: str
    type: str
    holds: str
    attribute: str
    prepared: Prepared | None

    def of(self, values: Mapping[str, Fact]) -> Fact | tuple[str | bool, ...] | None:
        """Return the column's value for the facts of one subject; None for NULL."""
        fact = values.get(self.attribute)
        return fact if fact is None or self.prepared is None else self.prepared.of(fact)

    def to_json(self) -> dict[str, object]:
        """Return the members that describe it."""
        return {
            "name": self.name,
            "type": self.type,
            "attribute": self.attribute,
            "holds": self.holds,
            "prepared": self.prepared is not None,
        }


@dataclass(frozen=True, slots=True)
class Query:
    """The steps of a query, as text.

    Attributes:
        relation: What it selects from, as its caller wrote it.
        kept: Columns of the relation that are passed on, as the dialect names them.
    """

    translator: Translator
    relation: str
    kept: tuple[str, ...]
    steps: tuple[Step, ...]
    written: Generator

    @classmethod
    def of(
        cls,
        translator: Translator,
        outputs: Mapping[str, Sql],
        *,
        relation: str,
        kept: Sequence[str] = (),
    ) -> "Query":
        """Return the query that gives *outputs* after the *kept* columns."""
        dialect = translator.dialect
        named = tuple(name.upper() if dialect.upper else name for name in kept)
        steps = translator.columns.steps(outputs, kept=named)
        generator = SqlDialect.get_or_raise(dialect.name).generator()
        return cls(translator, relation, named, steps, generator)

    @property
    def dialect(self) -> Dialect:
        """The dialect it is written in."""
        return self.translator.dialect

    def text(self) -> str:
        """Return the SELECT, a subselect a step and a line a column."""
        facts = [(name, piece) for name, piece, _ in self._read()]
        written = self._select(facts, self._table(), passed=self.kept)
        for number, step in enumerate(self.steps, start=1):
            is_last = number == len(self.steps)
            added = [(self._named(name) if is_last else name, piece) for name, piece in step.added]
            fence = f"\n{self.dialect.fence}" if self.dialect.fence else ""
            source = f"(\n{written}{fence}\n) AS {self._quoted(f'_s{number}')}"
            passed = self.kept if is_last else step.kept
            written = self._select(added, source, passed=passed)
        return written

    def inputs(self) -> tuple[Input, ...]:
        """Return the columns that the relation must have, attributes first."""
        return tuple(found for _, _, found in self._read())

    def refuse_names(self, outputs: Collection[str]) -> None:
        """Refuse names that the dialect or the query itself cannot take."""
        refusals, longest = self.translator.refusals, self.dialect.longest_name
        for name in self.kept:
            if name.lower() in outputs or name.startswith("_"):
                why = "a column of the answer has this name, or it begins with `_`"
                refusals.refuse(f"column {name}", why, "give it another name in the relation")
        names = [*self.kept, *outputs, *(found.name for found in self.inputs())]
        for name in names:
            if longest is not None and len(name) > longest:
                why = f"{self.dialect.name} tells names apart by {longest} characters here"
                refusals.refuse(f"name {name}", why, "shorten it")
        widest = max(len(step.kept) + len(step.added) for step in self.steps)
        if self.dialect.most_columns is not None and widest > self.dialect.most_columns:
            why = f"it needs {widest} columns at once; {self.dialect.name} has"
            why = f"{why} {self.dialect.most_columns}"
            refusals.refuse("rule set", why, "split it, or decide in another engine")
        if not _is_name(self.relation, self.dialect.name):
            why = f"{self.dialect.name} does not read it as a table's name"
            instead = "give a table, with its schema; quote what is a word of SQL"
            refusals.refuse(f"relation {self.relation}", why, instead)

    def refuse_inputs(self) -> None:
        """Refuse attributes that the dialect cannot keep apart from missing ones."""
        for found in self.inputs():
            if "ARRAY" in found.type and not self.dialect.keeps_missing_lists:
                why = f"{self.dialect.name} stores a missing list as an empty one"
                instead = "ask an attribute of another type, or decide in another engine"
                self.translator.refusals.refuse(f"list {found.name}", why, instead)

    def _read(self) -> Iterator[tuple[str, Sql, Input]]:
        """Yield each given column that is used: its name inside, its piece, what it holds."""
        first = self.steps[0]
        wanted = set(first.kept).union(*(used(piece) for _, piece in first.added))
        for name, attribute in self.translator.attributes.items():
            if value_column(name) in wanted:
                found = Input(self._named(name), _TYPES[attribute.type], name, name, None)
                yield self._input(value_column(name), found)
        for prepared in self.translator.preparing.found.values():
            column = prepared_column(prepared.name)
            if column in wanted:
                of_one = "BOOLEAN" if prepared.is_truth else "TEXT"
                kind = f"ARRAY<{of_one}>" if prepared.by_item else of_one
                name, holds = self._named(prepared.name), prepared.written
                found = Input(name, kind, holds, prepared.attribute.name, prepared)
                yield self._input(column, found)

    def _input(self, inside: str, found: Input) -> tuple[str, Sql, Input]:
        """Return a column's name inside, its piece, and what it holds in the dialect's type."""
        kind = found.type
        target = exp.DataType.build("ARRAY" if self._is_loose(kind) else kind)
        piece: Sql = exp.cast(pieces.column(found.name), target)
        if self.dialect.collation is not None and "TEXT" in kind:
            collation = exp.to_identifier(self.dialect.collation, quoted=True)
            piece = exp.Collate(this=piece, expression=collation)
        return inside, piece, replace(found, type=self._sql(target))

    def _is_loose(self, kind: str) -> bool:
        """Whether lists are cast to lists of anything: what looks into them expects no more."""
        return kind.startswith("ARRAY") and not self.dialect.compares_lists and self.dialect.upper

    def _named(self, name: str) -> str:
        return name.upper() if self.dialect.upper else name

    def _table(self) -> str:
        table = exp.to_table(self.relation, dialect=self.dialect.name)
        return self._sql(table)

    def _select(
        self, columns: Sequence[tuple[str, Sql]], source: str, *, passed: Sequence[str]
    ) -> str:
        """Return a SELECT; what is only passed on stands in one line."""
        lines = [", ".join(map(self._quoted, passed))] if passed else []
        lines += [f"{self._sql(piece)} AS {self._quoted(name)}" for name, piece in columns]
        written = ",\n  ".join(lines)
        return f"SELECT\n  {written}\nFROM {source}"

    def _quoted(self, name: str) -> str:
        return self._sql(pieces.column(name))

    def _sql(self, piece: exp.Expr) -> str:
        return self.written.generate(piece, copy=False)


def _is_name(relation: str, dialect: str) -> bool:
    """Whether *relation* is one to three names with dots between them, and nothing else."""
    try:
        tokens = SqlDialect.get_or_raise(dialect).tokenize(relation)
    except SqlglotError:
        return False
    names, dots = tokens[::2], tokens[1::2]
    return (
        len(tokens) in {1, 3, 5}
        and all(token.token_type in {TokenType.VAR, TokenType.IDENTIFIER} for token in names)
        and all(token.token_type is TokenType.DOT for token in dots)
        and not any(token.comments for token in tokens)
    )
