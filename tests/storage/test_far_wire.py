"""A session whose server is far away: behind TLS, cut off in the middle, or speaking meanwhile."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import make_url

from service.storage import DatabaseUnavailable, LoneSession, SessionLimits
from tests.storage.between import PIECE, Between, socket_of

pytestmark = pytest.mark.anyio
LARGE = bytes(range(256)) * 16_384


@contextlib.asynccontextmanager
async def session_over(between: Between, url: str) -> AsyncIterator[LoneSession]:
    """Give a session on the database at *url*, over *between*."""
    near = make_url(url).set(
        host="127.0.0.1",
        query={"sslmode": "require" if between.tls else "disable", "sslrootcert": ""},
    )
    async with await asyncio.start_server(between.meet, "127.0.0.1", 0) as server:
        far = near.set(port=server.sockets[0].getsockname()[1])
        session = LoneSession(
            far.render_as_string(hide_password=False),
            limits=SessionLimits(transaction=timedelta(seconds=10)),
        )
        yield session
        await session.close()


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """Return what a server with a certificate of its own makes TLS with."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_behind_tls_everything_arrives_whole(database_url: str, tls: ssl.SSLContext) -> None:
    """Small and large, there and back: TLS holds back parts of what the descriptor tells of."""
    between = Between(socket_of(database_url), tls=tls)
    async with session_over(between, database_url) as session:
        for size in (0, 1, 16_384, 16_385, 100_000, len(LARGE)):
            sent = LARGE[:size]
            assert await session.fetch_all(b"SELECT $1::bytea", (sent,)) == [(sent,)]
        statement = b"SELECT g, repeat('x', 100) FROM generate_series(1, 20000) AS g"
        rows = await session.fetch_all(statement, ())
        assert [row[0] for row in rows] == list(range(1, 20_001))


async def test_a_line_that_breaks_in_the_middle_of_a_statement(database_url: str) -> None:
    """Nobody knows what became of it; the next statement has a line of its own."""
    between = Between(socket_of(database_url))
    async with session_over(between, database_url) as session:
        assert await session.fetch_all(b"SELECT length($1::bytea)", (b"x",)) == [(1,)]
        between.breaks_after = PIECE
        await session.close()
        with pytest.raises(DatabaseUnavailable):
            await session.fetch_all(b"SELECT length($1::bytea)", (LARGE,))
        assert between.breaks == 1
        assert await session.fetch_all(b"SELECT length($1::bytea)", (LARGE,)) == [(len(LARGE),)]


async def test_a_server_may_speak_while_a_statement_is_still_being_sent(database_url: str) -> None:
    """A notice in the middle is no answer, and what follows it is sent all the same."""
    between = Between(socket_of(database_url), speaks=True)
    async with session_over(between, database_url) as session:
        for _ in range(3):
            assert await session.fetch_all(b"SELECT $1::bytea", (LARGE,)) == [(LARGE,)]
        assert between.notices > 10
