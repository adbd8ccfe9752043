"""A made-up past under a made-up rule set, and a draft of it: whatever a backtest may meet."""

import copy
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from service.backtests.chunking import Bench
from service.backtests.metering import known_by
from service.backtests.past import AccountsNow, DecidedPast
from service.backtests.past_store import Score, Stood
from service.rules import InvalidRuleSet, RuleSet, load_rule_set
from service.storage import Ids, make_uuid
from tests.parity.tables import Table

__all__ = ["accounts_of", "decided_past", "draft_of"]

_BEGAN: Final = datetime(2024, 2, 27, 22, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Json = dict[str, Any]


def draft_of(document: Json, chance: random.Random) -> RuleSet:
    """Return the rules with some edits: points, conditions, a rule less, another order."""
    for _ in range(20):
        changed = copy.deepcopy(document)
        rules = [
            rule
            for score in changed.get("scores", {}).values()
            for group in score.get("groups", ())
            for rule in group["rules"]
        ]
        conditions = [one["when"] for one in (*rules, *changed.get("gates", ()))]
        for rule in rules:
            if chance.random() < 0.4 and not isinstance(rule["points"], str):
                rule["points"] = chance.choice([-30, 0, 0.1, 7, 40])
            if chance.random() < 0.2:
                rule["when"] = chance.choice(conditions)
        outcomes = changed["outcomes"]
        if chance.random() < 0.3 and len(outcomes) > 2:
            outcomes[0], outcomes[1] = outcomes[1], outcomes[0]
        if chance.random() < 0.5:
            changed["missing"] = chance.choice(["ask", "assume_no"])
        try:
            return load_rule_set(changed)
        except InvalidRuleSet:
            continue
    return load_rule_set(document)


def decided_past(base: RuleSet, *, rows: int, seed: int) -> DecidedPast:
    """Return decisions of *base*, hours apart: open and final, suspended, erased, on old tables.

    Some are of a version that asked for less and measured nothing.
    """
    chance = random.Random(seed)
    versions = {1: base, 2: _poorer(base, chance)}
    out = tuple(sorted(rule.id for rule in base.model.rules))[:2]
    facts, stood, ids = [], [], []
    for number, values in enumerate(_facts(base, rows=rows, seed=seed)):
        at = _BEGAN + timedelta(hours=number, microseconds=chance.randrange(1_000_000))
        final, suspended = chance.random() < 0.5, out if chance.random() < 0.2 else ()
        decision = base.decide(values, at=at, final=final, suspended=suspended)
        tabled = dict(decision.tabled)
        if tabled and chance.random() < 0.2:
            tabled[min(tabled)] = "moved.example"
        is_erased = chance.random() < 0.05
        facts.append({} if is_erased else decision.facts.to_json())
        scores = {name: Score(score.value) for name, score in decision.scores.items()}
        stood.append(
            Stood(
                (at - _EPOCH) // timedelta(microseconds=1),
                chance.choice([1, 1, 1, 2]),
                final,
                is_erased,
                decision.verdict,
                decision.outcome,
                scores,
                suspended or None,
                tabled or None,
            )
        )
        ids.append(make_uuid(at, number.to_bytes(8, "big")).bytes)
    return DecidedPast(Ids(b"".join(ids)), json.dumps(facts).encode(), stood, versions)


def accounts_of(bench: Bench, backtest: Any, *, rows: int, seed: int) -> AccountsNow:  # noqa: ANN401
    """Return accounts with facts that *bench*'s base may read, some of them erased."""
    chance = random.Random(seed)
    facts = _facts(bench.undoing.base, rows=rows, seed=seed)
    ids = Ids(b"".join(number.to_bytes(16, "big") for number in range(1, len(facts) + 1)))
    erased = [chance.random() < 0.05 for _ in facts]
    texts = json.dumps([{} if gone else one for one, gone in zip(facts, erased, strict=True)])
    both = (bench.undoing.base, bench.undoing.draft)
    measured = {
        account: {key: value for rules in both for key, value in known_by(rules, one).items()}
        for account, one in zip(ids, facts, strict=True)
    }
    return AccountsNow(ids, texts.encode(), erased, measured, backtest, bench)


def _facts(rules: RuleSet, *, rows: int, seed: int) -> list[Json]:
    drawn = Table.of(rules, _BEGAN.date(), leads=rows, seed=seed).facts
    return [rules.admit(_plain(values)).to_json() for values in drawn]


def _plain(values: Any) -> Json:  # noqa: ANN401 - facts of any kind
    return {name: list(one) if isinstance(one, tuple) else one for name, one in values.items()}


def _poorer(rules: RuleSet, chance: random.Random) -> RuleSet:
    """Return a version that asks for half of what *rules* do."""
    document: Json = rules.document.to_json()
    kept = {n: one for n, one in document["attributes"].items() if chance.random() < 0.5}
    return load_rule_set(
        {
            "rule_set": rules.id,
            "attributes": kept or {"anything": {"type": "flag"}},
            "outcomes": [{"id": "rest", "verdict": "review"}],
        }
    )
