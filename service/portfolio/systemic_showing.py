"""Examinations as the wire and a spreadsheet show them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from service.portfolio.exact_tests import clopper_pearson
from service.portfolio.systemic import EVERYBODY, Examined, Group, Q
from service.portfolio.systemic_examining import Examination
from service.portfolio.systemic_words import sentence_of
from service.portfolio.view_showing import slice_shown
from service.storage import to_text
from service.web import Cell, rfc3339

__all__ = ["systemic_lines", "systemic_shown"]

_HEADINGS = (
    "criterion", "kind", "slice", "value", "accounts", "known", "yes", "rate", "low", "high",
    "against", "baseline", "against_yes", "against_known", "test", "p", "q", "result", "lack",
)  # fmt: skip


def systemic_shown(
    found: Examination, standing: Sequence[Row[Any]], *, is_examined: bool
) -> dict[str, Any]:
    """Return what was found, and what is suspended for it by the rows *standing*."""
    statement = found.statement
    by_key = {(row.part, Group(row.slice, row.value)): row for row in standing}
    return {
        "rule_set": statement.rule_set,
        "version": statement.version,
        "statement": to_text("st", statement.id),
        "at": rfc3339(statement.at),
        "examined": is_examined,
        "slices": [slice_shown(one) for one in found.slices],
        "suspends": not found.slices,
        "false_discovery_rate": Q,
        "tests": found.tests,
        "slices_alike": found.alike,
        "hypotheses": found.tests * found.alike,
        "findings": [_finding(one, found, by_key) for one in found.findings],
        "not_enough_data": [
            _counted(one, found) | {"lack": one.lack}
            for one in found.results
            if one.lack is not None
        ],
    }


def systemic_lines(found: Examination) -> Iterator[Sequence[Cell]]:
    """Yield every criterion in every group as a line of a table, headings first."""
    yield _HEADINGS
    for one in found.results:
        count, against, others = one.count, one.against, None
        low: float | None = None
        high: float | None = None
        if one.p is not None:
            low, high = clopper_pearson(count.yes, count.known)
        if against is not None:
            others = against.others
        yield (
            one.criterion, found.criteria[one.criterion].kind, one.group.slice, one.group.value,
            count.accounts, count.known, count.yes, count.rate if count.known else None, low, high,
            None if against is None else against.kind,
            None if against is None else against.baseline,
            None if others is None else others.yes, None if others is None else others.known,
            None if one.p is None else _test(one), one.p, one.q, one.result, one.lack,
        )  # fmt: skip


def _finding(
    one: Examined, found: Examination, standing: Mapping[tuple[str, Group], Row[Any]]
) -> dict[str, Any]:
    against = one.against
    if against is None:
        raise AssertionError("a finding was held against something")
    others = against.others
    twin = found.twin_of(one)
    row = standing.get((one.criterion, one.group)) or standing.get((one.criterion, EVERYBODY))
    return _counted(one, found) | {
        "rate": one.count.rate,
        "interval": list(clopper_pearson(one.count.yes, one.count.known)),
        "against": {
            "kind": against.kind,
            "baseline": against.baseline,
            "yes": None if others is None else others.yes,
            "known": None if others is None else others.known,
        },
        "test": _test(one),
        "p": one.p,
        "q": one.q,
        "nearly_same_as": None
        if twin is None
        else {"group": _group(twin.group), "shared": twin.shared, "together": twin.together},
        "suspension": None if row is None else to_text("sus", row.id),
    }


def _counted(one: Examined, found: Examination) -> dict[str, Any]:
    criterion, group = found.criteria[one.criterion], one.group
    return {
        "criterion": one.criterion,
        "kind": criterion.kind,
        "condition": criterion.condition,
        "group": None if group == EVERYBODY else _group(group),
        "accounts": one.count.accounts,
        "known": one.count.known,
        "yes": one.count.yes,
        "text": sentence_of(
            one,
            criterion,
            found.policy.of(one.criterion),
            found.model,
            is_covered=found.is_covered(one),
            twin=found.twin_of(one),
            slices=found.slices,
        ),
    }


def _group(group: Group) -> dict[str, str]:
    return {"slice": group.slice, "value": group.value}


def _test(one: Examined) -> str:
    is_declared = one.against is not None and one.against.kind == "declared"
    return "exact binomial" if is_declared else "Fisher's exact"
