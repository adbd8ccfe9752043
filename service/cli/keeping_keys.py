"""The work of `goodfit keys`: on the database itself, for there may be no key to ask with yet."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.cli.database import bring_up_to_date, database_of, in_transaction, own_folder
from service.cli.screen import NO, print_json, refuse, say
from service.cli.starting import settings_of_process
from service.storage import RANDOM_BYTES, InvalidId, make_uuid, parse_id, to_text
from service.web import KeyAsked, MadeKey, Refusal, give_key, list_keys, rfc3339, take_key_back

_MOST_SHOWN = 1_000


def create(asked: Mapping[str, object], *, as_json: bool) -> None:
    """Make the key that was *asked* for and print it; it is kept nowhere else."""
    try:
        wanted = KeyAsked.model_validate(asked)
    except ValidationError as error:
        refuse(_words(error))
    now = datetime.now(UTC)

    async def give(connection: AsyncConnection) -> MadeKey:
        key_id = make_uuid(now, secrets.token_bytes(RANDOM_BYTES))
        return await give_key(connection, wanted, key_id=key_id, by=wanted.person, at=now)

    settings = settings_of_process()
    with database_of(settings) as url:
        bring_up_to_date(settings, url, home=own_folder(settings))
        try:
            made = in_transaction(url, give)
        except Refusal as error:
            refuse(str(error), code=NO)
    if as_json:
        print_json({"key": made.key, **_shown(made.row)})
        return
    say(made.key)
    say(f"  {to_text('key', made.row.id)}  keep it now: only its hash is stored", style="dim")


def show(*, as_json: bool) -> None:
    """Print every key, the newest first."""

    async def read(connection: AsyncConnection) -> list[Row[Any]]:
        return await list_keys(connection, after=None, limit=_MOST_SHOWN)

    with database_of(settings_of_process()) as url:
        rows = in_transaction(url, read)
    keys = [_shown(row) for row in rows]
    if as_json:
        print_json({"data": keys})
        return
    if not keys:
        say("there are no keys; make the first with `goodfit keys create --scope admin`")
    for key in keys:
        bound = key["rule_set"] or ", ".join(key["scopes"])
        state = "revoked" if key["revoked_at"] else f"last used {key['last_used_at'] or 'never'}"
        say(f"{key['id']}  {key['prefix']}...  {key['person']}  {bound}  {state}")


def revoke(key: str, *, person: str, as_json: bool) -> None:
    """Take back the key with the id *key*."""
    try:
        key_id = parse_id(key, "key")
    except InvalidId as error:
        refuse(str(error))

    async def take_back(connection: AsyncConnection) -> None:
        await take_key_back(connection, key_id, by=person, at=datetime.now(UTC))

    with database_of(settings_of_process()) as url:
        try:
            in_transaction(url, take_back)
        except Refusal as error:
            refuse(str(error), code=NO)
    if as_json:
        print_json({"id": key, "revoked_by": person})
    else:
        say(f"{key} opens nothing any more")


def _shown(row: Row[Any]) -> dict[str, Any]:
    instants = ("created_at", "expires_at", "last_used_at", "revoked_at")
    return {
        "id": to_text("key", row.id),
        **{n: getattr(row, n) for n in ("prefix", "kind", "name", "person", "rule_set")},
        "scopes": list(row.scopes),
        "origins": list(row.origins),
        **{n: rfc3339(at) if (at := getattr(row, n)) is not None else None for n in instants},
    }


def _words(error: ValidationError) -> str:
    """Return what is wrong with the options, in the options' own names."""
    names = {"scopes": "--scope", "origins": "--origin", "rule_set": "--publishable"}
    parts = []
    for detail in error.errors():
        place = str(detail["loc"][0]) if detail["loc"] else ""
        said = detail["msg"].removeprefix("Value error, ")
        option = names.get(place, f"--{place}")
        parts.append(f"{option}: {said[:1].lower()}{said[1:]}" if place else said)
    return "; ".join(parts).replace("rule_set and origins", "--publishable and --origin")
