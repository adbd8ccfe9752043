"""Vendors' APIs as small servers of their own, on a port, in whatever mood a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

__all__ = ["FakeVendor", "Quota", "serving_vendor"]

Mood = Callable[["FakeVendor", Request, Any], Response | None]
"""Answers in the place of the vendor; None lets it do its work."""


@dataclass(slots=True)
class Quota:
    """What a vendor allows until it is renewed, and how it tells what is left of that.

    *tell* is called with what is left and what is allowed. Who asks for more is refused.
    """

    allowed: int
    tell: Callable[[int, int], dict[str, str]]
    used: int = 0
    refused: int = 0

    def take(self) -> bool:
        """Use one; false where none is left."""
        if self.used >= self.allowed:
            self.refused += 1
            return False
        self.used += 1
        return True

    def headers(self) -> dict[str, str]:
        """Return what an answer tells of it."""
        return self.tell(self.allowed - self.used, self.allowed)


@dataclass(slots=True)
class FakeVendor:
    """A vendor: its records by kind and id, what it was asked, and its next moods."""

    url: str = ""
    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    moods: list[Mood] = field(default_factory=list)
    changes: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    properties: dict[str, set[str]] = field(default_factory=dict)
    quota: Quota | None = None

    def put(self, kind: str, own: str, values: dict[str, Any]) -> bool:
        """Change a record; false where there is none."""
        record = self.records.get(kind, {}).get(own)
        if record is None:
            return False
        record |= values
        self.changes.append((kind, own, values))
        return True

    async def answer(self, request: Request) -> Response:
        """Answer one request, and say what is left of the quota, if there is one."""
        if self.quota is None:
            return await self._answer(request)
        is_allowed = self.quota.take()
        answer = await self._answer(request) if is_allowed else JSONResponse({}, 429)
        answer.headers.update(self.quota.headers())
        return answer

    async def _answer(self, request: Request) -> Response:
        """Answer one request, in the next mood if one is left."""
        body = await request.body()
        sent = _sent(body)
        self.asked.append((request.method, request.url.path, sent))
        if self.moods:
            told = self.moods.pop(0)(self, request, sent)
            if told is not None:
                return told
        path = request.url.path.strip("/").split("/")
        if path[:2] == ["crm", "v3"]:
            return self._hubspot(path[2:], sent)
        if path[0] == "services":
            return self._salesforce(path[1:], sent)
        return self._pipedrive(path[2:], sent)

    def _hubspot(self, path: list[str], sent: Any) -> Response:  # noqa: ANN401 - JSON
        kind = path[1]
        if path[0] == "properties":
            known = self.properties.setdefault(kind, set())
            is_there = sent["name"] in known
            known.add(sent["name"])
            return JSONResponse(sent, 409 if is_there else 201)
        records = self.records.get(kind, {})
        if path[2] == "search":
            condition = sent["filterGroups"][0]["filters"][0]
            found = sorted(
                (one for one in records.items() if one[1]["ms"] >= int(condition["value"])),
                key=lambda one: one[1]["ms"],
            )
            start = int(sent.get("after", 0))
            page = found[start : start + sent["limit"]]
            more = start + len(page) < len(found)
            paging = {"paging": {"next": {"after": str(start + len(page))}}} if more else {}
            return JSONResponse({"results": [_record(*one) for one in page], **paging})
        if path[3] == "read":
            found = [
                (one["id"], records[one["id"]]) for one in sent["inputs"] if one["id"] in records
            ]
            return JSONResponse({"status": "COMPLETE", "results": [_record(*one) for one in found]})
        return self._update(kind, sent["inputs"])

    def _update(self, kind: str, inputs: list[dict[str, Any]]) -> Response:
        results, errors = [], []
        for one in inputs:
            if self.put(kind, one["id"], one["properties"]):
                results.append({"id": one["id"]})
            else:
                error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "x"}
                errors.append(error | {"context": {"ids": [one["id"]]}})
        if errors:
            told = {"results": results, "numErrors": len(errors), "errors": errors}
            return JSONResponse(told, 207)
        return JSONResponse({"status": "COMPLETE", "results": results})

    def _salesforce(self, path: list[str], sent: Any) -> Response:  # noqa: ANN401 - JSON
        if path[0] == "oauth2":
            is_right = sent.get("client_secret") == ["right"]
            told = {"access_token": "t"} if is_right else {"error": "invalid_client"}
            return JSONResponse(told, 200 if is_right else 400)
        answers = []
        for one in sent["records"]:
            values = {
                name: value for name, value in one.items() if name not in {"attributes", "id"}
            }
            if self.put(one["attributes"]["type"], one["id"], values):
                answers.append({"id": one["id"], "success": True, "errors": []})
            else:
                error = {"statusCode": "ENTITY_IS_DELETED", "message": "gone", "fields": []}
                answers.append({"success": False, "errors": [error]})
        return JSONResponse(answers)

    def _pipedrive(self, path: list[str], sent: Any) -> Response:  # noqa: ANN401 - JSON
        if self.put(path[0], path[1], sent["custom_fields"]):
            return JSONResponse({"success": True, "data": {}})
        return JSONResponse({"success": False, "error": "not found"}, 404)


def _sent(body: bytes) -> Any:  # noqa: ANN401 - JSON, or a form
    try:
        return json.loads(body)
    except ValueError:
        return parse_qs(body.decode())


def _record(own: str, values: dict[str, Any]) -> dict[str, Any]:
    properties = {name: value for name, value in values.items() if name not in {"ms", "updatedAt"}}
    return {"id": own, "properties": properties, "updatedAt": values.get("updatedAt")}


@asynccontextmanager
async def serving_vendor() -> AsyncIterator[FakeVendor]:
    """Run a vendor on a port of its own for the block."""
    vendor = FakeVendor()
    methods = ["GET", "POST", "PATCH"]
    app = Starlette(routes=[Route("/{path:path}", vendor.answer, methods=methods)])
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    vendor.url = f"http://127.0.0.1:{port}"
    try:
        yield vendor
    finally:
        server.should_exit = True
        await task
