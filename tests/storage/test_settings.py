"""Settings: read once, frozen, and refused in words that hold no secret."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import InvalidSettings, Settings, read_settings, sqlalchemy_url


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ann:pw@db:5432/goodfit",
        "postgresql://ann:pw@db:5432/goodfit",
        "postgresql+psycopg://ann:pw@db:5432/goodfit",
        " postgresql://ann:pw@db:5432/goodfit\n",
    ],
)
def test_every_spelling_of_a_postgres_url_means_the_same(url: str) -> None:
    """Hosts hand out three schemes for one database."""
    settings = read_settings({"DATABASE_URL": url})
    assert settings.database_url == "postgresql+psycopg://ann:pw@db:5432/goodfit"


@pytest.mark.parametrize("url", ["mysql://ann:secret@db/x", "ann:secret@db", "sqlite:///x"])
def test_another_database_is_refused_without_repeating_the_password(url: str) -> None:
    """The message names the variable and the fix, never the URL."""
    with pytest.raises(InvalidSettings, match="DATABASE_URL: the database URL begins") as refusal:
        read_settings({"DATABASE_URL": url})
    assert "secret" not in str(refusal.value)


def test_every_wrong_variable_is_named_at_once() -> None:
    """One start tells all the mistakes."""
    with pytest.raises(InvalidSettings) as refusal:
        read_settings({"GOODFIT_PORT": "99999", "GOODFIT_LOG_LEVEL": "loud"})
    assert "GOODFIT_PORT: " in str(refusal.value)
    assert "GOODFIT_LOG_LEVEL: " in str(refusal.value)
    assert "99999" not in str(refusal.value)


def test_the_process_environment_is_read_when_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`read_settings()` and an explicit mapping read the same names."""
    environment = {
        "DATABASE_URL": "postgres://db/x",
        "GOODFIT_OWNER_DATABASE_URL": "postgres://owner@db/x",
        "GOODFIT_HOME": "/srv/goodfit",
        "GOODFIT_PORT": "9000",
        "GOODFIT_STATEMENT_TIMEOUT_S": "1.5",
        "GOODFIT_HOST": "",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GOODFIT_SECRET_KEY", raising=False)  # the tests' own
    settings = read_settings()
    assert settings.model_dump() == read_settings(environment).model_dump()
    assert settings.port == 9000
    assert settings.statement_timeout_s == 1.5
    assert settings.host == "127.0.0.1"
    assert settings.migration_url == "postgresql+psycopg://owner@db/x"


def test_settings_are_frozen_and_print_no_url() -> None:
    """Nobody changes a setting in flight, and a logged one gives nothing away."""
    settings = Settings(database_url=sqlalchemy_url("postgres://ann:hunter2@db/x"))
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc] # the mistake under test
    assert "hunter2" not in repr(settings)


def test_a_pool_timeout_past_a_second_is_refused() -> None:
    """A request never waits longer than a second for a connection."""
    with pytest.raises(InvalidSettings, match="GOODFIT_POOL_TIMEOUT_S"):
        read_settings({"GOODFIT_POOL_TIMEOUT_S": "1.1"})


@pytest.mark.parametrize(
    ("user", "home", "folder"),
    [
        (0, None, "/var/lib/goodfit"),
        (1000, None, "/srv/data/goodfit"),
        (0, "/somewhere", "/somewhere"),
        (1000, "/somewhere", "/somewhere"),
    ],
)
def test_the_data_folder_follows_home_then_the_user(
    monkeypatch: pytest.MonkeyPatch, user: int, home: str | None, folder: str
) -> None:
    """Root's default lies outside every home folder."""
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    settings = Settings(home=Path(home) if home else None)
    assert settings.data_folder == Path(folder)
