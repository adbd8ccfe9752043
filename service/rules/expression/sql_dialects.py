"""What each dialect can say, and how: the only place that knows one engine from another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from sqlglot import exp

from service.rules.expression import sql_pieces as pieces
from service.rules.expression.sql_pieces import Sql
from service.rules.expression.text import MATCHED_LENGTH_LIMIT

Name = Literal["duckdb", "postgres", "spark", "snowflake", "bigquery", "trino"]


@dataclass(frozen=True, slots=True)
class Loop:
    """A list looked at item by item.

    Attributes:
        items: The list, in a column.
        item: The name under which the condition sees an item.
        beside: Lists of the same length, and the names for their items.
        condition: TRUE, FALSE or NULL of an item.
    """

    quantifier: Literal["exists", "all"]
    items: Sql
    item: str
    beside: Sequence[tuple[str, Sql]]
    condition: Sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One engine's way to say what engines say differently.

    Attributes:
        was_executed: Whether our tests run its SQL and compare every row; else it is text
            that nobody here has run.
        days: The days from the second date to the first.
        contains, starts, ends: Tests of texts that are both known, code point by code point.
        matches: Whether RE2 finds a pattern in a known text; None where the engine has no RE2.
        size: The length of a list.
        has_item: Whether a list holds a text; both are known.
        quantified: A loop as a truth; None where the engine has no way we trust.
        sees_beside: Whether a loop can look at lists beside its own.
        keeps_missing_lists: Whether a list that is NULL differs from an empty one.
        compares_lists: Whether `=` compares lists item by item.
        fence: What keeps the planner from merging a subselect into the next.
        longest_name: How many characters of a name the engine tells apart.
        most_columns: How many columns a subselect may have.
        upper: Whether names not in quotes are upper case, so that ours must be.
        collation: What makes texts compare by code point, where it must be said.
    """

    name: Name
    was_executed: bool
    days: Callable[[Sql, Sql], Sql]
    contains: Callable[[Sql, Sql], Sql]
    starts: Callable[[Sql, Sql], Sql]
    ends: Callable[[Sql, Sql], Sql]
    matches: Callable[[Sql, str], Sql] | None = None
    size: Callable[[Sql], Sql]
    has_item: Callable[[Sql, Sql], Sql]
    quantified: Callable[[Loop], Sql] | None = None
    sees_beside: bool = True
    keeps_missing_lists: bool = True
    compares_lists: bool = True
    fence: str = ""
    longest_name: int | None = None
    most_columns: int | None = None
    upper: bool = False
    collation: str | None = None


def _minus(today: Sql, day: Sql) -> Sql:
    return pieces.binary("-", today, day)


def _calls(name: str) -> Callable[[Sql, Sql], Sql]:
    return lambda first, second: pieces.function(name, first, second)


def _position(text: Sql, part: Sql) -> Sql:
    return pieces.binary(">", pieces.function("STRPOS", text, part), pieces.whole(0))


def _ends_by_length(text: Sql, part: Sql) -> Sql:
    tail = pieces.function("RIGHT", text, pieces.function("LENGTH", part))
    return pieces.binary("==", tail, part)


def _starts_by_length(text: Sql, part: Sql) -> Sql:
    head = pieces.function("SUBSTR", text, pieces.whole(1), pieces.function("LENGTH", part))
    return pieces.binary("==", head, part)


def _ends_by_substring(text: Sql, part: Sql) -> Sql:
    """For an engine whose strings end with `LENGTH(text)`: the last characters are *part*."""
    start = pieces.binary("-", pieces.function("LENGTH", text), pieces.function("LENGTH", part))
    tail = pieces.function("SUBSTR", text, pieces.binary("+", start, pieces.whole(1)))
    long_enough = pieces.binary(">=", start, pieces.whole(0))
    is_empty = pieces.binary("==", pieces.function("LENGTH", part), pieces.whole(0))
    same = pieces.both([long_enough, pieces.binary("==", tail, part)])
    return pieces.either([is_empty, same])


def _lambda(names: Sequence[str], body: Sql) -> Sql:
    parameters = [exp.to_identifier(name, quoted=True) for name in names]
    return exp.Lambda(this=pieces.own(body), expressions=parameters)


def _three_valued(quantifier: str, results: Sql) -> Sql:
    """Return Kleene's some or every of DuckDB's list *results*, which may hold NULL."""
    settling = pieces.boolean(value=quantifier == "exists")
    settled = pieces.function("LIST_CONTAINS", results, settling)
    known = pieces.function("LIST_COUNT", results)
    some_unknown = pieces.binary("<", known, pieces.function("LEN", results))
    rest = pieces.boolean(value=quantifier != "exists")
    return pieces.case(
        (pieces.is_null(results), pieces.null()),
        (settled, settling),
        (some_unknown, pieces.null()),
        otherwise=rest,
    )


def _duckdb_loop(loop: Loop) -> Sql:
    index = f"{loop.item}_at"
    beside = dict(loop.beside)

    def placed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.name in beside:
            listed = pieces.own(beside[node.name])
            return pieces.function("LIST_EXTRACT", listed, pieces.column(index))
        return node

    condition = loop.condition.transform(placed)
    each = _lambda((loop.item, index), condition)
    return _three_valued(loop.quantifier, pieces.function("LIST_TRANSFORM", loop.items, each))


def _postgres_loop(loop: Loop) -> Sql:
    settling = loop.quantifier == "exists"
    names = [loop.item, *(name for name, _ in loop.beside)]
    lists = [loop.items, *(listed for _, listed in loop.beside)]
    holds = loop.condition if settling else pieces.negation(loop.condition)
    result = pieces.case(
        (pieces.function("BOOL_OR", holds), pieces.boolean(value=settling)),
        (pieces.function("BOOL_OR", pieces.is_null(loop.condition)), pieces.null()),
        otherwise=pieces.boolean(value=not settling),
    )
    alias = exp.TableAlias(
        this=exp.to_identifier(f"{loop.item}_list", quoted=True),
        columns=[exp.to_identifier(name, quoted=True) for name in names],
    )
    source = exp.Table(this=pieces.function("UNNEST", *lists), alias=alias)
    looked = exp.Subquery(this=exp.select(result).from_(source))
    return pieces.case((pieces.is_known(loop.items), looked))


def _spark_loop(loop: Loop) -> Sql:
    name = "EXISTS" if loop.quantifier == "exists" else "FORALL"
    if not loop.beside:
        return pieces.function(name, loop.items, _lambda((loop.item,), loop.condition))
    index = f"{loop.item}_at"
    beside = dict(loop.beside)

    def placed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.name in beside:
            place = pieces.binary("+", pieces.column(index), pieces.whole(1))
            return pieces.function("ELEMENT_AT", beside[node.name], place)
        return node

    condition = loop.condition.transform(placed)
    results = pieces.function("TRANSFORM", loop.items, _lambda((loop.item, index), condition))
    result = f"{loop.item}_is"
    return pieces.function(name, results, _lambda((result,), pieces.column(result)))


def _trino_loop(loop: Loop) -> Sql:
    name = "ANY_MATCH" if loop.quantifier == "exists" else "ALL_MATCH"
    return pieces.function(name, loop.items, _lambda((loop.item,), loop.condition))


def _any(items: Sql, item: Sql) -> Sql:
    return exp.EQ(this=pieces.bracketed(item), expression=pieces.function("ANY", items))


def _variant_contained(items: Sql, item: Sql) -> Sql:
    return pieces.function("ARRAY_CONTAINS", pieces.function("TO_VARIANT", item), items)


def _unnested(items: Sql, item: Sql) -> Sql:
    return exp.In(this=pieces.bracketed(item), unnest=pieces.function("UNNEST", items))


def _first_characters(text: Sql) -> Sql:
    return pieces.function("LEFT", text, pieces.whole(MATCHED_LENGTH_LIMIT))


def _re2(text: Sql, pattern: str) -> Sql:
    return pieces.function("REGEXP_MATCHES", _first_characters(text), pieces.text(pattern))


_ALL: Final = (
    Dialect(
        name="duckdb",
        was_executed=True,
        days=_minus,
        contains=_calls("CONTAINS"),
        starts=_calls("STARTS_WITH"),
        ends=_calls("ENDS_WITH"),
        matches=_re2,
        size=lambda items: pieces.function("LEN", items),
        has_item=_calls("LIST_CONTAINS"),
        quantified=_duckdb_loop,
    ),
    Dialect(
        name="postgres",
        was_executed=True,
        days=_minus,
        contains=_position,
        starts=_calls("STARTS_WITH"),
        ends=_ends_by_length,
        size=lambda items: pieces.function("CARDINALITY", items),
        has_item=_any,
        quantified=_postgres_loop,
        fence="OFFSET 0",
        longest_name=60,  # of 63, three are for our prefix
        most_columns=1_600,
        collation="C",
    ),
    Dialect(
        name="spark",
        was_executed=True,
        days=_calls("DATEDIFF"),
        contains=_calls("CONTAINS"),
        starts=_calls("STARTSWITH"),
        ends=_calls("ENDSWITH"),
        size=lambda items: pieces.function("SIZE", items),
        has_item=_calls("ARRAY_CONTAINS"),
        quantified=_spark_loop,
    ),
    Dialect(
        name="snowflake",
        was_executed=False,
        days=lambda today, day: pieces.function("DATEDIFF", pieces.text("day"), day, today),
        contains=_calls("CONTAINS"),
        starts=_calls("STARTSWITH"),
        ends=_calls("ENDSWITH"),
        size=lambda items: pieces.function("ARRAY_SIZE", items),
        has_item=_variant_contained,
        compares_lists=False,
        upper=True,
    ),
    Dialect(
        name="bigquery",
        was_executed=False,
        days=lambda today, day: pieces.function("DATE_DIFF", today, day, exp.var("DAY")),
        contains=_position,
        starts=_calls("STARTS_WITH"),
        ends=_calls("ENDS_WITH"),
        size=lambda items: pieces.function("ARRAY_LENGTH", items),
        has_item=_unnested,
        keeps_missing_lists=False,
        compares_lists=False,
    ),
    Dialect(
        name="trino",
        was_executed=False,
        days=lambda today, day: pieces.function("DATE_DIFF", pieces.text("day"), day, today),
        contains=_position,
        starts=_starts_by_length,
        ends=_ends_by_substring,
        size=lambda items: pieces.function("CARDINALITY", items),
        has_item=_calls("CONTAINS"),
        quantified=_trino_loop,
        sees_beside=False,
    ),
)

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType({one.name: one for one in _ALL})
