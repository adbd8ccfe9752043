"""Which columns hold nothing of a person we are told about, by table, and why that is so.

Every column that could hold words stands here, or is claimed by a room's holdings. A new table
stands in neither, and a test says so: its author has to choose.

People who work with Goodfit are no subjects here: who asked, wrote, released or decided is what
the audit is for.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["IMPERSONAL", "OF_OURS"]

OF_OURS: Final = frozenset({
    # words of ours, of which a check or the code knows all
    "action", "against", "cause", "digest", "fate", "kind", "mode", "result", "state", "step",
    "subject", "verdict", "verdict_before", "verdict_after", "previous_verdict", "rules_verdict",
    # names in rules
    "after", "before", "edge_outcome", "outcome", "outcome_before", "outcome_after",
    "previous_outcome", "rule_set", "rules_outcome", "scores", "scores_before", "scores_after",
    # names of systems that tell us something
    "source", "system",
    # words of ours on what went wrong; never values
    "data_problems", "failure", "reasons",
    # people who work with Goodfit
    "approved_by", "asked_by", "author", "authors", "changed_by", "closed_by", "created_by",
    "ended_by", "frozen_by", "made_by", "merged_by", "parked_by", "person", "recorded_by",
    "released_by", "revoked_by", "taken_by", "undone_by", "updated_by", "withdrawn_by",
})  # fmt: skip
"""Names of columns that mean the same in every table."""

_ALL: Final = frozenset({"*"})

IMPERSONAL: Final[Mapping[str, frozenset[str]]] = {
    "account_import": _ALL,  # what a file holds and how it is read, not what stands in it
    # whatever stands in the file, until its import ends, which puts it where it is found
    "account_import_part": frozenset({"content"}),
    "account_import_problem": _ALL,  # lines and codes
    "account_source": _ALL,  # what is known of systems
    "api_key": _ALL,  # of those who work with Goodfit
    "audit_entry": _ALL,  # names ids and attributes, never a value: the chain is never erased
    "audit_head": _ALL,
    "backtest": _ALL,  # rules, counts and sums
    "backtest_flip": frozenset({"edits", "facts"}),  # names of attributes, never values
    # what was configured; secrets are sealed
    "connection": _ALL,
    # `source` and `suspensions` are words of ours; traces hold numbers of rules
    "decision": frozenset({"suspended", "suspensions", "trace", "trace_before"}),
    "delivery_attempt": frozenset({"problem"}),  # words of ours
    "endpoint": _ALL,  # what was configured; secrets are sealed
    "erased_subject": frozenset({"hmac"}),  # no use without the installation's key
    # goes with the last of the values it names; a check holds it to that
    "erasure": frozenset({"known_by", "sought", "keeps", "tally"}),
    "erasure_find": frozenset({"value"}),  # removed when the erasure ends
    "event": frozenset({"type"}),
    "event_kind": _ALL,  # what kinds of events there are
    "form_visit": frozenset({"mode", "asking"}),  # names of attributes
    "idempotency": frozenset({"key_hash", "body_hash"}),  # gone after a day
    "inquiry": _ALL,  # rules, and facts that the solver made up
    "intake_delivery": frozenset({"media_type", "tally", "problems"}),  # places, never values
    "intake_seen": frozenset({"event"}),  # gone with the raw deliveries
    "notice": _ALL,  # counts and shares
    "outcome_event": frozenset({"product"}),  # ours
    "position": frozenset({"letters"}),  # what rules said
    "request_count": _ALL,  # keys, and networks for two windows of a limit
    "rescoring": _ALL,  # counts
    "rule_set": _ALL,  # rules are about nobody: their tests hold invented subjects
    "rule_set_draft": _ALL,
    "rule_set_draft_edit": _ALL,
    "rule_set_evidence": _ALL,
    "rule_set_release": _ALL,
    "rule_set_review": _ALL,
    "rule_set_version": _ALL,
    "scenario": _ALL,  # rules and questions
    "scenario_account": frozenset({"moves"}),  # outcomes
    "statement": _ALL,  # terms and totals
    # sums of groups of accounts; a trigger removes them where positions are cleared
    "statement_answer": _ALL,
    "suspension": _ALL,  # of groups of accounts
    "systemic_examination": _ALL,  # counts of groups of accounts
    "systemic_policy": _ALL,
    "verdict_override": frozenset({"rules"}),  # names of rules
    "vendor_pause": _ALL,  # words of ours
    "write_back": frozenset({"object", "wanted", "written", "problem"}),  # what we decided
}
