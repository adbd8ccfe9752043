"""`goodfit rescore`: all stored accounts decided anew, tried, watched or cancelled."""

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from service.rescorings import ask_for, store
from service.rulesets import Editor
from service.storage import libpq_url, open_engine, to_text, transaction
from tests.bulk.books import decisions_per_account, fill, go_live, new_uuid, running_of
from tests.cli.conftest import Goodfit

ACCOUNTS = 40


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a database with accounts and a live version, which the commands use."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    fill(database_url, ACCOUNTS)
    asyncio.run(make_live(database_url))
    return database_url


async def make_live(url: str) -> None:
    """Make a version live."""
    engine = open_engine(url)
    await go_live(engine)
    await engine.dispose()


def asked_elsewhere(url: str, *, dry_run: bool = False) -> UUID:
    """Ask for a rescoring as a server would, let somebody work on it, and return its id."""

    async def work() -> UUID:
        engine = open_engine(url)
        running = await running_of(engine)
        editor = Editor(person="ann@example.com", at=datetime.now(UTC), new_uuid=new_uuid)
        async with transaction(engine) as connection:
            row = await ask_for(connection, running, editor=editor, dry_run=dry_run)
            await store.claim(connection, row.id, lease=timedelta(hours=1))
        await engine.dispose()
        rescoring: UUID = row.id
        return rescoring

    return asyncio.run(work())


def test_a_dry_run_writes_nothing(goodfit: Goodfit, database: str) -> None:
    """It says what a rescoring would write, as JSON and in words, and leaves no trace."""
    tried = goodfit("rescore", "book", "--dry-run", "--json")
    assert tried.exit_code == 0, tried.output
    told = json.loads(tried.stdout)
    assert (told["id"], told["dry_run"]) == (None, True)
    assert (told["accounts"], told["written"]) == (ACCOUNTS, ACCOUNTS)
    words = goodfit("rescore", "book", "--dry-run").stdout
    assert f"{ACCOUNTS} would be written, 0 unchanged" in words
    assert decisions_per_account(database) == {0: ACCOUNTS}


def test_a_rescoring_counts_what_it_wrote(goodfit: Goodfit, database: str) -> None:
    """The first time everything, the second time nothing; nobody has to ask in between."""
    first = json.loads(goodfit("rescore", "book", "--json").stdout)
    assert first["id"].startswith("rsc_")
    assert (first["written"], first["unchanged"], first["later"]) == (ACCOUNTS, 0, 0)
    assert sum(first["verdicts"]["none"].values()) == ACCOUNTS
    assert decisions_per_account(database) == {1: ACCOUNTS}
    again = goodfit("rescore", "book")
    assert again.exit_code == 0
    assert f"0 written, {ACCOUNTS} unchanged" in again.stdout
    assert decisions_per_account(database) == {1: ACCOUNTS}


def test_what_another_process_does_is_watched(goodfit: Goodfit, database: str) -> None:
    """The command reports what a server's worker found, and decides nothing itself."""
    rescoring = asked_elsewhere(database)
    tally = json.dumps({"unchanged": 1, "written": 39, "later": 0, "verdicts": {}})

    def finish() -> None:
        with psycopg.connect(libpq_url(database)) as connection:
            connection.execute(
                "UPDATE rescoring SET state = 'done', done = 40, total = 40, tally = %s,"
                " lease_until = NULL",
                [tally],
            )

    elsewhere = threading.Timer(1.5, finish)
    elsewhere.start()
    watched = goodfit("rescore", "book", "--json")
    elsewhere.join()
    assert watched.exit_code == 0, watched.output
    told = json.loads(watched.stdout)
    assert told["id"] == to_text("rsc", rescoring)
    assert (told["written"], told["unchanged"]) == (39, 1)
    assert decisions_per_account(database) == {0: ACCOUNTS}


def test_what_is_cancelled_elsewhere_is_said(goodfit: Goodfit, database: str) -> None:
    """Whoever watches hears of it and gets exit code 1."""
    asked_elsewhere(database)
    other = threading.Timer(1.5, goodfit, ["rescore", "book", "--cancel"])
    other.start()
    watched = goodfit("rescore", "book")
    other.join()
    assert watched.exit_code == 1
    assert "the rescoring is cancelled" in watched.stderr


def test_a_rescoring_is_cancelled_wherever_it_runs(goodfit: Goodfit, database: str) -> None:
    """Its process loses the claim; a second cancel finds nothing."""
    rescoring = asked_elsewhere(database)
    cancelled = goodfit("rescore", "book", "--cancel", "--person", "bob", "--json")
    assert cancelled.exit_code == 0, cancelled.output
    told = json.loads(cancelled.stdout)
    assert told == {
        "id": to_text("rsc", rescoring),
        "rule_set": "book",
        "state": "cancelled",
        "done": 0,
        "total": None,
    }
    with psycopg.connect(libpq_url(database)) as connection:
        query = "SELECT actor FROM audit_entry WHERE action = 'rescorings.cancel'"
        assert connection.execute(query).fetchall() == [("bob",)]
    nothing = goodfit("rescore", "book", "--cancel")
    assert nothing.exit_code == 1
    assert "no rescoring of `book` is under way" in nothing.stderr
    assert goodfit("rescore", "book").exit_code == 0


def test_a_dry_run_elsewhere_is_in_the_way(goodfit: Goodfit, database: str) -> None:
    """It is named, so that one can wait for it or cancel it."""
    rescoring = asked_elsewhere(database, dry_run=True)
    refused = goodfit("rescore", "book")
    assert refused.exit_code == 1
    assert to_text("rsc", rescoring) in refused.stderr.replace("\n", "")


@pytest.mark.usefixtures("database")
def test_what_cannot_be_asked_is_refused(goodfit: Goodfit) -> None:
    """Contrary options; a rule set that is not there."""
    both = goodfit("rescore", "book", "--cancel", "--dry-run")
    assert both.exit_code == 2
    assert goodfit("rescore", "nowhere").exit_code == 1
    assert "did you mean `book`?" in goodfit("rescore", "boook").stderr
