"""What tests of assessing share: rules for accounts that are live, and changes of every kind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from service.decisions import assess_some
from service.settings import Settings
from service.storage import libpq_url
from tests.decisions.rules import release
from tests.web.serving import Served, serving

__all__ = ["LOAD", "Scene", "staged"]

LOAD = """
rule_set: load
subject: account
attributes:
  vehicles: {type: number, min: 0, label: Fleet size}
  since: {type: date, label: Customer since}
metrics:
  hours_90d: {event: support_case, sum: hours, window: 90 days, unit: hours}
scores:
  load:
    floor: 0
    ceiling: 100
    groups:
      - id: g
        mode: sum
        rules:
          - {id: busy, when: hours_90d > 20, points: 50}
          - {id: large, when: vehicles >= 100, points: 20}
          - {id: fresh, when: age_days(since) < 90, points: 10}
outcomes:
  - {id: talk, verdict: review, when: load >= 50}
  - {id: fine, verdict: qualify}
"""


@dataclass(slots=True)
class Scene:
    """An application that assesses when it is told to, and a clock that a test turns."""

    url: str
    served: Served = field(init=False)
    ahead: timedelta = timedelta(0)

    def clock(self) -> datetime:
        """Return the instant it is for the application."""
        return datetime.now(UTC) + self.ahead

    async def send(self, method: str, path: str, json: object = None) -> Any:  # noqa: ANN401 - JSON
        """Send a request that is answered well, and return the answer."""
        answer = await self.served.ask(method, path, json=json)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def put(self, key: str = "north", **facts: object) -> None:
        """Say everything of an account."""
        await self.send("PUT", f"/v1/accounts/{key}", {"facts": facts})

    async def case(self, hours: float, *, key: str = "north", days: float = 1, id: str = "") -> str:  # noqa: A002
        """Enter a support case of some days ago; return the entry's id."""
        at = (self.clock() - timedelta(days=days)).isoformat()
        told = {"kind": "support_case", "at": at, "quantities": {"hours": hours}}
        sent = told | {"source": "desk", "event_id": id or f"{key}/{hours}/{days}"}
        entry = await self.send("POST", f"/v1/accounts/{key}/events", sent)
        event_id: str = entry["id"]
        return event_id

    async def release(self, text: str) -> None:
        """Put another version live now, as this clock goes."""
        installed = await release(self.served.app.house, text)
        self.ahead += timedelta(seconds=10)
        # A release goes by the database's clock, and never changes.
        self.rows(
            "SET session_replication_role = replica;"  # noqa: S608 - a number of ours
            f" UPDATE rule_set_release SET effective_at = '{self.clock().isoformat()}'"
            f" WHERE version = {installed.version}"
        )
        self.ahead += timedelta(seconds=10)
        self.served.app.api.state.live.forget_releases()

    async def assess(self) -> int:
        """Assess all that is due; return how many accounts were taken up."""
        taken = 0
        while some := await assess_some(self.served.app.api.state.desk):
            taken += some
        return taken

    async def standing(self, key: str = "north", *, rule_set: str = "load") -> dict[str, Any]:
        """Return how an account stands."""
        shown = await self.send("GET", f"/v1/accounts/{key}/assessment?rule_set={rule_set}")
        (standing,) = shown["data"]
        current: dict[str, Any] = standing["current"]
        return current

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the database has."""
        with psycopg.connect(libpq_url(self.url), autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def due(self) -> list[tuple[str, str]]:
        """Return the keys of accounts that are due, and why."""
        query = "SELECT key, cause FROM assessment_due JOIN account ON id = account_id ORDER BY key"
        return [(key, cause) for key, cause in self.rows(query)]

    def decisions(self) -> list[tuple[str, str, int]]:
        """Return how often each account was decided, by key and what set it off."""
        query = """
            SELECT key, source, count(*) FROM decision JOIN account ON account.id = account_id
            GROUP BY key, source ORDER BY key, source
        """
        return [(key, source, count) for key, source, count in self.rows(query)]


@asynccontextmanager
async def staged(
    url: str,
    *,
    every_s: float = 0,
    rules: str | None = LOAD,
    settings: Settings | None = None,
) -> AsyncIterator[Scene]:
    """Run an application with *rules* for accounts live; *every_s* as the setting says."""
    scene = Scene(url)
    settings = settings or Settings(assess_every_s=every_s)
    async with serving(
        url, settings=settings, clock=scene.clock, is_attended=every_s > 0
    ) as served:
        scene.served = served
        if rules is not None:
            await release(served.app.house, rules)
        yield scene
