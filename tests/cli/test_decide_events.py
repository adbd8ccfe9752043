"""`goodfit decide --events` measures an account's ledger from a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.accounts.assessing import LOAD
from tests.cli.conftest import FLEET, Goodfit

AT = ("--at", "2026-11-22T12:00:00Z")
CASE = {"kind": "support_case", "at": "2026-11-20T09:00:00Z", "quantities": {"hours": 21}}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Return a rule file that measures."""
    path = tmp_path / "load.yaml"
    path.write_text(LOAD)
    return path


def ledger(folder: Path, *lines: Any) -> str:  # noqa: ANN401 - JSON, or text that is none
    """Return the option that names a file of these lines."""
    path = folder / "ledger.ndjson"
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines))
    return f"@{path}"


def hours(goodfit: Goodfit, rules: Path, *options: str) -> Any:  # noqa: ANN401 - JSON
    """Return the decision as JSON."""
    result = goodfit("decide", rules, *AT, "--final", "--json", *options)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_ledger_in_a_file_is_measured_at_the_clock(
    goodfit: Goodfit, rules: Path, tmp_path: Path
) -> None:
    """Within the window alone, once for each of a source's ids, with empty lines passed over."""
    again = CASE | {"source": "desk", "event_id": "1"}
    old = CASE | {"at": "2026-08-01T09:00:00Z"}
    events = ledger(tmp_path, again, "", again | {"account": "north"}, old)
    decision = hours(goodfit, rules, "--events", events)
    assert (decision["outcome"], decision["scores"]["load"]["value"]) == ("talk", 50)
    assert "21 hours" in decision["summary"]
    told = hours(goodfit, rules, "--events", ledger(tmp_path, CASE, CASE), "--facts", "{}")
    assert "42 hours" in told["summary"]  # without ids they are two


def test_what_is_not_reported_is_unknown_and_what_is_is_nothing(
    goodfit: Goodfit, rules: Path, tmp_path: Path
) -> None:
    """A file without cases knows nothing of them, unless it is said to report them."""
    nothing = ledger(tmp_path, CASE | {"kind": "meeting", "quantities": {"held": True}})
    facts = ("--facts", '{"vehicles": 1, "since": "2020-01-01"}')
    unknown = hours(goodfit, rules, "--events", nothing, *facts)
    known = hours(goodfit, rules, "--events", nothing, "--reports", "support_case", *facts)
    alone = hours(goodfit, rules, "--reports", "support_case", *facts)
    assert (unknown["certain"], known["certain"]) == (False, True)
    assert alone == known


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[]", ":2: it is not an object"),
        ("{", ":2: it is not JSON"),
        (CASE | {"hours": 3}, ":2: `hours` is no member of an event"),
        (CASE | {"at": "2026-11-20"}, ":2: `at` is not an instant"),
        (CASE | {"at": 5}, ":2: `at` is not a text"),
        ({"kind": "support_case"}, ":2: `at` is missing"),
        (CASE | {"quantities": []}, ":2: `quantities` is not an object"),
        (CASE | {"quantities": {}}, ":2/quantities"),
        (CASE | {"quantities": {"hours": "many"}}, ":2/quantities/hours"),
        (CASE | {"at": "1899-01-01T00:00:00Z"}, ":2/at"),
        ('{"kind": "a\\u0000"}', "NUL"),
        (json.dumps(CASE | {"source": "x" * 70_000}), ":2: the line is longer than 64 kB"),
    ],
)
def test_a_line_that_is_no_event_is_named(
    goodfit: Goodfit,
    rules: Path,
    tmp_path: Path,
    line: Any,  # noqa: ANN401 - JSON
    words: str,
) -> None:
    """With its number, and the place in it; nothing is decided on half a ledger."""
    result = goodfit("decide", rules, *AT, "--events", ledger(tmp_path, CASE, line))
    assert result.exit_code == 2
    assert words in result.stderr


def test_it_is_refused_where_it_can_be_for_nothing(
    goodfit: Goodfit, rules: Path, tmp_path: Path
) -> None:
    """Rules without metrics, and a file that is not there."""
    result = goodfit("decide", FLEET, "--events", ledger(tmp_path, CASE))
    assert (result.exit_code, "declares none" in result.stderr) == (2, True)
    missing = goodfit("decide", rules, "--events", f"@{tmp_path}/nothing.ndjson")
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)


def test_a_kind_of_ones_own_is_taken_as_the_rules_read_it(goodfit: Goodfit, tmp_path: Path) -> None:
    """There is no table of kinds without a server; amounts may be texts, as for the API."""
    path = tmp_path / "own.yaml"
    own = LOAD.replace("support_case, sum: hours", "site_visit, sum: length")
    own = own.replace("hours_90d > 20", "hours_90d > 20 || money > 100")
    money = "metrics:\n  money: {event: revenue, sum: amount, window: 90 days}\n"
    path.write_text(own.replace("metrics:\n", money))
    visit = CASE | {"kind": "site_visit", "quantities": {"length": 5, "mood": "good"}}
    paid = CASE | {"kind": "revenue", "quantities": {"amount": "100.01"}}
    decision = hours(goodfit, path, "--events", ledger(tmp_path, visit, paid))
    assert decision["outcome"] == "talk"
