"""Rows as the wire shows them, and the one sentence that sums a backtest up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from service.backtests.tallying import Distribution, Movements, Tally
from service.storage import to_text
from service.web import rfc3339

__all__ = ["backtest_shown", "flip_shown", "head_shown", "summed_up"]

_Json = dict[str, Any]
_IN_WORDS: Final = 5
"""The causes that a summary names; `causes` holds them all."""


def head_shown(row: Row[Any]) -> _Json:
    """Return a backtest without what it found."""
    return {
        "id": to_text("bt", row.id),
        "rule_set": row.rule_set,
        "draft": row.draft,
        "version": row.version,
        "digest": row.digest,
        "base_version": row.base_version,
        "against": row.against,
        "window": {
            "from": None if row.since is None else rfc3339(row.since),
            "to": rfc3339(row.until),
        },
        "state": row.state,
        "progress": {"done": row.done, "total": row.total},
        "summary": summed_up(row),
        "failure": row.failure,
        "asked_by": row.asked_by,
        "created_at": rfc3339(row.created_at),
        "started_at": None if row.started_at is None else rfc3339(row.started_at),
        "finished_at": None if row.finished_at is None else rfc3339(row.finished_at),
    }


def backtest_shown(row: Row[Any], *, reviews: Sequence[Row[Any]]) -> _Json:
    """Return a backtest with what it found so far, and the *reviews* of the text it tries."""
    return head_shown(row) | {
        "result": None if row.tally is None else _result(row),
        "reviews": [
            {
                "id": to_text("rev", review.id),
                "state": review.state,
                "is_shown": review.backtest_id == row.id,
            }
            for review in reviews
        ],
    }


def flip_shown(
    row: Row[Any],
    *,
    edits: Sequence[Mapping[str, Any]],
    measured: Mapping[UUID, Mapping[str, object]],
) -> _Json:
    """Return a flip of a backtest with these *edits*, and the values that matter to it.

    *measured* are the metrics of accounts.
    """
    values = {**(row.values or {}), **measured.get(row.account_id, {})}
    return {
        "decision": None if row.account_id is not None else to_text("dec", row.decision_id),
        "account": row.account_key,
        "decided_at": rfc3339(row.decided_at),
        "version": row.version,
        "external_id": row.external_id,
        "verdict_before": row.verdict_before,
        "verdict_after": row.verdict_after,
        "outcome_before": row.outcome_before,
        "outcome_after": row.outcome_after,
        "scores_before": row.scores_before
        or {name: score["value"] for name, score in (row.scores_then or {}).items()},
        "scores_after": row.scores_after,
        "cause": {"kind": row.cause, "edits": [_name(edits[place]) for place in row.edits]},
        "facts": {name: values.get(name) for name in row.facts},
    }


def summed_up(row: Row[Any]) -> str:
    """Return what a backtest found in one sentence."""
    if row.tally is None:
        return "Not begun yet."
    tally = Tally.from_json(row.tally)
    so_far = "" if row.state == "done" else " so far"
    words = f"{tally.flips:,} of {tally.replayed:,} decisions would flip{so_far}"
    if tally.causes:
        causes = _causes(tally, row.edits)
        parts = [_cause_in_words(cause) for cause in causes[:_IN_WORDS]]
        rest = sum(cause["flips"] for cause in causes[_IN_WORDS:])
        parts += [f"{rest:,} by others"] if rest else []
        words += f": {', '.join(parts)}"
    if tally.not_replayable:
        names = ", ".join(sorted(tally.unseen))
        words += f"; {tally.not_replayable:,} could not be replayed for want of {names}"
    return words + "."


def _result(row: Row[Any]) -> _Json:
    tally = Tally.from_json(row.tally)
    return {
        "replayed": tally.replayed,
        "flips": tally.flips,
        "not_replayable": _not_replayed(tally),
        "verdicts": _movements(tally.verdicts),
        "outcomes": _movements(tally.outcomes),
        "scores": [_score(name, each) for name, each in tally.scores.items()],
        "causes": _causes(tally, row.edits),
        "edits": row.edits,
        "revenue": row.revenue_touched,
    }


def _not_replayed(tally: Tally) -> _Json:
    return {
        "decisions": tally.not_replayable,
        "erased": tally.erased,
        "attributes": [
            {
                "attribute": name,
                "decisions": number,
                "stored_since": _since(tally.first_asked.get(name)),
            }
            for name, number in sorted(tally.unseen.items())
        ],
    }


def _since(first_asked: str | None) -> str | None:
    return None if first_asked is None else rfc3339(datetime.fromisoformat(first_asked))


def _movements(movements: Movements) -> list[_Json]:
    return [
        {"before": before, "after": after, "decisions": number}
        for before, into in sorted(movements.items())
        for after, number in sorted(into.items())
    ]


def _score(name: str, spread: Distribution) -> _Json:
    places = sorted({*map(int, spread.before), *map(int, spread.after)})
    bins = [
        {
            "from": place * spread.width,
            "to": (place + 1) * spread.width,
            "before": spread.before.get(str(place), 0),
            "after": spread.after.get(str(place), 0),
        }
        for place in places
    ]
    return {
        "score": name,
        "mean_before": _mean(spread.sum_before, spread.before),
        "mean_after": _mean(spread.sum_after, spread.after),
        "bins": bins,
    }


def _mean(total: float, counts: Mapping[str, int]) -> float | None:
    number = sum(counts.values())
    return round(total / number, 6) if number else None


def _causes(tally: Tally, edits: Sequence[Mapping[str, Any]]) -> list[_Json]:
    """Return how many flips each cause has, the most first."""
    counted = sorted(tally.causes.items(), key=lambda cause: (-cause[1], cause[0]))
    return [
        {"kind": kind, "edits": [_name(edits[int(place)]) for place in places], "flips": number}
        for (kind, *places), number in ((key.split(), number) for key, number in counted)
    ]


def _cause_in_words(cause: _Json) -> str:
    names = [f"{edit['part']} {edit['id']}" for edit in cause["edits"]]
    flips = f"{cause['flips']:,}"
    match cause["kind"]:
        case "alone":
            return f"{flips} by {' or '.join(names)}"
        case "together":
            return f"{flips} by {' and '.join(names)} together"
        case "earlier":
            return f"{flips} by changes before the base"
        case _:
            return f"{flips} by one of too many edits to name"


def _name(edit: Mapping[str, Any]) -> _Json:
    return {"part": edit["part"], "id": edit["id"]}
