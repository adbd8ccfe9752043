"""Thousands of releases under load: every decision is by the one version live at its instant."""

import asyncio
import itertools
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import psycopg
import pytest
from psycopg.rows import namedtuple_row

from service.rules import RuleSet, load_rule_set
from service.storage import libpq_url, parse_id
from tests.journeys.processes import free_port, started
from tests.sizes import size

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PUBLISHES: Final = size(2_000, quick=200)
RULE_SETS: Final = 4
VERSIONS_EVERY: Final = 10
"""Every so many publishes one is of a new version; the others go back or forth."""
DECISIONS_A_SECOND: Final = 80
LINES: Final = 24
"""Connections on which decisions are asked for."""
SEED: Final = 20_261_123
OVER_WITHIN_S: Final = 300
YAML: Final = {"Content-Type": "application/yaml"}

RULES: Final = """
rule_set: {slug}
subject: lead
attributes:
  vehicles: {{type: number, min: 0}}
scores:
  fit:
    floor: 0
    ceiling: 1000
    groups:
      - id: size
        mode: sum
        rules:
          - {{id: any, when: vehicles >= 0, points: {mark}}}
          - {{id: large, when: vehicles >= {bound}, points: 500}}
outcomes:
  - {{id: good, verdict: qualify, when: fit >= 500}}
  - {{id: poor, verdict: disqualify}}
"""


@dataclass(slots=True)
class Book:
    """What the clients saw: each decision's answer, and every answer that was no decision."""

    answers: list[Mapping[str, Any]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    publishes: int = 0
    asked: int = 0
    took_s: float = 0.0


def slug_of(number: int) -> str:
    """Return the name of one of the rule sets."""
    return f"crowd_{number}"


def text_of(slug: str, mark: int) -> str:
    """Return rules that give *mark* points to everybody: the score tells the version."""
    return RULES.format(slug=slug, mark=mark, bound=20 + mark)


async def commit(client: httpx.AsyncClient, slug: str, mark: int) -> int:
    """Write the next version of a rule set and return its number."""
    draft = f"/v1/rule-sets/{slug}/drafts/main"
    current = await client.get(draft)
    headers = YAML if current.is_error else YAML | {"If-Match": current.headers["etag"]}
    put = await client.put(draft, content=text_of(slug, mark), headers=headers)
    assert put.status_code in {200, 201}, put.text
    committed = await client.post(
        f"{draft}/commit", json={"note": str(mark)}, headers={"If-Match": put.headers["etag"]}
    )
    assert committed.status_code == 201, committed.text
    version: int = committed.json()["version"]
    return version


async def release(client: httpx.AsyncClient, slug: str, version: int, *, wait_s: float) -> None:
    """Put a version live as soon as may be, or a little later."""
    asked: dict[str, object] = {"version": version, "reason": "a drill"}
    if wait_s:
        asked["from"] = (datetime.now(UTC) + timedelta(seconds=wait_s)).isoformat()
    released = await client.post(f"/v1/rule-sets/{slug}/releases", json=asked)
    assert released.status_code == 201, released.text


async def publish_all(client: httpx.AsyncClient, number: int, book: Book) -> None:
    """Publish one rule set's share: now new versions, now older ones, some from later on."""
    rng, slug, version = random.Random(SEED + number), slug_of(number), 1
    for count in range(PUBLISHES // RULE_SETS):
        if count % VERSIONS_EVERY == 0:
            version = await commit(client, slug, version + 1)
            chosen = version
        else:
            chosen = rng.randint(1, version)
        await release(client, slug, chosen, wait_s=rng.choice((0, 0, 2.5, 4)))
        book.publishes += 1


async def decide_all(port: int, key: str, book: Book, publishing: asyncio.Future[Any]) -> None:
    """Ask at an even pace, whether or not the earlier questions are answered yet."""
    loop, rng = asyncio.get_running_loop(), random.Random(SEED)
    questions: asyncio.Queue[bytes] = asyncio.Queue()
    lines = [asyncio.create_task(ask_each(questions, port, key, book)) for _ in range(LINES)]
    began_s = loop.time()
    for count in itertools.count():
        await asyncio.sleep(began_s + count / DECISIONS_A_SECOND - loop.time())
        if publishing.done():
            break
        slug, vehicles = slug_of(rng.randrange(RULE_SETS)), rng.randint(0, 150)
        book.asked += 1
        questions.put_nowait(orjson.dumps({"rule_set": slug, "lead": {"vehicles": vehicles}}))
    await questions.join()
    book.took_s = loop.time() - began_s
    for line in lines:
        line.cancel()
    for ended in await asyncio.gather(*lines, return_exceptions=True):
        assert isinstance(ended, asyncio.CancelledError), ended


async def ask_each(questions: asyncio.Queue[bytes], port: int, key: str, book: Book) -> None:
    """Ask one question after the other on a connection of its own.

    By hand: a client library takes more of the machine than the server that is tried.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        "POST /v1/qualify HTTP/1.1\r\nHost: goodfit.test\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: "
    )
    try:
        while True:
            body = await questions.get()
            writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
            told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(told.partition("content-length:")[2].split("\r\n")[0])
            answer = await reader.readexactly(length)
            if told.startswith("http/1.1 200"):
                book.answers.append(orjson.loads(answer))
            else:
                book.refused[answer.decode()] += 1
            questions.task_done()
    finally:
        writer.close()


@asynccontextmanager
async def office(folder: Path, url: str, key: str) -> AsyncIterator[tuple[int, httpx.AsyncClient]]:
    """Run two serving processes on the database at *url*; yields their port and a client."""
    port = free_port()
    serve = ("serve", "--workers", "2", "--port", str(port))
    environment = {"DATABASE_URL": url, "GOODFIT_LOG_LEVEL": "error"}
    with started(folder, *serve, environment=environment) as terminal:
        await asyncio.to_thread(terminal.wait_for, "Goodfit is at")
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=30.0,
            trust_env=False,
        ) as client:
            yield port, client
        assert terminal.stop() == 0, terminal.errors


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the database holds afterwards, read by hand."""

    decisions: list[Any]
    releases: Mapping[str, list[tuple[datetime, int]]]
    versions: Mapping[tuple[str, int], RuleSet]

    @classmethod
    def of(cls, url: str) -> "Shelf":
        """Read all of it."""
        with psycopg.connect(libpq_url(url), row_factory=namedtuple_row) as connection:
            decisions = connection.execute(
                "SELECT * FROM decision WHERE rule_set LIKE 'crowd%' ORDER BY decided_at"
            ).fetchall()
            releases: dict[str, list[tuple[datetime, int]]] = {}
            released: list[Any] = connection.execute(
                "SELECT rule_set, effective_at, version FROM rule_set_release"
                " WHERE mode = 'live' ORDER BY effective_at, sequence"
            ).fetchall()
            for row in released:
                releases.setdefault(row.rule_set, []).append((row.effective_at, row.version))
            kept: list[Any] = connection.execute("SELECT * FROM rule_set_version").fetchall()
        versions = {(row.rule_set, row.number): load_rule_set(bytes(row.canonical)) for row in kept}
        return cls(decisions, releases, versions)

    def live_at(self, slug: str, at: datetime) -> int:
        """Return the version whose release is the last one in force at an instant."""
        return [version for since, version in self.releases[slug] if since <= at][-1]


async def test_publishes_never_mix_versions(
    database_url: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each decision cites one version, equals its output, and was made while it was live."""
    book = Book()
    async with (
        asyncio.timeout(OVER_WITHIN_S),
        office(tmp_path, database_url, key) as (port, client),
    ):
        for number in range(RULE_SETS):
            slug = slug_of(number)
            made = await client.post("/v1/rule-sets", json={"rule_set": slug})
            assert made.status_code == 201, made.text
            await release(client, slug, await commit(client, slug, 1), wait_s=0)
        publishing = asyncio.gather(
            *(publish_all(client, number, book) for number in range(RULE_SETS))
        )
        await asyncio.gather(publishing, decide_all(port, key, book, publishing))
    told = f"{book.publishes} publishes, {len(book.answers)} decisions in {book.took_s:.0f} s"
    assert book.refused == {}, told
    assert len(book.answers) == book.asked > PUBLISHES, told
    with capsys.disabled():
        sys.stdout.write(f" {told} ")
    check_all(Shelf.of(database_url), book.answers)


def check_all(shelf: Shelf, answers: Iterable[Mapping[str, Any]]) -> None:
    """Make every stored decision again, by hand, from the document of its version."""
    told = {str(parse_id(answer["id"], "dec")): answer for answer in answers}
    assert {str(row.id) for row in shelf.decisions} == set(told)
    for row in shelf.decisions:
        assert row.version == shelf.live_at(row.rule_set, row.decided_at), row.decided_at
        rules = shelf.versions[row.rule_set, row.version]
        assert row.digest == rules.digest
        again = rules.decide(row.facts, at=row.decided_at, final=row.final)
        assert (row.verdict, row.outcome) == (again.verdict, again.outcome)
        assert row.scores["fit"]["value"] == again.scores["fit"].value
        assert orjson.dumps(row.trace, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
            again.trace.to_json(), option=orjson.OPT_SORT_KEYS
        )
        answer = told[str(row.id)]
        assert (answer["rule_set"]["version"], answer["verdict"]) == (row.version, row.verdict)
