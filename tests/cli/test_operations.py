"""`goodfit migrate`, `keys` and `doctor`, on a real database."""

import json

import pytest
from sqlalchemy import create_engine, text

from tests.cli.conftest import Goodfit

PERSON = "ann@example.com"


@pytest.fixture
def new_database(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of an empty database that the commands are pointed at."""
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    return empty_database_url


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a migrated database that the commands are pointed at."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    return database_url


def test_a_new_database_is_migrated_once(goodfit: Goodfit, new_database: str) -> None:
    """The second run finds nothing to do and says so."""
    first = json.loads(goodfit("migrate", "--json").stdout)
    assert first["before"] is None
    assert first["after"]
    again = goodfit("migrate")
    assert again.exit_code == 0
    assert again.stdout == f"the schema is up to date ({first['after']})\n"
    engine = create_engine(new_database)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM decision")).scalar_one() == 0
    engine.dispose()


def test_the_first_key_migrates_what_is_new(goodfit: Goodfit, new_database: str) -> None:
    """`goodfit keys create` is the first command after an installation."""
    del new_database
    made = goodfit("keys", "create", "--scope", "admin", "--person", PERSON, "--json")
    assert made.exit_code == 0, made.output
    key = json.loads(made.stdout)
    assert key["key"].startswith("gf_sk_")
    assert key["scopes"] == ["admin"]
    assert key["person"] == PERSON


def test_keys_are_listed_without_what_opens_anything(goodfit: Goodfit, database: str) -> None:
    """The key itself is shown once and never again."""
    del database
    made = goodfit("keys", "create", "--scope", "decide", "--scope", "accounts", "--person", PERSON)
    key, told = made.stdout.splitlines()
    listed = goodfit("keys", "list")
    assert key not in listed.stdout
    assert told.split()[0] in listed.stdout
    (shown,) = json.loads(goodfit("keys", "list", "--json").stdout)["data"]
    assert shown["scopes"] == ["accounts", "decide"]
    assert key.startswith(shown["prefix"])


def test_a_key_is_taken_back_but_not_the_last_of_an_administrator(
    goodfit: Goodfit, database: str
) -> None:
    """Nobody locks everybody out by mistake."""
    del database
    scopes = ("admin", "decide")
    ids = [
        json.loads(goodfit("keys", "create", "--scope", s, "--person", PERSON, "--json").stdout)[
            "id"
        ]
        for s in scopes
    ]
    assert goodfit("keys", "revoke", ids[1], "--person", PERSON).exit_code == 0
    refused = goodfit("keys", "revoke", ids[0], "--person", PERSON)
    assert refused.exit_code == 1
    assert "last key with the scope `admin`" in refused.stderr
    shown = json.loads(goodfit("keys", "list", "--json").stdout)["data"]
    assert [key["revoked_at"] is not None for key in shown] == [True, False]


def test_a_key_that_cannot_be_is_refused_in_words(goodfit: Goodfit, database: str) -> None:
    """The option to correct is named."""
    del database
    for arguments, words in {
        (): "--scope",
        ("--scope", "everything"): "--scope: input should be",
        ("--publishable", "nowhere", "--origin", "https://a.example"): "no such rule set",
        ("--publishable", "fleet_leads", "--origin", "a.example"): "--origin",
    }.items():
        refused = goodfit("keys", "create", "--person", PERSON, *arguments)
        assert refused.exit_code in {1, 2}, arguments
        assert words in refused.stderr, arguments
    assert goodfit("keys", "revoke", "nonsense", "--person", PERSON).exit_code == 2


def test_the_doctor_finds_nothing_wrong_after_a_proper_start(
    goodfit: Goodfit, new_database: str
) -> None:
    """Every finding is well, in words and in JSON."""
    del new_database
    goodfit("migrate")
    goodfit("keys", "create", "--scope", "admin", "--person", PERSON)
    result = goodfit("doctor", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0, report
    assert report["ok"]
    names = [finding["name"] for finding in report["findings"]]
    assert names == [
        "python", "goodfit", "core", "database", "clock", "schema", "partitions", "keys",
            "notices", "assessments", "work", "endpoints", "audit",
    ]  # fmt: skip


def test_the_doctor_says_what_to_do(goodfit: Goodfit, new_database: str) -> None:
    """A database without a schema, then one without keys: each with its remedy."""
    del new_database
    bare = goodfit("doctor")
    assert bare.exit_code == 1
    assert "run `goodfit migrate`" in bare.stdout
    goodfit("migrate")
    keyless = goodfit("doctor")
    assert keyless.exit_code == 1
    assert "NO  keys" in keyless.stdout
    assert "goodfit keys create --scope admin" in keyless.stdout


def test_the_doctor_hears_that_a_chain_was_broken(goodfit: Goodfit, database: str) -> None:
    """Whoever changes the audit by hand is found."""
    goodfit("keys", "create", "--scope", "admin", "--person", PERSON)
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE audit_entry SET actor = 'somebody else'"))
    engine.dispose()
    result = goodfit("doctor")
    assert result.exit_code == 1
    assert "NO  audit" in result.stdout


def test_the_doctor_names_what_was_noticed(goodfit: Goodfit, database: str) -> None:
    """An open notice is something to look at; a closed one is not."""
    goodfit("keys", "create", "--scope", "admin", "--person", PERSON)
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text(
            "INSERT INTO rule_set (slug, id, subject, title, created_at, created_by) VALUES"
            " ('fleet_leads', gen_random_uuid(), 'lead', 'Fleets', now(), 'ann')"
        ))  # fmt: skip
        connection.execute(text(
            "INSERT INTO notice (id, kind, rule_set, topic, payload, first_at, last_at) VALUES"
            " (gen_random_uuid(), 'rule_set.drifted', 'fleet_leads', 'missing/vehicles', '{}',"
            " now(), now())"
        ))  # fmt: skip
    result = goodfit("doctor")
    assert result.exit_code == 1
    assert "NO  notices" in result.stdout
    assert "1 notice open: fleet_leads missing/vehicles" in result.stdout
    with engine.begin() as connection:
        connection.execute(text(
            "UPDATE notice SET closed_at = now(), closed_by = 'ann', closed_reason = 'seen'"
        ))  # fmt: skip
    engine.dispose()
    assert goodfit("doctor").exit_code == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("migrate",), "does not answer"),
        (("keys", "list"), "does not answer"),
        (("serve", "--port", "48321"), "does not answer"),
    ],
)
def test_a_database_that_is_away_is_a_short_sentence(
    goodfit: Goodfit, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], words: str
) -> None:
    """No traceback, and no password of the URL."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://goodfit:hunter2@127.0.0.1:1/goodfit")
    result = goodfit(*command)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert "hunter2" not in result.output


def test_a_setting_that_cannot_be_used_is_named(
    goodfit: Goodfit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2: the call cannot be understood."""
    monkeypatch.setenv("GOODFIT_PORT", "eighty")
    result = goodfit("doctor")
    assert result.exit_code == 2
    assert "GOODFIT_PORT" in result.stderr


def test_the_doctor_sees_work_that_nobody_goes_on_with(goodfit: Goodfit, database: str) -> None:
    """An account that waits for an hour, and an import whose worker is gone, are not well."""
    goodfit("keys", "create", "--scope", "admin", "--person", PERSON)
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text(
            "WITH made AS (INSERT INTO account (id, key, facts, provenance, row_version,"
            " created_at, updated_at) VALUES (gen_random_uuid(), 'north', '{}', '{}', 1, now(),"
            " now()) RETURNING id) INSERT INTO assessment_due (account_id, cause, since,"
            " changed_at, changes, due_at, attempts, generation) SELECT id, 'change',"
            " now() - interval '1 hour', now(), 1, now(), 0, 0 FROM made"
        ))  # fmt: skip
        connection.execute(text(
            "INSERT INTO account_import (id, what, format, source, at, dry_run, currency, state,"
            " generation, attempts, lease_until, arrived, rows, asked_by, created_at) VALUES"
            " (gen_random_uuid(), 'events', 'csv', 'crm', now(), false, 'EUR', 'running', 1, 1,"
            " now() - interval '5 minutes', 1, 0, 'ann', now())"
        ))  # fmt: skip
    result = goodfit("doctor", "--json")
    assert result.exit_code == 1
    found = {one["name"]: one for one in json.loads(result.stdout)["findings"] if not one["ok"]}
    assert found.keys() == {"assessments", "work"}
    assert found["assessments"]["is"] == "1 account to be assessed, the longest since 60 minutes"
    assert found["work"]["is"] == "nobody goes on with 1 import"


def test_the_doctor_names_endpoints_that_hear_nothing(goodfit: Goodfit, database: str) -> None:
    """Switched off by us, or failing for an hour; one that somebody switched off is as asked."""
    goodfit("keys", "create", "--scope", "admin", "--person", PERSON)
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text(
            "INSERT INTO endpoint (id, url, description, events, state, disabled_at,"
            " disabled_because, failing_since, secret, row_version, created_at, created_by)"
            " SELECT gen_random_uuid(), 'https://example.com/', '', '{}', state, off, because,"
            " failing, '', 1, now(), 'ann' FROM (VALUES"
            " ('disabled', now(), 'failing', now() - interval '3 days'),"
            " ('disabled', now(), 'asked', now() - interval '3 days'),"
            " ('enabled', NULL, NULL, now() - interval '2 hours'),"
            " ('enabled', NULL, NULL, now() - interval '2 minutes')"
            ") AS given (state, off, because, failing)"
        ))  # fmt: skip
    engine.dispose()
    result = goodfit("doctor", "--json")
    assert result.exit_code == 1
    (found,) = [one for one in json.loads(result.stdout)["findings"] if not one["ok"]]
    assert found["name"] == "endpoints"
    assert found["is"].startswith("2 endpoints unheard: whe_")
    assert found["is"].count("whe_") == 2
    assert ("(off)" in found["is"], "(fails)" in found["is"]) == (True, True)
