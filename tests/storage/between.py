"""A stretch of line to a server's socket that breaks, or on which the server speaks meanwhile."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass

from sqlalchemy import make_url

__all__ = ["Between", "socket_of"]

# A client that wants TLS asks for it in a message without a type: its length, and this number.
ASKS_FOR_TLS = (8).to_bytes(4, "big") + (80_877_103).to_bytes(4, "big")
PIECE = 65_536
# Said by a server in the middle of a statement: type, length, fields with their type, and an end.
NOTICE_FIELDS = b"SNOTICE\0VNOTICE\0C00000\0Mthe server is busy\0\0"
NOTICE = b"N" + (4 + len(NOTICE_FIELDS)).to_bytes(4, "big") + NOTICE_FIELDS


@dataclass(slots=True)
class Between:
    """A stretch of line to the server's socket; *port* is its near end.

    It breaks once a client has sent *breaks_after* bytes, and whenever one sends what *breaks_at*
    says; it says a notice for the server after each piece that a client sends, where *speaks*.
    """

    socket: str
    tls: ssl.SSLContext | None = None
    breaks_after: int | None = None
    breaks_at: bytes | None = None
    speaks: bool = False
    port: int = 0
    notices: int = 0
    breaks: int = 0

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what both ends say, until one of them leaves or the line breaks."""
        asked = await reader.readexactly(len(ASKS_FOR_TLS))
        server, to_server = await asyncio.open_unix_connection(self.socket)
        if asked == ASKS_FOR_TLS and self.tls is not None:
            writer.write(b"S")
            await writer.start_tls(self.tls)
        elif asked == ASKS_FOR_TLS:
            writer.write(b"N")
        else:
            to_server.write(asked)
        back = asyncio.create_task(self._pass_on(server, writer))
        try:
            await self._send(reader, to_server, writer)
        finally:
            back.cancel()
            for one in (writer, to_server):
                one.close()

    async def _send(
        self,
        reader: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        to_client: asyncio.StreamWriter,
    ) -> None:
        sent = 0
        while piece := await reader.read(PIECE):
            sent += len(piece)
            if self.breaks_after is not None and sent > self.breaks_after:
                self.breaks_after = None
                self.breaks += 1
                return
            if self.breaks_at is not None and self.breaks_at in piece:
                self.breaks += 1
                return
            to_server.write(piece)
            await to_server.drain()
            if self.speaks and len(piece) > PIECE // 4:
                to_client.write(NOTICE)
                self.notices += 1

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                writer.write(piece)
                await writer.drain()
        writer.close()


def socket_of(url: str) -> str:
    """Return the path of the socket of the server at *url*."""
    return f"{make_url(url).query['host']}/.s.PGSQL.5432"
