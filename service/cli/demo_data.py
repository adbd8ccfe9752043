"""What the demo begins with: rule sets and keys in its database, and what it remembers."""

import json
import os
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.rules.templates import read_template
from service.rulesets import Editor, install
from service.storage import RANDOM_BYTES, make_uuid, transaction
from service.web import KeyAsked, give_key

PERSON: Final = "demo"
A_QUARTER: Final = timedelta(days=91)
"""How long before now the demo's first statement is."""
_FORM: Final = "fleet_leads"


@dataclass(frozen=True, slots=True)
class DemoState:
    """What a second start must find again; kept beside the database, readable by its owner.

    Attributes:
        decision: The id of the decision on the first line's lead; None until it was made.
        is_furnished: Whether every lead is in.
        as_of: The instant from which the portfolio looks back; None until it was begun.
        is_assessed: Whether the portfolio is in and assessed.
    """

    secret_key: str
    publishable_key: str
    decision: str | None = None
    is_furnished: bool = False
    as_of: str | None = None
    is_assessed: bool = False


def read_state(folder: Path) -> DemoState | None:
    """Return what a former start kept in *folder*, or None where nothing whole is there."""
    try:
        return DemoState(**json.loads(_file(folder).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def keep_state(folder: Path, state: DemoState) -> None:
    """Keep *state* in *folder*: whole or not at all, and for its owner's eyes only."""
    unfinished = _file(folder).with_suffix(".partial")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - opened with its mode
        json.dump(asdict(state), file)
    unfinished.replace(_file(folder))


async def install_templates(engine: AsyncEngine, names: Collection[str]) -> None:
    """Make the templates *names* live rule sets; those that are already stay as they are."""
    async with transaction(engine) as connection:
        for name in names:
            source = read_template(name)
            await install(connection, source, editor=editor_at(), note="template", reason="demo")


async def make_keys(engine: AsyncEngine, *, origins: tuple[str, ...]) -> DemoState:
    """Return a fresh secret key with every scope, and one for pages at *origins*."""
    scopes = ["decide", "rules:read", "rules:write", "rules:publish", "accounts", "admin"]
    secret = {"kind": "secret", "name": "demo", "person": PERSON, "scopes": scopes}
    bound = {"rule_set": _FORM, "origins": list(origins)}
    public = {"kind": "publishable", "name": "demo form", "person": PERSON, **bound}
    async with transaction(engine) as connection:
        return DemoState(
            secret_key=await _give(connection, KeyAsked.model_validate(secret)),
            publishable_key=await _give(connection, KeyAsked.model_validate(public)),
        )


async def _give(connection: AsyncConnection, asked: KeyAsked) -> str:
    now = datetime.now(UTC)
    key_id = new_uuid(now)
    made = await give_key(connection, asked, key_id=key_id, by=PERSON, at=now, label="demo")
    return made.key


def editor_at(at: datetime | None = None) -> Editor:
    """Return who furnishes the demo, now or as if it were *at*."""
    return Editor(
        person=PERSON,
        at=at or datetime.now(UTC),
        new_uuid=new_uuid,
    )


def new_uuid(at: datetime) -> UUID:
    """Return a fresh id that sorts by *at*."""
    return make_uuid(at, secrets.token_bytes(RANDOM_BYTES))


def _file(folder: Path) -> Path:
    return folder / "demo.json"
