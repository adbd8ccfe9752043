"""Hypothesis strategies for expressions: texts over a fixed vocabulary, of every kind.

A `Scope` says which names may be used; `conditions(scope)` and its siblings give expressions
as an author would write them, with constants that sit where rules break.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from hypothesis import strategies as st

Texts = st.SearchStrategy[str]

NUMBERS: Final = (
    0.0, 1.0, -1.0, 0.1, 0.3, 2.5, 5.0, 20.0, 100.0, 1e-6, 0.000002, -0.5, 1 / 3, 1e9,
    999_999_999.999999, -1e9, float(2**53),
)  # fmt: skip
"""Numbers where rounding, signs or magnitudes change sides."""

TEXTS: Final = (
    "a", "A", "ß", "ss", "İ", "i", "%", "_", 'say "x"', "it's", "back\\slash", "é", "e\u0301",
    "a\u00a0b", "a;b", "DE", "ann@shop.example.co.uk", "https://Www.Example.com:80/x?y",
    "gmail.com", "",
)  # fmt: skip
"""Texts with case, quotes, wildcards of SQL, white space, and addresses."""

DAYS: Final = (
    "2024-02-29", "2025-02-28", "2025-12-31", "2026-01-31", "2026-02-28", "2026-03-01",
    "2026-03-31", "0001-01-01", "9999-12-31",
)  # fmt: skip
"""Ends of months and of time."""

MIDNIGHTS: Final = (
    "2026-03-01T00:00:00Z", "2026-02-28T23:59:59.999Z", "2026-03-01T00:00:00+02:00",
    "2026-02-28T18:30:00-05:30", 1_772_323_200_000,
)  # fmt: skip
"""Instants at or beside midnight, in UTC or elsewhere; the fact is the day in UTC."""

PATTERNS: Final = ("^a", "(?i)A", "b$", "[0-9]+", "x*", "^.{1,3}$")
SENIORITIES: Final = ("junior", "senior", "boss")
COUNTRIES: Final = ("DE", "AT", "CH")
PLANS: Final = ("free", "paid")

ATTRIBUTES: Final[Mapping[str, Mapping[str, object]]] = {
    "vehicles": {"type": "number", "min": 0},
    "margin": {"type": "number", "min": -100, "max": 100.5},
    "balance": {"type": "number"},
    "name": {"type": "text"},
    "email": {"type": "text", "fold": True},
    "seniority": {"type": "choice", "choices": list(SENIORITIES), "ordered": True},
    "country": {"type": "choice", "choices": list(COUNTRIES), "other": True},
    "plan": {"type": "choice", "choices": list(PLANS)},
    "active": {"type": "flag"},
    "budget": {"type": "flag"},
    "signed": {"type": "date"},
    "renewed": {"type": "date"},
    "tools": {"type": "list"},
    "tags": {"type": "list"},
}
"""Every attribute a generated rule set may declare."""

METRICS: Final[Mapping[str, Mapping[str, object]]] = {
    "open_cases": {"event": "support_case", "count": True, "window": "90 days"},
    "held_share": {"event": "meeting", "share": True, "where": "held"},
    "spent": {"cost": {"support_case": {"hours": 80}, "cost": {"amount": 1}}},
}
"""Metrics that a generated rule set may declare: with a least value, with both ends, with none."""

LISTS: Final[Mapping[str, list[str] | list[float]]] = {
    "free_mail": ["gmail.com", "a", "ß"],
    "sizes": [0, 0.1, 5, 100],
}


@dataclass(frozen=True)
class Scope:
    """The names an expression may use, by kind; choices and grades with their members."""

    numbers: tuple[str, ...] = ("vehicles", "margin", "balance")
    texts: tuple[str, ...] = ("name",)
    folded: tuple[str, ...] = ("email",)
    truths: tuple[str, ...] = ("active", "budget")
    dates: tuple[str, ...] = ("signed", "renewed")
    lists: tuple[str, ...] = ("tools", "tags")
    grades: tuple[tuple[str, tuple[str, ...]], ...] = ()
    text_lists: tuple[str, ...] = ("lists.free_mail",)
    number_lists: tuple[str, ...] = ("lists.sizes",)


ANY: Final = Scope()
"""The attributes, and the lists of a generated rule set."""

ALONE: Final = Scope(text_lists=(), number_lists=())
"""The attributes, and nothing a rule set would add."""


def number_literal(value: float) -> str:
    """Return *value* as an expression; a negative one stands in brackets."""
    text = str(int(value)) if value.is_integer() else repr(value)
    return f"({text})" if value < 0 else text


def text_literal(value: str) -> str:
    """Return *value* as a quoted text."""
    return json.dumps(value, ensure_ascii=False)


def names(options: tuple[str, ...]) -> Texts:
    """Return one of the names, or nothing at all where there is none."""
    return st.sampled_from(options) if options else st.nothing()


def _written(form: str, *parts: Texts) -> Texts:
    """Return *form* with each `{}` replaced by one of the parts in turn."""
    return st.tuples(*parts).map(lambda chosen: form.format(*chosen))


def _one(options: Texts) -> Texts:
    """Return *options* as one alternative of `one_of`, however many they are themselves."""
    return options.map(str)


_numbers: Final = st.sampled_from(NUMBERS).map(number_literal)
_divisors: Final = st.sampled_from([x for x in NUMBERS if x]).map(number_literal)
_texts: Final = st.sampled_from(TEXTS).map(text_literal)
_text_list: Final = st.lists(_texts, min_size=1, max_size=4).map(lambda x: f"[{', '.join(x)}]")
_number_list: Final = st.lists(_numbers, min_size=1, max_size=4).map(
    lambda x: f"[{', '.join(item.strip('()') for item in x)}]"
)


@cache
def numbers(scope: Scope = ANY, depth: int = 2) -> Texts:
    """Return expressions that give a number."""
    leaf = names(scope.numbers) | _numbers
    if depth == 0:
        return leaf
    a, test = numbers(scope, depth - 1), conditions(scope, depth - 1)
    signs = st.sampled_from(["+", "-", "*"])
    return st.one_of(
        _one(leaf),
        st.tuples(a, signs, a).map(lambda x: f"({x[0]} {x[1]} {x[2]})"),
        _written("({} + {} + {})", a, a, a),
        _written("({} / {})", a, _divisors),
        _written("(-{})", names(scope.numbers)),
        _written("abs({})", a),
        _written("round({})", a),
        _written("min({}, {})", a, a),
        _written("max({}, {}, {})", a, a, a),
        _written("clamp({}, {}, {})", a, a, a),
        _written("ratio({}, {}, {})", a, a, a),
        _written("size({})", lists(scope, depth - 1)),
        _written("age_days({})", dates(scope, depth - 1)),
        _written("age_months({})", dates(scope, depth - 1)),
        _written("({} ? {} : {})", test, a, a),
    )


@cache
def texts(scope: Scope = ANY, depth: int = 2) -> Texts:
    """Return expressions that give a text that is compared exactly."""
    leaf = names(scope.texts)
    if depth == 0:
        return leaf
    a = texts(scope, depth - 1)
    either = a | names(scope.folded)
    return st.one_of(
        leaf,
        _written("lower({})", either),
        _written("domain({})", either),
        _written("registrable_domain({})", either),
        _written("({} ? {} : {})", conditions(scope, depth - 1), a, a | _texts),
    )


@cache
def dates(scope: Scope = ANY, depth: int = 1) -> Texts:
    """Return expressions that give a day."""
    leaf = names(scope.dates) | st.sampled_from(DAYS).map(lambda day: f'date("{day}")')
    if depth == 0:
        return leaf
    return leaf | _written("({} ? {} : {})", conditions(scope, depth - 1), leaf, leaf)


@cache
def lists(scope: Scope = ANY, depth: int = 1) -> Texts:
    """Return expressions that give a list of texts."""
    leaf = names(scope.lists)
    if depth == 0:
        return leaf
    return leaf | _written("({} ? {} : {})", conditions(scope, depth - 1), leaf, leaf)


@cache
def _choices(name: str, members: tuple[str, ...], scope: Scope, depth: int) -> Texts:
    value = st.sampled_from(members).map(text_literal)
    if depth == 0:
        return st.just(name)
    return st.just(name) | _written(f"({{}} ? {name} : {{}})", conditions(scope, depth - 1), value)


def _about_choices(scope: Scope, depth: int) -> Texts:
    options = []
    for name, members in (("seniority", SENIORITIES), ("country", COUNTRIES), ("plan", PLANS)):
        value = st.sampled_from(members).map(text_literal)
        some = st.lists(value, min_size=1, max_size=3).map(lambda x: f"[{', '.join(x)}]")
        signs = ["==", "!="] + (["<", "<=", ">", ">="] if name == "seniority" else [])
        choice = _choices(name, members, scope, depth)
        options.append(_compared(choice, st.sampled_from(signs), value))
        options.append(_written("{} in {}", choice, some))
        if name == "seniority":
            options.append(_written("between({}, {}, {})", choice, value, choice))
    for name, bands in scope.grades:
        value = st.sampled_from(bands).map(text_literal)
        some = st.lists(value, min_size=1, max_size=3).map(lambda x: f"[{', '.join(x)}]")
        grade = _choices(name, bands, scope, depth)
        options.append(_compared(grade, st.sampled_from(["==", "!="]), value | st.just(name)))
        options.append(_written("{} in {}", grade, some))
    return st.one_of(options)


def _compared(left: Texts, signs: Texts, right: Texts) -> Texts:
    return st.tuples(left, signs, right).map(" ".join)


@cache
def _checks(scope: Scope, depth: int) -> Texts:
    """Return conditions that are one check."""
    order = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    equal = st.sampled_from(["==", "!="])
    number, text, day = numbers(scope, depth), texts(scope, depth), dates(scope, depth)
    either = text | names(scope.folded)
    listed = lists(scope, depth)
    return st.one_of(
        names(scope.truths),
        st.sampled_from(sorted(ATTRIBUTES)).map(lambda name: f"has({name})"),
        _compared(number, order, number),
        _written("between({}, {}, {})", number, number, number),
        _written("{} in {}", number, _number_list | names(scope.number_lists)),
        _compared(text, equal, text | _texts),
        _compared(names(scope.folded), equal, _texts | names(scope.folded)),
        _written("{} in {}", either, _text_list | names(scope.text_lists)),
        _written("{} in {}", _texts | text, listed),
        _written("{}.contains({})", either, _texts),
        _written("{}.startsWith({})", either, _texts),
        _written("{}.endsWith({})", either, _texts),
        _written("{}.matches({})", either, st.sampled_from(PATTERNS).map(text_literal)),
        _compared(day, order, day),
        _written("between({}, {}, {})", day, day, day),
        _one(_about_choices(scope, depth)),
        _compared(
            names(scope.truths), equal, names(scope.truths) | st.sampled_from(["true", "false"])
        ),
    )


@cache
def conditions(scope: Scope = ANY, depth: int = 2) -> Texts:
    """Return conditions; every operator and function of the language occurs."""
    check = _checks(scope, max(depth - 1, 0))
    if depth == 0:
        return check
    part = conditions(scope, depth - 1)
    parts = st.lists(part, min_size=2, max_size=4)
    quantified = st.sampled_from(["exists", "all"])
    item = f"t{depth}"
    about = st.one_of(
        _written(f"{item} == {{}}", _texts),
        _written(f"{item}.startsWith({{}})", _texts),
        _written(f"{item} in {{}} || {{}}", _text_list, part),
        _written(f"{item} == domain({item}) && {{}}", part),
        _written(f"registrable_domain({item}) == {{}}", _texts),
    )
    each = st.tuples(lists(scope, 0), quantified, about)
    return st.one_of(
        _one(check),
        parts.map(lambda x: f"({' && '.join(x)})"),
        parts.map(lambda x: f"({' || '.join(x)})"),
        _written("!({})", part),
        st.tuples(st.integers(1, 2), parts).map(lambda x: f"at_least({x[0]}, {', '.join(x[1])})"),
        _written("({} ? {} : {})", part, part, part),
        each.map(lambda x: f"{x[0]}.{x[1]}({item}, {x[2]})"),
        _written("({}) == {}", part, names(scope.truths)),
    )
