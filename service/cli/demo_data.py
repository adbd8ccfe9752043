"""What the demo is furnished with: rule sets and keys in its database, the rest over HTTP."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.cli.demo_samples import FIRST_LEAD, sample_accounts, sample_questions
from service.rules.templates import read_template, template_names
from service.rulesets import Editor, install
from service.storage import RANDOM_BYTES, make_uuid, transaction
from service.web import KeyAsked, give_key

_PERSON: Final = "demo"
_FORM: Final = "fleet_leads"
_TIMEOUT_S: Final = 60.0

Step = Callable[[int], None]
"""Told how many samples are in, after each."""


@dataclass(frozen=True, slots=True)
class DemoState:
    """What a second start must find again; kept beside the database, readable by its owner.

    Attributes:
        decision: The id of the decision on the first line's lead; None until it was made.
        is_furnished: Whether every sample is in.
    """

    secret_key: str
    publishable_key: str
    decision: str | None = None
    is_furnished: bool = False


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


async def install_templates(engine: AsyncEngine) -> None:
    """Make every template a rule set that is live; those that are already stay as they are."""
    async with transaction(engine) as connection:
        for name in template_names():
            source = read_template(name)
            await install(connection, source, editor=_editor(), note="template", reason="demo")


async def make_keys(engine: AsyncEngine, *, origins: tuple[str, ...]) -> DemoState:
    """Return a fresh secret key with every scope, and one for pages at *origins*."""
    scopes = ["decide", "rules:read", "rules:write", "rules:publish", "accounts", "admin"]
    secret = {"kind": "secret", "name": "demo", "person": _PERSON, "scopes": scopes}
    bound = {"rule_set": _FORM, "origins": list(origins)}
    public = {"kind": "publishable", "name": "demo form", "person": _PERSON, **bound}
    async with transaction(engine) as connection:
        return DemoState(
            secret_key=await _give(connection, KeyAsked.model_validate(secret)),
            publishable_key=await _give(connection, KeyAsked.model_validate(public)),
        )


async def furnish(address: str, state: DemoState, *, folder: Path, step: Step) -> DemoState:
    """Send the samples to the service at *address* as any client would; return the new state.

    May be cut off and repeated: every question has its own idempotency key.
    """
    headers = {"Authorization": f"Bearer {state.secret_key}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=_TIMEOUT_S) as client:
        if state.decision is not None:
            # A database that was made anew under an old file of keys knows neither.
            (await client.get(f"/v1/decisions/{state.decision}")).raise_for_status()
        else:
            asked = {"rule_set": _FORM, "lead": FIRST_LEAD, "source": "demo"}
            state = replace(state, decision=(await _post(client, asked, "demo-first"))["id"])
            keep_state(folder, state)
        if not state.is_furnished:
            done = 0
            for number, (rule_set, facts) in enumerate(sample_questions(), start=1):
                name = f"sample-{number:03}"
                asked = {"rule_set": rule_set, "lead": facts, "external_id": name, "source": "demo"}
                await _post(client, asked, f"demo-{name}")
                step(done := done + 1)
            for key, facts in sample_accounts():
                answer = await client.put(f"/v1/accounts/{key}", json={"facts": facts})
                answer.raise_for_status()
                step(done := done + 1)
            state = replace(state, is_furnished=True)
            keep_state(folder, state)
    return state


async def _post(
    client: httpx.AsyncClient, asked: Mapping[str, object], idempotency_key: str
) -> dict[str, str]:
    headers = {"Idempotency-Key": idempotency_key}
    answer = await client.post("/v1/qualify", json=asked, headers=headers)
    answer.raise_for_status()
    decision: dict[str, str] = answer.json()
    return decision


async def _give(connection: AsyncConnection, asked: KeyAsked) -> str:
    now = datetime.now(UTC)
    key_id = make_uuid(now, secrets.token_bytes(RANDOM_BYTES))
    made = await give_key(connection, asked, key_id=key_id, by=_PERSON, at=now, label="demo")
    return made.key


def _editor() -> Editor:
    return Editor(
        person=_PERSON,
        at=datetime.now(UTC),
        new_uuid=lambda at: make_uuid(at, secrets.token_bytes(RANDOM_BYTES)),
    )


def _file(folder: Path) -> Path:
    return folder / "demo.json"
