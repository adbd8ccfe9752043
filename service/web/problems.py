"""Problem responses (RFC 9457), and the one table from code to HTTP status.

A room raises a refusal with a code and never thinks of HTTP; a code that is
missing from the table is a defect, and a test says so for every refusal.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import orjson
from starlette.responses import Response

from service.web.refusals import Fault

__all__ = ["PROBLEMS", "Kind", "problem"]


class Kind(NamedTuple):
    """What one code means to HTTP and, in a few words, to people."""

    status: int
    title: str


PROBLEMS: Final[Mapping[str, Kind]] = {
    # the request as a message
    "invalid_json": Kind(422, "The body is not JSON as we read it"),
    "invalid_text": Kind(422, "The body is not text as we read it"),
    "validation_failed": Kind(422, "The request does not have the form it needs"),
    "invalid_cursor": Kind(422, "The cursor cannot be used"),
    "invalid_id": Kind(422, "This is not an id"),
    "body_too_large": Kind(413, "The body is too large"),
    "unsupported_media_type": Kind(415, "The content type is not one we read here"),
    "request_timeout": Kind(408, "The body took too long to arrive"),
    "not_found": Kind(404, "There is nothing here"),
    "method_not_allowed": Kind(405, "This method does nothing here"),
    # who is asking
    "unauthenticated": Kind(401, "A valid key is needed"),
    "scope_missing": Kind(403, "The key may not do this"),
    "publishable_key": Kind(403, "A publishable key may not do this"),
    "key_exposed": Kind(403, "A secret key does not belong into an address"),
    "origin_not_allowed": Kind(403, "The key is not for this web page"),
    "too_many_requests": Kind(429, "Too many requests with this key"),
    # repeating and editing
    "invalid_visit": Kind(400, "The header Goodfit-Visit cannot be read"),
    "invalid_idempotency_key": Kind(400, "The Idempotency-Key cannot be used"),
    "idempotency_key_reused": Kind(422, "The Idempotency-Key was used with another body"),
    "idempotency_in_progress": Kind(409, "The first request with this key is still running"),
    "precondition_required": Kind(428, "Say which state you edit"),
    "precondition_failed": Kind(412, "Somebody edited this meanwhile"),
    # keys
    "key_not_found": Kind(404, "There is no such key"),
    "last_admin_key": Kind(409, "The last admin key cannot be revoked"),
    # rule sets
    "rule_set_not_found": Kind(404, "There is no such rule set"),
    "rule_set_exists": Kind(409, "There already is a rule set with this id"),
    "rule_set_mismatch": Kind(422, "The document names another rule set"),
    "draft_not_found": Kind(404, "There is no such draft"),
    "edit_not_found": Kind(404, "There is no such edit"),
    "draft_exists": Kind(409, "There already is a draft with this name"),
    "rebase_conflict": Kind(409, "The draft and the version changed the same things"),
    "version_not_found": Kind(404, "There is no such version"),
    "invalid_rule_set": Kind(422, "The rule set has errors"),
    "release_in_past": Kind(422, "A release cannot begin in the past"),
    "too_many_shadows": Kind(409, "Too many versions are in the shadow"),
    "no_shadow": Kind(409, "The version is not in the shadow"),
    "shadow_not_found": Kind(404, "The version was never in the shadow"),
    "disagreement_not_found": Kind(404, "There is no such disagreement"),
    "not_live": Kind(409, "No version of the rule set is live"),
    "frozen": Kind(409, "Nothing of the rule set may be released now"),
    "not_frozen": Kind(409, "The rule set is not frozen"),
    # reviews
    "review_not_found": Kind(404, "There is no such review"),
    "review_required": Kind(409, "Somebody else has to approve this first"),
    "backtest_required": Kind(409, "Who would flip has to be counted first"),
    "review_lapsed": Kind(409, "What would be approved is not what was read"),
    "review_over": Kind(409, "The review has ended"),
    "own_review": Kind(403, "Nobody approves their own work"),
    "already_live": Kind(409, "This text is live already"),
    # decisions and accounts
    "decision_not_found": Kind(404, "There is no such decision"),
    "score_not_found": Kind(404, "The rule set has no such score"),
    "account_not_found": Kind(404, "There is no such account"),
    "account_exists": Kind(409, "There already is an account with this key"),
    "already_merged": Kind(409, "Both are one account already"),
    "merge_not_found": Kind(404, "There was no such merge"),
    "merge_undone": Kind(409, "The merge was undone already"),
    "identity_taken": Kind(409, "Another account bears this identity"),
    "identity_not_found": Kind(404, "The account has no such identity"),
    "event_not_found": Kind(404, "There is no such entry in the ledger"),
    "event_conflict": Kind(409, "The source told something else under this id"),
    "already_reversed": Kind(409, "The entry was taken back already"),
    "parked_event_not_found": Kind(404, "There is no such parked event"),
    "parked_event_closed": Kind(409, "The event does not wait any more"),
    "kind_narrowed": Kind(409, "Events of the past have what this takes away"),
    "unknown_kind": Kind(422, "Nobody declared this kind of event"),
    "wrong_subject": Kind(422, "The rule set judges another kind of subject"),
    "facts_erased": Kind(410, "The facts of this decision were erased"),
    "no_earlier_decision": Kind(409, "There is no earlier decision to compare with"),
    "different_rule_sets": Kind(422, "The decisions are of different rule sets"),
    "not_replayable": Kind(409, "The decision would come out otherwise today"),
    "override_not_found": Kind(404, "There is no such override"),
    "override_ended": Kind(409, "The override is not in force any more"),
    "nothing_otherwise": Kind(422, "The rules decided the same"),
    "not_assessed": Kind(409, "The rules have not judged this account"),
    # what was noticed
    "suspension_not_found": Kind(404, "There is no such suspension"),
    "suspension_ended": Kind(409, "The suspension has ended already"),
    "notice_not_found": Kind(404, "There is no such notice"),
    "notice_closed": Kind(409, "The notice is closed already"),
    # backtests
    "backtest_not_found": Kind(404, "There is no such backtest"),
    "backtest_over": Kind(409, "The backtest is not in a state for this"),
    "revenue_unknown": Kind(422, "This is not a number of the rule set"),
    # rescorings
    "rescoring_not_found": Kind(404, "There is no such rescoring"),
    "rescoring_running": Kind(409, "The rule set is being rescored already"),
    "rescoring_over": Kind(409, "The rescoring has ended"),
    # the portfolio
    "statement_not_found": Kind(404, "There is no such statement"),
    "statement_over": Kind(409, "The statement has ended"),
    "scenario_not_found": Kind(404, "There is no such scenario"),
    "scenario_over": Kind(409, "The scenario has ended"),
    "cannot_state": Kind(422, "The rule set does not say what a portfolio is made of"),
    "bad_since": Kind(422, "There are no two statements to compare"),
    "bad_slice": Kind(422, "The portfolio cannot be taken apart so"),
    "bad_focus": Kind(422, "This is no focus of a portfolio"),
    "too_many_scenarios": Kind(429, "Too many scenarios wait to be worked out"),
    "scenario_failed": Kind(409, "The scenario could not be worked out"),
    "bad_criterion": Kind(422, "This says nothing of who is better off elsewhere"),
    # what rules mean
    "inquiry_not_found": Kind(404, "There is no such inquiry"),
    "too_many_inquiries": Kind(429, "Too many inquiries wait for an answer"),
    "bad_question": Kind(422, "The rule set has nothing of this name to ask about"),
    # what became of leads and accounts
    "outcome_not_found": Kind(404, "There is no such outcome"),
    "outcome_conflict": Kind(409, "The source told something else under this id"),
    "outcome_withdrawn": Kind(409, "The outcome was withdrawn already"),
    # what others send us
    "bad_signature": Kind(401, "The delivery does not prove where it comes from"),
    "connection_not_found": Kind(404, "There is no such connection"),
    "connection_exists": Kind(409, "There already is a connection with this name"),
    "intake_delivery_not_found": Kind(404, "There is no such delivery"),
    "vendor_unavailable": Kind(409, "The vendor's system cannot be asked for this now"),
    # whole files
    "import_not_found": Kind(404, "There is no such import"),
    "import_over": Kind(409, "The import has ended"),
    "too_many_imports": Kind(429, "Too many imports have not ended"),
    "file_not_expected": Kind(409, "The import does not wait for a file"),
    # privacy
    "erasure_not_found": Kind(404, "There is no such erasure"),
    # what others are told
    "endpoint_not_found": Kind(404, "There is no such endpoint"),
    "endpoint_unusable": Kind(422, "Nothing may be sent to this address"),
    "endpoint_disabled": Kind(409, "The endpoint is switched off"),
    "delivery_not_found": Kind(404, "There is no such delivery"),
    "delivery_not_over": Kind(409, "The delivery cannot be sent again now"),
    # ours
    "secrets_unreadable": Kind(503, "Secrets cannot be read with this deployment's key"),
    "not_ready": Kind(503, "This process should get no requests now"),
    "overloaded": Kind(503, "The service has too much to do"),
    "database_unavailable": Kind(503, "The database does not answer in time"),
    "database_not_migrated": Kind(503, "The database is not ready for this version"),
    "internal_error": Kind(500, "Something went wrong on our side"),
}


def problem(
    code: str,
    detail: str,
    *,
    request_id: str,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> Response:
    """Return the response that says *code* and *detail*.

    *members* are further members of the document; they replace none of ours.

    Raises:
        KeyError: If *code* is not in the table.
    """
    kind = PROBLEMS[code]
    document: dict[str, object] = {
        "type": f"/problems/{code.replace('_', '-')}",
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "detail": detail,
        "request_id": request_id,
    }
    if faults:
        document["errors"] = [fault.to_json() for fault in faults]
    document |= {name: value for name, value in (members or {}).items() if name not in document}
    return Response(
        orjson.dumps(document),
        status_code=kind.status,
        headers=dict(headers or {}),
        media_type="application/problem+json",
    )
