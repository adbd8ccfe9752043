"""A file of accounts over a real socket: tried, sent again, read, and its bad rows told by line."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.imports import FORMATS
from tests.imports.reading import imported, problems_of, queued, read_next
from tests.journeys.listening import listening
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio

ROWS: Final[list[dict[str, Any]]] = [
    {"customer": "north", "name": "North Haulage", "vehicles": 120},
    {"customer": "south", "name": "South Freight", "vehicles": 7},
    {"customer": None, "name": "Nobody", "vehicles": 1},
]
MAP: Final = {"columns": {"account": "customer", "name": "name", "vehicles": "vehicles"}}
BAD: Final = {"csv": 4, "ndjson": 3, "parquet": 3}
"""Where the row without a key stands: in a CSV behind the headings."""


def file_of(form: str) -> bytes:
    """Return the rows as a file."""
    match form:
        case "csv":
            lines = [
                ",".join(str(v) if v is not None else "" for v in row.values()) for row in ROWS
            ]
            return "\n".join(["customer,name,vehicles", *lines, ""]).encode()
        case "ndjson":
            return "".join(f"{json.dumps(row)}\n" for row in ROWS).encode()
        case _:
            sink = io.BytesIO()
            pq.write_table(pa.Table.from_pylist(ROWS), sink)
            return sink.getvalue()


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    """Return the application as a client beyond a socket sees it."""
    async with serving(database_url, is_attended=False) as inside, listening(inside.app) as at:
        address = f"http://{at[0]}:{at[1]}"
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            yield Served(inside.app, client, inside.admin_key)


async def shown(served: Served, address: str) -> Any:  # noqa: ANN401 - JSON
    """Return what stands at an address."""
    answer = await served.ask("GET", address)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("form", FORMATS)
async def test_a_file_of_accounts_is_tried_and_then_imported(served: Served, form: str) -> None:
    """The dry run says what the import then does; progress goes from nothing to all."""
    sent: dict[str, Any] = {"what": "accounts", "format": form, "source": "crm", "map": MAP}
    dry = await imported(served, file_of(form), **sent, dry_run=True)
    assert (await shown(served, "/v1/accounts"))["data"] == []
    waiting = await queued(served, file_of(form), **sent)
    address = f"/v1/accounts/imports/{waiting['id']}"
    assert (waiting["state"], waiting["progress"]["rows"]) == ("queued", 0)
    await read_next(served)
    done = await shown(served, address)
    assert (done["state"], done["progress"]) == ("done", {"rows": 3, "share": 1.0})
    assert done["result"] == dry["result"]
    assert (done["result"]["states"], done["result"]["bad"]) == ({"created": 2}, 1)
    assert list(await problems_of(served, done)) == [BAD[form]]
    report = await served.ask("GET", f"{address}/problems.csv")
    assert report.text.splitlines()[1].startswith(f"{BAD[form]},")
    accounts = (await shown(served, "/v1/accounts"))["data"]
    assert {one["key"]: int(one["facts"]["vehicles"]) for one in accounts} == {
        "north": 120, "south": 7,
    }  # fmt: skip
