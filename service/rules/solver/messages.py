"""Messages between whoever asks and the solver's process: a length of four bytes, and so many."""

import socket
from typing import Final

_HEAD: Final = 4


def send(to: socket.socket, message: bytes) -> None:
    """Send *message* whole."""
    to.sendall(len(message).to_bytes(_HEAD, "big") + message)


def receive(sender: socket.socket) -> bytes | None:
    """Return the next message; None where the other side is gone.

    Raises:
        TimeoutError: If it does not come within the socket's timeout.
    """
    head = _exactly(sender, _HEAD)
    return None if head is None else _exactly(sender, int.from_bytes(head, "big"))


def _exactly(sender: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = sender.recv(min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
