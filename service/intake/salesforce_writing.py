"""Write decisions into Salesforce's records, two hundred at a time, as an app of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.intake.vendor_http import Vendor, VendorUnavailable
from service.intake.writes import Writing, Written, refused, taken, unsure

__all__ = ["SALESFORCE_AT_ONCE", "let_into_salesforce", "write_to_salesforce"]

SALESFORCE_AT_ONCE: Final = 200
_COLLECTIONS: Final = "/services/data/v62.0/composite/sobjects"
_PASSING: Final = frozenset(
    {"UNABLE_TO_LOCK_ROW", "REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT"}
)
_WORDS: Final = {
    "ENTITY_IS_DELETED": "the record is not in Salesforce any more",
    "INVALID_FIELD": "a field does not exist there; make it, and let the run-as user edit it",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "a field cannot be edited by the run-as user",
    "INSUFFICIENT_ACCESS_OR_READONLY": "the run-as user may not edit this record",
}


async def let_into_salesforce(salesforce: Vendor, secrets: Mapping[str, Any]) -> None:
    """Get an access token by the client credentials of an External Client App.

    Raises:
        VendorUnavailable: If Salesforce cannot be asked now, or does not let us in.
    """
    asked = {
        "grant_type": "client_credentials",
        "client_id": str(secrets.get("client_id", "")),
        "client_secret": str(secrets.get("client_secret", "")),
    }
    reply = await salesforce.ask("POST", "/services/oauth2/token", form=asked)
    token = reply.content.get("access_token") if isinstance(reply.content, dict) else None
    if reply.status != 200 or not isinstance(token, str):
        words = (
            "Salesforce does not let us in; enable the client credentials flow of the app, give "
            "it a run-as user, and put its id and secret into the connection's secrets"
        )
        raise VendorUnavailable(words)
    salesforce.authorize({"Authorization": f"Bearer {token}"})


async def write_to_salesforce(salesforce: Vendor, writings: Sequence[Writing]) -> list[Written]:
    """Tell Salesforce of *writings*; return how each ended, in order.

    Raises:
        VendorUnavailable: If Salesforce cannot be asked now, or does not let us in.
    """
    records = [
        {"attributes": {"type": one.record}, "id": one.external_id, **one.values}
        for one in writings
    ]
    asked = {"allOrNone": False, "records": records}
    reply = await salesforce.ask("PATCH", _COLLECTIONS, json=asked)
    if reply.status in {401, 403}:
        words = "Salesforce ended our session or does not allow it; look at the app's policies"
        raise VendorUnavailable(words)
    told = reply.content
    if reply.status == 400 and len(writings) == 1:
        return [refused(_said(told))]
    if reply.status != 200 or not isinstance(told, list):
        words = f"Salesforce answered something else than its API does (status {reply.status})"
        return [unsure(words) for _ in writings]
    if len(told) != len(writings):
        return _endings_by_id(writings, told)
    return [_ending(one) for one in told]


def _endings_by_id(writings: Sequence[Writing], told: Sequence[object]) -> list[Written]:
    """Return how each ended where results are missing: their places say nothing, ids do."""
    done = {
        str(one.get("id")) for one in told if isinstance(one, dict) and one.get("success") is True
    }
    words = "Salesforce's answer does not mention the record"
    return [taken() if one.external_id in done else unsure(words) for one in writings]


def _ending(result: object) -> Written:
    if not isinstance(result, dict):
        return unsure("Salesforce's answer does not mention the record")
    if result.get("success") is True:
        return taken()
    errors = result.get("errors")
    words = _said(errors)
    codes = {one.get("statusCode") for one in errors or [] if isinstance(one, dict)}
    return unsure(words) if codes & _PASSING or not codes else refused(words)


def _said(errors: object) -> str:
    first = errors[0] if isinstance(errors, list) and errors else errors
    told = first if isinstance(first, dict) else {}
    code = told.get("statusCode") or told.get("errorCode")
    if code in _WORDS:
        return f"{_WORDS[code]} ({code})"
    return f"Salesforce refuses it ({code or 'no reason given'}): {told.get('message', '')}"
