"""Secrets that we have to show to others again, sealed: AES-256-GCM under one key.

What is stored is `1`, four bytes that tell keys apart, a nonce and the ciphertext. Each is
sealed for what it is about, so that nobody can move a secret from one row to another.
"""

import base64
import binascii
import hashlib
import hmac
import os
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.settings import Settings

__all__ = ["KEY_FILE", "Sealer", "SealingKeyUnusable", "sealer_of"]

KEY_FILE: Final = "sealing.key"
_FORMAT: Final = b"1"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_HEAD: Final = len(_FORMAT) + 4


class SealingKeyUnusable(Exception):
    """There is no key to seal with, or a secret was sealed with another one."""

    code: ClassVar[str] = "sealing_key_unusable"


class Sealer:
    """Seals and opens secrets under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._head = _FORMAT + hashlib.sha256(b"goodfit sealing key" + key).digest()[:4]
        self._cipher = AESGCM(key)
        self._key = key

    def seal(self, secret: bytes, *, about: str) -> bytes:
        """Return *secret* sealed; only `open` with the same *about* gives it back."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._head + nonce + self._cipher.encrypt(nonce, secret, about.encode())

    def open(self, sealed: bytes, *, about: str) -> bytes:
        """Return the secret in *sealed*.

        Raises:
            SealingKeyUnusable: If it was sealed with another key, about something else, or
                was changed.
        """
        if sealed[:_HEAD] != self._head:
            words = "a secret was sealed with another key; set GOODFIT_SECRET_KEY to that one"
            raise SealingKeyUnusable(words)
        nonce, rest = sealed[_HEAD : _HEAD + _NONCE_BYTES], sealed[_HEAD + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, rest, about.encode())
        except (InvalidTag, ValueError):
            words = "a secret cannot be opened; it was changed, enter it again"
            raise SealingKeyUnusable(words) from None

    def key_for(self, purpose: str) -> bytes:
        """Return 32 bytes that nothing else is made with: a key of its own for each purpose."""
        return hmac.digest(self._key, f"goodfit {purpose}".encode(), "sha256")


def sealer_of(settings: Settings) -> Sealer:
    """Return the sealer of this deployment: of its setting, else of a file in its data folder.

    The file is made where there is none. Several machines need the setting: each would make
    a key of its own.

    Raises:
        SealingKeyUnusable: If the setting is no key, or the file cannot be read or made.
    """
    return _sealer(settings.secret_key, settings.data_folder)


@lru_cache(maxsize=8)
def _sealer(given: str | None, folder: Path) -> Sealer:
    if given is not None:
        return Sealer(_key_in(given, place="GOODFIT_SECRET_KEY"))
    file = folder / KEY_FILE
    try:
        if not file.exists():
            _make(file)
        return Sealer(_key_in(file.read_text("ascii"), place=str(file)))
    except (OSError, UnicodeDecodeError) as error:
        words = f"no key to seal secrets with: {file} ({type(error).__name__})"
        raise SealingKeyUnusable(f"{words}; set GOODFIT_SECRET_KEY") from None


def _key_in(text: str, *, place: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        words = f"{place} is not 32 bytes in base64; `openssl rand -base64 32` makes one"
        raise SealingKeyUnusable(words)
    return key


def _make(file: Path) -> None:
    """Write a fresh key for its owner's eyes only; whoever else does so first wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = base64.b64encode(os.urandom(_KEY_BYTES)) + b"\n"
    passing = file.with_name(f".{KEY_FILE}.{os.getpid()}")
    try:
        with os.fdopen(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(text)
        os.link(passing, file)  # unlike a rename it replaces nothing
    except FileExistsError:
        pass
    finally:
        passing.unlink(missing_ok=True)
