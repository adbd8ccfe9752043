"""An import over HTTP: asked for, sent, read by lines, and told of to the last row."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from starlette.requests import ClientDisconnect

from service.imports import store
from service.imports.receiving import PART_BYTES, receive
from service.imports.working import sweep
from service.settings import Settings
from service.storage import libpq_url, parse_id, transaction
from tests.cli.test_import import ACCOUNTS, DEAL_MAP, DEALS, EVENT_MAP, EVENTS, MAP
from tests.imports.reading import imported, problems_of, queued, read_next
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio


def mapped(text: str) -> dict[str, Any]:
    """Return a map as it is sent."""
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def count(url: str, table: str) -> int:
    """Return how many rows a table has."""
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - ours
    assert row is not None
    found: int = row[0]
    return found


async def test_accounts_come_as_the_command_line_brings_them(
    served: Served, database_url: str
) -> None:
    """Good rows are kept, bad ones told by line; a dry run says the same and keeps nothing."""
    sent = {"what": "accounts", "source": "crm", "map": mapped(MAP)}
    dry = await imported(served, ACCOUNTS.encode(), **sent, dry_run=True)
    assert dry["state"] == "done"
    assert count(database_url, "account") == 0
    done = await imported(served, ACCOUNTS.encode(), **sent)
    assert done["result"] == dry["result"]
    assert done["result"] == {
        "rows": 5,
        "states": {"created": 2, "refused": 1},
        "left_out": 0,
        "bad": 3,
        "ignored_columns": ["=cmd"],
    }
    assert done["progress"] == {"rows": 5, "share": 1.0}
    assert await problems_of(served, done) == {
        4: "unreadable_cell",
        5: "unreadable_row",
        6: "validation_failed",
    }
    assert await problems_of(served, dry) == await problems_of(served, done)
    (found,) = (await served.ask("GET", "/v1/accounts?identity=hubspot:7")).json()["data"]
    assert found["facts"] == {"name": "North Haulage", "size": "120", "since": "2020-01-31"}
    assert found["provenance"]["size"]["at"] == done["at"]
    assert found["provenance"]["size"]["by"] == f"import {done['id']}"
    again = await imported(served, ACCOUNTS.encode(), **sent)
    assert again["result"]["states"] == {"unchanged": 2, "refused": 1}
    assert count(database_url, "account_import_part") == 0


async def test_events_come_once_and_exact(served: Served, database_url: str) -> None:
    """Amounts keep their digits, what waits and what is refused is told, a repeat adds nothing."""
    for key in ("north", "south"):
        await served.ask("PUT", f"/v1/accounts/{key}", json={"facts": {}})
    sent = {"what": "events", "source": "erp", "map": mapped(EVENT_MAP)}
    done = await imported(served, EVENTS.encode(), **sent)
    assert done["result"]["states"] == {"entered": 3, "parked": 2}
    assert (done["result"]["rows"], done["result"]["bad"]) == (7, 4)
    assert await problems_of(served, done) == {
        5: "unknown_account",
        6: "unreadable_cell",
        7: "bad_quantity",
        8: "unreadable_cell",
    }
    entries = (await served.ask("GET", "/v1/events?limit=10")).json()["data"]
    assert {one["event_id"]: one["amount"] for one in entries}["2"] == "12345678901234.123456"
    again = await imported(served, EVENTS.encode(), **sent)
    assert again["result"]["states"] == {"repeated": 3, "parked": 2}
    assert count(database_url, "account_event") == 3


async def test_outcomes_come_as_the_command_line_brings_them(served: Served) -> None:
    """Open deals are left out by the map; what cannot be right is told by its line."""
    sent = {"what": "outcomes", "source": "crm", "map": mapped(DEAL_MAP)}
    done = await imported(served, DEALS.encode(), **sent)
    assert done["result"]["states"] == {"entered": 2, "refused": 2}
    assert (done["result"]["left_out"], done["result"]["bad"]) == (1, 5)
    assert sorted(await problems_of(served, done)) == [5, 6, 7, 8, 9]


@pytest.mark.parametrize("form", ["ndjson", "parquet"])
async def test_other_kinds_of_files_are_read_alike(served: Served, form: str) -> None:
    """A row of NDJSON or Parquet is the row that CSV would have."""
    rows = [
        {"account": "north", "size": 120, "share": 0.5, "paying": True},
        {"account": "south", "size": 7, "share": 0.25, "paying": False},
    ]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if form == "parquet":
        written = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), written)
        content = written.getvalue()
    columns = {name: name for name in ("size", "share", "paying")}
    done = await imported(served, content, what="accounts", format=form, map={"columns": columns})
    assert done["result"]["states"] == {"created": 2}, done
    facts = (await served.ask("GET", "/v1/accounts/north")).json()["facts"]
    assert facts == {"size": 120, "share": 0.5, "paying": True}


async def test_problems_come_in_pages_and_as_a_file_that_runs_nothing(served: Served) -> None:
    """Ten pages hold what the download holds, in order of the lines; no cell begins a formula."""
    lines = "".join(f"=key/{number},5\n" for number in range(1_234))
    done = await imported(served, f"account,size\n{lines}".encode(), what="accounts")
    assert done["result"]["bad"] == 1_234
    address = f"/v1/accounts/imports/{done['id']}/problems"
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await served.ask("GET", f"{address}?limit=125{cursor}")).json()
        found += page["data"]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert [one["line"] for one in found] == list(range(2, 1_236))
    answer = await served.ask("GET", f"{address}.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [{**one, "line": str(one["line"])} for one in found] == table
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in table for cell in row.values())
    assert "key/" not in answer.text  # nothing of the rows is repeated


UNREADABLE: list[tuple[dict[str, Any], str, str]] = [
    ({"map": {"columns": {"account": "kez"}}}, ACCOUNTS, "did you mean `key`"),
    ({"map": {"colums": {}}}, ACCOUNTS, "map/colums"),
    ({"map": {"columns": {"size": {"times": "two"}}}}, ACCOUNTS, "map/columns/size/times"),
    ({}, "x,y,x\n1,2,3\n", "names `x` twice"),
    ({"format": "parquet"}, "not parquet", "the file is not Parquet"),
    ({"map": {"encoding": "klingon"}}, ACCOUNTS, "cannot be read as `klingon`"),
    ({"map": {"encoding": "utf-16"}}, ACCOUNTS, "cannot be read as `utf-16`"),
    ({}, "\ufeff", "its first line must name the columns"),
    ({}, "account\n" + "x" * (5 << 20), "longer than 4 MB"),
]


async def test_what_cannot_be_read_fails_in_words(served: Served, database_url: str) -> None:
    """Nothing is kept of it, its file is forgotten, and the import says what to mend."""
    for sent, content, failure in UNREADABLE:
        done = await imported(served, content.encode(), what="accounts", **sent)
        assert done["state"] == "failed", done
        assert failure in done["failure"], done
    assert count(database_url, "account") == count(database_url, "account_import_part") == 0


async def test_a_damaged_file_fails_behind_the_rows_that_were_kept(served: Served) -> None:
    """The import says how many of its rows are there, and they are."""
    lines = "".join(f"account-{number}\n" for number in range(1_500))
    content = f"account\n{lines}".encode() + b"x" * (5 << 20)
    done = await imported(served, content, what="accounts")
    assert (done["state"], done["progress"]["rows"]) == ("failed", 1_000)
    assert done["result"]["states"] == {"created": 1_000}
    pages = (await served.ask("GET", "/v1/accounts?limit=1")).json()
    assert pages["next_cursor"]


async def test_a_file_arrives_in_pieces_and_whole(served: Served, database_url: str) -> None:
    """Pieces of any size become parts of one; what was sent is what is read."""
    rows = "".join(f"account-{number},{'x' * 2_000}\n" for number in range(1_200))
    content = f"account,note\n{rows}".encode()

    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(content), 77_777):
            yield content[begin : begin + 77_777]

    asked = await served.ask("POST", "/v1/accounts/import", json={"what": "accounts"})
    address = asked.headers["location"]
    headers = {"Content-Type": "application/octet-stream"}
    answer = await served.ask("PUT", f"{address}/file", content=pieces(), headers=headers)
    assert answer.json()["bytes"] == len(content) > 2 * PART_BYTES
    assert count(database_url, "account_import_part") == 3
    await read_next(served)
    done = (await served.ask("GET", address)).json()
    assert done["result"]["states"] == {"created": 1_200}


async def test_an_upload_that_breaks_off_leaves_nothing(served: Served, database_url: str) -> None:
    """The import goes on waiting, without a piece of the file, and takes it whole later."""
    asked = await served.ask("POST", "/v1/accounts/import", json={"what": "accounts"})
    import_id = parse_id(asked.json()["id"], "imp")

    async def broken() -> AsyncIterator[bytes]:
        yield b"account\n" + b"x" * PART_BYTES
        assert count(database_url, "account_import_part") == 1
        raise ClientDisconnect

    house = served.app.house
    async with transaction(house.engine) as connection:
        row = await store.find(connection, import_id)
    assert row is not None
    with pytest.raises(ClientDisconnect):
        await receive(row, broken(), engine=house.engine, limit_bytes=1 << 30)
    assert count(database_url, "account_import_part") == 0
    address = asked.headers["location"]
    shown = (await served.ask("GET", address)).json()
    assert (shown["state"], shown["bytes"]) == ("waiting", 0)
    headers = {"Content-Type": "text/csv"}
    answer = await served.ask(
        "PUT", f"{address}/file", content=b"account\nnorth\n", headers=headers
    )
    assert answer.json()["state"] == "queued"
    again = await served.ask("PUT", f"{address}/file", content=b"account\nsouth\n", headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "file_not_expected")


async def test_a_file_past_the_limit_is_refused(database_url: str) -> None:
    """Declared or not, one byte too many is 413, and no piece of it stays; the limit is taken."""
    settings = Settings(assess_every_s=0, import_limit_mb=1)
    async with serving(database_url, settings=settings, is_attended=False) as served:
        asked = await served.ask("POST", "/v1/accounts/import", json={"what": "accounts"})
        address = f"{asked.headers['location']}/file"
        headers = {"Content-Type": "text/csv"}

        async def chunked(size: int) -> AsyncIterator[bytes]:
            for _ in range(size // 4_096):
                yield b"x" * 4_096
            yield b"x" * (size % 4_096)

        for content in (b"x" * (PART_BYTES + 1), chunked(PART_BYTES + 1), chunked(10 * PART_BYTES)):
            answer = await served.ask("PUT", address, content=content, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
            assert count(database_url, "account_import_part") == 0
        answer = await served.ask("PUT", address, content=chunked(PART_BYTES), headers=headers)
        assert answer.status_code == 202


REFUSED: list[tuple[str, str, dict[str, Any], tuple[int, str]]] = [
    ("POST", "import", {"json": {"what": "leads"}}, (422, "validation_failed")),
    ("POST", "import", {"json": {"what": "events", "at": "soon"}}, (422, "validation_failed")),
    ("POST", "import", {"json": {"what": "events", "map": []}}, (422, "validation_failed")),
    ("POST", "import", {"json": {"what": "events", "source": "="}}, (422, "validation_failed")),
    ("GET", "imports/imp_x", {}, (422, "invalid_id")),
    ("GET", "imports/{none}", {}, (404, "import_not_found")),
    ("GET", "imports/{none}/problems", {}, (404, "import_not_found")),
    ("GET", "imports/{none}/problems.csv", {}, (404, "import_not_found")),
    ("POST", "imports/{none}/cancel", {}, (404, "import_not_found")),
    ("PUT", "imports/{id}/file", {"content": b"{}"}, (415, "unsupported_media_type")),
    (
        "PUT",
        "imports/{id}/file",
        {"content": b"PAR1", "headers": {"Content-Type": "application/vnd.apache.parquet"}},
        (415, "unsupported_media_type"),
    ),
    (
        "PUT",
        "imports/{id}/file",
        {"content": b"", "headers": {"Content-Type": "text/csv"}},
        (422, "validation_failed"),
    ),
    ("GET", "imports?cursor=x", {}, (422, "invalid_cursor")),
]


async def test_what_cannot_be_is_refused(served: Served) -> None:
    """A clear 4xx, and the import waits as before."""
    asked = (await served.ask("POST", "/v1/accounts/import", json={"what": "events"})).json()
    none = "imp_" + "0" * 26
    for method, path, sent, expected in REFUSED:
        address = f"/v1/accounts/{path.format(id=asked['id'], none=none)}"
        answer = await served.ask(method, address, **sent)
        assert (answer.status_code, answer.json()["code"]) == expected, (path, answer.text)
    (listed,) = (await served.ask("GET", "/v1/accounts/imports")).json()["data"]
    assert listed == asked


async def test_a_cancelled_import_keeps_what_it_had_and_no_file(
    served: Served, database_url: str
) -> None:
    """It is told so once; a second time it is over. No more than twenty are open at a time."""
    waiting = await queued(served, b"account\nnorth\n", what="accounts")
    address = f"/v1/accounts/imports/{waiting['id']}"
    cancelled = await served.ask("POST", f"{address}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    assert count(database_url, "account_import_part") == count(database_url, "account") == 0
    over = await served.ask("POST", f"{address}/cancel")
    assert (over.status_code, over.json()["code"]) == (409, "import_over")
    sent = {"what": "accounts"}
    answers = [await served.ask("POST", "/v1/accounts/import", json=sent) for _ in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {201}
    assert (answers[20].status_code, answers[20].json()["code"]) == (429, "too_many_imports")
    listed = (await served.ask("GET", "/v1/accounts/imports?limit=2")).json()
    assert [one["id"] for one in listed["data"]] == [
        answer.json()["id"] for answer in answers[19:17:-1]
    ]


async def test_a_repeat_under_its_key_asks_once(served: Served) -> None:
    """The same key and body get the first answer again; there is one import."""
    headers = {"Idempotency-Key": "monday"}
    answers = [
        await served.ask("POST", "/v1/accounts/import", json={"what": "accounts"}, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert len((await served.ask("GET", "/v1/accounts/imports")).json()["data"]) == 1


async def test_files_that_never_come_are_not_waited_for(served: Served, database_url: str) -> None:
    """After a day the import has failed and says so; one that is being sent goes on."""
    for _ in range(2):
        await served.ask("POST", "/v1/accounts/import", json={"what": "accounts"})
    with psycopg.connect(libpq_url(database_url)) as connection:
        connection.execute(
            "UPDATE account_import SET created_at = created_at - interval '25 hours'"
        )
        connection.execute(
            "UPDATE account_import SET lease_until = now() + interval '1 minute'"
            " WHERE id = (SELECT min(id::text)::uuid FROM account_import)"
        )
    await sweep(served.app.house)
    listed = (await served.ask("GET", "/v1/accounts/imports")).json()["data"]
    assert [one["state"] for one in listed] == ["failed", "waiting"]
    assert listed[0]["failure"] == "no file came within a day; ask again"


@pytest.mark.parametrize("key", ["import", "imports"])
async def test_no_account_takes_an_address_of_imports(served: Served, key: str) -> None:
    """An account of that key could not be read, so none is made."""
    (told,) = (await served.ask("POST", "/v1/accounts", json=[{"account": key}])).json()["data"]
    assert told["problem"]["code"] == "validation_failed"
    answer = await served.ask("PUT", f"/v1/accounts/{key}", json={"facts": {}})
    assert answer.status_code == 405
