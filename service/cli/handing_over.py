"""Hand the listening socket to a successor: another `goodfit serve` on the same port.

Whoever serves listens beside its port on a Unix socket in the abstract namespace, which
belongs to the network namespace as the port does and leaves no file. A successor gets the
listening socket itself over it (SCM_RIGHTS), serves on it too, and says so; only then does
the predecessor leave. There is one queue of connections all the time, and none is dropped.
Both sides speak only to processes of their own user, or of root.
"""

import asyncio
import contextlib
import os
import socket
import struct
import sys
from typing import Final

__all__ = ["IS_POSSIBLE", "NobodyServes", "Successor", "handing_over", "take_over"]

IS_POSSIBLE: Final = sys.platform == "linux"
"""Abstract addresses and the credentials of who speaks on them are Linux's."""

_SOCKET: Final = b"socket"
_READY: Final = b"ready"
_LEFT: Final = b"left"
_SAYS_WITHIN_S: Final = 5.0
_AGAIN_S: Final = 0.2
_CREDENTIALS: Final = struct.Struct("3i")


class NobodyServes(Exception):
    """No service of this user serves on the port; the message says what to do."""


class Successor:
    """Whoever is about to serve instead of another, on the *listener* it was given."""

    def __init__(self, listener: socket.socket, line: socket.socket) -> None:
        self.listener = listener
        self._line = line

    def begin(self) -> None:
        """Say that we serve, so that the predecessor leaves; it finishes what it has."""
        with contextlib.suppress(OSError), self._line as line:  # it may have died by itself
            line.sendall(_READY)
            line.recv(len(_LEFT))


def take_over(host: str, port: int) -> Successor:
    """Return the listening socket of the service on *host* and *port*; it serves on for now.

    Raises:
        NobodyServes: If there is none, or it is another user's.
    """
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(_SAYS_WITHIN_S)
    try:
        line.connect(_door_of(_as_bound(host), port))
        if _is_trusted(line):
            word, descriptors, _, _ = socket.recv_fds(line, len(_SOCKET), 1)
            if word == _SOCKET and descriptors:
                line.settimeout(None)
                return Successor(socket.socket(fileno=descriptors[0]), line)
    except OSError:
        pass
    line.close()
    words = f"no Goodfit of this user serves on {host}:{port}; start without --take-over"
    raise NobodyServes(words)


async def handing_over(listener: socket.socket) -> None:
    """Offer *listener* to successors, and return when one of them serves on it."""
    loop = asyncio.get_running_loop()
    host, port = listener.getsockname()[:2]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        while not _has_bound(door, _door_of(host, port)):  # noqa: ASYNC110 - a predecessor leaves
            await asyncio.sleep(_AGAIN_S)
        door.listen()
        door.setblocking(False)  # noqa: FBT003 - the socket's own signature
        while True:
            line, _ = await loop.sock_accept(door)
            with line:
                if _is_trusted(line) and await _was_taken(line, listener):
                    return


async def _was_taken(line: socket.socket, listener: socket.socket) -> bool:
    """Hand *listener* over on *line*; return whether the successor came to serve on it."""
    loop = asyncio.get_running_loop()
    try:
        line.setblocking(False)  # noqa: FBT003 - the socket's own signature
        socket.send_fds(line, [_SOCKET], [listener.fileno()])
        if await loop.sock_recv(line, len(_READY)) != _READY:
            return False
        await loop.sock_sendall(line, _LEFT)
    except OSError:
        return False
    return True


def _is_trusted(line: socket.socket) -> bool:
    """Return whether a process of our own user, or of root, is at the other end."""
    told = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(told)
    return user in {os.geteuid(), 0}


def _door_of(host: str, port: int) -> str:
    return f"\0goodfit/{host}/{port}"


def _as_bound(host: str) -> str:
    """Return *host* as a socket bound to it is called."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        bound: str = probe.getsockname()[0]
        return bound


def _has_bound(door: socket.socket, address: str) -> bool:
    try:
        door.bind(address)
    except OSError:
        return False
    return True
