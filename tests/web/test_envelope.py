"""What every answer carries, whatever it is an answer to."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from service.storage import open_engine
from tests.web.serving import Served, serving

pytestmark = pytest.mark.anyio
PAGE = {"Origin": "https://www.example.com"}
ANSWERS = {
    "200": ("GET", "/v1/rule-sets", {}),
    "401": ("GET", "/v1/rule-sets", {"Authorization": "Bearer nope"}),
    "404": ("GET", "/nothing", {}),
    "405": ("DELETE", "/livez", {}),
    "413": ("POST", "/v1/keys", {"Content-Length": "9999999"}),
    "415": ("POST", "/v1/keys", {"Content-Type": "text/plain"}),
    "422": ("POST", "/v1/keys", {"Content-Type": "application/json"}),
}


@pytest.mark.parametrize(("status", "request_"), ANSWERS.items(), ids=ANSWERS)
async def test_every_answer_can_be_read_by_a_page(
    shared: Served, status: str, request_: tuple[str, str, dict[str, str]]
) -> None:
    """Answers and refusals alike carry CORS headers and a request id; none may be sniffed."""
    method, path, headers = request_
    answer = await shared.ask(method, path, headers=headers | PAGE)
    if "Authorization" in headers:
        answer = await shared.ask(method, path, headers=headers | PAGE, key=None)
    assert answer.status_code == int(status)
    assert answer.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-credentials" not in answer.headers


async def test_an_answer_to_no_page_has_no_cors_headers(shared: Served) -> None:
    """Servers get nothing that only browsers read."""
    answer = await shared.ask("GET", "/livez", key=None)
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/livez", "/docs", "/v1/rule-sets", "/v1/rule-sets/nope", "/no"])
async def test_head_is_get_without_a_body(shared: Served, path: str) -> None:
    """A health check by HEAD gets the status and headers that GET would get."""
    whole, head = await shared.ask("GET", path), await shared.ask("HEAD", path)
    assert head.status_code == whole.status_code
    assert head.content == b""
    for name in ("content-type", "content-length"):
        assert head.headers[name] == whole.headers[name]


async def test_a_preflight_is_answered_for_any_page(shared: Served) -> None:
    """A browser asks without a key, from anywhere, and is told what it may send."""
    asked = PAGE | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    answer = await shared.ask("OPTIONS", "/v1/qualify", headers=asked, key=None)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed)


async def test_a_request_leaves_one_line_without_a_value(shared: Served, written: StringIO) -> None:
    """The log tells method, route, status, time, id and key prefix: nothing of the request."""
    secret = "canary-91b2"
    answer = await shared.ask(
        "GET", f"/v1/rule-sets/{secret}?at={secret}", headers={"User-Agent": secret}
    )
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    (line,) = [one for one in lines if one.get("request_id") == answer.headers["x-request-id"]]
    assert line["route"] == "/v1/rule-sets/{slug}"
    assert (line["method"], line["status"]) == ("GET", 422)
    assert line["problem"] == "validation_failed"
    assert shared.admin_key.startswith(line["key"])
    assert line["ms"] >= 0
    assert secret not in written.getvalue()
    assert shared.admin_key not in written.getvalue()


async def test_requests_are_counted_by_route(shared: Served) -> None:
    """Metrics count by template and status, so that no address can make a new series."""
    for number in range(3):
        await shared.ask("GET", f"/v1/rule-sets/unknown_{number}")
        await shared.ask("GET", f"/nowhere/{number}")
        await shared.ask("BREW", f"/nowhere/{number}")
    text = (await shared.ask("GET", "/metrics")).text
    assert 'goodfit_requests_total{method="GET",route="/v1/rule-sets/{slug}",status="404"}' in text
    assert 'method="other",route="none",status="404"' in text
    assert "unknown_1" not in text
    assert "goodfit_pool_connections" in text


async def test_metrics_are_not_for_everybody(shared: Served) -> None:
    """How often a company says no is not public; any secret key may read it."""
    assert (await shared.ask("GET", "/metrics", key=None)).status_code == 401
    key = await shared.new_key("rules:read")
    assert (await shared.ask("GET", "/metrics", key=key)).status_code == 200


async def test_a_ready_process_says_so(shared: Served) -> None:
    """Ready means: database, schema, clock and partition are as they must be."""
    for path, status in (("/livez", "alive"), ("/readyz", "ready")):
        answer = await shared.ask("GET", path, key=None)
        assert (answer.status_code, answer.json()) == (200, {"status": status})


async def test_a_process_with_a_wrong_clock_is_not_ready(database_url: str) -> None:
    """A clock a second off the database's would date decisions wrongly."""
    ahead = timedelta(seconds=1)
    async with serving(database_url, clock=lambda: datetime.now(UTC) + ahead) as served:
        answer = await served.ask("GET", "/readyz", key=None)
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert [error["code"] for error in answer.json()["errors"]] == ["clock"]
        assert (await served.ask("GET", "/livez", key=None)).status_code == 200


async def test_a_process_before_its_migration_is_not_ready(empty_database_url: str) -> None:
    """Without the schema a process lives and waits."""
    engine = open_engine(empty_database_url)
    app = create_app(Settings(), engine)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.running(), httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert (await client.get("/livez")).status_code == 200
    await engine.dispose()


@pytest.mark.parametrize("path", ["/v1/qualify", "/v1/qualify/batch", "/v1/rule-sets"])
async def test_a_client_that_leaves_in_the_middle_is_no_defect(served: Served, path: str) -> None:
    """Whoever hangs up before the end of a body is counted as gone, not as our failure."""
    messages: Iterator[dict[str, object]] = iter(
        [
            {"type": "http.request", "body": b'{"rule_set', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> dict[str, object]:
        return next(messages)

    async def send(message: object) -> None:
        raise AssertionError(f"nobody is there to read {message}")

    headers = [
        (b"authorization", f"Bearer {served.admin_key}".encode()),
        (b"content-type", b"application/json"),
    ]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b""}
    await served.app({**scope, "headers": headers, "root_path": ""}, receive, send)
    counted = (await served.ask("GET", "/metrics")).text
    line = next(line for line in counted.splitlines() if f'route="{path}"' in line)
    assert 'status="499"' in line
