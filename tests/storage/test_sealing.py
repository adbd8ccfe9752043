"""Secrets at rest: nobody reads them without the key, and nobody moves them."""

import base64
import stat
from pathlib import Path

import pytest

from service.settings import Settings
from service.storage.sealing import KEY_FILE, Sealer, SealingKeyUnusable, sealer_of

KEY = base64.b64encode(bytes(range(32))).decode()


def settings(folder: Path, key: str | None = None) -> Settings:
    """Return settings that seal with *key*, or with a file in *folder*."""
    return Settings(home=folder, secret_key=key)


def test_what_was_sealed_is_opened_about_the_same_thing_only(tmp_path: Path) -> None:
    """A secret that is moved to another row, or of which a bit changed, does not open."""
    sealer = sealer_of(settings(tmp_path, KEY))
    sealed = sealer.seal(b"pat-na1-1", about="connection:1")
    assert b"pat-na1-1" not in sealed
    assert sealer.seal(b"pat-na1-1", about="connection:1") != sealed
    assert sealer.open(sealed, about="connection:1") == b"pat-na1-1"
    with pytest.raises(SealingKeyUnusable):
        sealer.open(sealed, about="connection:2")
    for place in range(len(sealed)):
        spoilt = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(SealingKeyUnusable):
            sealer.open(spoilt, about="connection:1")
    for length in (0, 4, 16, len(sealed) - 1):
        with pytest.raises(SealingKeyUnusable):
            sealer.open(sealed[:length], about="connection:1")


def test_another_key_says_which_setting_to_look_at() -> None:
    """An operator who restored a backup elsewhere learns what is missing."""
    sealed = Sealer(bytes(32)).seal(b"x", about="y")
    with pytest.raises(SealingKeyUnusable, match="GOODFIT_SECRET_KEY"):
        Sealer(bytes(range(32))).open(sealed, about="y")


def test_without_a_setting_a_key_is_made_once_for_its_owner(tmp_path: Path) -> None:
    """The file is readable by nobody else and stays what it is."""
    sealed = sealer_of(settings(tmp_path / "a")).seal(b"x", about="y")
    file = tmp_path / "a" / KEY_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Sealer(base64.b64decode(file.read_text())).open(sealed, about="y") == b"x"
    assert [one.name for one in file.parent.iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("key", ["", "short", "A" * 44, base64.b64encode(bytes(31)).decode()])
def test_a_key_that_is_none_is_said_to_be(tmp_path: Path, key: str) -> None:
    """A typing error in the environment is found at once, and not repeated aloud."""
    with pytest.raises(SealingKeyUnusable, match="32 bytes") as refused:
        sealer_of(settings(tmp_path, key))
    assert not key or key not in str(refused.value)
