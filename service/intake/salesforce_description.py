"""The one operation of Salesforce's facade as OpenAPI 3.0.3, which is all that it reads.

It is made from the models of the route, so that it cannot say anything else.
"""

from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel

from service.web import convert

__all__ = ["salesforce_description"]


@lru_cache(maxsize=1)
def salesforce_description(question: type[BaseModel], answer: type[BaseModel]) -> bytes:
    """Return the description, indented, with one response: a refusal is a fault to a flow."""
    schemas: dict[str, Any] = {}
    for model in (question, answer):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Goodfit for Salesforce",
            "version": "1",
            "description": "Decide a record by the rules that are live.",
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/integrations/salesforce/v1/qualify": {
                "post": {
                    "operationId": "qualifyRecord",
                    "summary": "Decide a record",
                    "description": "Decides a lead or an account and says what to do next.",
                    "requestBody": {"required": True, "content": _json(question)},
                    "responses": {"200": {"description": "Decided", "content": _json(answer)}},
                }
            }
        },
        "components": {"schemas": dict(sorted(schemas.items()))},
    }
    plain = _without_nulls(document)
    return orjson.dumps(convert(plain), option=orjson.OPT_INDENT_2) + b"\n"


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def _without_nulls(node: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a schema in which what may be null may be left out instead: a flow knows no null."""
    if isinstance(node, list):
        return [_without_nulls(one) for one in node]
    if not isinstance(node, dict):
        return node
    members = {name: _without_nulls(value) for name, value in node.items() if name != "default"}
    choices = [one for one in members.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        del members["anyOf"]
        members |= choices[0]
    members.pop("additionalProperties", None)
    return members
