"""Describe the API: OpenAPI 3.1 from the routes, with what FastAPI does not know.

Who may call a route comes from the same table that the gate reads.
"""

from typing import Any, Final

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.web.access import ACCESS, Access, Door
from service.web.documented import ProblemShown, refusals
from service.web.openapi_3_0 import convert

__all__ = ["describe", "descriptions"]

_TAGS: Final = (
    ("decide", "Judge leads and accounts, and look back at decisions."),
    ("accounts", "Customers we already serve: their facts and current assessments."),
    ("overrides", "A person decides otherwise; which rules people overrule."),
    ("rule sets", "Edit rules as drafts, commit versions, release them."),
    ("events", "Who is told what happens here: endpoints and deliveries."),
    ("keys", "Who may ask this service anything, and who changed what."),
    ("operate", "Alive, ready, how much."),
)
_SECRET: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "gf_sk_...",
    "description": "A secret key; its scopes say what it may do.",
}
_PUBLISHABLE: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "gf_pk_...",
    "description": "A publishable key, bound to one rule set and to web pages' origins.",
}


def describe(api: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of every route of *api* that is in its schema."""
    document = get_openapi(
        title=api.title,
        version=api.version,
        summary=api.summary,
        description=api.description,
        routes=api.routes,
        webhooks=api.webhooks.routes,
        tags=[{"name": name, "description": words} for name, words in _TAGS],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = ProblemShown.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    components["securitySchemes"] = {"secretKey": _SECRET, "publishableKey": _PUBLISHABLE}
    by_route = {(access.method, access.template): access for access in ACCESS}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            # FastAPI makes a summary of the function's name; its first line says more.
            operation["summary"] = operation["description"].partition("\n")[0].rstrip(".")
            _add_access(operation, by_route[method.upper(), path])
    for item in document.get("webhooks", {}).values():
        for operation in item.values():
            operation["summary"] = operation["description"].rstrip(".")
            operation["security"] = []  # signed by us; no key of ours goes out
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def descriptions(api: FastAPI) -> tuple[bytes, bytes]:
    """Return *api* described in OpenAPI 3.1 and 3.0, as JSON; worked out once.

    It takes a tenth of a second, which neither a start nor the event loop should wait for.
    """
    kept: tuple[bytes, bytes] | None = getattr(api.state, "descriptions", None)
    if kept is None:
        document = describe(api)
        kept = orjson.dumps(document), orjson.dumps(convert(document))
        api.state.descriptions = kept
    return kept


def _add_access(operation: dict[str, Any], access: Access) -> None:
    """Say in *operation* which keys open it, and what the gate may answer instead."""
    statuses = [404, 500, 503]
    if access.needs is not Door.OPEN:
        statuses += [401, 403, 429]
    if access.body is not None:
        statuses += [408, 413, 415, 422]
    told = operation.setdefault("responses", {})
    for status, response in refusals(*statuses).items():
        told.setdefault(str(status), response)
    operation["responses"] = dict(sorted(told.items()))
    if access.needs is Door.OPEN:
        operation["security"] = []
        return
    operation["security"] = [{"secretKey": []}]
    if access.publishable:
        operation["security"].append({"publishableKey": []})
    needed = access.needs
    words = "any secret key" if isinstance(needed, Door) else f"a key with the scope `{needed}`"
    operation["description"] = f"{operation.get('description', '')}\n\nNeeds {words}.".strip()
