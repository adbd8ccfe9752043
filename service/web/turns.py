"""Whose turn it is: this process's requests under one Idempotency-Key, one after the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from service.web.idempotency import Claim, IdempotencyInProgress

__all__ = ["WAIT_S", "Turns"]

WAIT_S: Final = 2.0


class Turns:
    """Lets this process's uses of one key go one after the other.

    Duplicates wait here without holding a database session; those of other processes
    wait on the row itself.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, bytes], asyncio.Lock] = WeakValueDictionary()
        self._taken: dict[tuple[str, bytes], asyncio.Lock] = {}

    def take(self, claim: Claim) -> bool:
        """Take the turn of *claim*'s key where nobody has it or waits for it; else return False.

        Whoever took it gives it back.
        """
        lock = self._locks.setdefault(claim.name, asyncio.Lock())
        if lock.locked():
            return False
        # Of a lock that is free this is done before it would wait for the first time.
        taking = lock.acquire()
        try:
            taking.send(None)
        except StopIteration:
            self._taken[claim.name] = lock
            return True
        taking.close()
        return False

    def give_back(self, claim: Claim) -> None:
        """Let the next have the turn that `take` took."""
        self._taken.pop(claim.name).release()

    @asynccontextmanager
    async def taken(self, claim: Claim) -> AsyncIterator[None]:
        """Hold the turn of *claim*'s key.

        Raises:
            IdempotencyInProgress: If another request holds it for longer than the wait.
        """
        lock = self._locks.setdefault(claim.name, asyncio.Lock())
        try:
            async with asyncio.timeout(WAIT_S):
                await lock.acquire()
        except TimeoutError:
            raise IdempotencyInProgress from None
        try:
            yield
        finally:
            lock.release()
