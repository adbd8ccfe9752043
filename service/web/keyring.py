"""The keys this process has seen, each asked for again after at most a second.

A revoked key therefore opens nothing a second after its revocation committed. Those in use
are asked for together (`service.web.pulse`); where that does not come in time, each by itself.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from service.web.caller import Caller
from service.web.keys import hash_of, is_well_formed
from service.web.refusals import Refusal
from service.web.visit import Clock

__all__ = ["FindKey", "KeyRing", "Unauthenticated"]

FindKey = Callable[[bytes], Awaitable[Caller | None]]
"""Looks a key up by its SHA-256; None where it is unknown, revoked or long expired."""

FRESH_S: Final = 1.0
AHEAD_S: Final = 0.75
"""From this age on a key in use is asked for again beside the requests, so that none waits."""
_BUSY_S: Final = 60.0
_FORGET_ABOVE: Final = 10_000


class Unauthenticated(Refusal):
    """The request carries no key that opens anything."""

    code: ClassVar[str] = "unauthenticated"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="goodfit"'})


@dataclass(slots=True)
class _Seen:
    caller: Caller | None
    at_s: float


class KeyRing:
    """Finds the caller behind a key. *timer* is a monotonic clock in seconds."""

    def __init__(self, find: FindKey, *, clock: Clock, timer: Callable[[], float]) -> None:
        self._find = find
        self._clock = clock
        self._timer = timer
        self._seen: dict[bytes, _Seen] = {}
        self._asking: dict[bytes, asyncio.Task[Caller | None]] = {}
        self._used: dict[UUID, datetime] = {}
        self._busy: dict[bytes, float] = {}  # when a key with this hash last opened something
        self._opened: dict[bytes, bytes] = {}  # from a header whose key opened to its hash

    async def caller_behind(self, authorization: str | None) -> Caller:
        """Return whose key the `Authorization` header holds.

        Raises:
            Unauthenticated: If there is none, or none that is valid now.
        """
        scheme, _, key = (authorization or "").strip().partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Unauthenticated("send a key as `Authorization: Bearer gf_sk_...`")
        digest = hash_of(key)
        seen = self._seen.get(digest)
        if seen is None and not is_well_formed(key):
            raise Unauthenticated("this is not a key of ours; copy it whole, as it was shown")
        now_s = self._timer()
        if seen is not None and now_s - seen.at_s < FRESH_S:
            if now_s - seen.at_s >= AHEAD_S:
                self._question(digest, now_s)
            caller = seen.caller
        else:
            # A caller who leaves must not take the answer from the others.
            caller = await asyncio.shield(self._question(digest, now_s))
        now = self._clock()
        if caller is None or (caller.expires_at is not None and caller.expires_at <= now):
            raise Unauthenticated("the key is unknown, revoked or expired; use another")
        self._note_use(digest, caller, now, now_s)
        return caller

    def known(self, authorization: bytes | None) -> Caller | None:
        """Return what `caller_behind` does where that takes no waiting; None where it may not.

        None also says that the key opens nothing, which `caller_behind` words.
        """
        if authorization is None:
            return None
        digest = self._opened.get(authorization)
        if digest is None:
            scheme, _, key = authorization.decode("latin-1").strip().partition(" ")
            if scheme.lower() != "bearer":
                return None
            digest = hash_of(key.strip())
        seen = self._seen.get(digest)
        if seen is None or seen.caller is None:
            return None
        now_s, now = self._timer(), self._clock()
        caller, age_s = seen.caller, now_s - seen.at_s
        if age_s >= FRESH_S or (caller.expires_at is not None and caller.expires_at <= now):
            return None
        if age_s >= AHEAD_S:
            self._question(digest, now_s)
        if len(self._opened) > _FORGET_ABOVE:
            self._opened.clear()
        self._opened[authorization] = digest
        self._note_use(digest, caller, now, now_s)
        return caller

    def forget(self) -> None:
        """Ask for every key anew; for this process's own changes and notifications.

        What is being asked for already is not kept: it may be from before the change.
        """
        self._seen.clear()
        self._asking.clear()
        self._opened.clear()

    def take_used(self) -> dict[UUID, datetime]:
        """Return when each key was last used since the last call, for storing lazily."""
        used, self._used = self._used, {}
        return used

    def take_busy(self, *, most: int) -> list[bytes]:
        """Return up to *most* hashes of keys that opened something within the last minute.

        Those that did so last come first. Whoever asks every few seconds must not find each time
        that his key has to be looked up.
        """
        since_s = self._timer() - _BUSY_S
        self._busy = {digest: at_s for digest, at_s in self._busy.items() if at_s > since_s}
        return heapq.nlargest(most, self._busy, key=self._busy.__getitem__)

    def confirm(self, valid: Iterable[bytes], at_s: float) -> None:
        """Take note that the keys with these hashes were not revoked at *at_s* or before.

        Nothing else of a key ever changes. What is known of others stays as old as it is.
        """
        for digest in valid:
            seen = self._seen.get(digest)
            if seen is not None and seen.caller is not None:
                seen.at_s = max(seen.at_s, at_s)

    def _note_use(self, digest: bytes, caller: Caller, now: datetime, now_s: float) -> None:
        self._used[caller.key_id] = now
        self._busy[digest] = now_s

    def _question(self, digest: bytes, now_s: float) -> asyncio.Task[Caller | None]:
        """Return the one question for all who ask at once."""
        task = self._asking.get(digest)
        if task is None:
            task = asyncio.ensure_future(self._ask(digest, now_s))
            task.add_done_callback(_hear)
            self._asking[digest] = task
        return task

    async def _ask(self, digest: bytes, now_s: float) -> Caller | None:
        own = asyncio.current_task()
        try:
            caller = await self._find(digest)
            if self._asking.get(digest) is own:
                if len(self._seen) > _FORGET_ABOVE:
                    self._seen.clear()
                self._seen[digest] = _Seen(caller, now_s)
            return caller
        finally:
            if self._asking.get(digest) is own:
                del self._asking[digest]


def _hear(task: asyncio.Task[Caller | None]) -> None:
    """Take note of a failed question, whose every asker may have left."""
    if not task.cancelled():
        task.exception()
