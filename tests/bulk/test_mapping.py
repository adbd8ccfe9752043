"""The map says how a file is written, and is held to what the rule set and the file have."""

from typing import Any

import pytest

from service.bulk import InvalidMap, UnreadableFile, plan_columns, read_map
from service.bulk.mapping import UnreadableCell
from service.rules import load_rule_set

RULES = load_rule_set(
    {
        "rule_set": "x",
        "attributes": {
            "revenue": {"type": "number"},
            "founded": {"type": "date"},
            "tools": {"type": "list"},
            "industry": {"type": "text"},
            "is_customer": {"type": "flag"},
        },
        "gates": [
            {
                "id": "g",
                "when": 'has(revenue) && has(founded) && "a" in tools && industry == "b"'
                " && is_customer",
                "then": "rest",
            }
        ],
        "outcomes": [{"id": "rest", "verdict": "review"}],
    }
)


def read(column: str, cell: object) -> Any:  # noqa: ANN401 - as varied as cells
    """Return what the door is handed for a cell of *column*, an attribute's line of the map."""
    document, source = read_map(f"columns:\n  {column}\n", RULES.attributes)
    name = column.partition(":")[0]
    plan = plan_columns(RULES.attributes, ["c"], document=document, source=source)
    (found,) = (one for one in plan.read if one.attribute == name)
    return found.read({"c": cell})


@pytest.mark.parametrize(
    ("column", "cell", "raw"),
    [
        ("revenue: c", "1.5", "1.5"),
        ("revenue: {column: c, times: 1000000}", "1100.04", 1_100_040_000.0),
        ("revenue: {column: c, times: 1000000}", " 0.1 ", 100_000.0),
        ("revenue: {column: c, times: 0.001}", 250, 0.25),
        ("revenue: {column: c, times: 12}", "n/a", "n/a"),
        ("revenue: {column: c, times: 12}", "", ""),
        ("revenue: {column: c, thousands: ','}", "1,250", "1250"),
        ("revenue: {column: c, decimal: ',', thousands: '.'}", "-1.250,5", "-1250.5"),
        ("revenue: {column: c, decimal: ','}", "", ""),
        ("revenue: {column: c, missing: [0]}", "0", "0"),
        ("revenue: {column: c, missing: ['0']}", " 0 ", None),
        ("revenue: {column: c, replace: {none: 0}}", "none", 0),
        ("industry: {column: c, replace: {technolgy: technology}}", "technolgy", "technology"),
        ("industry: {column: c, replace: {technolgy: technology}}", "retail", "retail"),
        ("industry: {column: c, replace: {'?': null}}", "?", None),
        ("is_customer: {column: c, replace: {No internet service: false}}", "No", "No"),
        ("is_customer: {column: c, replace: {'1': true}}", 1, True),
        ("tools: {column: c, split: '|'}", "a|b", ["a", "b"]),
        ("tools: {column: c, split: '|'}", ["a"], ["a"]),
    ],
)
def test_a_cell_becomes_what_the_door_reads(column: str, cell: object, raw: object) -> None:
    """Units are exact; what the map does not speak of arrives as it was."""
    if "missing: [0]" in column:
        with pytest.raises(InvalidMap):
            read(column, cell)
        return
    assert read(column, cell) == raw


def test_a_day_is_read_in_its_own_spelling() -> None:
    """31.01.2026 is no ISO day and no guess either."""
    column = 'founded: {column: c, date: "%d.%m.%Y"}'
    assert str(read(column, "31.01.2026")) == "2026-01-31"
    with pytest.raises(UnreadableCell, match="is not a day written as"):
        read(column, "2026-01-31")


def test_a_number_in_another_spelling_than_the_map_says_is_not_guessed() -> None:
    """1.250 with a decimal comma is neither 1.25 nor 1,250."""
    with pytest.raises(UnreadableCell):
        read("revenue: {column: c, decimal: ','}", "1.250")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("columns: {reveneu: c}", "unknown-name", "did you mean `revenue`?"),
        ("columns: {revenue: {colum: c}}", "unknown-key", "did you mean `column`?"),
        ("column: {}", "unknown-key", "did you mean `columns`?"),
        ("columns: {revenue: {times: 2}}", "shape", "either a `column` or a `value`"),
        ("columns: {revenue: {column: c, value: 1}}", "shape", "either a `column` or a `value`"),
        ("columns: {industry: {column: c, times: 2}}", "type", "`times` is for a number"),
        ("columns: {revenue: {column: c, split: ','}}", "type", "`split` is for a list"),
        ("columns: {revenue: {column: c, times: 0}}", "shape", "must not be 0"),
        ("columns: {revenue: {column: c, thousands: '.'}}", "shape", "cannot both be `.`"),
        ("columns: {revenue: nowhere}", "unknown-column", "no column `nowhere`; there are c"),
        ("encoding: latin-x", "unknown-encoding", "`latin-x` is no encoding"),
        ("columns: [", "syntax", "not YAML"),
        ("columns: {a: b, a: c}", "duplicate-key", "stands twice"),
    ],
)
def test_a_mistake_in_the_map_is_told_with_its_place(text: str, code: str, words: str) -> None:
    """Each has a stable code, a line and the fix."""

    def plan() -> None:
        document, source = read_map(text, RULES.attributes)
        plan_columns(RULES.attributes, ["c"], document=document, source=source)

    with pytest.raises(InvalidMap) as refused:
        plan()
    (problem,) = refused.value.problems
    assert problem.code == code
    assert words in problem.message
    assert problem.line == 1


def test_a_file_without_a_column_that_is_read_is_refused() -> None:
    """Scoring nothing but constants would be the wrong file."""
    document, source = read_map("columns: {revenue: {value: 5}}", RULES.attributes)
    with pytest.raises(UnreadableFile, match="no column is named after an attribute"):
        plan_columns(RULES.attributes, ["a", "b"], document=document, source=source)


def test_an_attribute_can_be_left_unread() -> None:
    """A column that only happens to bear its name is not read."""
    document, source = read_map("columns: {revenue: null}", RULES.attributes)
    columns = ["revenue", "industry"]
    plan = plan_columns(RULES.attributes, columns, document=document, source=source)
    assert [one.attribute for one in plan.read] == ["industry"]
    assert "revenue" in plan.absent
