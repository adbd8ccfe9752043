"""A lead that a delivery tells of, as the question that it is."""

import hashlib
from datetime import timedelta
from time import perf_counter
from typing import Final
from uuid import UUID

from service.decisions import Case, Question
from service.intake.connecting import Connection
from service.intake.map_document import KindDocument
from service.intake.reading import Said
from service.web import Claim, House

__all__ = ["case_of", "claim_on", "is_lead", "kind_of", "rules_for", "why_not"]

# HubSpot repeats an attempt for up to three days.
_ANSWER_KEPT: Final = timedelta(days=7)


def kind_of(said: Said, known: Connection) -> KindDocument:
    """Return the part of the map that read *said*."""
    kind = known.resolved.map.kinds[said.kind]
    if kind is None:
        raise AssertionError("an item is read by a kind that is there")
    return kind


def is_lead(said: Said, known: Connection) -> bool:
    """Return whether *said* is of a lead, which is decided; an account is kept."""
    return kind_of(said, known).subject == "lead"


def rules_for(said: Said, known: Connection) -> str | None:
    """Return by which rules an item is decided: those that it names, else its kind's."""
    return said.rule_set or kind_of(said, known).rule_set


def claim_on(said: Said, known: Connection, delivery_id: UUID) -> Claim | None:
    """Return the claim by which a repeat of an item that is waited for gets the same answer."""
    if not said.is_waited_for:
        return None
    item = f"{delivery_id}/{said.place}".encode()
    digest = said.event or hashlib.sha256(item).digest()
    return Claim(
        scope=f"connection {known.id}", key_hash=digest, body_hash=digest, kept=_ANSWER_KEPT
    )


def why_not(said: Said, known: Connection) -> tuple[str, str, str] | None:
    """Return code, words and place of why a lead cannot be decided; None where it can."""
    if rules_for(said, known) is None:
        words = "this kind has no rules to be decided by; name a `rule_set`"
        return "no_rule_set", words, f"/kinds/{said.kind}/rule_set"
    if said.is_partial:
        words = "an event tells one property of the lead; add an `access_token` to read it whole"
        return "only_a_part", words, f"/kinds/{said.kind}"
    return None


def case_of(
    said: Said, known: Connection, *, house: House, delivery_id: UUID | None = None
) -> Case:
    """Return the question; it is final, since nobody is there to be asked.

    What came in no delivery is only tried.
    """
    began_s = perf_counter()
    kind = kind_of(said, known)
    now = house.clock()
    question = Question(
        rule_set=rules_for(said, known) or "",
        subject=kind.subject,
        facts={name: value for name, value in said.facts.items() if value is not None},
        account_key=None,
        external_id=said.key if kind.subject == "lead" else None,
        final=True,
        source=known.name,
        is_dry=delivery_id is None,
        explain="short",
        at_version=None,
        is_narrow=False,
    )
    decision_id = house.new_uuid(now)
    claim = None if delivery_id is None else claim_on(said, known, delivery_id)
    return Case(question=question, at=now, decision_id=decision_id, claim=claim, began_s=began_s)
