"""A lead that a delivery tells of, as the question that it is."""

from time import perf_counter

from service.decisions import Case, Question
from service.intake.connecting import Connection
from service.intake.map_document import KindDocument
from service.intake.reading import Said
from service.web import House

__all__ = ["case_of", "is_lead", "kind_of", "why_not"]


def kind_of(said: Said, known: Connection) -> KindDocument:
    """Return the part of the map that read *said*."""
    kind = known.resolved.map.kinds[said.kind]
    if kind is None:
        raise AssertionError("an item is read by a kind that is there")
    return kind


def is_lead(said: Said, known: Connection) -> bool:
    """Return whether *said* is of a lead, which is decided; an account is kept."""
    return kind_of(said, known).subject == "lead"


def why_not(said: Said, known: Connection) -> tuple[str, str, str] | None:
    """Return code, words and place of why a lead cannot be decided; None where it can."""
    kind = kind_of(said, known)
    if kind.rule_set is None:
        words = "leads of this kind have no rules to be decided by; name a `rule_set`"
        return "no_rule_set", words, f"/kinds/{said.kind}/rule_set"
    if said.is_partial:
        words = "an event tells one property of the lead; add an `access_token` to read it whole"
        return "only_a_part", words, f"/kinds/{said.kind}"
    return None


def case_of(said: Said, known: Connection, *, house: House, is_dry: bool = False) -> Case:
    """Return the question; it is final, since nobody is there to be asked."""
    began_s = perf_counter()
    kind = kind_of(said, known)
    now = house.clock()
    question = Question(
        rule_set=kind.rule_set or "",
        subject=kind.subject,
        facts={name: value for name, value in said.facts.items() if value is not None},
        account_key=None,
        external_id=said.key if kind.subject == "lead" else None,
        final=True,
        source=known.name,
        is_dry=is_dry,
        explain="short",
        at_version=None,
        is_narrow=False,
    )
    decision_id = house.new_uuid(now)
    return Case(question=question, at=now, decision_id=decision_id, claim=None, began_s=began_s)
