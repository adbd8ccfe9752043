"""The API's description: generated, committed, valid in both versions, and complete."""

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from service.app import build_api, write_openapi
from service.delivery import EventType
from service.web import convert, describe

COMMITTED = Path(__file__).parents[2] / "openapi"
METHODS = {"get", "put", "post", "patch", "delete"}


def read(name: str) -> Any:  # noqa: ANN401 - a JSON document
    """Return a committed description."""
    return json.loads((COMMITTED / name).read_text(encoding="utf-8"))


def operations() -> list[tuple[str, dict[str, Any]]]:
    """Return every operation of the committed 3.1 description."""
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in read("openapi.json")["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


@pytest.mark.parametrize("name", ["openapi.json", "openapi-3.0.json"])
def test_the_committed_description_is_the_generated_one(tmp_path: Path, name: str) -> None:
    """Whoever changes a route commits its description with it: `make openapi`."""
    write_openapi(tmp_path)
    generated, committed = json.loads((tmp_path / name).read_text()), read(name)
    for document in (generated, committed):
        document["info"].pop("version")  # a bare clone does not know its own
    assert generated == committed


def test_both_descriptions_are_valid() -> None:
    """Each is a description by the standard it names."""
    OpenAPIV31SpecValidator(read("openapi.json")).validate()
    OpenAPIV30SpecValidator(read("openapi-3.0.json")).validate()
    assert read("openapi.json")["openapi"].startswith("3.1")
    assert read("openapi-3.0.json")["openapi"].startswith("3.0")


def test_both_describe_the_same_operations() -> None:
    """Converting loses no operation, parameter or schema."""
    newer, older = read("openapi.json"), read("openapi-3.0.json")
    assert list(newer["paths"]) == list(older["paths"])
    assert set(newer["components"]["schemas"]) == set(older["components"]["schemas"])
    for path, item in newer["paths"].items():
        for method, operation in item.items():
            twin = older["paths"][path][method]
            assert operation["operationId"] == twin["operationId"]
            assert list(operation["responses"]) == list(twin["responses"])


def test_every_operation_is_named_and_told() -> None:
    """Operation ids are unique and ours; each has words, a tag, and who may call it."""
    ids = [operation["operationId"] for _, operation in operations()]
    assert len(ids) == len(set(ids))
    for name, operation in operations():
        assert operation["operationId"].isalnum(), name
        assert operation["description"], name
        assert operation["tags"], name
        assert "security" in operation, name


def test_every_event_is_a_webhook_of_the_newer_one_alone() -> None:
    """3.1 describes what each type of event holds; 3.0 has no word for that."""
    webhooks = read("openapi.json")["webhooks"]
    assert list(webhooks) == [kind.value for kind in EventType]
    assert "webhooks" not in read("openapi-3.0.json")
    ids = [operation["operationId"] for _, operation in operations()]
    for name, item in webhooks.items():
        headers = {one["name"] for one in item["post"]["parameters"]}
        assert headers == {"webhook-id", "webhook-timestamp", "webhook-signature"}, name
        assert item["post"]["operationId"] not in ids, name


def test_every_refusal_is_a_problem() -> None:
    """All 4xx and 5xx answers are described as problem documents, and nothing else is."""
    for name, operation in operations():
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")):
                assert set(response["content"]) == {"application/problem+json"}, (name, status)
    assert "HTTPValidationError" not in read("openapi.json")["components"]["schemas"]


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]},
            {"allOf": [{"$ref": "#/components/schemas/A"}], "nullable": True},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        ),
        ({"const": "live"}, {"enum": ["live"]}),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        ({"exclusiveMinimum": 0}, {"minimum": 0, "exclusiveMinimum": True}),
        ({"exclusiveMaximum": 1}, {"maximum": 1, "exclusiveMaximum": True}),
        ({"type": "object", "additionalProperties": True}, None),
        ({"type": "array", "items": {"const": 1}}, {"type": "array", "items": {"enum": [1]}}),
        ({"properties": {"const": {"const": 1}}}, {"properties": {"const": {"enum": [1]}}}),
        (
            {"$ref": "#/components/schemas/A", "description": "x"},
            {"allOf": [{"$ref": "#/components/schemas/A"}], "description": "x"},
        ),
        ({"type": "null"}, {"enum": [None], "nullable": True}),
    ],
)
def test_a_schema_says_the_same_in_3_0(newer: dict[str, Any], older: dict[str, Any] | None) -> None:
    """Each thing that 3.0 writes otherwise is written so."""
    document = {"info": {}, "paths": {}, "components": {"schemas": {"S": newer}}}
    assert convert(document)["components"]["schemas"]["S"] == (newer if older is None else older)


def test_what_3_0_cannot_say_is_not_glossed_over() -> None:
    """A schema without a twin is a mistake to be found here, not by a customer."""
    with pytest.raises(ValueError, match="prefixItems"):
        convert({"info": {}, "components": {"schemas": {"S": {"prefixItems": []}}}})


def test_converting_leaves_the_original_alone() -> None:
    """Both descriptions are made from one document."""
    document = describe(build_api())
    before = json.dumps(document)
    convert(document)
    assert json.dumps(document) == before
