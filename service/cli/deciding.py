"""`goodfit decide`: one decision without a database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from service.bulk import UnreadableJson, read_object
from service.cli.decision_words import MOST_WAYS, print_decision, print_reach
from service.cli.files import load_rules, read_file
from service.cli.screen import AsJson, print_json, refuse
from service.rules import Decision, Reach, RuleSet, reach_words, ways_from, ways_told

RuleFile = Annotated[str, typer.Argument(metavar="FILE", help="A rule file; - is stdin.")]
FactsText = Annotated[
    str,
    typer.Option("--facts", metavar="JSON|@FILE", help="The facts, or @ and a file of them."),
]
EventsFile = Annotated[
    str | None,
    typer.Option(
        "--events",
        metavar="@FILE",
        help="An account's ledger as NDJSON, to measure the metrics of the rules from.",
    ),
]
Reports = Annotated[
    list[str] | None,
    typer.Option(
        "--reports",
        metavar="KIND",
        help="A kind of which every event is in the file, so that none means none; repeatable.",
    ),
]
Instant = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="The decision's clock; now when left out."),
]
Final = Annotated[bool, typer.Option("--final", help="No more answers will come.")]


class Explain(StrEnum):
    """How many reasons to give."""

    short = "short"
    full = "full"


WaysOut = Annotated[
    bool,
    typer.Option("--counterfactuals", help="Also what would have to change for a better outcome."),
]
Toward = Annotated[
    str | None,
    typer.Option("--toward", metavar="OUTCOME", help="The same, for this outcome alone."),
]
ExplainHow = Annotated[Explain, typer.Option("--explain", help="full: also rules that were no.")]


def decide(
    file: RuleFile,
    *,
    facts: FactsText = "{}",
    events: EventsFile = None,
    reports: Reports = None,
    at: Instant = None,
    final: Final = False,
    explain: ExplainHow = Explain.short,
    counterfactuals: WaysOut = False,
    toward: Toward = None,
    as_json: AsJson = False,
) -> None:
    """Decide one lead or account; with --json, the same JSON as the API."""
    raw = _read_facts(facts)
    clock = datetime.now(UTC) if at is None else read_instant(at)
    rules = load_rules(file, as_json=as_json)
    if events is not None or reports:
        raw |= _measured(rules, events, reports or (), at=clock)
    decision = rules.decide(raw, at=clock, final=final)
    reach = _reach(rules, decision, toward) if counterfactuals or toward is not None else None
    if as_json:
        told = {} if reach is None else {"counterfactuals": _reach_told(rules, reach)}
        print_json(_document(rules, decision, explain) | told)
    else:
        print_decision(decision, full=explain is Explain.full)
        if reach is not None:
            print_reach(rules, reach)


def _reach(rules: RuleSet, decision: Decision, toward: str | None) -> Reach:
    """Return the ways from what the facts come to if nothing more is told."""
    outcomes = [outcome.id for outcome in rules.model.outcomes]
    if toward is not None and toward not in outcomes:
        refuse(f"`{toward}` is no outcome of the rule set; name one of {', '.join(outcomes)}")
    whole = decision
    if not decision.final:
        whole = rules.decide(decision.facts, at=decision.at, final=True, with_missing=False)
    return ways_from(rules, whole, toward=toward)


def _reach_told(rules: RuleSet, reach: Reach) -> dict[str, object]:
    return {
        "gate": reach.gate,
        "words": reach_words(reach),
        "ways": ways_told(rules, reach.better[:MOST_WAYS]),
        "near": ways_told(rules, reach.near),
        "is_whole": reach.is_whole,
    }


def _document(rules: RuleSet, decision: Decision, explain: Explain) -> dict[str, object]:
    """Return the members that the API answers with; what only a stored decision has is null."""
    members = decision.to_json(explain=explain.value)
    summary = members.pop("summary")
    clock = decision.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {
        "id": None,
        "decided_at": clock.replace("+00:00", "Z"),
        "subject": {"kind": rules.subject, "external_id": None, "account": None},
        **members,
        "override": None,
        "suspended": [],
        "rule_set": {"id": rules.id, "version": None, "digest": rules.digest},
        "summary": summary,
    }


def _measured(
    rules: RuleSet, events: str | None, reports: Sequence[str], *, at: datetime
) -> Mapping[str, float | None]:
    """Return what *rules* measure; of a kind neither there nor reported nothing is known."""
    if not rules.metrics:
        refuse("`--events` and `--reports` are for metrics, and the rule set declares none")
    # Loads the ledger's door, which no other decision needs.
    from service.cli.ledger_file import read_events

    ledger = () if events is None else read_events(events.removeprefix("@"))
    reported = {event.kind for event in ledger} | set(reports)
    return rules.measure(ledger, reported=reported, at=at)


def _read_facts(given: str) -> dict[str, object]:
    named = given.removeprefix("@")
    source = given if named == given else read_file(named, what="file of facts")
    try:
        return read_object(source)
    except UnreadableJson as error:
        shown = "the facts" if named == given else f"`{named}`"
        refuse(f"{shown} cannot be read: {error}")


def read_instant(text: str) -> datetime:
    """Return the instant in *text*; without one, or without its time zone, end with 2."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        refuse(f"--at `{text}` is not an instant; write it like 2026-01-31T09:00:00Z")
    if instant.tzinfo is None:
        refuse(f"--at `{text}` has no time zone; add Z for UTC, as in 2026-01-31T09:00:00Z")
    return instant
