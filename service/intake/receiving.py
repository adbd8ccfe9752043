"""Take in what a connection sends: verify the bytes, keep them, have them read, and say so.

Only a delivery that does not prove where it comes from is refused. A vendor sends everything
else again for a day, and some give up for good; so whatever its body turns out to be, it is
kept first and read afterwards.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.decisions import Desk
from service.intake import delivery_store, store
from service.intake.answering_at_once import answer_at_once, is_waited_for
from service.intake.connecting import Connection, ConnectionNotFound, connection_of, is_token_of
from service.intake.outbound_message import ACKNOWLEDGED
from service.intake.translating import ask_to_translate
from service.intake.verifying import BadSignature, Received, check_signature
from service.storage import to_text, transaction
from service.web import Answer, House

__all__ = ["Arrived", "receive"]

_XML: Final = "text/xml; charset=utf-8"
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A request as it came in. *base* is how it addressed us, *target* its path and query."""

    method: str
    base: str
    target: str
    headers: dict[str, str]
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What ends a vendor's attempts: exact bytes of an exact kind."""

    body: bytes
    media_type: str


async def receive(
    connection_id: UUID, token: str | None, arrived: Arrived, *, desk: Desk
) -> Acknowledgement:
    """Keep a delivery and return what the vendor wants to hear; it is read later.

    Where the vendor waits for the decision, it is read at once.

    Raises:
        ConnectionNotFound: If there is no such connection.
        BadSignature: If it does not prove that the connection's vendor sent it.
    """
    house = desk.house
    now = house.clock()
    async with transaction(house.engine) as connection:
        row = await store.find(connection, connection_id)
    if row is None:
        raise ConnectionNotFound
    known = connection_of(row, house.settings)
    try:
        _check(known, token, arrived, house=house, now=now)
    except BadSignature as bad:
        async with transaction(house.engine) as connection:
            await store.note_refused(connection, connection_id, at=now, why=bad.why)
        raise
    async with transaction(house.engine) as connection:
        delivery_id = await _keep(
            connection, known, arrived, now=now, delivery_id=house.new_uuid(now)
        )
    body, media_type = arrived.body, arrived.media_type
    if await is_waited_for(body, media_type=media_type, known=known):
        fields = await answer_at_once(
            body, media_type=media_type, delivery_id=delivery_id, known=known, desk=desk
        )
        return Acknowledgement(Answer.of({"outputFields": fields}).body, _JSON)
    return _acknowledgement(known, delivery_id)


def _check(
    known: Connection, token: str | None, arrived: Arrived, *, house: House, now: datetime
) -> None:
    if not is_token_of(known.row, token):
        raise BadSignature("its address has no token, or an old one")
    base = known.resolved.public_url or house.settings.public_url or arrived.base
    received = Received(
        method=arrived.method,
        url=base.rstrip("/") + arrived.target,
        headers=arrived.headers,
        body=arrived.body,
    )
    check_signature(received, known.resolved.scheme, secrets=known.signing, now=now)


async def _keep(
    connection: AsyncConnection,
    known: Connection,
    arrived: Arrived,
    *,
    now: datetime,
    delivery_id: UUID,
) -> UUID:
    kept, is_new = await delivery_store.keep(
        connection,
        delivery_id=delivery_id,
        connection_id=known.id,
        at=now,
        media_type=arrived.media_type,
        body=arrived.body,
        digest=hashlib.sha256(arrived.body).digest(),
        is_told_apart=known.resolved.tells_apart,
    )
    if is_new:
        await ask_to_translate(connection, kept)
        await store.note_received(connection, known.id, at=now)
    return kept


def _acknowledgement(known: Connection, delivery_id: UUID) -> Acknowledgement:
    if known.resolved.form == "outbound_message":
        return Acknowledgement(ACKNOWLEDGED, _XML)
    told = Answer.of({"received": to_text("itk", delivery_id)})
    return Acknowledgement(told.body, _JSON)
