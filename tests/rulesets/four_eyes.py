"""Two people and one rule set: what they ask of each other over HTTP, in a line each."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from service.rulesets import Evidence, attach_evidence
from service.storage import transaction
from tests.rulesets.authors import TEXT, Author
from tests.web.serving import Served

__all__ = ["NEXT", "THIRD", "FourEyes", "Json", "author", "evidence"]

NEXT: Final = TEXT.replace("points: 30", "points: 35")
THIRD: Final = TEXT.replace("points: 30", "points: 40")
EVERYTHING: Final = ("rules:read", "rules:write", "rules:publish")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FourEyes:
    """Ann writes, bob looks at it; both may do everything but administer."""

    served: Served
    ann: Author
    bob: Author

    @classmethod
    async def opened(cls, served: Served) -> "FourEyes":
        """Return the two, with version 1 of ann's live."""
        both = [await author(served, f"{name}@example.com") for name in ("ann", "bob")]
        await both[0].publish()
        return cls(served, *both)

    async def policy(self, **asked: object) -> httpx.Response:
        """Ask something of every release."""
        path = "/v1/rule-sets/small_leads/release-policy"
        return await self.served.ask("PUT", path, json=asked)

    async def edit(self, text: str = NEXT, *, by: Author | None = None) -> httpx.Response:
        """Write the draft `main` anew."""
        who = by or self.ann
        etag = (await who.ask("GET", "/drafts/main")).headers["etag"]
        return await who.write(text, if_match=etag)

    async def second(self, text: str = NEXT) -> int:
        """Let ann commit another version."""
        await self.edit(text)
        return int((await self.ann.commit()).json()["version"])

    async def reviewed(self, *, by: Author | None = None, **asked: object) -> Json:
        """Ask for a review, of the draft `main` where nothing is named."""
        answer = await (by or self.ann).ask("POST", "/reviews", json=asked or {"draft": "main"})
        assert answer.status_code == 201, answer.text
        review: Json = answer.json()
        return review

    async def approve(
        self, review: Json, *, by: Author | None = None, **rest: object
    ) -> httpx.Response:
        """Approve what a review was seen to be of."""
        sent = {"digest": review["digest"]} | rest
        return await (by or self.bob).ask("POST", f"/reviews/{review['id']}/approve", json=sent)

    async def state(self, review: Json) -> str:
        """Return the state of a review now."""
        found = await self.bob.ask("GET", f"/reviews/{review['id']}")
        return str(found.json()["state"])

    async def prove(self, given: Evidence) -> None:
        """Keep evidence, as a backtest that is done does."""
        house = self.served.app.house
        async with transaction(house.engine) as connection:
            now = datetime.now(UTC)
            await attach_evidence(connection, given, at=now, new_uuid=house.new_uuid)

    async def evidence(self, number: int = 2, *, base: int = 1, **rest: Any) -> Evidence:  # noqa: ANN401 - members of an evidence
        """Return evidence on one version against another: all of the past, nothing flips."""
        digests = [
            (await self.ann.ask("GET", f"/versions/{each}")).json()["digest"]
            for each in (number, base)
        ]
        backtest_id = self.served.app.house.new_uuid(datetime.now(UTC))
        known = evidence(digest=digests[0], base_digest=digests[1], base_version=base)
        return replace(known, backtest_id=backtest_id, **rest)


async def author(served: Served, person: str, *scopes: str) -> Author:
    """Return somebody with a key of their own."""
    return Author(served, await served.new_key(*(scopes or EVERYTHING), person=person))


def evidence(**rest: Any) -> Evidence:  # noqa: ANN401 - members of an evidence
    """Return what a backtest over a hundred decisions found: nothing flips."""
    now = datetime.now(UTC)
    known: Json = {
        "rule_set": "small_leads",
        "digest": "",
        "base_digest": "",
        "base_version": 1,
        "backtest_id": None,
        "against": "decisions",
        "since": None,
        "until": now,
        "total": 100,
        "replayed": 100,
        "flips": 0,
        "unseen": 0,
        "revenue": None,
        "revenue_unknown": None,
        "revenue_attribute": None,
        "revenue_unit": None,
    }
    return Evidence(**known | rest)
