"""An erasure finds its subject however a sender wrote it, and nobody who is only like it."""

import hashlib
import json
import quopri
from typing import Final
from urllib.parse import quote, quote_from_bytes
from uuid import uuid4

import pytest
from sqlalchemy import literal, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.intake import HOLDINGS
from service.storage import transaction
from service.storage.personal import Subject, clear, mentions

pytestmark = pytest.mark.anyio

EMAIL: Final = "müller@exämple.de"
DECOMPOSED: Final = "mu\u0308ller@exa\u0308mple.de"
NAME: Final = "Jürgen-4711"
LONG: Final = "name=" + "x" * 66 + " " + EMAIL
SUBJECT: Final = Subject(emails=(EMAIL, "ann+crm@haulage.example"), external_ids=(NAME,))
HERS: Final = (
    *(
        json.dumps({"email": one}, ensure_ascii=is_ascii).encode()
        for one in (EMAIL, EMAIL.upper(), DECOMPOSED, f"Jo <{EMAIL}>", "Ann+CRM@haulage.example")
        for is_ascii in (False, True)
    ),
    json.dumps({"email": EMAIL}).replace("u00fc", "u00FC").replace("@", "\\u0040").encode(),
    json.dumps({"inner": json.dumps({"email": EMAIL})}).encode(),
    f"email={quote(EMAIL, safe='')}&n=1".encode(),
    f"email={quote(EMAIL, safe='@').lower()}".encode(),
    f"to=%3C{quote(EMAIL)}%3E".encode(),
    f"redirect={quote(quote(EMAIL, safe=''), safe='')}".encode(),
    f"email={quote_from_bytes(EMAIL.encode('latin-1'))}".encode(),
    f"email={quote('ann+crm@haulage.example', safe='')}".encode(),
    f'{{"email": "{EMAIL}"}}'.encode("latin-1"),
    b"<email>m&#252;ller@ex&#xE4;mple.de</email>",
    b"<p>m&uuml;ller&#64;ex&auml;mple.de</p>",
    b'{"email": "m\xc3\xbcller@xn--exmple-cua.de"}',
    quopri.encodestring(EMAIL.encode()),
    quopri.encodestring(LONG.encode()),
    quopri.encodestring(EMAIL.encode("latin-1")),
    json.dumps({"id": NAME}).encode(),
    json.dumps({"id": NAME}, ensure_ascii=False).encode(),
    f"id={quote(NAME)}".encode(),
    quopri.encodestring(f"id: {NAME}".encode()),
)
OTHERS: Final = tuple(
    one
    for words in (
        "xmüller@exämple.de",
        "üann+crm@haulage.example",
        "müller@exämple.dev",
        "müller@exämple.de.example",
        "muller@exämple.de",
        "müller@example.de",
        "mller@exmple.de",
        "xann+crm@haulage.example",
        "Jurgen-4711",
        "Jürgen-47110",
        "jÜrgen-4711",
    )
    for one in (
        json.dumps({"is": words}).encode(),
        json.dumps({"is": words}, ensure_ascii=False).encode(),
        f"is={quote(words, safe='')}".encode(),
    )
)
_CONNECTION: Final = text(
    "INSERT INTO connection (id, name, preset, document, row_version, created_at, created_by,"
    " updated_at) VALUES (:id, 'any', 'generic', '{}', 1, now(), 'ann', now())"
)
_DELIVERY: Final = text(
    "INSERT INTO intake_delivery (id, connection_id, received_at, media_type, body, digest,"
    " is_told_apart, state) VALUES (:id, :connection, now(), 'text/plain', :body, :digest, true,"
    " 'done')"
)
_LEFT: Final = text("SELECT body FROM intake_delivery WHERE body IS NOT NULL")


async def test_every_way_to_write_it_is_found_and_no_other(engine: AsyncEngine) -> None:
    """JSON, forms, XML, mail, in UTF-8 or Latin-1, composed or not, with the domain as in DNS."""
    connection_id = uuid4()
    async with transaction(engine) as connection:
        await connection.execute(_CONNECTION, {"id": connection_id})
        for body in dict.fromkeys(HERS + OTHERS):
            digest = hashlib.sha256(body).digest()
            given = {"id": uuid4(), "connection": connection_id, "body": body, "digest": digest}
            await connection.execute(_DELIVERY, given)
        for holding in HOLDINGS:
            await clear(connection, holding, SUBJECT)
        left = {bytes(body) for body in (await connection.execute(_LEFT)).scalars()}
    assert left & set(HERS) == set()
    assert left == set(OTHERS)


@pytest.mark.parametrize(
    ("words", "is_hers"),
    [
        (EMAIL, True),
        (EMAIL.upper(), True),
        (DECOMPOSED, True),
        (json.dumps({"email": f"Jo <{EMAIL}>"}, ensure_ascii=False), True),
        ("xmüller@exämple.de", False),
        ("müller@exämple.dev", False),
        ("muller@exämple.de", False),
    ],
)
async def test_facts_and_texts_hold_it_in_either_case(
    engine: AsyncEngine, *, words: str, is_hers: bool
) -> None:
    """Whatever letters the database's own locale knows the other case of."""
    condition = mentions(literal(words), [EMAIL])
    assert condition is not None
    async with transaction(engine) as connection:
        assert (await connection.execute(select(condition))).scalar_one() is is_hers
