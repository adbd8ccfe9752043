"""The treaty: every operator and function of the language, one row each.

A row says how the operator is written, which types it takes and gives, and holds cases that
every meaning must satisfy. Each meaning's module registers its half under the row's name;
tests fail for a row that a meaning neither has nor declines by name.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service.rules.expression.ast import NUMBER, Kind
from service.rules.expression.signatures import (
    Case,
    Operator,
    equality,
    membership,
    numbers,
    order,
    takes,
    text_map,
    text_test,
)

SAMPLE_FACTS: Final[Mapping[str, object]] = MappingProxyType(
    {
        "n": 7, "m": -2.5, "z": 0, "t": "Grüße", "mail": "Ann@Shop.Example.co.uk", "c": "b",
        "f": True, "d": "2026-01-31", "l": ["red", "blue"],
    }
)  # fmt: skip
"""The facts of the cases, at 2026-03-01T00:00Z; every name with an `x` in front is missing.

`n m z` are numbers, `t mail` texts, `c` an ordered choice of a, b, c, `f` a flag, `d` a day,
`l` a list; `xn xt xc xf xd xl` are declared alike.
"""

_COMPARED: Final = "two numbers, texts, choices, flags or dates"
_ORDERED: Final = "two numbers, dates, or values of one ordered choice"
_NUMBERS: Final = "numbers"

_ROWS: Final = (
    Operator(
        "==",
        "a == b",
        _COMPARED,
        equality,
        (
            Case("n == 7", value=True),
            Case("0.1 + 0.2 == 0.3", value=True),
            Case('t == "grüße"', value=False),
            Case('c == "b"', value=True),
            Case("f == false", value=False),
            Case('d == date("2026-01-31")', value=True),
            Case("xn == 7", value=None),
            Case("xf == f", value=None),
        ),
    ),
    Operator(
        "!=",
        "a != b",
        _COMPARED,
        equality,
        (
            Case("n != 7", value=False),
            Case('t != "Grüße"', value=False),
            Case('c != "a"', value=True),
            Case('xt != "a"', value=None),
        ),
    ),
    Operator(
        "<",
        "a < b",
        _ORDERED,
        order,
        (
            Case("m < n", value=True),
            Case('c < "c"', value=True),
            Case('d < date("2026-01-31")', value=False),
            Case("0.3 < 0.1 + 0.2", value=False),
            Case('xc < "c"', value=None),
        ),
    ),
    Operator(
        "<=",
        "a <= b",
        _ORDERED,
        order,
        (
            Case("n <= 7", value=True),
            Case('c <= "a"', value=False),
            Case("0.1 + 0.2 <= 0.3", value=True),
            Case("xn <= n", value=None),
        ),
    ),
    Operator(
        ">",
        "a > b",
        _ORDERED,
        order,
        (
            Case("n > 7", value=False),
            Case('d > date("2025-12-31")', value=True),
            Case('xd > date("2025-12-31")', value=None),
        ),
    ),
    Operator(
        ">=",
        "a >= b",
        _ORDERED,
        order,
        (
            Case("1 / 3 * 3 >= 1", value=True),
            Case('c >= "b"', value=True),
            Case("m >= 0", value=False),
            Case("xn >= 0", value=None),
        ),
    ),
    Operator(
        "in",
        "a in list",
        "a number in numbers, or a text or choice in a list",
        membership,
        (
            Case("n in [1, 7]", value=True),
            Case('"red" in l', value=True),
            Case('c in ["a", "c"]', value=False),
            Case('"red" in xl', value=None),
            Case("xn in [1]", value=None),
            Case("0.1 + 0.2 in [0.3]", value=True),
        ),
    ),
    Operator(
        "between",
        "between(x, low, high)",
        "three numbers, dates, or values of one ordered choice",
        lambda types: order(types[:2]) and order(types[1:]) if len(types) == 3 else None,
        (
            Case("between(n, 5, 7)", value=True),
            Case("between(m, 0, 7)", value=False),
            Case("between(xn, 5, 7)", value=None),
            Case("between(n, 8, xn)", value=False),
            Case("between(n, 5, xn)", value=None),
        ),
    ),
    Operator(
        "+",
        "a + b",
        _NUMBERS,
        numbers(None),
        (
            Case("n + m + 1", value=5.5),
            Case("n + xn", value=None),
        ),
    ),
    Operator(
        "-", "a - b", _NUMBERS, numbers(2), (Case("n - m", value=9.5), Case("xn - n", value=None))
    ),
    Operator(
        "*",
        "a * b",
        _NUMBERS,
        numbers(None),
        (Case("n * m", value=-17.5), Case("z * xn", value=None)),
    ),
    Operator(
        "/",
        "a / 2",
        "a number by a number other than 0",
        numbers(2),
        (
            Case("n / 2", value=3.5),
            Case("m / -5", value=0.5),
            Case("xn / 2", value=None),
        ),
    ),
    Operator(
        "negate", "-a", "a number", numbers(1), (Case("-n", value=-7.0), Case("-xn", value=None))
    ),
    Operator(
        "ratio",
        "ratio(x, y, otherwise)",
        "three numbers",
        numbers(3),
        (
            Case("ratio(n, m, 1)", value=-2.8),
            Case("ratio(n, z, 9)", value=9.0),
            Case("ratio(n, xn, 9)", value=None),
        ),
    ),
    Operator(
        "min",
        "min(a, b)",
        "two or more numbers",
        numbers(None),
        (
            Case("min(n, m, 3)", value=-2.5),
            Case("min(n, xn)", value=None),
        ),
    ),
    Operator(
        "max",
        "max(a, b)",
        "two or more numbers",
        numbers(None),
        (
            Case("max(n, m, 3)", value=7.0),
            Case("max(n, xn)", value=None),
        ),
    ),
    Operator(
        "abs",
        "abs(a)",
        "a number",
        numbers(1),
        (
            Case("abs(m)", value=2.5),
            Case("abs(z)", value=0.0),
            Case("abs(xn)", value=None),
        ),
    ),
    Operator(
        "clamp",
        "clamp(x, low, high)",
        "three numbers",
        numbers(3),
        (
            Case("clamp(n, 0, 5)", value=5.0),
            Case("clamp(m, 0, 5)", value=0.0),
            Case("clamp(1, xn, 5)", value=None),
        ),
    ),
    Operator(
        "round",
        "round(x)",
        "a number",
        numbers(1),
        (
            Case("round(m)", value=-3.0),
            Case("round(2.5)", value=3.0),
            Case("round(0.4)", value=0.0),
            Case("round(xn)", value=None),
        ),
    ),
    Operator(
        "contains",
        "text.contains(part)",
        "two texts",
        text_test,
        (
            Case('t.contains("üß")', value=True),
            Case('t.contains("%")', value=False),
            Case('xt.contains("a")', value=None),
        ),
        is_method=True,
    ),
    Operator(
        "startsWith",
        "text.startsWith(part)",
        "two texts",
        text_test,
        (
            Case('t.startsWith("Gr")', value=True),
            Case('t.startsWith("gr")', value=False),
            Case('xt.startsWith("")', value=None),
        ),
        is_method=True,
    ),
    Operator(
        "endsWith",
        "text.endsWith(part)",
        "two texts",
        text_test,
        (
            Case('t.endsWith("ße")', value=True),
            Case('t.endsWith("_")', value=False),
            Case('xt.endsWith("e")', value=None),
        ),
        is_method=True,
    ),
    Operator(
        "matches",
        "text.matches(pattern)",
        "a text and a pattern in quotes",
        text_test,
        (
            Case('t.matches("^G.+e$")', value=True),
            Case('t.matches("(?i)GRÜ")', value=True),
            Case('t.matches("x+")', value=False),
            Case('xt.matches(".*")', value=None),
        ),
        is_method=True,
    ),
    Operator(
        "size",
        "size(list)",
        "a list",
        takes(Kind.LIST, gives=NUMBER),
        (
            Case("size(l)", value=2.0),
            Case("l.size()", value=2.0),
            Case("size(xl)", value=None),
        ),
    ),
    Operator(
        "lower",
        "lower(text)",
        "a text",
        text_map,
        (
            Case('lower(t) == "grüße"', value=True),
            Case("lower(xt)", value=None),
        ),
    ),
    Operator(
        "domain",
        "domain(text)",
        "a text",
        text_map,
        (
            Case("domain(mail)", value="shop.example.co.uk"),
            Case("domain(t)", value=""),
            Case("domain(xt)", value=None),
        ),
    ),
    Operator(
        "registrable_domain",
        "registrable_domain(text)",
        "a text",
        text_map,
        (
            Case("registrable_domain(mail)", value="example.co.uk"),
            Case("registrable_domain(t)", value=""),
            Case(
                'registrable_domain("https://Www.BIGFLEET.example:8080/x?y#z")',
                value="bigfleet.example",
            ),
            Case("registrable_domain(xt)", value=None),
        ),
    ),
    Operator(
        "age_days",
        "age_days(date)",
        "a date",
        takes(Kind.DATE, gives=NUMBER),
        (
            Case("age_days(d)", value=29.0),
            Case('age_days(date("2026-03-02"))', value=-1.0),
            Case("age_days(xd)", value=None),
        ),
    ),
    Operator(
        "age_months",
        "age_months(date)",
        "a date",
        takes(Kind.DATE, gives=NUMBER),
        (
            Case("age_months(d)", value=1.0),
            Case('age_months(date("2026-02-01"))', value=1.0),
            Case('age_months(date("2026-02-02"))', value=0.0),
            Case("age_months(xd)", value=None),
        ),
    ),
)

TREATY: Final[Mapping[str, Operator]] = MappingProxyType({row.name: row for row in _ROWS})

COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "between"})
"""The rows that ask instead of computing: both sides are rounded, and only here scores range."""

SPECIAL_FORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "has": "has(attribute)",
        "at_least": "at_least(n, condition, ...)",
        "date": 'date("2026-01-31")',
        "exists": "list.exists(t, condition)",
        "all": "list.all(t, condition)",
    }
)
"""What is written like a function but is a node of its own (or a constant) in the tree."""
