"""The usual question, from its bytes to its answer's, without a step that waits.

A secret key asks of a lead what is answered at once (`at_once`), by rules that this process
knows, and nothing about the request is odd. Such a question is read and judged in one go and
handed to the shared writer, which calls back when it is committed. Whatever else it is, or
whatever is wrong with it, `take` leaves it to the ordinary way: the gate and the front, by
whose functions everything here is read, checked, judged, worded and told.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import ClassVar, Final

from service.decisions.answering import QUALIFY, claim_in
from service.decisions.asking import usual_question
from service.decisions.at_once import entry_at_once
from service.decisions.desk import Desk
from service.decisions.qualifying import Case, count_one, is_large, qualify
from service.decisions.writing import Entry, ReleasesMoved
from service.storage import make_id
from service.web import (
    REQUEST_ID_BYTES,
    Answer,
    Refusal,
    Visit,
    check_caller,
    check_head,
    decode_json,
    find_access,
    is_slow,
    journal,
    respond_to,
    stack_of,
    tell_visit,
)

__all__ = ["QualifyDoor"]

_log = journal("decisions")
_ACCESS: Final = find_access("POST", "/v1/qualify")
_OK: Final = b"content-type: application/json\r\ncontent-length: %d\r\n"
_REPLAYED: Final = b"idempotency-replayed: true\r\n"
_EVERY: Final = b"x-request-id: %b\r\nx-content-type-options: nosniff\r\n"

Reply = Callable[[int, bytes, bytes], None]
"""Sends status, header lines and body."""


class QualifyDoor:
    """Takes usual questions to *desk*, where nobody counts how often a secret key asks."""

    target: ClassVar[bytes] = b"/v1/qualify"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def take(self, head: Mapping[bytes, bytes], body: bytes, reply: Reply) -> bool:
        """Return whether *reply* will be called with the answer, later and once.

        False says that nothing was done and that nobody was told.
        """
        try:
            return self._take(head, body, reply)
        except Refusal:  # the ordinary way meets it again, and tells it
            return False
        # A defect here must cost nobody the answer; nor may it go unseen, because the ordinary
        # way may well answer what the door cannot.
        except Exception as error:  # noqa: BLE001
            _log.error("door failed", kind=type(error).__qualname__, where=stack_of(error))
            return False

    def _take(self, head: Mapping[bytes, bytes], body: bytes, reply: Reply) -> bool:
        began_s, desk = perf_counter(), self._desk
        house = desk.house
        caller = house.keys.known(head.get(b"authorization"))
        if caller is None or caller.is_publishable or b"origin" in head or is_slow(body):
            return False
        check_caller(caller, _ACCESS, origin=None)
        limit = check_head(head, _ACCESS.body) if _ACCESS.body is not None else 0
        question = usual_question(decode_json(body), caller)
        if question is None or (limit is not None and len(body) > limit):
            return False
        at = house.clock()
        running = desk.live.known_at(question.rule_set, at)
        if running is None or is_large(running.rules):
            return False
        key, claim = head.get(b"idempotency-key"), None
        if key is not None:
            text = key.decode("latin-1")
            claim = claim_in(text, body=body, route=QUALIFY, caller=caller, desk=desk)
        case = Case(
            question=question,
            at=at,
            decision_id=house.new_uuid(at),
            claim=claim,
            began_s=began_s,
        )
        entry = entry_at_once(
            question, running, at=at, decision_id=case.decision_id, claim=claim, began_s=began_s
        )
        if entry is None or desk.writer.is_full:
            return False
        request_id = make_id("req", at, randomness=os.urandom(REQUEST_ID_BYTES))
        visit = Visit(request_id=request_id, head=head, access=_ACCESS, caller=caller)
        taken = _Taken(case, entry, visit, reply, desk)
        # Last, so that nothing that fails keeps the key's turn for ever.
        if claim is not None and not house.turns.take(claim):
            return False
        desk.writer.hand_over(entry, taken.end)
        return True


class _Taken:
    """A question that was handed to the writer, and how it is answered once that has an ending."""

    __slots__ = ("_case", "_desk", "_entry", "_reply", "_settling", "_visit")

    def __init__(self, case: Case, entry: Entry, visit: Visit, reply: Reply, desk: Desk) -> None:
        self._case = case
        self._entry = entry
        self._visit = visit
        self._reply = reply
        self._desk = desk
        self._settling: asyncio.Task[None] | None = None

    def end(self, ending: Answer | Exception) -> None:
        """Send the answer that was kept, or say why there is none."""
        claim = self._case.claim
        if claim is not None:
            self._desk.house.turns.give_back(claim)
        if isinstance(ending, ReleasesMoved):
            # Nothing is kept of it, and it has to be judged again, at the same instant.
            self._desk.live.forget_releases()
            self._settling = asyncio.create_task(self._settle(), name="judging again")
        elif isinstance(ending, Answer):
            if not ending.is_replayed:
                count_one(self._entry, self._desk)
            self._send(ending)
        else:
            self._refuse(ending)

    async def _settle(self) -> None:
        try:
            answer = await qualify(self._case, self._desk)
        except Exception as error:  # noqa: BLE001 - this is a front door: nobody is behind it
            self._refuse(error)
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        headers = _OK % len(answer.body)
        if answer.is_replayed:
            headers += _REPLAYED
        self._tell(200, headers, answer.body)

    def _refuse(self, error: Exception) -> None:
        said = respond_to(error, self._visit)
        lines = [b"%b: %b\r\n" % pair for pair in said.raw_headers]
        self._tell(said.status_code, b"".join(lines), bytes(said.body))

    def _tell(self, status: int, headers: bytes, body: bytes) -> None:
        visit = self._visit
        self._reply(status, headers + _EVERY % visit.request_id.encode(), body)
        duration_s = perf_counter() - self._case.began_s
        tell_visit(
            visit, "POST", metrics=self._desk.house.metrics, status=status, duration_s=duration_s
        )
