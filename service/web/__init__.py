"""What every room's door uses: keys, problems, limits, idempotency, paging, ETags.

Rooms import from here and nowhere below. `routers` are this floor's own routes.
"""

from service.web.access import ACCESS, Access, Door, find_access
from service.web.addresses import UNKNOWN, neighbourhood_of
from service.web.audit_routes import audit_routes
from service.web.bodies import (
    BodyTooLarge,
    UnsupportedMediaType,
    check_head,
    media_type_of,
    read_body,
)
from service.web.caller import Caller, KeyKind, Scope
from service.web.cells import Cell, csv_of, safe_cell
from service.web.crowd import Crowd
from service.web.crowd_store import add_counts, forget_counts
from service.web.documented import REFUSALS, refusals
from service.web.envelope import REQUEST_ID_BYTES, Envelope, tell_visit
from service.web.errands import LEASE, Errand, run_as_they_come, run_claimed, run_next
from service.web.etags import Clash, PreconditionRequired, check_match, etag_of, is_unchanged
from service.web.failures import EXPECTED, faults_within, respond_to
from service.web.gate import Gate, Rates, check_caller
from service.web.house import House, InHouse, Visiting, WithKey, open_house
from service.web.idempotency import (
    Answer,
    AnswerErased,
    Claim,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    claim_of,
)
from service.web.journal import Journal, configure_logs, journal, stack_of
from service.web.json import InvalidJSON, decode_json, split_array
from service.web.json_limits import LEAD, LEDGER, RULE_SET, Limits
from service.web.key_making import MadeKey, give_key, take_key_back
from service.web.key_routes import key_routes
from service.web.key_schemas import KeyAsked
from service.web.key_store import list_keys
from service.web.keyring import KeyRing, Unauthenticated
from service.web.keys import hash_of
from service.web.lifeline import live
from service.web.limiter import Limiter, Rate, TooManyRequests, per_minute
from service.web.lines import LINE_BYTES, Element, ResultStream
from service.web.many import (
    NDJSON,
    STREAMED,
    BadElement,
    DryRun,
    IdempotencyKey,
    Many,
    StreamWithKey,
    answer_many,
    body_of_many,
    only_tried,
)
from service.web.metrics import Metrics
from service.web.once import answer_once, answered_before, find_kept, run_once
from service.web.openapi import describe, descriptions
from service.web.openapi_3_0 import convert
from service.web.operations import operations
from service.web.pages import pages
from service.web.paging import (
    CursorParameter,
    InvalidCursor,
    LimitParameter,
    instant_after,
    link_to_next,
    number_after,
    page_of,
    read_cursor,
    text_after,
    uuid_after,
    write_cursor,
)
from service.web.personal_store import HOLDINGS
from service.web.problems import PROBLEMS, problem
from service.web.pulse import Pulse
from service.web.refusals import Fault, Refusal, pointer_to
from service.web.strict_route import StrictRoute, is_slow, read_json
from service.web.turns import Turns
from service.web.upkeep import (
    Chore,
    begun_after,
    chores_of,
    kept_up,
    looked_after,
    urgent_chores_of,
)
from service.web.visit import Clock, Visit, visit_of
from service.web.wire import Instant, Sent, Shown, rfc3339

__all__ = [
    "ACCESS",
    "EXPECTED",
    "HOLDINGS",
    "LEAD",
    "LEASE",
    "LEDGER",
    "LINE_BYTES",
    "NDJSON",
    "PROBLEMS",
    "REFUSALS",
    "REQUEST_ID_BYTES",
    "RULE_SET",
    "STREAMED",
    "UNKNOWN",
    "Access",
    "Answer",
    "AnswerErased",
    "BadElement",
    "BodyTooLarge",
    "Caller",
    "Cell",
    "Chore",
    "Claim",
    "Clash",
    "Clock",
    "Crowd",
    "CursorParameter",
    "Door",
    "DryRun",
    "Element",
    "Envelope",
    "Errand",
    "Fault",
    "Gate",
    "House",
    "IdempotencyInProgress",
    "IdempotencyKey",
    "IdempotencyKeyReused",
    "InHouse",
    "Instant",
    "InvalidCursor",
    "InvalidIdempotencyKey",
    "InvalidJSON",
    "Journal",
    "KeyAsked",
    "KeyKind",
    "KeyRing",
    "LimitParameter",
    "Limiter",
    "Limits",
    "MadeKey",
    "Many",
    "Metrics",
    "PreconditionRequired",
    "Pulse",
    "Rate",
    "Rates",
    "Refusal",
    "ResultStream",
    "Scope",
    "Sent",
    "Shown",
    "StreamWithKey",
    "StrictRoute",
    "TooManyRequests",
    "Turns",
    "Unauthenticated",
    "UnsupportedMediaType",
    "Visit",
    "Visiting",
    "WithKey",
    "add_counts",
    "answer_many",
    "answer_once",
    "answered_before",
    "begun_after",
    "body_of_many",
    "check_caller",
    "check_head",
    "check_match",
    "chores_of",
    "claim_of",
    "configure_logs",
    "convert",
    "csv_of",
    "decode_json",
    "describe",
    "descriptions",
    "etag_of",
    "faults_within",
    "find_access",
    "find_kept",
    "forget_counts",
    "give_key",
    "hash_of",
    "instant_after",
    "is_slow",
    "is_unchanged",
    "journal",
    "kept_up",
    "link_to_next",
    "list_keys",
    "live",
    "looked_after",
    "media_type_of",
    "neighbourhood_of",
    "number_after",
    "only_tried",
    "open_house",
    "page_of",
    "per_minute",
    "pointer_to",
    "problem",
    "read_body",
    "read_cursor",
    "read_json",
    "refusals",
    "respond_to",
    "rfc3339",
    "routers",
    "run_as_they_come",
    "run_claimed",
    "run_next",
    "run_once",
    "safe_cell",
    "split_array",
    "stack_of",
    "take_key_back",
    "tell_visit",
    "text_after",
    "urgent_chores_of",
    "uuid_after",
    "visit_of",
    "write_cursor",
]

routers = (pages, operations, key_routes, audit_routes)
