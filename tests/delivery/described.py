"""The API's description of events, by which what is sent is judged."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

__all__ = ["as_described", "described"]

_OPENAPI = Path(__file__).parents[2] / "openapi" / "openapi.json"


@cache
def described() -> Any:  # noqa: ANN401 - a JSON document
    """Return the committed description."""
    return json.loads(_OPENAPI.read_text(encoding="utf-8"))


def as_described(body: dict[str, Any]) -> dict[str, Any]:
    """Return an event's *body*, which is what the description says: no member more or less."""
    operation = described()["webhooks"][body["type"]]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    components = {"components": described()["components"]}
    jsonschema_rs.Draft202012Validator({**schema, **components}).validate(body)
    payload = schema["$ref"].rsplit("/", 1)[1].removesuffix("Event")
    members = described()["components"]["schemas"][payload]["properties"]
    assert set(body["data"]) == set(members)
    return body
