"""The route-to-scope table: every address, who may use it, and what body it takes.

Deny by default: the gate answers 404 for whatever is not listed here, whether or not
a room has a route for it. A test holds this table and the application's routes
together, both ways.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Final

from service.web.caller import Scope
from service.web.json_limits import LEAD, LEDGER, RULE_SET, Limits
from service.web.refusals import Refusal

__all__ = ["ACCESS", "Access", "Body", "Door", "MethodNotAllowed", "NothingHere", "find_access"]


class NothingHere(Refusal):
    """No route has this path."""

    code: ClassVar[str] = "not_found"


class MethodNotAllowed(Refusal):
    """A route has this path, with other methods; `Allow` names them."""

    code: ClassVar[str] = "method_not_allowed"


class Door(Enum):
    """What opens a route that asks for no particular scope."""

    OPEN = "no key"
    ANY_SECRET_KEY = "any secret key"  # noqa: S105 - words about keys, not one
    KEY_IN_ADDRESS = "the publishable key in the address"
    """For forms that a browser sends by itself: it cannot set a header."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Body:
    """What bodies a route reads: the limit in bytes of each media type, and JSON's own.

    A limit of None is a stream that ends when its sender wants it to.
    """

    limits: Mapping[str, int | None]
    json: Limits = LEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may call one route. *publishable* lets publishable keys in as well."""

    method: str
    template: str
    needs: Scope | Door
    body: Body | None = None
    publishable: bool = False


def _json(limit_bytes: int, *others: str, json: Limits = LEAD) -> Body:
    limits = dict.fromkeys(("application/json", *others), limit_bytes)
    return Body(limits=limits, json=json)


_KB: Final = 1024
_YAML: Final = "application/yaml"
_MERGE: Final = "application/merge-patch+json"
_SMALL: Final = _json(64 * _KB)
_PATCH: Final = _json(64 * _KB, _MERGE)
_DOCUMENT: Final = _json(256 * _KB, _YAML, json=RULE_SET)
_LEDGER: Final = _json(64 * _KB, json=LEDGER)
_FORM: Final = Body(limits={"application/x-www-form-urlencoded": 64 * _KB})
_BATCH: Final = Body(limits={"application/json": 1024 * _KB, "application/x-ndjson": None})
# The route counts what arrives, against a setting.
_FILE: Final = Body(
    limits=dict.fromkeys(
        (
            "text/csv",
            "application/x-ndjson",
            "application/vnd.apache.parquet",
            "application/octet-stream",
        )
    )
)
_MAP: Final = _json(256 * _KB, json=RULE_SET)
_MAP_PATCH: Final = _json(256 * _KB, _MERGE, json=RULE_SET)
_INTAKE: Final = _json(1024 * _KB, "text/xml", "text/plain")
_SETS: Final = "/v1/rule-sets"
_FORMS: Final = "/v1/forms/{publishable_key}"
_DRAFT: Final = "/v1/rule-sets/{slug}/drafts/{draft}"
_PORTFOLIO: Final = "/v1/portfolio/{slug}"
_SHADOW: Final = "/v1/rule-sets/{slug}/shadows/{version}"


def _access(
    line: str, needs: Scope | Door, body: Body | None = None, *, publishable: bool = False
) -> Access:
    method, template = line.split(" ")
    return Access(method=method, template=template, needs=needs, body=body, publishable=publishable)


ACCESS: Final[tuple[Access, ...]] = (
    _access("GET /", Door.OPEN),
    _access("GET /docs", Door.OPEN),
    _access("GET /static/{digest}/{name}", Door.OPEN),
    _access("GET /problems/{code}", Door.OPEN),
    _access("GET /openapi.json", Door.OPEN),
    _access("GET /openapi-3.0.json", Door.OPEN),
    _access("GET /livez", Door.OPEN),
    _access("GET /readyz", Door.OPEN),
    _access("GET /metrics", Door.ANY_SECRET_KEY),
    _access("POST /v1/qualify", Scope.DECIDE, _SMALL, publishable=True),
    _access("POST /v1/qualify/batch", Scope.DECIDE, _BATCH),
    _access("GET /embed/{name}", Door.OPEN),
    _access(f"POST {_FORMS}", Door.KEY_IN_ADDRESS, _FORM, publishable=True),
    _access(f"POST {_FORMS}/questions", Door.KEY_IN_ADDRESS, _FORM, publishable=True),
    _access(f"POST {_FORMS}/visits", Door.KEY_IN_ADDRESS, _FORM, publishable=True),
    _access(f"GET {_FORMS}/statistics", Scope.DECIDE),
    _access(f"GET {_FORMS}/statistics.svg", Scope.DECIDE),
    _access("GET /v1/decisions", Scope.DECIDE),
    _access("GET /v1/decisions/{id}", Scope.DECIDE),
    _access("GET /v1/decisions/{id}/explanation", Scope.DECIDE),
    _access("GET /v1/decisions/{id}/why", Scope.DECIDE),
    _access("GET /v1/decisions/{id}/counterfactuals", Scope.DECIDE),
    _access("GET /v1/decisions/{id}/waterfall/{score}.svg", Scope.DECIDE),
    _access("GET /v1/decisions/{id}/waterfall/{score}.csv", Scope.DECIDE),
    _access("POST /v1/decisions/{id}/replay", Scope.DECIDE, _SMALL),
    # A person's word is a decision too, of an account as of a lead: one scope for all of it.
    _access("POST /v1/decisions/{id}/override", Scope.DECIDE, _SMALL),
    _access("POST /v1/accounts/{key}/overrides", Scope.DECIDE, _SMALL),
    _access("GET /v1/overrides", Scope.DECIDE),
    _access("GET /v1/overrides/{id}", Scope.DECIDE),
    _access("POST /v1/overrides/{id}/withdraw", Scope.DECIDE, _SMALL),
    _access("GET /v1/suspensions", Scope.DECIDE),
    _access("GET /v1/suspensions/{id}", Scope.DECIDE),
    _access("POST /v1/suspensions/{id}/end", Scope.RULES_PUBLISH, _SMALL),
    _access("GET /v1/accounts", Scope.ACCOUNTS),
    _access("POST /v1/accounts", Scope.ACCOUNTS, _BATCH),
    _access("POST /v1/accounts/import", Scope.ACCOUNTS, _SMALL),
    _access("GET /v1/accounts/imports", Scope.ACCOUNTS),
    _access("GET /v1/accounts/imports/{id}", Scope.ACCOUNTS),
    _access("PUT /v1/accounts/imports/{id}/file", Scope.ACCOUNTS, _FILE),
    _access("GET /v1/accounts/imports/{id}/problems", Scope.ACCOUNTS),
    _access("GET /v1/accounts/imports/{id}/problems.csv", Scope.ACCOUNTS),
    _access("POST /v1/accounts/imports/{id}/cancel", Scope.ACCOUNTS),
    _access("GET /v1/accounts/{key}", Scope.ACCOUNTS),
    _access("PUT /v1/accounts/{key}", Scope.ACCOUNTS, _SMALL),
    _access("PATCH /v1/accounts/{key}", Scope.ACCOUNTS, _PATCH),
    _access("GET /v1/accounts/{key}/assessment", Scope.ACCOUNTS),
    _access("GET /v1/accounts/{key}/assessments", Scope.ACCOUNTS),
    _access("GET /v1/accounts/{key}/dossier", Scope.ACCOUNTS),
    _access("GET /v1/accounts/{key}/dossier.html", Scope.ACCOUNTS),
    _access("GET /v1/accounts/{key}/identities", Scope.ACCOUNTS),
    _access("PUT /v1/accounts/{key}/identities/{system}/{id}", Scope.ACCOUNTS),
    _access("DELETE /v1/accounts/{key}/identities/{system}/{id}", Scope.ACCOUNTS),
    _access("POST /v1/accounts/{key}/merge", Scope.ACCOUNTS, _SMALL),
    _access("GET /v1/account-merges", Scope.ACCOUNTS),
    _access("POST /v1/account-merges/{id}/undo", Scope.ACCOUNTS, _SMALL),
    _access("GET /v1/accounts/{key}/events", Scope.ACCOUNTS),
    _access("POST /v1/accounts/{key}/events", Scope.ACCOUNTS, _LEDGER),
    _access("GET /v1/events", Scope.ACCOUNTS),
    _access("POST /v1/events", Scope.ACCOUNTS, _BATCH),
    _access("GET /v1/events/{id}", Scope.ACCOUNTS),
    _access("POST /v1/events/{id}/reversal", Scope.ACCOUNTS, _SMALL),
    _access("GET /v1/parked-events", Scope.ACCOUNTS),
    _access("POST /v1/parked-events/replay", Scope.ACCOUNTS, _SMALL),
    _access("GET /v1/parked-events/{id}", Scope.ACCOUNTS),
    _access("PUT /v1/parked-events/{id}", Scope.ACCOUNTS, _LEDGER),
    _access("POST /v1/parked-events/{id}/replay", Scope.ACCOUNTS),
    _access("DELETE /v1/parked-events/{id}", Scope.ACCOUNTS),
    _access("GET /v1/event-kinds", Scope.ACCOUNTS),
    # What counts as what, and whose word stands, is for the whole organisation to rely on.
    _access("PUT /v1/event-kinds/{kind}", Scope.ADMIN, _LEDGER),
    _access("GET /v1/sources", Scope.ACCOUNTS),
    _access("PUT /v1/sources/{name}", Scope.ADMIN, _SMALL),
    _access("GET /v1/outcomes", Scope.ACCOUNTS),
    _access("POST /v1/outcomes", Scope.ACCOUNTS, _BATCH),
    _access("GET /v1/outcomes/{id}", Scope.ACCOUNTS),
    _access("POST /v1/outcomes/{id}/withdraw", Scope.ACCOUNTS, _SMALL),
    _access(f"GET {_SETS}", Scope.RULES_READ),
    _access(f"POST {_SETS}", Scope.RULES_WRITE, _DOCUMENT),
    _access(f"GET {_SETS}/{{slug}}", Scope.RULES_READ),
    _access(f"GET {_SETS}/{{slug}}/drafts", Scope.RULES_READ),
    _access(f"GET {_DRAFT}", Scope.RULES_READ),
    _access(f"PUT {_DRAFT}", Scope.RULES_WRITE, _DOCUMENT),
    _access(f"PATCH {_DRAFT}", Scope.RULES_WRITE, _json(256 * _KB, _MERGE, json=RULE_SET)),
    _access(f"DELETE {_DRAFT}", Scope.RULES_WRITE),
    _access(f"POST {_DRAFT}/check", Scope.RULES_READ),
    _access(f"POST {_DRAFT}/try", Scope.RULES_READ, _SMALL),
    _access(f"GET {_DRAFT}/boundary-tests", Scope.RULES_READ),
    _access(f"POST {_DRAFT}/boundary-tests", Scope.RULES_WRITE),
    _access(f"POST {_DRAFT}/commit", Scope.RULES_WRITE, _SMALL),
    _access(f"POST {_DRAFT}/rebase", Scope.RULES_WRITE, _SMALL),
    _access(f"GET {_DRAFT}/history", Scope.RULES_READ),
    _access(f"GET {_DRAFT}/history/{{edit}}", Scope.RULES_READ),
    _access(f"POST {_DRAFT}/restore", Scope.RULES_WRITE, _SMALL),
    _access(f"GET {_SETS}/{{slug}}/versions", Scope.RULES_READ),
    _access(f"GET {_SETS}/{{slug}}/versions/{{number}}", Scope.RULES_READ),
    _access(f"GET {_SETS}/{{slug}}/versions/{{a}}/compare/{{b}}", Scope.RULES_READ),
    _access(f"GET {_SETS}/{{slug}}/overrides", Scope.RULES_READ),
    _access(f"GET {_SETS}/{{slug}}/releases", Scope.RULES_READ),
    _access(f"POST {_SETS}/{{slug}}/releases", Scope.RULES_PUBLISH, _SMALL),
    _access(f"GET {_SETS}/{{slug}}/release-policy", Scope.RULES_READ),
    _access(f"PUT {_SETS}/{{slug}}/release-policy", Scope.ADMIN, _SMALL),
    _access(f"POST {_SETS}/{{slug}}/freeze", Scope.RULES_PUBLISH, _SMALL),
    _access(f"POST {_SETS}/{{slug}}/unfreeze", Scope.RULES_PUBLISH, _SMALL),
    _access(f"GET {_SETS}/{{slug}}/inquiries", Scope.RULES_READ),
    _access(f"POST {_SETS}/{{slug}}/inquiries", Scope.RULES_READ, _SMALL),
    _access(f"GET {_SETS}/{{slug}}/inquiries/{{id}}", Scope.RULES_READ),
    _access(f"GET {_SETS}/{{slug}}/reviews", Scope.RULES_READ),
    _access(f"POST {_SETS}/{{slug}}/reviews", Scope.RULES_WRITE, _SMALL),
    _access(f"GET {_SETS}/{{slug}}/reviews/{{id}}", Scope.RULES_READ),
    _access(f"POST {_SETS}/{{slug}}/reviews/{{id}}/approve", Scope.RULES_PUBLISH, _SMALL),
    _access(f"POST {_SETS}/{{slug}}/reviews/{{id}}/reject", Scope.RULES_PUBLISH, _SMALL),
    _access(f"POST {_SETS}/{{slug}}/reviews/{{id}}/withdraw", Scope.RULES_WRITE),
    _access(f"GET {_SETS}/{{slug}}/shadows", Scope.RULES_READ),
    _access(f"GET {_SHADOW}", Scope.RULES_READ),
    _access(f"GET {_SHADOW}/disagreements", Scope.RULES_READ),
    # shows what people told of themselves
    _access(f"GET {_SHADOW}/disagreements/{{decision}}", Scope.DECIDE),
    _access(f"GET {_SETS}/{{slug}}/rescorings", Scope.RULES_READ),
    # carries what is live to every stored account, as a release does to whoever asks
    _access(f"POST {_SETS}/{{slug}}/rescorings", Scope.RULES_PUBLISH, _SMALL),
    _access(f"GET {_SETS}/{{slug}}/rescorings/{{id}}", Scope.RULES_READ),
    _access(f"POST {_SETS}/{{slug}}/rescorings/{{id}}/cancel", Scope.RULES_PUBLISH),
    _access(f"GET {_PORTFOLIO}/focus/accounts", Scope.ACCOUNTS),
    _access(f"GET {_PORTFOLIO}/statements", Scope.ACCOUNTS),
    # takes a rescoring with it
    _access(f"POST {_PORTFOLIO}/statements", Scope.RULES_PUBLISH, _SMALL),
    _access(f"GET {_PORTFOLIO}/statements/{{id}}", Scope.ACCOUNTS),
    _access(f"POST {_PORTFOLIO}/statements/{{id}}/cancel", Scope.RULES_PUBLISH),
    _access(f"POST {_PORTFOLIO}/scenarios/{{id}}/cancel", Scope.ACCOUNTS),
    *(
        _access(f"GET {_PORTFOLIO}/{view}{suffix}", Scope.ACCOUNTS)
        for view in (
            "better-off",
            "sensitivity",
            "focus",
            "matrix",
            "summary",
            "segments",
            "whale-curve",
            "concentration",
            "largest",
        )
        for suffix in ("", ".csv")
    ),
    *(
        _access(f"GET {_PORTFOLIO}/alignment/{who}{form}", Scope.ACCOUNTS)
        for who in ("marketing", "sales", "support", "product")
        for form in ("", ".csv")
    ),
    _access(f"GET {_PORTFOLIO}/systemic", Scope.ACCOUNTS),
    _access(f"GET {_PORTFOLIO}/systemic.csv", Scope.ACCOUNTS),
    _access(f"GET {_PORTFOLIO}/systemic-policy", Scope.ACCOUNTS),
    # decides for whom a rule may be suspended
    _access(f"PUT {_PORTFOLIO}/systemic-policy", Scope.RULES_PUBLISH, _SMALL),
    _access(f"GET {_PORTFOLIO}/matrix.svg", Scope.ACCOUNTS),
    _access(f"GET {_PORTFOLIO}/whale-curve.svg", Scope.ACCOUNTS),
    *(
        _access(f"GET {_PORTFOLIO}/movements{suffix}", Scope.ACCOUNTS)
        for suffix in ("", ".csv", ".svg")
    ),
    _access("GET /v1/backtests", Scope.RULES_READ),
    _access("POST /v1/backtests", Scope.RULES_WRITE, _SMALL),
    _access("GET /v1/backtests/{id}", Scope.RULES_READ),
    _access("POST /v1/backtests/{id}/cancel", Scope.RULES_WRITE),
    _access("POST /v1/backtests/{id}/resume", Scope.RULES_WRITE),
    _access("GET /v1/backtests/{id}/flips", Scope.DECIDE),  # shows what people told of themselves
    _access("GET /v1/notices", Scope.RULES_READ),
    _access("GET /v1/notices/{id}", Scope.RULES_READ),
    _access("POST /v1/notices/{id}/close", Scope.RULES_WRITE, _SMALL),
    _access("GET /v1/erasures", Scope.ADMIN),
    _access("POST /v1/erasures", Scope.ADMIN, _SMALL),
    _access("GET /v1/erasures/{id}", Scope.ADMIN),
    # who is told what happens here is as good as a key to it
    _access("GET /v1/endpoints", Scope.ADMIN),
    _access("POST /v1/endpoints", Scope.ADMIN, _SMALL),
    _access("GET /v1/endpoints/{id}", Scope.ADMIN),
    _access("PATCH /v1/endpoints/{id}", Scope.ADMIN, _SMALL),
    _access("DELETE /v1/endpoints/{id}", Scope.ADMIN),
    _access("POST /v1/endpoints/{id}/rotate-secret", Scope.ADMIN, _SMALL),
    _access("POST /v1/endpoints/{id}/test", Scope.ADMIN),
    _access("POST /v1/endpoints/{id}/redeliver", Scope.ADMIN, _SMALL),
    _access("GET /v1/endpoints/{id}/deliveries", Scope.ADMIN),
    _access("GET /v1/deliveries/{id}", Scope.ADMIN),
    _access("POST /v1/deliveries/{id}/redeliver", Scope.ADMIN),
    # holds other systems' secrets, shows what they sent, and says what is written there
    _access("GET /v1/connections", Scope.ADMIN),
    _access("POST /v1/connections", Scope.ADMIN, _MAP),
    _access("POST /v1/connections/apply", Scope.ADMIN, _MAP),
    _access("GET /v1/connections/{id}", Scope.ADMIN),
    _access("PATCH /v1/connections/{id}", Scope.ADMIN, _MAP_PATCH),
    _access("DELETE /v1/connections/{id}", Scope.ADMIN),
    _access("GET /v1/connections/{id}/deliveries", Scope.ADMIN),
    _access("POST /v1/connections/{id}/deliveries/replay", Scope.ADMIN, _SMALL),
    _access("GET /v1/connections/{id}/deliveries/{delivery}", Scope.ADMIN),
    _access("POST /v1/connections/{id}/deliveries/{delivery}/replay", Scope.ADMIN),
    _access("POST /v1/connections/{id}/deliveries/{delivery}/discard", Scope.ADMIN),
    _access("POST /v1/connections/{id}/try", Scope.ADMIN, _DOCUMENT),
    _access("GET /v1/connections/{id}/writes", Scope.ADMIN),
    _access("POST /v1/connections/{id}/writes/retry", Scope.ADMIN),
    _access("POST /v1/connections/{id}/set-up", Scope.ADMIN),
    _access("POST /v1/connections/{id}/resync", Scope.ADMIN, _SMALL),
    _access("GET /integrations/salesforce/openapi.json", Door.OPEN),
    _access("POST /integrations/salesforce/v1/qualify", Scope.DECIDE, _SMALL),
    # the delivery proves itself
    _access("POST /v1/intake/{connection}", Door.OPEN, _INTAKE),
    _access("POST /v1/intake/{connection}/{token}", Door.OPEN, _INTAKE),
    _access("GET /v1/subjects/export", Scope.ADMIN),
    _access("GET /v1/keys", Scope.ADMIN),
    _access("POST /v1/keys", Scope.ADMIN, _SMALL),
    _access("DELETE /v1/keys/{id}", Scope.ADMIN),
    _access("GET /v1/audit", Scope.ADMIN),
)


def find_access(method: str, path: str) -> Access:
    """Return the table's entry for a request.

    Raises:
        NothingHere: If no entry has *path*.
        MethodNotAllowed: If entries have *path*, but none *method*.
    """
    methods = _EXACT.get(path)
    if methods is None:
        found = (by for pattern, by in _PATTERNS if pattern.fullmatch(path))
        methods = next(found, None)
    if methods is None:
        raise NothingHere("there is nothing at this address; look it up in /docs")
    access = methods.get(method)
    if access is None:
        allowed = ", ".join(sorted(methods))
        words = f"this address takes {allowed}; use one of them"
        raise MethodNotAllowed(words, headers={"Allow": allowed})
    return access


def _by_template() -> Mapping[str, dict[str, Access]]:
    templates: dict[str, dict[str, Access]] = {}
    for access in ACCESS:
        templates.setdefault(access.template, {})[access.method] = access
    return templates


def _pattern_of(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(template)))


_EXACT: Final = {path: by for path, by in _by_template().items() if "{" not in path}
_PATTERNS: Final = [(_pattern_of(path), by) for path, by in _by_template().items() if "{" in path]
