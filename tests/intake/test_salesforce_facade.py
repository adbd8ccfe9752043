"""Salesforce's flat question and answer, and the description that its External Services reads."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from service.app import write_openapi
from tests.intake.connected import Connected

pytestmark = pytest.mark.anyio
COMMITTED: Final = Path(__file__).parents[2] / "openapi" / "salesforce.json"
PATH: Final = "/integrations/salesforce/v1/qualify"
FLOW_TYPES: Final = {"string", "boolean", "integer", "number", "array", "object"}


def question(**members: object) -> dict[str, Any]:
    """Return a record as a flow sends it."""
    fields = [
        {"name": "email", "value": "ann@haulage.example"},
        {"name": "vehicles", "value": "300"},
        {"name": "country", "value": ""},
        {"name": "tools", "value": "x;y"},
    ]
    told: dict[str, Any] = {"recordId": "00Q5g00000LmNoPEAV", "objectType": "Lead"}
    return told | {"ruleSet": "fleet_leads", "fields": fields} | members


async def test_a_record_is_decided_as_any_lead_is(connected: Connected) -> None:
    """Texts become what the rule set declares; the answer has no depth."""
    answer = await connected.served.ask("POST", PATH, json=question())
    assert answer.status_code == 200, answer.text
    flat = answer.json()
    (decision,) = (await connected.served.ask("GET", "/v1/decisions")).json()["data"]
    assert flat["decisionId"] == decision["id"]
    assert flat["verdict"] == decision["verdict"]
    assert decision["subject"]["external_id"] == "00Q5g00000LmNoPEAV"
    assert dict(zip(flat["scoreNames"], flat["scoreValues"], strict=True))["fit"] >= 40
    parts = [one for value in flat.values() for one in (value if type(value) is list else [value])]
    assert {type(one) for one in parts} <= {str, int, float}


async def test_what_cannot_be_read_is_said_and_never_an_error(connected: Connected) -> None:
    """A field that is no number counts as missing; one that nobody declared is named."""
    fields = [{"name": "vehicles", "value": "many"}, {"name": "Fax", "value": "1"}]
    answer = await connected.served.ask("POST", PATH, json=question(fields=fields, dryRun=True))
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["problems"]) == 2
    assert answer.json()["decisionId"] == ""
    assert (await connected.served.ask("GET", "/v1/decisions")).json()["data"] == []


async def test_an_account_is_judged_by_rules_for_accounts(connected: Connected) -> None:
    """And a lead sent to them is refused as anywhere else."""
    fields = [{"name": "vehicles", "value": "300"}]
    sent = question(objectType="Account", ruleSet="fleet_accounts", fields=fields)
    assert (await connected.served.ask("POST", PATH, json=sent)).json()["verdict"] == "qualify"
    wrong = await connected.served.ask("POST", PATH, json=sent | {"objectType": "Lead"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_subject")
    assert (await connected.served.ask("POST", PATH, key=None, json=sent)).status_code == 401


def test_the_committed_description_is_the_generated_one_and_valid(tmp_path: Path) -> None:
    """OpenAPI 3.0 as such, not another version relabelled."""
    write_openapi(tmp_path)
    assert COMMITTED.read_bytes() == (tmp_path / "salesforce.json").read_bytes()
    document = json.loads(COMMITTED.read_text("utf-8"))
    assert document["openapi"].startswith("3.0")
    OpenAPIV30SpecValidator(document).validate()


def test_the_description_keeps_to_what_external_services_can_read() -> None:
    """No maps, no nulls, no `not`; names that Apex can bear; nothing deeper than a list."""
    document = json.loads(COMMITTED.read_text("utf-8"))
    text = COMMITTED.read_text("utf-8")
    for word in ("nullable", "additionalProperties", "anyOf", "oneOf", '"not"'):
        assert word not in text
    for name, schema in document["components"]["schemas"].items():
        assert name.isalnum()
        for property_name, told in schema["properties"].items():
            assert property_name.isidentifier()
            assert "_" not in property_name
            assert told.get("type", "object") in FLOW_TYPES
