"""The door: what raw values mean, and what is said of those that mean nothing."""

from datetime import date
from math import inf, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules.attributes import Attribute, AttributeType, Fact, admit
from service.rules.ranges import six_places

MISSING = object()


def one(kind: AttributeType, **limits: object) -> dict[str, Attribute]:
    """Return a single attribute `x` of *kind*."""
    return {"x": Attribute(name="x", type=kind, label="X", **limits)}  # type: ignore[arg-type]


COUNTRY = one("choice", choices=("DE", "AT"))
ANY_COUNTRY = one("choice", choices=("DE", "AT"), other=True)

READ: list[tuple[dict[str, Attribute], object, object]] = [
    (one("number"), 120, 120.0),
    (one("number"), "120", 120.0),
    (one("number"), " +12.50 ", 12.5),
    (one("number"), "-0", 0.0),
    (one("number"), 0.1 + 0.2, 0.3),
    (one("number"), 2**53, float(2**53)),
    (one("number"), "\N{NO-BREAK SPACE}7\N{NO-BREAK SPACE}", 7.0),
    (one("number", minimum=0, maximum=10), 10, 10.0),
    (one("text"), "  Zu\u0308rich ", "Zürich"),
    (one("text"), 12345, "12345"),
    (one("text"), "\x1cx", "\x1cx"),
    (COUNTRY, "DE", "DE"),
    (ANY_COUNTRY, "US", "US"),
    (one("flag"), True, True),
    (one("flag"), "YES", True),
    (one("flag"), "off", False),
    (one("flag"), 0, False),
    (one("flag"), 1.0, True),
    (one("date"), "2026-01-31", date(2026, 1, 31)),
    (one("date"), "2026-01-31T23:30:00-02:00", date(2026, 2, 1)),
    (one("date"), "2026-01-31t00:00Z", date(2026, 1, 31)),
    (one("date"), 1769817600000, date(2026, 1, 31)),
    (one("date"), "946684799999", date(1999, 12, 31)),
    (one("list"), ["sap", " ", "", None, "Samsara "], ("sap", "Samsara")),
    (one("list"), "sap; samsara;;", ("sap", "samsara")),
    (one("list"), [], ()),
    (one("number"), None, MISSING),
    (one("text"), " \u3000\t", MISSING),
    (one("list"), "", MISSING),
    (one("number", missing_values=frozenset({"n/a"})), " n/a ", MISSING),
]

UNREADABLE: list[tuple[dict[str, Attribute], object, str]] = [
    (one("number"), "1,250", "not_a_number"),
    (one("number"), "1e3", "not_a_number"),
    (one("number"), "0x10", "not_a_number"),
    (one("number"), "٣", "not_a_number"),
    (one("number"), True, "not_a_number"),
    (one("number"), [1], "not_a_number"),
    (one("number"), 2**53 + 1, "out_of_range"),
    (one("number"), 10**400, "out_of_range"),
    (one("number", minimum=0), -1, "out_of_range"),
    (one("number", maximum=10), 10.000001, "out_of_range"),
    (one("text"), 1.5, "not_a_text"),
    (one("text"), False, "not_a_text"),
    (one("text"), {"a": 1}, "not_a_text"),
    (COUNTRY, "de", "not_a_choice"),
    (one("flag"), "maybe", "not_a_flag"),
    (one("flag"), 2, "not_a_flag"),
    (one("date"), "2026-02-30", "not_a_date"),
    (one("date"), "20260131", "not_a_date"),
    (one("date"), "2026-W05-6", "not_a_date"),
    (one("date"), "2026-01-31T10:00:00", "not_a_date"),
    (one("date"), 1769817600, "not_a_date"),
    (one("date"), "9999-12-31T23:59:59-01:00", "not_a_date"),
    (one("list"), ["a", 1.5], "not_a_list"),
    (one("list"), {"a": 1}, "not_a_list"),
]


@pytest.mark.parametrize(("declared", "raw", "fact"), READ)
def test_a_value_of_the_type_becomes_a_fact(
    declared: dict[str, Attribute], raw: object, fact: object
) -> None:
    """What the type allows is read in the one way the design names, or is missing."""
    facts = admit({"x": raw}, declared)
    assert facts.values.get("x", MISSING) == fact
    assert type(facts.values.get("x", MISSING)) is type(fact)
    assert facts.problems == ()


@pytest.mark.parametrize(("declared", "raw", "code"), UNREADABLE)
def test_any_other_value_is_missing_and_listed(
    declared: dict[str, Attribute], raw: object, code: str
) -> None:
    """What cannot be read counts as missing, with a reason that does not repeat the value."""
    facts = admit({"x": raw}, declared)
    assert facts.values == {}
    (found,) = facts.problems
    assert (found.attribute, found.code) == ("x", code)
    assert "it counts as missing" in found.message
    assert not isinstance(raw, str) or raw not in found.message


def test_an_undeclared_key_is_named_but_not_read() -> None:
    """A key that nobody declared is listed with the nearest one that is, and is not kept."""
    facts = admit({"countri": "DE", "y" * 500: 1}, {"country": COUNTRY["x"]})
    assert facts.values == {}
    nearest, far = facts.problems
    assert nearest.code == "undeclared"
    assert nearest.suggestion == "country"
    assert len(far.attribute) == 64


RAW = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@given(raw=RAW, kind=st.sampled_from(["number", "text", "choice", "flag", "date", "list"]))
def test_the_door_lets_its_own_facts_through_unchanged(raw: object, kind: AttributeType) -> None:
    """Stored facts, admitted again, are the same facts without a problem."""
    declared = one(kind, choices=("DE",), other=True) if kind == "choice" else one(kind)
    first = admit({"x": raw}, declared)
    again = admit(first.to_json(), declared)
    assert again.values == first.values
    assert again.problems == ()


@given(raw=st.dictionaries(st.text(max_size=70), RAW))
def test_the_door_never_raises(raw: dict[str, object]) -> None:
    """Whatever a JSON object holds, the door answers with facts and problems."""
    facts = admit(raw, {**one("date"), "n": Attribute(name="n", type="number", label="N")})
    values: list[Fact] = list(facts.values.values())
    assert len(values) + len(facts.problems) <= len(raw)


@given(
    x=st.floats() | st.integers() | st.floats(-12, 12),
    minimum=st.none() | st.floats(-10, 10),
    maximum=st.none() | st.floats(-10, 10),
)
def test_a_number_is_rounded_and_then_held_against_its_limits(
    x: float, minimum: float | None, maximum: float | None
) -> None:
    """Nearly every number takes a short way through the door, which changes nothing."""
    expected = six_places(x) if abs(x) <= 2**53 else inf
    low, high = (-inf if minimum is None else minimum), (inf if maximum is None else maximum)
    facts = admit({"x": x}, one("number", minimum=minimum, maximum=maximum))
    if isfinite(expected) and low <= expected <= high:
        assert repr(facts.values["x"]) == repr(float(expected))
    else:
        assert [problem.code for problem in facts.problems] == ["out_of_range"]
