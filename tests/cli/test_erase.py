"""`goodfit erase`: tried, refused where nobody is sure, done, and known again by the same key."""

import json
from pathlib import Path

import psycopg
import pytest

from service.storage import libpq_url
from tests.bulk.books import fill
from tests.cli.conftest import Goodfit


@pytest.fixture
def database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a database with accounts, which the commands use."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("GOODFIT_HOME", str(tmp_path))
    monkeypatch.delenv("GOODFIT_SECRET_KEY", raising=False)
    fill(database_url, 3)
    return database_url


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """Return what a query finds."""
    with psycopg.connect(libpq_url(url)) as connection:
        return connection.execute(query.encode()).fetchall()


def test_an_account_is_tried_and_then_erased(
    goodfit: Goodfit, database: str, tmp_path: Path
) -> None:
    """A dry run counts, without --yes nothing happens, and a repeat finds nothing."""
    ((key,), *_) = rows(database, "SELECT key FROM account ORDER BY key")
    tried = goodfit("erase", "--account", key, "--dry-run", "--json")
    assert tried.exit_code == 0, tried.output
    counted = json.loads(tried.stdout)
    assert (counted["dry_run"], counted["known_by"]) == (True, ["account"])
    assert {"table": "account", "rows": 1} in counted["cleared"]
    assert not (tmp_path / "sealing.key").exists()

    unsure = goodfit("erase", "--account", key)
    assert (unsure.exit_code, "give --dry-run, or --yes" in unsure.output) == (2, True)

    done = goodfit("erase", "--account", key, "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["cleared"] == counted["cleared"]
    assert rows(database, "SELECT facts FROM account WHERE facts_erased_at IS NOT NULL") == [({},)]
    assert (tmp_path / "sealing.key").exists()
    assert len(rows(database, "SELECT hmac FROM erased_subject")) == 1

    again = goodfit("erase", "--account", key, "--yes")
    assert (again.exit_code, "nothing cleared" in again.output) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say who is meant"),
        (("--old", "--email", "ann@haulage.example"), "say who is meant"),
        (("--email", "ann"), "email"),
        (("--identity", "hubspot"), "identity"),
    ],
)
def test_nobody_is_refused(goodfit: Goodfit, arguments: tuple[str, ...], words: str) -> None:
    """Without a name, or with half of one, no database is opened."""
    refused = goodfit("erase", *arguments, "--yes")
    assert (refused.exit_code, words in refused.output) == (2, True), refused.output


def test_what_is_old_goes_by_command_too(goodfit: Goodfit, database: str) -> None:
    """`--old` is a day's retention, over all of the past."""
    done = goodfit("erase", "--old", "--yes", "--json")
    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)
    assert (shown["cause"], shown["state"]) == ("retention", "done")
    assert rows(database, "SELECT cause FROM erasure") == [("retention",)]
