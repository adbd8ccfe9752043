"""Refusals as problem documents: one form, one table, and nobody's values in them."""

import json
from collections.abc import Iterator
from io import StringIO

import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from sqlalchemy import text

import service.app
from service.settings import Settings
from service.storage import (
    DatabaseNotMigrated,
    DatabaseUnavailable,
    InvalidId,
    open_engine,
    transaction,
)
from service.web import PROBLEMS, KeyKind, Refusal, faults_within
from service.web.keys import make_key
from tests.web.serving import Served

pytestmark = pytest.mark.anyio
SECRET = "canary-7f3a@example.com"


def refusals_of(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    """Return every refusal that any room of the application defines."""
    for inner in kind.__subclasses__():
        yield inner
        yield from refusals_of(inner)


def test_every_refusal_has_a_status() -> None:
    """A refusal whose code nobody gave a status would be a 500."""
    assert callable(service.app.create_app)  # importing it imports every room
    codes = {kind.__name__: kind.code for kind in refusals_of(Refusal)}
    for kind in (DatabaseUnavailable, DatabaseNotMigrated, InvalidId):
        codes[kind.__name__] = kind.code
    assert {name for name, code in codes.items() if code not in PROBLEMS} == set()


def test_every_problem_is_a_refusal_by_its_status() -> None:
    """Codes are words with underscores, statuses are errors, titles are sentences."""
    for code, kind in PROBLEMS.items():
        assert code.replace("_", "").isalpha()
        assert code == code.lower()
        assert 400 <= kind.status < 600
        assert kind.title[:1].isupper()
        assert not kind.title.endswith(".")


async def test_a_problem_names_itself_and_its_request(shared: Served) -> None:
    """A refusal has RFC 9457's members, a stable code, and the id of its request."""
    refused = await shared.ask("GET", "/v1/rule-sets/nope")
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert set(problem) == {"type", "title", "status", "code", "detail", "request_id"}
    assert problem["status"] == refused.status_code == 404
    assert problem["code"] == "rule_set_not_found"
    assert problem["request_id"] == refused.headers["x-request-id"]
    assert problem["request_id"].startswith("req_")


async def test_a_problems_type_can_be_read(shared: Served) -> None:
    """The address in `type` says what the problem means."""
    refused = await shared.ask("GET", "/nothing/here")
    page = await shared.ask("GET", refused.json()["type"], key=None)
    assert page.status_code == 200
    assert PROBLEMS["not_found"].title in page.text


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v1/keys", {"name": 7, "person": SECRET, "scopes": [SECRET]}),
        ("/v1/keys", {"name": SECRET, "person": "x", "scopes": ["decide"], "expires_at": SECRET}),
        ("/v1/keys", {"kind": SECRET, "name": "x", "person": "y"}),
        ("/v1/rule-sets", {"rule_set": SECRET}),
        ("/v1/rule-sets", {"rule_set": "a", "subject": SECRET}),
        ("/v1/rule-sets/a/releases", {"version": SECRET, "reason": "x"}),
        ("/v1/rule-sets/a/drafts/b/try", {"facts": SECRET}),
        ("/v1/rule-sets/a/drafts/b/try", {"facts": {}, "at": SECRET}),
    ],
)
async def test_a_refusal_never_repeats_a_value(
    shared: Served, path: str, sent: dict[str, object]
) -> None:
    """What was sent wrongly is named by its place; its value stays where it came from."""
    refused = await shared.ask("POST", path, json=sent)
    assert refused.status_code == 422
    assert SECRET not in refused.text
    assert all(error["pointer"].startswith("/") for error in refused.json()["errors"])


def test_pydantics_places_become_pointers() -> None:
    """A place deep in a model is the same place in the JSON it was read from."""

    class Inner(BaseModel):
        number: int

    class Outer(BaseModel):
        inner: list[Inner]

    with pytest.raises(ValidationError) as wrong:
        Outer.model_validate({"inner": [{"number": 1}, {"number": "x"}]})
    (fault,) = faults_within(wrong.value, at="/whole")
    assert fault.pointer == "/whole/inner/1/number"


async def test_a_parameter_is_named_as_one(shared: Served) -> None:
    """What is wrong in the address is named by its parameter, not by a pointer."""
    refused = await shared.ask("GET", "/v1/rule-sets?limit=0")
    (error,) = refused.json()["errors"]
    assert (error["parameter"], "pointer" in error) == ("limit", False)


async def test_another_method_is_told_which_ones_there_are(shared: Served) -> None:
    """405 says in `Allow` what the address takes."""
    refused = await shared.ask("DELETE", "/v1/keys")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST")


async def test_a_defect_says_nothing_of_itself(served: Served, written: StringIO) -> None:
    """An unexpected error is a 500 with a request id, and its words stay out of the log too."""
    router = APIRouter()

    @router.get("/v1/audit")
    async def broken_in_sql() -> None:
        async with transaction(served.app.house.engine) as connection:
            await connection.execute(text("SELECT CAST(:x AS integer)"), {"x": SECRET})

    served.app.api.include_router(router)
    routes = served.app.api.router.routes
    routes.insert(0, routes.pop())
    answer = await served.ask("GET", "/v1/audit", headers={"Origin": "https://a.example"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    assert SECRET not in answer.text + written.getvalue()
    line = json.loads(written.getvalue().splitlines()[-1])
    assert line["request_id"] == answer.json()["request_id"]
    assert any("broken_in_sql" in place for place in line["where"])


async def test_a_database_that_is_away_is_503() -> None:
    """While the database cannot be reached, answers are 503 and say when to retry."""
    engine = open_engine("postgresql+psycopg://nobody@127.0.0.1:9/none")
    app = service.app.create_app(Settings(), engine)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.running(), httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        key = {"Authorization": f"Bearer {make_key(KeyKind.SECRET)}"}
        for path in ("/v1/rule-sets", "/readyz"):
            answer = await client.get(path, headers=key)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        assert (await client.get("/livez")).status_code == 200
    await engine.dispose()
