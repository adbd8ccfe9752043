"""Rows of decisions as JSON, which one statement takes however many there are."""

from typing import Final
from uuid import UUID

import msgspec

from service.decisions.deciding import Record
from service.rules.json_text import quoted

__all__ = ["row_of"]

_NULL: Final = "null"
_encoded: Final = msgspec.json.Encoder().encode
_FLAGS: Final = {False: "false", True: "true"}


def row_of(record: Record, more: str = "") -> str:
    """Return a row as a JSON object: what is JSON text already goes in as it is.

    Each column is named, because to go through them takes longer than to write them; a test
    holds the names to those of `Record`. *more* are further members, after a comma.
    """
    one = record
    return (
        f'{{"decided_at":{_encoded(one.decided_at).decode()},"id":"{one.id.int:032x}",'
        f'"rule_set":{quoted(one.rule_set)},"version":{one.version},"digest":{quoted(one.digest)},'
        f'"meaning":{one.meaning},"subject":"{one.subject}",'
        f'"external_id":{_text(one.external_id)},"account_id":{_uuid(one.account_id)},'
        f'"facts":{one.facts},"tabled":{one.tabled or _NULL},'
        f'"data_problems":{one.data_problems or _NULL},"final":{_FLAGS[one.final]},'
        f'"suspended":{one.suspended or _NULL},"suspensions":{one.suspensions or _NULL},'
        f'"verdict":"{one.verdict}","outcome":{quoted(one.outcome)},'
        f'"certain":{_FLAGS[one.certain]},"outcome_certain":{_FLAGS[one.outcome_certain]},'
        f'"scores":{one.scores},"trace":{one.trace},"trace_before":{one.trace_before or _NULL},'
        f'"source":{_text(one.source)},"override_of":{_uuid(one.override_of)},'
        f'"latency_us":{_NULL if one.latency_us is None else one.latency_us}{more}}}'
    )


def _text(one: str | None) -> str:
    return _NULL if one is None else quoted(one)


def _uuid(one: UUID | None) -> str:
    return _NULL if one is None else f'"{one.int:032x}"'
