"""Backups to test with: of a database with a little of everything, whole or tampered with."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from psycopg import Connection

from service.storage import libpq_url
from tests.decisions.rules import FLEET_LEADS, LARGE_FLEET, SMALL_FLEET, edited, release
from tests.web.serving import Served, serving

Members = dict[str, bytes]
CRM = {"system": "crm", "id": "7"}
ROOT = Path(__file__).resolve().parents[2]


def furnish(url: str) -> None:
    """Put rules in two versions, an account, keys, decisions and their audit into a database."""
    asyncio.run(_furnish(url))


async def _furnish(url: str) -> None:
    async with serving(url, is_attended=False) as served:
        await release(served.app.house, FLEET_LEADS)
        await release(served.app.house, edited("points: 25", "points: 26"), note="Größe\t≥\\N\n2")
        strange = {"external_id": 'a "quoted" \\N name'}
        for lead in (LARGE_FLEET, SMALL_FLEET):
            question = {"rule_set": "fleet_leads", "lead": lead} | strange
            answer = await served.ask("POST", "/v1/qualify", json=question)
            assert answer.status_code == 200, answer.text
        facts = {"facts": {"vehicles": 20, "name": "Söhne & Co"}}
        answer = await served.ask("PUT", "/v1/accounts/north", json=facts)
        assert answer.status_code == 201, answer.text
        await _furnish_ledger(served)


async def _furnish_ledger(served: Served) -> None:
    """Enter an event, take it back, park another, and merge two accounts."""
    twin = {"account": "a twin", "facts": {"name": "Söhne"}, "identities": [CRM]}
    revenue = {"kind": "revenue", "at": "2026-01-31T00:00:00Z", "quantities": {"amount": 0.1}}
    told = revenue | {"source": "erp", "account": "a twin"}
    calls: list[tuple[str, Any]] = [
        ("/v1/accounts", [twin]),
        ("/v1/events", [told | {"event_id": "1"}, told | {"event_id": "2", "account": "x"}]),
        ("/v1/accounts/a%20twin/merge", {"into": "north", "reason": "one company"}),
    ]
    for path, body in calls:
        answer = await served.ask("POST", path, json=body)
        assert answer.status_code == 200, answer.text
    (entry,) = (await served.ask("GET", "/v1/events")).json()["data"]
    path = f"/v1/events/{entry['id']}/reversal"
    answer = await served.ask("POST", path, json={"reason": "wrong"})
    assert answer.status_code == 201, answer.text


def rewritten(file: Path, target: Path, change: Callable[[Members], None]) -> Path:
    """Write *file* anew as *target*, its members changed, as somebody with a zip tool could."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def vouched(members: Members, **changes: Any) -> None:  # noqa: ANN401 - JSON
    """Have the manifest vouch for whatever the members hold now, and say *changes* too."""
    manifest = json.loads(members["manifest.json"]) | changes
    for table in manifest["tables"]:
        rows = members.get(f"tables/{table['name']}.copy", b"")
        table["sha256"] = hashlib.sha256(rows).hexdigest()
        table["bytes"] = len(rows)
        table["rows"] = rows.count(b"\n")
    members["manifest.json"] = json.dumps(manifest).encode()


def ask(url: str, statement: str) -> Any:  # noqa: ANN401 - whatever was asked
    """Return the first value that a statement gives."""
    with Connection.connect(libpq_url(url), autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return None if row is None else row[0]


def do(url: str, *statements: str) -> None:
    """Run statements as the server's owner."""
    with Connection.connect(libpq_url(url), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def run_python(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start *code* as another process, which may be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
