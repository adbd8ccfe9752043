"""`goodfit audit verify` says that the chain holds, or which entry does not."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from psycopg import Connection

from service.storage import append_audit, libpq_url, open_engine, transaction
from tests.cli.conftest import Goodfit

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def write(url: str, number: int) -> None:
    """Append *number* entries."""
    engine = open_engine(url)
    async with transaction(engine) as connection:
        for index in range(number):
            await append_audit(
                connection,
                at=NOON,
                actor="ann",
                action="rulesets.commit",
                subject=f"fleet_leads/{index}",
                payload={},
            )
    await engine.dispose()


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a database with twelve entries, which the command finds."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    asyncio.run(write(database_url, 12))
    return database_url


def tamper(url: str, statement: str) -> None:
    """Write past the triggers, as only the server's owner can."""
    with Connection.connect(libpq_url(url), autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(statement.encode())


@pytest.mark.usefixtures("url")
def test_a_chain_that_holds_is_told_with_its_anchor(goodfit: Goodfit) -> None:
    """Words with the number of entries, JSON with the head, and exit 0."""
    words = goodfit("audit", "verify")
    assert words.exit_code == 0
    assert "ok  12 entries, each as it was written" in words.stdout
    told = json.loads(goodfit("audit", "verify", "--json").stdout)
    assert (told["ok"], told["entries"], told["head"]["seq"]) == (True, 12, 12)
    assert told["anchor"] in words.stdout
    assert goodfit("audit", "verify", "--anchor", told["anchor"]).exit_code == 0


@pytest.mark.parametrize(
    ("statement", "seq", "kind"),
    [
        ("UPDATE audit_entry SET actor = 'eve' WHERE seq = 5", 5, "changed"),
        ("DELETE FROM audit_entry WHERE seq = 5", 5, "removed"),
        ("DELETE FROM audit_entry WHERE seq > 5", 12, "cut_off"),
    ],
)
def test_a_broken_chain_is_told_with_its_place(
    goodfit: Goodfit, url: str, *, statement: str, seq: int, kind: str
) -> None:
    """Exit 1, and the entry by number."""
    tamper(url, statement)
    words = goodfit("audit", "verify")
    assert words.exit_code == 1
    assert f"NO  entry {seq}" in words.stdout
    told = json.loads(goodfit("audit", "verify", "--json").stdout)
    assert not told["ok"]
    assert (told["breaks"][0]["seq"], told["breaks"][0]["kind"]) == (seq, kind)


def test_a_chain_that_was_rewritten_is_found_by_its_anchor(goodfit: Goodfit, url: str) -> None:
    """What fits itself does not fit what was written down before."""
    anchor = json.loads(goodfit("audit", "verify", "--json").stdout)["anchor"]
    tamper(url, "TRUNCATE audit_entry")
    tamper(url, "UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')")
    asyncio.run(write(url, 3))
    assert goodfit("audit", "verify").exit_code == 0
    found = goodfit("audit", "verify", "--anchor", anchor)
    assert found.exit_code == 1
    assert "the anchor's entry 12 is gone" in found.stdout


@pytest.mark.parametrize("anchor", ["12", "12:ab", "x:" + "0" * 64, ""])
def test_an_anchor_that_is_none_is_a_usage_error(goodfit: Goodfit, anchor: str) -> None:
    """Exit 2, before any database is asked."""
    refused = goodfit("audit", "verify", "--anchor", anchor)
    assert refused.exit_code == 2
    assert "64 hexadecimal digits" in refused.stderr
