"""Rows of decisions as JSON, which one statement takes however many there are."""

from typing import Final

import msgspec

from service.decisions.deciding import Record
from service.rules.json_text import quoted

__all__ = ["row_of"]

_encoded: Final = msgspec.json.Encoder().encode
_FLAGS: Final = {False: "false", True: "true"}


def row_of(record: Record, more: str = "") -> str:
    """Return a row as a JSON object: what is JSON text already goes in as it is.

    Each column is named, because to go through them takes longer than to write them; a test
    holds the names to those of `Record`. What is NULL is left out, as the database reads it
    again in a third less time then. *more* are further members, after a comma.
    """
    one = record
    return (
        f'{{"decided_at":{_encoded(one.decided_at).decode()},"id":"{one.id.int:032x}",'
        f'"rule_set":{quoted(one.rule_set)},"version":{one.version},"digest":{quoted(one.digest)},'
        f'"meaning":{one.meaning},"subject":"{one.subject}","facts":{one.facts},'
        f'"final":{_FLAGS[one.final]},"verdict":"{one.verdict}","outcome":{quoted(one.outcome)},'
        f'"certain":{_FLAGS[one.certain]},"outcome_certain":{_FLAGS[one.outcome_certain]},'
        f'"scores":{one.scores},"trace":{one.trace}{_about(one)}{_unusual(one)}{more}}}'
    )


def _about(one: Record) -> str:
    """Return the members that say whose decision it is, each after a comma; none that is NULL."""
    found = "" if one.latency_us is None else f',"latency_us":{one.latency_us}'
    if one.external_id is not None:
        found += f',"external_id":{quoted(one.external_id)}'
    if one.account_id is not None:
        found += f',"account_id":"{one.account_id.int:032x}"'
    if one.source is not None:
        found += f',"source":{quoted(one.source)}'
    if one.override_of is not None:
        found += f',"override_of":"{one.override_of.int:032x}"'
    return found


def _unusual(one: Record) -> str:
    """Return the members that few decisions have, each after a comma; none that is NULL."""
    found = "" if one.tabled is None else f',"tabled":{one.tabled}'
    if one.data_problems is not None:
        found += f',"data_problems":{one.data_problems}'
    if one.suspended is not None:
        found += f',"suspended":{one.suspended}'
    if one.suspensions is not None:
        found += f',"suspensions":{one.suspensions}'
    if one.trace_before is not None:
        found += f',"trace_before":{one.trace_before}'
    return found
