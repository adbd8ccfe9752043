"""A new version is carried to stored accounts over HTTP, while questions go on being answered."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.bulk.books import RULES, decisions_per_account, standing_of
from tests.journeys.processes import Started, free_port, started
from tests.journeys.test_serve import READY, goodfit
from tests.sizes import size

pytestmark = pytest.mark.slow

ACCOUNTS = size(12_000, quick=6_000)
BATCH = 1_000
PATIENCE_S = 240
SETS = "/v1/rule-sets"
STRICTER = RULES.replace("fit >= 25", "fit >= 45")


@dataclass(slots=True)
class Book:
    """A running service with two processes, its accounts, and what it was asked meanwhile."""

    terminal: Started
    client: httpx.Client
    answered: int = 0
    workers: list[int] = field(default_factory=list)

    def ask(self, method: str, path: str, *, status: int = 200, **sent: Any) -> Any:  # noqa: ANN401 - JSON
        """Send one request and return what it was answered."""
        answer = self.client.request(method, path, **sent)
        assert answer.status_code == status, answer.text
        return answer.json()

    def release(self, text: str, *, number: int) -> None:
        """Write, commit and release a version."""
        draft = f"{SETS}/book/drafts/number-{number}"
        put = self.client.put(draft, json={"source": text})
        assert put.status_code == 201, put.text
        headers = {"If-Match": put.headers["ETag"]}
        self.ask("POST", f"{draft}/commit", status=201, json={"note": "n"}, headers=headers)
        release = {"version": number, "mode": "live", "reason": "a test"}
        self.ask("POST", f"{SETS}/book/releases", status=201, json=release)
        deadline_s = time.monotonic() + PATIENCE_S
        while self.qualify()["rule_set"]["version"] != number:
            assert time.monotonic() < deadline_s

    def qualify(self) -> Any:  # noqa: ANN401 - JSON
        """Ask about somebody who is no stored account."""
        question = {"rule_set": "book", "account": {"vehicles": 200, "paid": True}, "final": True}
        answer = self.ask("POST", "/v1/qualify", json=question)
        self.answered += 1
        return answer

    def rescore(self) -> str:
        """Ask for a rescoring; where the service asked by itself for the release, return that."""
        answer = self.client.post(f"{SETS}/book/rescorings", json={})
        begun = answer.json()
        assert answer.status_code in {202, 409}, answer.text
        rescoring: str = begun["id"] if answer.status_code == 202 else begun["rescoring"]
        return rescoring

    def read(self, rescoring: str) -> Any:  # noqa: ANN401 - JSON
        """Return a rescoring, and note who works."""
        for process in psutil.Process(self.terminal.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                is_new = process.pid not in self.workers
                if is_new and "service.worker" in " ".join(process.cmdline()):
                    self.workers.append(process.pid)
        return self.ask("GET", f"{SETS}/book/rescorings/{rescoring}")

    def watch(self, rescoring: str, *, past: int) -> Any:  # noqa: ANN401 - JSON
        """Ask questions until more than *past* accounts were looked at, or it is over."""
        deadline_s = time.monotonic() + PATIENCE_S
        seen = [0]
        while (shown := self.read(rescoring))["state"] in {"queued", "running"}:
            assert time.monotonic() < deadline_s, shown
            seen.append(shown["progress"]["done"])
            if seen[-1] > past:
                break
            self.qualify()
        assert seen == sorted(seen), "progress never goes back"
        return shown


@pytest.fixture
def book(tmp_path: Path, empty_database_url: str) -> Iterator[Book]:
    """Return a service of two processes on a database with accounts and a live version."""
    port = free_port()
    # Accounts are decided by rescorings alone, so that each decision can be counted.
    environment = {"DATABASE_URL": empty_database_url, "GOODFIT_ASSESS_EVERY_S": "0"}
    arguments = ("serve", "--workers", "2", "--port", str(port))
    with started(tmp_path, *arguments, environment=environment) as terminal:
        terminal.wait_for(READY)
        made = goodfit("keys", "create", "--scope", "admin", "--person", "ann", "--json",
                       environment=environment)  # fmt: skip
        headers = {"Authorization": f"Bearer {json.loads(made)['key']}"}
        address = f"http://127.0.0.1:{port}"
        with closing(httpx.Client(base_url=address, headers=headers, timeout=60)) as client:
            book = Book(terminal, client)
            sent = {"rule_set": "book", "subject": "account", "title": "Our book"}
            book.ask("POST", SETS, status=201, json=sent)
            book.release(RULES, number=1)
            for start in range(0, ACCOUNTS, BATCH):
                store(book, range(start, start + BATCH))
            yield book
        assert terminal.stop(signal.SIGTERM) == 0
        assert not any(psutil.pid_exists(pid) for pid in book.workers)


def store(book: Book, numbers: range) -> None:
    """Store accounts."""
    accounts = [
        {"account": f"a-{n}", "facts": {"vehicles": n % 300, "paid": n % 3 == 0, "plan": "pro"}}
        for n in numbers
    ]
    kept = book.ask("POST", "/v1/accounts", json=accounts)["data"]
    assert {one["state"] for one in kept} == {"created"}


def test_a_new_version_reaches_every_account_while_questions_are_answered(
    book: Book, empty_database_url: str
) -> None:
    """Watched to its end, through the death of its worker; every decision explains and replays."""
    assert book.watch(book.rescore(), past=ACCOUNTS)["state"] == "done"
    # One that the service asked for while accounts were still being stored had no more to decide.
    assert book.watch(book.rescore(), past=ACCOUNTS)["state"] == "done"
    assert decisions_per_account(empty_database_url) == {1: ACCOUNTS}
    assert book.answered > 3
    book.release(STRICTER, number=2)
    second = book.rescore()
    refused = book.ask("POST", f"{SETS}/book/rescorings", status=409, json={})
    assert (refused["code"], refused["rescoring"]) == ("rescoring_running", second)
    halfway = book.watch(second, past=0)
    assert halfway["state"] == "running"
    dead = book.workers[-1]
    os.kill(dead, signal.SIGKILL)
    done = book.watch(second, past=ACCOUNTS)
    assert done["state"] == "done"
    assert book.workers[-1] != dead, "another one went on"
    assert done["progress"] == {"done": ACCOUNTS, "total": ACCOUNTS}
    moved = {(one["before"], one["after"]): one["accounts"] for one in done["result"]["verdicts"]}
    assert moved["review", "disqualify"] == done["result"]["verdicts_changed"] > 0
    assert sum(moved.values()) == done["result"]["written"] == ACCOUNTS
    assert decisions_per_account(empty_database_url) == {2: ACCOUNTS}
    assert {one["assessed"][0] for one in standing_of(empty_database_url).values()} == {2}
    check_decisions(book)
    listed = book.ask("GET", f"{SETS}/book/rescorings")["data"]
    assert listed[0]["id"] == second


def check_decisions(book: Book) -> None:
    """Check that some accounts' decisions are explained, and come out the same again."""
    verdicts = set()
    for number in range(0, 300, 23):
        (standing,) = book.ask("GET", f"/v1/accounts/a-{number}/assessment")["data"]
        decision, verdict = standing["current"]["decision"], standing["current"]["verdict"]
        verdicts.add(verdict)
        assert standing["previous"]["version"] == 1
        assert book.ask("GET", f"/v1/decisions/{decision}/explanation")
        replayed = book.ask("POST", f"/v1/decisions/{decision}/replay")
        assert replayed["identical"], replayed
    assert len(verdicts) > 1
