"""Rows of decisions as JSON, which one statement takes however many there are."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import msgspec

from service.decisions.deciding import Record
from service.rules.json_text import quoted

__all__ = ["row_of"]

_encoded: Final = msgspec.json.Encoder().encode
_FLAGS: Final = {False: "false", True: "true"}


def _uuid(one: UUID) -> str:
    return f'"{one.int:032x}"'


_OPTIONAL: Final[Mapping[str, Callable[[Any], str]]] = {
    "external_id": quoted,
    "account_id": _uuid,
    "source": quoted,
    "override_of": _uuid,
    "tabled": str,
    "data_problems": str,
    "suspended": str,
    "suspensions": str,
    "trace_before": str,
}
_values_of: Final = attrgetter(*_OPTIONAL)
_NOTHING: Final = (None,) * len(_OPTIONAL)


def row_of(record: Record, more: str = "") -> str:
    """Return a row as a JSON object: what is JSON text already goes in as it is.

    Each column is named, because to go through them takes longer than to write them; a test
    holds the names to those of `Record`. What is NULL is left out, as the database reads it
    again in a third less time then. *more* are further members, after a comma.
    """
    one = record
    latency = "" if one.latency_us is None else f',"latency_us":{one.latency_us}'
    return (
        f'{{"decided_at":{_encoded(one.decided_at).decode()},"id":"{one.id.int:032x}",'
        f'"rule_set":{quoted(one.rule_set)},"version":{one.version},"digest":{quoted(one.digest)},'
        f'"meaning":{one.meaning},"subject":"{one.subject}","facts":{one.facts},'
        f'"final":{_FLAGS[one.final]},"verdict":"{one.verdict}","outcome":{quoted(one.outcome)},'
        f'"certain":{_FLAGS[one.certain]},"outcome_certain":{_FLAGS[one.outcome_certain]},'
        f'"scores":{one.scores},"trace":{one.trace}{latency}{_optional(one)}{more}}}'
    )


def _optional(one: Record) -> str:
    """Return the members that few decisions have, each after a comma; none that is NULL."""
    values = _values_of(one)
    if values == _NOTHING:  # nearly always
        return ""
    return "".join(
        f',"{name}":{write(value)}'
        for (name, write), value in zip(_OPTIONAL.items(), values, strict=True)
        if value is not None
    )
