"""What an author does over HTTP, in a line each."""

from dataclasses import dataclass

import httpx

from tests.web.serving import Served

__all__ = ["TEXT", "Author"]

SETS = "/v1/rule-sets"
YAML = {"Content-Type": "application/yaml"}

TEXT = """\
# Who we are for, in four lines.
rule_set: small_leads
subject: lead
title: Small leads

attributes:
  vehicles: {type: number, min: 0, label: Fleet size, ask: "How many vehicles?"}   # asked first
  country:  {type: choice, choices: [DE, AT, NO], other: true, label: Country}

scores:
  fit:
    floor: 0
    ceiling: 100
    groups:
      - id: size
        mode: first
        rules:
          - {id: large, when: vehicles >= 100, points: 60}
          - {id: medium, when: vehicles >= 20, points: 30}
      - {id: place, mode: sum, rules: [{id: home, when: 'country == "NO"', points: 10}]}

outcomes:
  - {id: good, verdict: qualify, when: fit >= 60, action: book_meeting, url: /book}
  - {id: poor, verdict: disqualify, action: newsletter, url: /guide, message: Our guide}

tests:
  - name: a large fleet
    facts: {vehicles: 300, country: NO}
    expect: {outcome: good, scores: {fit: 70}}
"""


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody with a key, at work on one rule set."""

    served: Served
    key: str
    slug: str = "small_leads"

    async def ask(
        self,
        method: str,
        path: str = "",
        *,
        headers: dict[str, str] | None = None,
        json: object = None,
    ) -> httpx.Response:
        """Send a request below the rule set's address."""
        address = f"{SETS}/{self.slug}{path}"
        return await self.served.ask(method, address, key=self.key, headers=headers, json=json)

    async def create(self) -> httpx.Response:
        """Make the rule set."""
        asked = {"rule_set": self.slug}
        return await self.served.ask("POST", SETS, key=self.key, json=asked)

    async def write(
        self, text: str = TEXT, *, draft: str = "main", if_match: str | None = None
    ) -> httpx.Response:
        """Write the draft as YAML."""
        headers = YAML if if_match is None else YAML | {"If-Match": if_match}
        path = f"{SETS}/{self.slug}/drafts/{draft}"
        return await self.served.ask("PUT", path, key=self.key, headers=headers, content=text)

    async def commit(self, *, draft: str = "main", note: str | None = None) -> httpx.Response:
        """Turn the draft into a version."""
        return await self.ask("POST", f"/drafts/{draft}/commit", json={"note": note})

    async def release(self, version: int, **rest: object) -> httpx.Response:
        """Put a version live."""
        asked = {"version": version, "reason": "because"} | rest
        return await self.ask("POST", "/releases", json=asked)

    async def publish(self, text: str = TEXT) -> int:
        """Create, write, commit and release; return the version's number."""
        await self.create()
        current = await self.ask("GET", "/drafts/main")
        await self.write(text, if_match=current.headers.get("etag"))
        number = (await self.commit()).json()["version"]
        assert (await self.release(number)).status_code == 201
        return int(number)
