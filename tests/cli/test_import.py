"""`goodfit import`: every row taken, left out by the map, or reported by its line."""

import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import Result

from tests.cli.conftest import Goodfit
from tests.journeys.listening import listening
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
Run = Callable[..., Awaitable[Result]]

ACCOUNTS = """\
key,name,size,Since,hubspot,=cmd
north,North Haulage,120,2020-01-31,7,x
south,"South, Haulage",,,8,x
,Nobody,5,,,x
east,East,5
a/b,Slash,5,,,x
"""
MAP = """\
columns: {account: key, since: Since, identity_hubspot: hubspot}
"""
EVENTS = """\
nr,customer,kind,at,amount,held
1,north,revenue,2026-01-31,1250.40,
2,south,revenue,2026-01-31T09:30:00+01:00,12345678901234.123456,
3,north,meeting,2026-02-01,,no
4,nobody,revenue,2026-01-31,1,
5,north,revenue,31.01.2026,1,
6,north,revenue,2026-01-31,=1+1,
7,,revenue,2026-01-31,1,
"""
EVENT_MAP = "columns: {account: customer, event_id: nr}\n"
DEALS = """\
nr,customer,lead,stage,closed,opened,value,=formula
1,north,,Won,2026-01-31,2025-12-01,12345678901234.123456,x
2,,crm-7,Lost,2026-01-31,,0,x
3,north,,Open,,,,x
4,,,Won,2026-01-31,,5,x
5,north,,Won,,,5,x
6,north,,Won,1899-01-31,,5,x
7,north,,Won,2026-01-31,2026-02-01,-5,x
8,north,,Won,31.01.2026,,5,x
"""
DEAL_MAP = """\
columns:
  result: {column: stage, replace: {Won: won, Lost: lost, Open: null}}
  account: customer
  external_id: lead
  at: closed
  opened_at: opened
  amount: value
  event_id: nr
"""


@pytest.fixture
async def served(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """Return a running server whose key the command line has."""
    async with serving(database_url) as served, listening(served.app) as (host, port):
        key = await served.new_key("accounts")
        monkeypatch.setenv("GOODFIT_KEY", key)
        monkeypatch.setenv("GOODFIT_SERVER", f"http://{host}:{port}")
        yield served


@pytest.fixture
def run(served: Served, goodfit: Goodfit) -> Run:
    """Return a function that runs `goodfit import` in a thread."""
    del served

    async def in_thread(*arguments: object) -> Result:
        return await anyio.to_thread.run_sync(lambda: goodfit("import", *arguments))

    return in_thread


def told(result: Result) -> dict[str, Any]:
    """Return what was printed; the server in this process logs to the same output."""
    printed = result.stdout[result.stdout.index("{\n") :]
    value: dict[str, Any] = json.JSONDecoder().raw_decode(printed)[0]
    return value


def rows_in(file: Path) -> list[dict[str, str]]:
    """Return the rows of a report."""
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def written(folder: Path, name: str, text: str) -> Path:
    """Write a file and return its path."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


async def test_accounts_come_with_facts_and_identities(
    served: Served, run: Run, tmp_path: Path
) -> None:
    """Good rows are taken; each bad one stands in the report by its line."""
    file = written(tmp_path, "accounts.csv", ACCOUNTS)
    chosen = ("--map", written(tmp_path, "map.yaml", MAP), "--source", "crm", "--json")
    dry = await run("accounts", file, *chosen, "--dry-run")
    assert (dry.exit_code, told(dry)["created"]) == (1, 2)
    assert (await served.ask("GET", "/v1/accounts")).json()["data"] == []
    result = await run("accounts", file, *chosen)
    assert result.exit_code == 1, result.output
    counted = told(result)
    assert (counted["rows"], counted["created"], counted["bad"]) == (5, 2, 3)
    assert counted["ignored_columns"] == ["=cmd", "Since"][:1]
    report = rows_in(tmp_path / "accounts.problems.csv")
    assert [(row["line"], row["code"]) for row in report] == [
        ("4", "unreadable_cell"),
        ("5", "unreadable_row"),
        ("6", "validation_failed"),
    ]
    (found,) = (await served.ask("GET", "/v1/accounts?identity=hubspot:7")).json()["data"]
    assert found["facts"] == {"name": "North Haulage", "size": "120", "since": "2020-01-31"}
    assert found["provenance"]["size"]["source"] == "crm"
    again = told(await run("accounts", file, *chosen))
    assert again["unchanged"] == 2


async def test_events_come_once_and_exact(served: Served, run: Run, tmp_path: Path) -> None:
    """Amounts keep their digits, flags are read, bad rows are told; a second run adds nothing."""
    for key in ("north", "south"):
        await served.ask("PUT", f"/v1/accounts/{key}", json={"facts": {}})
    file = written(tmp_path, "events.csv", EVENTS)
    chosen = ("--map", written(tmp_path, "map.yaml", EVENT_MAP), "--source", "erp", "--json")
    result = await run("events", file, *chosen)
    counted = told(result)
    assert (counted["entered"], counted["parked"], counted["bad"]) == (3, 2, 4)
    report = rows_in(tmp_path / "events.problems.csv")
    assert [(row["line"], row["code"]) for row in report] == [
        ("6", "unreadable_cell"),
        ("8", "unreadable_cell"),
        ("5", "unknown_account"),
        ("7", "bad_quantity"),
    ]
    entries = (await served.ask("GET", "/v1/events?limit=10")).json()["data"]
    kept = {one["event_id"]: one for one in entries}
    assert kept["2"]["amount"] == "12345678901234.123456"
    assert (kept["1"]["at"], kept["2"]["at"][:16]) == (
        "2026-01-31T00:00:00.000000Z",
        "2026-01-31T08:30",
    )
    assert kept["3"]["quantities"] == {"held": False, "excused": False}
    again = told(await run("events", file, *chosen))
    assert (again["repeated"], again["parked"], again.get("entered")) == (3, 2, None)


async def test_outcomes_come_once_and_exact(served: Served, run: Run, tmp_path: Path) -> None:
    """Open deals are left out by the map; what cannot be right is told by its line."""
    file = written(tmp_path, "deals.csv", DEALS)
    chosen = ("--map", written(tmp_path, "map.yaml", DEAL_MAP), "--source", "crm", "--json")
    tried = told(await run("outcomes", file, *chosen, "--dry-run"))
    assert (tried["entered"], tried["left_out"]) == (2, 1)
    counted = told(await run("outcomes", file, *chosen))
    assert (counted["entered"], counted["left_out"], counted["bad"]) == (2, 1, 5)
    report = {row["line"]: row for row in rows_in(tmp_path / "deals.problems.csv")}
    assert {line: row["code"] for line, row in report.items()} == {
        "5": "unreadable_cell",
        "6": "unreadable_cell",
        "7": "validation_failed",
        "8": "validation_failed",
        "9": "unreadable_cell",
    }
    assert "names no lead and no account" in report["5"]["reason"]
    assert "/opened_at" in report["8"]["reason"]
    outcomes = (await served.ask("GET", "/v1/outcomes")).json()["data"]
    kept = {one["event_id"]: one for one in outcomes}
    assert kept["1"]["amount"] == "12345678901234.123456"
    assert (kept["2"]["external_id"], kept["2"]["result"]) == ("crm-7", "lost")
    again = told(await run("outcomes", file, *chosen))
    assert (again["repeated"], again.get("entered")) == (2, None)


@pytest.mark.parametrize("ending", ["ndjson", "parquet"])
async def test_other_kinds_of_files_are_read_alike(
    served: Served, run: Run, tmp_path: Path, ending: str
) -> None:
    """A row of NDJSON or Parquet is the row that CSV would have."""
    rows = [
        {"account": "north", "size": 120, "share": 0.5, "paying": True},
        {"account": "south", "size": 7, "share": 0.25, "paying": False},
    ]
    file = tmp_path / f"accounts.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    map_file = written(tmp_path, "map.yaml", "columns: {size: size, share: share, paying: paying}")
    result = await run("accounts", file, "--map", map_file, "--json")
    assert result.exit_code == 0, result.output
    facts = (await served.ask("GET", "/v1/accounts/north")).json()["facts"]
    assert facts == {"size": 120, "share": 0.5, "paying": True}
    assert not (tmp_path / "accounts.problems.csv").exists()


async def test_a_map_that_does_not_fit_sends_nothing(
    served: Served, run: Run, tmp_path: Path
) -> None:
    """A column that is not there is named with the one that was meant."""
    file = written(tmp_path, "accounts.csv", ACCOUNTS)
    wrong = written(tmp_path, "map.yaml", "columns: {account: kez}\n")
    result = await run("accounts", file, "--map", wrong)
    assert result.exit_code == 2
    assert "did you mean `key`" in " ".join(result.output.split())
    assert (await served.ask("GET", "/v1/accounts")).json()["data"] == []


async def test_a_report_runs_in_no_spreadsheet(served: Served, run: Run, tmp_path: Path) -> None:
    """Whatever stands in the file, no cell of the report begins a formula."""
    await served.ask("PUT", "/v1/accounts/north", json={"facts": {}})
    text = "nr,account,kind,at,amount\n=1,north,revenue,2026-01-31,=cmd|x\n@x,north,=f,=g,-h\n"
    file = written(tmp_path, "events.csv", text)
    map_file = written(tmp_path, "map.yaml", "columns: {event_id: nr}\n")
    result = await run("events", file, "--map", map_file)
    assert result.exit_code == 1, result.output
    content = (tmp_path / "events.problems.csv").read_text()
    assert len(content.splitlines()) == 3
    cells = [cell for row in csv.reader(content.splitlines()) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
