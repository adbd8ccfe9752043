"""`goodfit portfolio`: a statement taken from the terminal, gone on with, and shown."""

import asyncio
import json

import psycopg
import pytest

from service.portfolio.agreeing import Asked
from service.portfolio.asking import ask_for
from service.rulesets import Editor
from service.storage import libpq_url, open_engine, to_text, transaction
from tests.bulk.books import new_uuid
from tests.cli.conftest import Goodfit
from tests.portfolio.taken import FACTS, SLUG, add_accounts, live_template, now


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a database with two accounts and live rules, which the commands use."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    add_accounts(database_url, {"north": FACTS, "south": {}})
    return database_url


async def make_live(url: str, *, is_asked: bool) -> str | None:
    """Make the rules live; with a statement that was asked for, return its id."""
    engine = open_engine(url)
    running = await live_template(engine)
    statement = None
    if is_asked:
        editor = Editor(person="ann@example.com", at=now(), new_uuid=new_uuid)
        async with transaction(engine) as connection:
            row = await ask_for(connection, running, editor=editor, asked=Asked())
            statement = to_text("st", row.id)
    await engine.dispose()
    return statement


def test_one_that_was_stopped_is_gone_on_with_and_shown(database: str, goodfit: Goodfit) -> None:
    """The very statement, not another one; then its groups, whole and by slice."""
    begun = asyncio.run(make_live(database, is_asked=True))
    nothing = goodfit("portfolio", "show", SLUG)
    assert nothing.exit_code == 1
    assert "no statement yet" in nothing.stderr
    taken = json.loads(goodfit("portfolio", "take", SLUG, "--json").stdout)
    assert (taken["id"], taken["state"], taken["totals"]["accounts"]) == (begun, "done", 2)
    with psycopg.connect(libpq_url(database)) as connection:
        assert connection.execute("SELECT count(*) FROM statement").fetchone() == (1,)
    shown = json.loads(goodfit("portfolio", "show", SLUG, "--json").stdout)
    assert shown["statement"]["id"] == begun
    assert shown["total"]["accounts"] == 2
    words = goodfit("portfolio", "show", SLUG, "--slice", "segment:core")
    assert words.exit_code == 0
    assert words.stdout.splitlines()[-1].split()[:2] == ["all", "1"]


def test_what_cannot_be_done_is_said(database: str, goodfit: Goodfit) -> None:
    """No such rules, no such slice, no instant."""
    asyncio.run(make_live(database, is_asked=False))
    assert goodfit("portfolio", "take", "nowhere").exit_code == 1
    assert goodfit("portfolio", "show", SLUG, "--slice", "core").exit_code == 1
    assert goodfit("portfolio", "show", SLUG, "--at", "yesterday").exit_code == 2
    assert goodfit("portfolio", "show", SLUG, "--at", "2026-11-26T12:00:00").exit_code == 2
